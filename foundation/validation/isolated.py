"""Rows dated far from all others: a typing error in a year must not move a run by decades.

Here: which dates stand alone. Not here: what a run may see (``foundation.visibility``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_DAY_US = 86_400_000_000
_NOT_A_TIME = np.iinfo(np.int64).min
_LOOKED_AT = 200  # distinct dates from each end
_CERTAIN_DAYS = 180  # a few rows beyond a gap this long stand alone whatever the rate
_EXPECTED_ROWS = 20.0  # that a gap should have held before it counts as one
_FEW = 0.25  # of the usual rows on each date beyond the gap
_RATE_PERIODS = 56


def isolated(days: pd.Series, period_days: int) -> np.ndarray:
    """Say for each row of ``days`` (one per sales row, nulls allowed) whether it stands alone, before or after the others.

    A few rows stand alone beyond a gap in which, at the rate of the rows next to it, at least 20 rows should have come: fewer
    on each date than a quarter of that rate, or fewer in all than a twentieth of what the gap should have held where the
    gap is longer than half a year.
    """
    raw = days.to_numpy(dtype="datetime64[us]").astype("int64")
    is_dated = raw != _NOT_A_TIME
    if not is_dated.any():
        return np.zeros(len(days), dtype=bool)
    index = raw // (period_days * _DAY_US)
    low = index[is_dated].min()
    rows = np.bincount(index[is_dated] - low)  # a bin a period: validation has refused years beyond a few centuries
    dates = np.flatnonzero(rows) + low
    if len(dates) < 3:
        return np.zeros(len(days), dtype=bool)
    counts = rows[rows > 0]
    last = _end(dates, counts, period_days)
    first = -_end(-dates[::-1], counts[::-1], period_days)
    return np.asarray(is_dated & ((index > last) | (index < first)))


def _end(dates: np.ndarray, counts: np.ndarray, period_days: int) -> float:
    """Return the last of ``dates`` (in periods, ascending) that does not stand alone; ``counts`` holds the rows of each."""
    end = len(dates) - 1
    total = counts.sum()
    for place in range(len(dates) - 2, max(-1, len(dates) - 2 - _LOOKED_AT), -1):
        beyond = int(counts[place + 1 :].sum())
        if beyond * 2 > total:
            break
        gap = dates[place + 1] - dates[place] - 1
        near = dates > dates[place] - _RATE_PERIODS
        near[place + 1 :] = False
        rate = counts[near].sum() / (dates[place] - dates[near][0] + 1)
        expected = rate * gap
        is_few = beyond < _FEW * rate * (len(dates) - 1 - place)
        is_far = gap * period_days > _CERTAIN_DAYS and beyond * 20 < expected
        if expected >= _EXPECTED_ROWS and (is_few or is_far):
            end = place
    return float(dates[end])
