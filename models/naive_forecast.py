"""The seasonal-naive forecast without any training: the forecast that a region falls back to, and a baseline of replays.

Quantiles, windows and error correlations are fitted as the model's are, around the last value at the same position in the
season. Not here: the naive mean (``models.baselines``), the calibration (``models.calibration``), and the model kind of that
name, which is trained and chosen like any other (``models.kinds.seasonal_naive``).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.baselines import recent_mean, seasonal_naive
from models.calibration import calibrate
from models.demand_model import DemandModel
from models.predict import forecast_around

_RECENT_PERIODS = 91
_FLOOR_RATE, _LOWEST_UNITS = 0.1, 0.01  # the spread is relative to the mean, so a mean of 0 would have none


def naive_forecast(
    demand: np.ndarray, matrix: FeatureMatrix, settings: Settings, as_of: date
) -> dict[str, pd.DataFrame]:
    """Return the frames `forecast`, `forecast_window` and `forecast_dependence` of ``as_of``.

    Where the history is too short to repeat a season before every calibration origin, the last value is used for all
    periods. Means below a tenth of the recent mean are raised to it.

    Parameters
    ----------
    demand
        Float (n_series, n_history), units demanded before ``as_of``, NaN where unknown, in the order of ``matrix.series``.
    matrix
        Every series × step; its features are not read.
    settings
        Horizon, season, quantile levels, windows and calibration origins.
    as_of
        Planning date.

    """
    season = settings.grid.season
    reach = settings.forecast.calibration_origins + settings.horizon
    if demand.shape[1] < season + reach:
        season = 1
    category = settings.series.hierarchy[-1] if settings.series.hierarchy else "sku"
    rows = _past_forecasts(demand, matrix, (season, category), settings)
    facts = {"tier": "seasonal_naive", "category": category, "calibration": calibrate(rows, settings)}
    mean = _mean(demand, settings.horizon, season)[matrix.series_code, matrix.step - 1]
    mean = np.where(matrix.is_sold, mean, 0.0)
    return forecast_around(DemandModel(settings.name, as_of, (), facts), matrix, mean, settings, as_of)


def _mean(demand: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the seasonal-naive means (n_series, horizon), never exactly 0."""
    floor = _FLOOR_RATE * recent_mean(demand, horizon, _RECENT_PERIODS)
    return np.maximum(seasonal_naive(demand, horizon, season), np.maximum(floor, _LOWEST_UNITS))


def _past_forecasts(demand: np.ndarray, matrix: FeatureMatrix, of: tuple[int, str], settings: Settings) -> pd.DataFrame:
    """Return forecasts of past origins next to the demand that followed, one row per origin, series and step.

    ``of`` is the season and the column of the category. Origins are one period apart, the latest a horizon before the end.
    """
    season, category = of
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
