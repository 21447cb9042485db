"""The out-of-sample figures a training carries, so that a promotion can be decided on them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foundation.matrix import TrainingSet
from foundation.settings import Settings
from models.accuracy import bias, wape
from models.baselines import exponential_smoothing, recent_mean, seasonal_naive


def training_metrics(rows: pd.DataFrame, training: TrainingSet, settings: Settings) -> dict[str, float]:
    """Return WAPE and bias of the forecast, of the booster alone and of each baseline on the calibration origins' rows."""
    season = settings.grid.season
    makers = {
        "seasonal_naive": lambda past, horizon: seasonal_naive(past, horizon, season),
        "recent_mean": lambda past, horizon: recent_mean(past, horizon, max(28 // settings.grid.days, 4)),
        "exponential_smoothing": lambda past, horizon: exponential_smoothing(past, horizon, 0.1),
    }
    actual = rows["actual"].to_numpy(float)
    made = {"model": rows["mean"].to_numpy(float), "booster": rows["model_mean"].to_numpy(float)}
    made |= {name: np.full(len(rows), np.nan) for name in makers}
    for origin in np.unique(rows["origin"].to_numpy()):
        place = np.flatnonzero(rows["origin"].to_numpy() == origin)
        past = training.demand[:, : int((training.periods < origin).sum())]
        step = rows["step"].to_numpy()[place]
        for name, make in makers.items():
            made[name][place] = make(past, int(step.max()))[rows["series"].to_numpy()[place], step - 1]
    found = {}
    for name, mean in made.items():
        known = np.isfinite(actual) & np.isfinite(mean)
        found[f"{name}_wape"] = wape(actual[known], mean[known])
        found[f"{name}_bias"] = bias(actual[known], mean[known])
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}
