"""Baselines: simple forecasts with which every score is compared.

Not here: the methods that are combined with a model (``models.simple``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foundation.periods import Frequency

Baseline = Callable[[np.ndarray, int], np.ndarray]
_SMOOTHING = 0.1


def baselines(frequency: Frequency) -> dict[str, Baseline]:
    """Return the baselines of a frequency by name.

    Each takes demand (n_series, n_history), NaN where unknown, and a horizon in periods, and returns mean units
    (n_series, horizon).
    """
    month = max(28 // frequency.days, 4)
    return {
        "seasonal_naive": lambda demand, horizon: seasonal_naive(demand, horizon, frequency.season),
        "recent_mean": lambda demand, horizon: recent_mean(demand, horizon, month),
        "exponential_smoothing": lambda demand, horizon: exponential_smoothing(demand, horizon, _SMOOTHING),
    }


def seasonal_naive(demand: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the last known value at the target's position in the season.

    >>> seasonal_naive(np.array([[1.0, 2, 3, 4, 5, np.nan]]), 4, 3)
    array([[4., 5., 3., 4.]])
    """
    n, length = demand.shape
    padded = np.pad(demand, ((0, 0), ((-length) % season, 0)), constant_values=np.nan)
    cycles = padded.reshape(n, -1, season)[:, ::-1]
    known = np.isfinite(cycles)
    latest = np.take_along_axis(cycles, known.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.nan_to_num(latest)[:, np.arange(horizon) % season].astype(float)


def recent_mean(demand: np.ndarray, horizon: int, periods: int = 28) -> np.ndarray:
    """Return the mean of the known values among the last ``periods``.

    >>> recent_mean(np.array([[9.0, 1, np.nan, 3]]), 2, 3)
    array([[2., 2.]])
    """
    tail = demand[:, -periods:]
    known = np.isfinite(tail)
    mean = np.where(known, tail, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.repeat(mean[:, None], horizon, axis=1)


def exponential_smoothing(demand: np.ndarray, horizon: int, alpha: float = 0.1) -> np.ndarray:
    """Return simple exponential smoothing, level ← level + α (y − level); unknown periods leave it as it is.

    The level starts at the first known value.

    >>> exponential_smoothing(np.array([[2.0, 4.0, np.nan, 3.0]]), 1, 0.5)
    array([[3.]])
    """
    level = np.full(len(demand), np.nan)
    for column in demand.T:
        known = np.isfinite(column)
        begun = known & np.isfinite(level)
        level = np.where(begun, level + alpha * (column - level), np.where(known, column, level))
    return np.repeat(np.nan_to_num(level)[:, None], horizon, axis=1)
