"""The panel: all series on one grid of periods, as dense arrays, with its events and the mean demand of its groups.

A column is a period and a row is a series, so a date gap cannot shift a lag and a lag cannot cross series. Public holidays of
``series.country_holidays`` join the events of the table. Means of groups (the SKU over all regions, the region, and region × each
hierarchy column) are over the series with a known value, so a group does not jump when a series starts or is out of stock. Workers compute the
features of some series at a time from parts of the panel: a part has the arrays of its series and shares everything that is pooled over series.
Not here: building a panel from tables (``panel_builder``), features (``families``), where parts are computed (``pipeline.predicted_matrix``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import holidays
import numpy as np
import pandas as pd
from scipy import sparse

from features.external import ExternalForecast
from features.grid import Grid, codes_of
from foundation.errors import ConfigurationError
from foundation.periods import Frequency
from foundation.settings import Settings

_CHUNK = 128
LOOKBACK_DAYS = 400  # the longest window of any feature (364 days) and a little more
_BY_SERIES = (
    "region_code", "demand", "units_sold", "in_stock_rate", "first_period", "last_period", "price", "is_promoted", "returned",
)  # fmt: skip


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


@dataclass(frozen=True)
class Group:
    """A grouping of series.

    Attributes
    ----------
    code
        Group of each series, int32 (n_series).
    mean
        Mean demand per period, float32 (n_groups, n_history), NaN where unknown.

    """

    code: np.ndarray
    mean: np.ndarray


def build_groups(demand: np.ndarray, series: pd.DataFrame, hierarchy: tuple[str, ...]) -> dict[str, Group]:
    """Return the groups of a panel by name: `sku`, `region`, then `region_<hierarchy column>`.

    Parameters
    ----------
    demand : float32 array (n_series, n_history)
        Units per period, NaN where unknown.
    series
        Frame (n_series) with `region`, `sku` and the columns of ``hierarchy``.
    hierarchy
        Hierarchy columns.
    """
    keys = {"sku": ["sku"], "region": ["region"]} | {f"region_{name}": ["region", name] for name in hierarchy}
    codes = {name: series.groupby(by, sort=True).ngroup().to_numpy(np.int32) for name, by in keys.items()}
    return {name: Group(code, group_means(demand, code)) for name, code in codes.items()}


def group_means(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return the means of known values by group, float32 (n_groups, n_periods); NaN where none is known.

    Parameters
    ----------
    values : float array (n_series, n_periods)
        Values, NaN where unknown.
    code : int32 array (n_series)
        Group of each series.
    """
    member = sparse.csr_matrix((np.ones(len(code), np.float32), (code, np.arange(len(code)))))
    means = np.empty((member.shape[0], values.shape[1]), np.float32)
    for start in range(0, values.shape[1], _CHUNK):  # bounds the memory of the filled copy
        part = values[:, start : start + _CHUNK]
        known = np.isfinite(part)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = member @ np.where(known, part, np.float32(0))
            means[:, start : start + _CHUNK] = total / (member @ known.astype(np.float32))
    return means


@dataclass(frozen=True)
class Totals:
    """Totals of region × kind, with a longer history than single series.

    Attributes
    ----------
    panel
        The panel of the totals; its demand is divided by ``scale``.
    scale
        Mean units per period, float64 (n_totals).
    code
        The total of each series, int32 (n_series), −1 for none.
    is_covered
        Whether the series add up to the total, bool (n_totals).

    """

    panel: Panel
    scale: np.ndarray
    code: np.ndarray
    is_covered: np.ndarray


