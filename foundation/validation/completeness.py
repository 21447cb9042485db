"""Deliveries that look cut short: a snapshot or a last period with far fewer rows than the ones before.

What is missing from a table counts as nothing in stock or nothing sold, and a plan would fill the hole. No rule is
broken, so these are warnings. Not here: files that end early (``foundation.store``) and periods without any row
(``timeline``).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.faults import KEYS_SHOWN
from foundation.periods import Frequency, as_timestamp, closed_periods

_LEAST_SHARE = 0.5
_DEVIATIONS = 4  # of a Poisson count: sales often have rows only where something was sold
_FEWEST_ROWS = 8  # usual ones, of which none may be left
_LOOKED_AT = 4
_WEEKS_BACK = 4


def compared_snapshots(days: pd.Series, counting: date) -> list[pd.Timestamp]:
    """Return the snapshot of ``counting`` and up to four before it, latest first; ``days`` has a row per stock row."""
    taken = days[days <= as_timestamp(counting)].drop_duplicates().sort_values(ascending=False)
    return list(taken.head(_LOOKED_AT + 1))


def thin_hubs(days: pd.Series, hubs: pd.Series) -> str | None:
    """Return what is wrong with the latest stock snapshot: hubs with under half the rows they usually have.

    Usual is the median of the snapshots before; a hub of less than eight rows is not spoken of. ``days`` and ``hubs`` hold
    a row each per stock row of the snapshots compared. None where nothing is wrong, or nothing is before.
    """
    counted = pd.crosstab(hubs.astype("str"), days)
    if counted.shape[1] < 2:
        return None
    found, usual = counted.iloc[:, -1], counted.iloc[:, :-1].median(axis=1)
    thin = _under(found, (_LEAST_SHARE * usual)[usual >= _FEWEST_ROWS])
    if not thin:
        return None
    return (
        f"stock.date: {counted.columns[-1]:%Y-%m-%d} has {_rows(found, thin)} rows of {_named(thin, 'hub')}, usually there are "
        f"{_rows(usual, thin)}; what is missing counts as nothing in stock; see that the snapshot came whole"
    )


def thin_regions(sales: pd.DataFrame, as_of: date, grid: Frequency, closed_days: tuple[str, ...]) -> str | None:
    """Return what is wrong with the last period of ``sales`` before ``as_of``: regions with under half their usual rows.

    Usual is the median of the four periods one to four weeks before it, as far as they were not closed; a region with
    less than 64 rows must lack more than chance takes, all of them with less than 18, and is not spoken of with less
    than eight. ``sales`` has `date` and `region`. None where nothing is wrong, or nothing is before.
    """
    last = grid.step(as_of, -1)
    back = pd.DatetimeIndex(
        [as_timestamp(grid.step(last, -week * 7 // grid.days)) for week in range(1, _WEEKS_BACK + 1)]
    )
    is_closed = closed_periods(pd.DatetimeIndex([as_timestamp(last), *back]), closed_days, grid)
    compared = back[~is_closed[1:] & (back >= sales["date"].min())]
    if is_closed[0] or compared.empty:
        return None
    rows = sales[sales["date"].isin([as_timestamp(last), *compared])]
    counted = rows.groupby(["region", "date"], observed=True).size().unstack(fill_value=0)
    found = counted.get(as_timestamp(last), pd.Series(0, index=counted.index))
    usual = counted.reindex(columns=compared, fill_value=0).median(axis=1)
    by_chance = np.maximum(usual - _DEVIATIONS * np.sqrt(usual), 1.0)
    thin = _under(found, np.minimum(_LEAST_SHARE * usual, by_chance)[usual >= _FEWEST_ROWS])
    if not thin:
        return None
    return (
        f"sales.date: {last} has {_rows(found, thin)} rows of {_named(thin, 'region')}, usually there are {_rows(usual, thin)}; "
        "what is missing counts as nothing sold; see that the sales came whole"
    )


def _under(found: pd.Series, least: pd.Series) -> list[str]:
    is_under = found.reindex(least.index, fill_value=0) < least
    return sorted(str(name) for name in least.index[is_under])


def _rows(counted: pd.Series, names: list[str]) -> int:
    by_name = counted.rename(index=str)
    return int(np.floor(by_name.reindex(names, fill_value=0).sum()))


def _named(names: list[str], what: str) -> str:
    first = ", ".join(names[:KEYS_SHOWN])
    return f"{what} {first}" if len(names) == 1 else f"{len(names)} {what}s, first {first}"
