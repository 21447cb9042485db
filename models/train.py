"""Training: grow a model for calibration, learn its errors out of sample, grow the one that is kept."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.effort import effort
from foundation.matrix import TrainingSet
from foundation.settings import Settings
from models.boosting import Learner, predict
from models.calibration import apply_bias, bias_factors, calibrate, calibration_frame
from models.model import DemandModel
from models.scores import training_metrics


def train(training: TrainingSet, settings: Settings, as_of: date) -> DemandModel:
    """Return the model trained on what was known at ``as_of``, with its out-of-sample metrics.

    The bias factors and quantiles come from a twin grown only on rows dated before the first
    calibration origin, with the same settings.
    """
    budget = effort(settings.forecast, training.fit.n_rows)
    learner = Learner(settings.forecast, budget.trees)
    dataset = learner.dataset(training.fit)
    before = np.flatnonzero(training.fit.date < training.calibration_start).astype(np.int32)
    twin = learner.grow(dataset, before) if len(before) else learner.grow(dataset)
    category = settings.series.hierarchy[-1] if settings.series.hierarchy else "sku"
    mean = predict(twin, training.calibration.values, settings.forecast.threads)
    rows = calibration_frame(training.calibration, mean, category)
    factors = bias_factors(rows)
    rows["mean"] *= apply_bias(factors, training.fit.series, category)[training.calibration.series_code]
    facts = {
        "features": list(training.fit.names), "families": list(training.fit.families),
        "categories": {name: list(values) for name, values in training.fit.categories.items()},
        "category": category, "bias": factors, "calibration": calibrate(rows, settings),
        "metrics": training_metrics(rows, training, settings),
        "training": _training(training, settings, budget.trees),
        "given_up": [*training.given_up, *budget.given_up],
    }  # fmt: skip
    return DemandModel(settings.name, as_of, learner.grow(dataset), facts)


def _training(training: TrainingSet, settings: Settings, trees: int) -> dict[str, object]:
    dates = pd.DatetimeIndex(training.fit.date)
    return {
        "rows": training.fit.n_rows, "trees": trees, "series": len(training.fit.series),
        "first_date": f"{dates.min():%Y-%m-%d}", "last_date": f"{dates.max():%Y-%m-%d}",
        "calibration_start": str(np.datetime64(training.calibration_start, "D")),
        "settings": settings.forecast.model_dump(mode="json"),
    }  # fmt: skip
