"""Whether inputs still look as they did: the population stability index.

PSI = Σ (p − q) ln(p ÷ q) over bins of the reference's deciles, p the recent and q the reference share (Siddiqi 2006,
*Credit Risk Scorecards*); missing values have a bin of their own, so that a column that goes silent shows. The reference is the
same time of the year before, four weeks wider, where history reaches; else all before the window. A trend is no drift: the index is
the smaller of that and the one against the reference grown, row by row, as the window before had grown over its own year. Not
here: whether a forecast suffers (``accuracy``).
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
    """Return the population stability index of ``recent`` against ``reference`` (any shapes, NaN is missing).

    0 where both have no value at all.

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

    ``columns`` maps (table, column) to values (n_rows, n_periods) up to the day of monitoring; ``window`` is in
    periods. `usual_stability_index` is the largest index of the four windows before, NaN where none fits.
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
    """Return the index of the window that ends before column ``end``; NaN where nothing lies before it."""
    start = end - window
    if start <= 0:
        return float("nan")
    year, margin = _YEAR_DAYS // period_days, _MARGIN_DAYS // period_days
    first, last = start - year - margin, min(end - year + margin, start)
    recent = _thinned(values[:, start:end])
    if first < 0:
        return stability_index(recent, _thinned(values[:, :start]))
    reference = values[:, first:last]
    grown = reference * _growth(values, start, window, year)
    return min(stability_index(recent, _thinned(part)) for part in (reference, grown))


def _growth(values: np.ndarray, start: int, window: int, year: int) -> np.ndarray:
    """Return, (n_rows, 1), by what the mean before column ``start`` exceeds that of a year earlier; 1 where either is unknown or 0."""
    now, then = (_means(values[:, max(last - window, 0) : last]) for last in (start, start - year))
    is_known = (now > 0) & (then > 0)
    return np.divide(now, then, out=np.ones_like(now), where=is_known)[:, np.newaxis]


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each row, 0 where nothing is known."""
    is_known = np.isfinite(values)
    sums = np.where(is_known, values, 0.0).sum(axis=1, dtype=np.float64)
    return sums / np.maximum(is_known.sum(axis=1), 1)


def _thinned(values: np.ndarray) -> np.ndarray:
    """Return every n-th row, so that no more than about 200,000 values are binned."""
    return values[:: max(values.size // _MOST_VALUES, 1)]


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    known = values[np.isfinite(values)]
    # side left: the value of an edge belongs below it, so a column of few values is told apart
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.append(counts, len(values) - len(known)) / max(len(values), 1)
