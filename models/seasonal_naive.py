"""The seasonal-naive forecast as a whole, so that the worth of a better mean can be measured.

Quantiles, windows and dependence are made as the model's are, around the last value at the same place
in the season.

Not here: the naive mean (``baselines``) or the calibration (``calibration``).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.artifact import DemandModel
from models.calibration import calibrate
from models.predict import around


def seasonal_naive(demand: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the last known value at the target's place in the season.

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
    """Return simple exponential smoothing, level ← level + α (y − level); unknown periods leave it.

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


_RECENT_PERIODS = 91
_FLOOR_RATE, _LOWEST_UNITS = 0.1, 0.01  # spread is relative to the mean, so a mean of 0 would have none


def naive_forecast(
    demand: np.ndarray, matrix: FeatureMatrix, settings: Settings, as_of: date
) -> dict[str, pd.DataFrame]:
    """Return the frames `forecast`, `forecast_window` and `forecast_dependence` of ``as_of``.

    ``demand`` (n_series, n_history) is what was demanded before ``as_of``, NaN where unknown, in the order of
    ``matrix.series``; ``matrix`` holds every series × step, its features are not looked at. Where the history
    is too short to repeat a season before every calibration origin, the last value stands for all. Means
    below a tenth of the recent mean are raised to it.
    """
    season = settings.grid.season
    reach = settings.forecast.calibration_origins + settings.horizon
    if demand.shape[1] < season + reach:
        season = 1
    category = settings.series.hierarchy[-1] if settings.series.hierarchy else "sku"
    rows = _judged(demand, matrix, (season, category), settings)
    facts = {"tier": "seasonal_naive", "category": category, "calibration": calibrate(rows, settings)}
    mean = _mean(demand, settings.horizon, season)[matrix.series_code, matrix.step - 1]
    mean = np.where(matrix.is_sold, mean, 0.0)
    return around(DemandModel(settings.name, as_of, "", facts), matrix, mean, settings, as_of)


def _mean(demand: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the seasonal-naive means (n_series, horizon), never quite 0."""
    floor = _FLOOR_RATE * recent_mean(demand, horizon, _RECENT_PERIODS)
    return np.maximum(seasonal_naive(demand, horizon, season), np.maximum(floor, _LOWEST_UNITS))


def _judged(demand: np.ndarray, matrix: FeatureMatrix, way: tuple[int, str], settings: Settings) -> pd.DataFrame:
    """Return forecasts of past origins beside what came, one row per origin, series and step.

    Origins lie one period apart, the latest a whole horizon before the end.
    """
    season, category = way
    horizon, last = settings.horizon, demand.shape[1] - settings.horizon
    series = matrix.series
    keys = {name: np.repeat(series[name].to_numpy(object), horizon) for name in ("region", "sku")}
    keys["category"] = np.repeat(series[category].to_numpy(object), horizon)
    blocks = []
    for origin in range(max(1, last - settings.forecast.calibration_origins + 1), last + 1):
        block = {
            "origin": origin, "series": np.repeat(np.arange(len(series)), horizon),
            "step": np.tile(np.arange(1, horizon + 1), len(series)), **keys,
            "mean": _mean(demand[:, :origin], horizon, season).ravel(),
            "actual": demand[:, origin : origin + horizon].ravel(),
        }  # fmt: skip
        blocks.append(pd.DataFrame(block))
    return pd.concat(blocks, ignore_index=True)
