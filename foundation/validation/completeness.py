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
_LEAST_ROWS = 10  # of a hub that was stocked for real
_DEVIATIONS = 4  # of a Poisson count: sales often have rows only where something was sold
_WEEKS_BACK = 4


def thin_hubs(days: pd.Series, hubs: pd.Series, counting: date) -> str | None:
    """Return what is wrong with the stock snapshot of ``counting``: hubs with under half the rows of the one before.

    ``days`` and ``hubs`` hold a row each per stock row of any snapshot. None where nothing is, or nothing is before.
    """
    before = days[days < as_timestamp(counting)].max()
    if pd.isna(before):
        return None
    usual, found = hubs[days == before].value_counts(), hubs[days == as_timestamp(counting)].value_counts()
    thin = _under(found, _LEAST_SHARE * usual[usual >= _LEAST_ROWS])
    if not thin:
        return None
    return (
        f"stock.date: {counting} has {_rows(found, thin)} rows of {_named(thin, 'hub')}, {before:%Y-%m-%d} had "
        f"{_rows(usual, thin)}; what is missing counts as nothing in stock; see that the snapshot came whole"
    )


def thin_regions(sales: pd.DataFrame, as_of: date, grid: Frequency, closed_days: tuple[str, ...]) -> str | None:
    """Return what is wrong with the last period of ``sales`` before ``as_of``: regions with under half their usual rows.

    Usual is the median of the four periods one to four weeks before it, as far as they were not closed; a region with
    few rows must lack more than chance takes. ``sales`` has `date` and `region`. None where nothing is wrong, or
    nothing is before.
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
    thin = _under(found, np.minimum(_LEAST_SHARE * usual, usual - _DEVIATIONS * np.sqrt(usual)))
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
