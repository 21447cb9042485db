"""Rows dated far from all others: a typing error in a year must not move a run by decades.

Here: which dates stand alone. Not here: what a run may see (``foundation.known``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    at = ((days - pd.Timestamp("1900-01-01")).dt.days // period_days).to_numpy(dtype="float64", na_value=np.nan)
    dates, counts = np.unique(at[~np.isnan(at)], return_counts=True)
    if len(dates) < 3:
        return np.zeros(len(days), dtype=bool)
    last = _end(dates, counts, period_days)
    first = -_end(-dates[::-1], counts[::-1], period_days)
    with np.errstate(invalid="ignore"):
        return np.asarray((at > last) | (at < first))


def _end(dates: np.ndarray, counts: np.ndarray, period_days: int) -> float:
    """Return the last date (in periods) that does not stand alone; ``counts`` holds the rows of each of ``dates``."""
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
