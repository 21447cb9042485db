"""Drift of inputs: the population stability index of recent values against earlier ones.

PSI = Σ (p − q) ln(p ÷ q) over the bins between the reference's deciles, where p is the recent share and q the reference share.
Missing values have a separate bin, so a column without values counts as drift. The reference is the same time of the previous
year, four weeks wider, if the history is long enough, and otherwise all periods before the window. A trend is not drift: the
index is the smaller of two, one against the reference and one against the reference scaled, row by row, by the growth over the
year before the window. Not here: the effect on the forecast (``accuracy``).

References
----------
N. Siddiqi, *Credit Risk Scorecards*, Wiley, 2006.

"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

_N_BINS = 10
_EMPTY_RATE = 1e-4  # an empty bin counts as this share; ln 0 would be infinite
_YEAR_DAYS, _MARGIN_DAYS = 364, 14  # whole weeks, so that weekdays agree
_EARLIER_WINDOWS = 4
_MOST_VALUES = 200_000


def stability_index(recent: np.ndarray, reference: np.ndarray) -> float:
    """Return the population stability index of recent values; 0 if neither side has a value.

    Parameters
    ----------
    recent, reference : float array of any shape
        Values, NaN where missing.

    Examples
    --------
    >>> float(round(stability_index(np.array([1.0, 2, 3, 4]), np.array([4.0, 3, 2, 1])), 6))
    0.0
    """
    recent, reference = recent.ravel(), reference.ravel()
    known = reference[np.isfinite(reference)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _N_BINS + 1)[1:-1])) if len(known) else np.empty(0)
    p, q = (np.maximum(_shares(values, edges), _EMPTY_RATE) for values in (recent, reference))
    return float(((p - q) * np.log(p / q)).sum())


def drift(columns: Mapping[tuple[str, str], np.ndarray], window: int, period_days: int) -> pd.DataFrame:
    """Return the rows of the table `drift` (without `as_of`): one per input column.

    `usual_stability_index` is the largest index of the four windows before, NaN where none fits.

    Parameters
    ----------
    columns
        Values by (table, column), float (n_rows, n_periods), up to the day of monitoring; NaN where missing.
    window
        Length of the window in periods.
    period_days
        Length of a period in days.
    """
    result = []
    for (table, column), values in sorted(columns.items()):
        indices = [
            _index_of(values, values.shape[1] - k * window, window, period_days) for k in range(_EARLIER_WINDOWS + 1)
        ]
        usual = [value for value in indices[1:] if np.isfinite(value)]
        result.append((table, column, indices[0], max(usual, default=np.nan)))
    frame = pd.DataFrame(result, columns=["table", "column", "stability_index", "usual_stability_index"])
    return frame[frame["stability_index"].notna()].reset_index(drop=True)


def _index_of(values: np.ndarray, end: int, window: int, period_days: int) -> float:
    """Return the index of the window that ends before column ``end``; NaN if no column lies before the window."""
    start = end - window
    if start <= 0:
        return float("nan")
    year, margin = _YEAR_DAYS // period_days, _MARGIN_DAYS // period_days
    first, last = start - year - margin, min(end - year + margin, start)
    recent = _every_nth_row(values[:, start:end])
    if first < 0:
        return stability_index(recent, _every_nth_row(values[:, :start]))
    reference = values[:, first:last]
    scaled = reference * _growth(values, start, window, year)
    return min(stability_index(recent, _every_nth_row(part)) for part in (reference, scaled))


def _growth(values: np.ndarray, start: int, window: int, year: int) -> np.ndarray:
    """Return the growth of each row's mean before column ``start`` over a year, float (n_rows, 1); 1 where either mean is 0."""
    now, year_ago = (_means(values[:, max(last - window, 0) : last]) for last in (start, start - year))
    is_known = (now > 0) & (year_ago > 0)
    return np.divide(now, year_ago, out=np.ones_like(now), where=is_known)[:, np.newaxis]


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of the known values of each row, 0 without any."""
    is_known = np.isfinite(values)
    sums = np.where(is_known, values, 0.0).sum(axis=1, dtype=np.float64)
    return sums / np.maximum(is_known.sum(axis=1), 1)


def _every_nth_row(values: np.ndarray) -> np.ndarray:
    """Return every n-th row, so that no more than about 200,000 values are binned."""
    return values[:: max(values.size // _MOST_VALUES, 1)]


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    known = values[np.isfinite(values)]
    # side="left": a value equal to an edge belongs to the bin below, which separates the values of a column with few of them
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.append(counts, len(values) - len(known)) / max(len(values), 1)
