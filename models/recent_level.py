"""Recent level of series: whether demand is regular enough for a model to learn ratios to it, and the level of each row."""

from __future__ import annotations

import numpy as np

from foundation.matrix import FeatureMatrix

_REGULAR = 0.4  # coefficient of variation up to which a series is regular
_DAYS, _RECENT_DAYS, _WEEK_DAYS = 56, 28, 7
_LEAST = 1e-3  # of the usual level: the lowest one that ratios refer to


def is_regular_demand(demand: np.ndarray, days: int) -> bool:
    """Return whether the standard deviation over the last 8 weeks is at most 0.4 of the mean in most series.

    Parameters
    ----------
    demand : float array (n_series, n_history)
        Units per period, NaN where unknown.
    days
        Length of a period in days, 1 or 7.
    """
    recent = demand[:, -_DAYS // days :].astype(np.float64)
    count = np.maximum(np.isfinite(recent).sum(axis=1), 1)
    mean = np.nansum(recent, axis=1) / count
    deviation = np.sqrt(np.nansum((recent - mean[:, None]) ** 2, axis=1) / count)
    has_sold = mean > 0
    return bool(has_sold.any() and np.median(deviation[has_sold] / mean[has_sold]) <= _REGULAR)


def level_feature(matrix: FeatureMatrix) -> int:
    """Return the column of the mean of the last 28 days; −1 without it."""
    names = (f"mean_{_RECENT_DAYS}", f"mean_{_RECENT_DAYS // _WEEK_DAYS}")
    return next((matrix.names.index(name) for name in names if name in matrix.names), -1)


def usual_level(matrix: FeatureMatrix) -> float:
    """Return the median of the recent levels above 0 in units, 0 without any; a mean would be that of the largest series."""
    level = matrix.values[:, level_feature(matrix)]
    return float(np.median(level[level > 0])) if (level > 0).any() else 0.0


def recent_level(matrix: FeatureMatrix, usual: float) -> np.ndarray:
    """Return the recent level of each row's series in units, float64 (n_rows), > 0; ``usual`` where it is unknown."""
    level = matrix.values[:, level_feature(matrix)].astype(np.float64)
    return np.maximum(np.where(np.isnan(level), usual, level), _LEAST * usual)
