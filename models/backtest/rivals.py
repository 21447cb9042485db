"""The baselines as methods: their means, and quantiles from their own errors on earlier origins.

Not here: the baselines' formulas (``models.baselines``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foundation.periods import Frequency
from foundation.settings import Settings
from models.backtest.outcome import Method
from models.backtest.sums import MeasuredSpread, normal_quantiles, root_mean_square
from models.baselines import exponential_smoothing, recent_mean, seasonal_naive

Baseline = Callable[[np.ndarray, int], np.ndarray]
_SMOOTHING = 0.1
_EARLIER_ORIGINS = 2


def baselines(frequency: Frequency) -> dict[str, Baseline]:
    """Return the baselines of a frequency by name, each from (demand, horizon) to means (n_series, horizon)."""
    month = max(28 // frequency.days, 4)
    return {
        "seasonal_naive": lambda demand, horizon: seasonal_naive(demand, horizon, frequency.season),
        "recent_mean": lambda demand, horizon: recent_mean(demand, horizon, month),
        "exponential_smoothing": lambda demand, horizon: exponential_smoothing(demand, horizon, _SMOOTHING),
    }


def rivals(demand: np.ndarray, settings: Settings) -> dict[str, Method]:
    """Return every baseline's forecast from ``demand`` (n_series, n_history), NaN where unknown.

    Quantiles are normal, as the industry's safety stocks are: the mean plus z times the root mean square of
    the baseline's errors on the two horizons before the origin, and for windows times √days.
    """
    return {name: _method(make, demand, settings) for name, make in baselines(settings.grid).items()}


def _method(make: Baseline, demand: np.ndarray, settings: Settings) -> Method:
    levels, horizon = settings.forecast.quantiles, settings.horizon
    mean = make(demand, horizon)
    errors = _earlier_errors(make, demand, horizon)
    deviation = root_mean_square(errors)
    windows = {}
    for days in settings.forecast.window_days:
        periods = days // settings.grid.days
        windows[days] = normal_quantiles(mean[:, :periods].sum(axis=1), deviation * np.sqrt(periods), levels)
    quantiles = normal_quantiles(mean, deviation[:, None], levels)
    return Method(mean, quantiles, windows, MeasuredSpread(levels, mean, errors))


def _earlier_errors(make: Baseline, demand: np.ndarray, horizon: int) -> np.ndarray:
    """Return the errors on the horizons that ended at the origin and one horizon before, (n_series, ≤ 2 horizons)."""
    ends = [demand.shape[1] - k * horizon for k in range(_EARLIER_ORIGINS)]
    parts = [
        demand[:, end - horizon : end] - make(demand[:, : end - horizon], horizon) for end in ends if end > horizon
    ]
    return np.concatenate(parts, axis=1) if parts else np.full((len(demand), 1), np.nan)