@dataclass(frozen=True)
class Panel:
    """Series × periods. Column ``n_history`` is the first forecast period, ``as_of``.

    Attributes
    ----------
    frequency
        Days or weeks.
    periods
        First days of the periods, datetime64[us] (n_history + horizon).
    n_history, horizon
        Number of known and of forecast periods.
    series
        Frame (n_series) sorted by region and SKU: `region`, `sku`, the hierarchy columns and the numeric attributes. The
        position is the series code.
    region_code
        Position of each series' region in ``regions``, int32 (n_series).
    regions
        Names of the regions, sorted.
    demand
        Units demanded, float32 (n_series, n_history). NaN before the first row, in closed periods, in gaps of unknown demand,
        and in periods in which the SKU was not in stock all the time.
    units_sold
        Units sold, in stock or not, float32 (n_series, n_history); NaN as above.
    in_stock_rate
        Share of the period in stock, float32 (n_series, n_history); None if no table has it.
    first_period
        Column of the first sale, price or launch, int32 (n_series): negative before the panel, ``n_history`` for none.
    last_period
        First column in which the SKU is no longer sold, int32 (n_series).
    price, is_promoted
        Float32 (n_series, n_history + horizon), or None.
    mean_price
        Mean price over the regions, float32 (n_skus, n_history + horizon) by code of the group `sku`, or None.
    returned
        Units returned, float32 (n_series, n_history), or None.
    regional
        Columns of `regional` by name, float32 (n_regions, n_history + horizon); observed columns are NaN from ``as_of`` on.
    known_in_advance
        Names in ``regional`` that are known for the horizon.
    events
        Calendar events per region and period.
    is_closed
        Whether a period is closed, bool (n_history + horizon).
    static
        Names of the numeric attributes in ``series``.
    hierarchy
        Names of the hierarchy columns, finest first.
    everyone
        Mean demand of all series with a known value, float32 (n_history).
    groups
        Pooled demand by name of the group.
    totals
        Totals of the series' kind and region, None without.
    external
        The forecast made elsewhere, None where the settings do not read one.

    """

    frequency: Frequency
    periods: np.ndarray
    n_history: int
    horizon: int
    series: pd.DataFrame
    region_code: np.ndarray
    regions: tuple[str, ...]
    demand: np.ndarray
    units_sold: np.ndarray
    in_stock_rate: np.ndarray | None
    first_period: np.ndarray
    last_period: np.ndarray
    price: np.ndarray | None
    is_promoted: np.ndarray | None
    mean_price: np.ndarray | None
    returned: np.ndarray | None
    regional: dict[str, np.ndarray]
    known_in_advance: tuple[str, ...]
    events: Events
    is_closed: np.ndarray
    static: tuple[str, ...]
    hierarchy: tuple[str, ...]
    everyone: np.ndarray
    groups: dict[str, Group] = field(default_factory=dict)
    totals: Totals | None = None
    external: ExternalForecast | None = None

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.series)

    def days(self, days: int) -> int:
        """Return ``days`` in whole periods, at least one."""
        return max(days // self.frequency.days, 1)


def actual_demand(panel: Panel, sales: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return units demanded, float64 (n_series, horizon), of the panel's series from its ``as_of`` on.

    ``sales`` include the horizon. Demand is NaN in closed periods, after the delisting, in periods in which the SKU was not in
    stock all the time, before the first row of a series, and in gaps if ``series.missing_sales`` is unknown. Other gaps are 0.
    """
    codes = pd.MultiIndex.from_frame(panel.series[["region", "sku"]].astype("str"))
    first = panel.periods[panel.n_history].astype("datetime64[D]")
    ahead = (sales["date"].to_numpy("datetime64[D]") - first).astype(np.int64) // panel.frequency.days
    within = sales[(ahead >= 0) & (ahead < panel.horizon)]
    row = codes.get_indexer(pd.MultiIndex.from_frame(within[["region", "sku"]].astype("str")))
    known = row >= 0
    row, step = row[known], ahead[(ahead >= 0) & (ahead < panel.horizon)][known]
    first_step = np.full(panel.n_series, panel.horizon)
    np.minimum.at(first_step, row, step)
    first_step[np.isfinite(panel.units_sold).any(axis=1)] = 0
    result = np.full((panel.n_series, panel.horizon), np.nan)
    if settings.series.missing_sales == "zero":
        result[np.arange(panel.horizon) >= first_step[:, None]] = 0.0
    result[row, step] = within["units_sold"].to_numpy(float)[known]
    if "in_stock_rate" in within:
        in_stock = within["in_stock_rate"].fillna(1).to_numpy(float)[known]
        result[row, step] = np.where(in_stock >= 1, result[row, step], np.nan)
    period = panel.n_history + np.arange(panel.horizon)
    is_sold = ~panel.is_closed[period] & (period < panel.last_period[:, None])
    return np.where(is_sold, result, np.nan)


def categories(values: pd.Series) -> tuple[str, ...]:
    """Return the sorted distinct values."""
    return tuple(sorted(values.unique()))


@dataclass(frozen=True)
class SeriesRows:
    """Rows of a panel.

    Attributes
    ----------
    series
        Frame (n) with the columns of ``Panel.series``.
    arrays
        The arrays of the panel that have a row for each series, by name; None where the panel has none.
    groups
        Group of each series by name of the grouping, int32 (n).
    total
        Total of each series, int32 (n); None without totals.

    """

    series: pd.DataFrame
    arrays: dict[str, np.ndarray | None]
    groups: dict[str, np.ndarray]
    total: np.ndarray | None


def rows_of(panel: Panel, first: int, end: int) -> SeriesRows:
    """Return the series from ``first`` to before ``end``."""
    arrays = {name: getattr(panel, name) for name in _BY_SERIES}
    return SeriesRows(
        series=panel.series.iloc[first:end].reset_index(drop=True),
        arrays={name: None if rows is None else rows[first:end] for name, rows in arrays.items()},
        groups={name: group.code[first:end] for name, group in panel.groups.items()},
        total=None if panel.totals is None else panel.totals.code[first:end],
    )


def with_rows(panel: Panel, rows: SeriesRows) -> Panel:
    """Return the panel with ``rows`` in place of its series, and without an external forecast."""
    groups = {name: replace(group, code=rows.groups[name]) for name, group in panel.groups.items()}
    totals = panel.totals if panel.totals is None or rows.total is None else replace(panel.totals, code=rows.total)
    arrays: dict[str, Any] = {name: rows.arrays[name] for name in _BY_SERIES}
    return replace(panel, series=rows.series, groups=groups, totals=totals, external=None, **arrays)


def without_rows(panel: Panel) -> Panel:
    """Return the panel without series: what its parts share."""
    return with_rows(panel, rows_of(panel, 0, 0))
