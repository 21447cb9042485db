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
from models.baselines import recent_mean, seasonal_naive
from models.calibration import calibrate
from models.model import DemandModel
from models.predict import around

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
