"""Calendar events on the grid: the event and its type per region and period.

Public holidays of ``series.country_holidays`` join the events of the table. Not here: their features
(``families.calendar``).
"""

from __future__ import annotations

from dataclasses import dataclass

import holidays
import numpy as np
import pandas as pd

from features.grid import Grid, codes_of
from foundation.errors import ConfigurationError
from foundation.settings import Settings


@dataclass(frozen=True)
class Events:
    """Events per region and period. Of several events in a period, the alphabetically first name counts.

    Attributes
    ----------
    event, event_type
        Codes, int32 (n_regions, n_periods), −1 for none.
    names, types
        Texts of the codes: position = code.

    """

    event: np.ndarray
    event_type: np.ndarray
    names: tuple[str, ...]
    types: tuple[str, ...]


def build_events(tables: dict[str, pd.DataFrame], settings: Settings, regions: tuple[str, ...], grid: Grid) -> Events:
    """Return the events of the calendar table and of the configured countries' public holidays."""
    sources = [_public_holidays(country, tables["regions"], grid) for country in settings.series.country_holidays]
    if "calendar" in tables:
        sources.append(tables["calendar"])
    columns = ["date", "event", "region", "event_type"]
    rows = (
        pd.concat([source.reindex(columns=columns).astype({"event": str}) for source in sources]) if sources else None
    )
    shape = (len(regions), grid.n_periods)
    event, event_type = (np.full(shape, -1, dtype=np.int32) for _ in range(2))
    if rows is None:
        return Events(event, event_type, (), ())
    rows = rows.sort_values(["event", "date"], ascending=[False, True], kind="stable")
    column = grid.column(rows["date"])
    rows, column = rows[(column >= 0) & (column < grid.n_periods)], column[(column >= 0) & (column < grid.n_periods)]
    names, types = sorted(rows["event"].unique()), sorted(rows["event_type"].dropna().astype(str).unique())
    code, kind = (codes_of(rows[c], pd.Index(known)) for c, known in (("event", names), ("event_type", types)))
    region = codes_of(rows["region"], pd.Index(regions))
    everywhere = rows["region"].isna().to_numpy()
    for index in range(len(rows)):  # a few hundred rows at most
        where = slice(None) if everywhere[index] else region[index]
        event[where, column[index]], event_type[where, column[index]] = code[index], kind[index]
    return Events(event, event_type, tuple(names), tuple(types))


def _public_holidays(country: str, regions: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """Return the country's holidays as calendar rows, for the regions of that country; without `regions.country`, for all regions."""
    years = range(pd.Timestamp(grid.periods[0]).year, pd.Timestamp(grid.periods[-1]).year + 2)
    try:
        days = holidays.country_holidays(country, years=years)
    except NotImplementedError:
        raise ConfigurationError(f"series.country_holidays: {country!r} is not known to the holidays library") from None
    rows = pd.DataFrame({"date": pd.to_datetime(list(days)).as_unit("us"), "event": list(days.values())})
    rows["event_type"] = "public_holiday"
    if "country" not in regions or regions["country"].isna().all():
        return rows
    of_country = regions.loc[regions["country"] == country, ["region"]]
    return rows.merge(of_country, how="cross")
