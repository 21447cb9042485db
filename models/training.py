"""Training: grow a model for calibration, learn its errors out of sample, grow the one that is kept."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.checkpoint import Checkpoints, recompute
from foundation.matrix import FeatureMatrix, TrainingSet
from foundation.settings import Settings
from foundation.training_budget import affordable_trees
from models.artifact import DemandModel
from models.backtest.metrics import bias, wape
from models.calibration import apply_bias, bias_factors, calibrate, calibration_frame
from models.combination import Combination
from models.lightgbm_tweedie import Binned, Boosters, Learner, OriginMeans
from models.reconciliation import base_units
from models.seasonal_naive import exponential_smoothing, recent_mean, seasonal_naive


def training_metrics(rows: pd.DataFrame, training: TrainingSet, settings: Settings) -> dict[str, float]:
    """Return WAPE and bias of the forecast, of the booster alone and of each baseline on the calibration origins' rows."""
    season = settings.grid.season
    makers = {
        "seasonal_naive": lambda past, horizon: seasonal_naive(past, horizon, season),
        "recent_mean": lambda past, horizon: recent_mean(past, horizon, max(28 // settings.grid.days, 4)),
        "exponential_smoothing": lambda past, horizon: exponential_smoothing(past, horizon, 0.1),
    }
    actual = rows["actual"].to_numpy(float)
    built = {"model": rows["mean"].to_numpy(float), "booster": rows["model_mean"].to_numpy(float)}
    built |= {name: np.full(len(rows), np.nan) for name in makers}
    for origin in np.unique(rows["origin"].to_numpy()):
        place = np.flatnonzero(rows["origin"].to_numpy() == origin)
        past = training.demand[:, : int((training.periods < origin).sum())]
        step = rows["step"].to_numpy()[place]
        for name, make in makers.items():
            built[name][place] = make(past, int(step.max()))[rows["series"].to_numpy()[place], step - 1]
    result = {}
    for name, mean in built.items():
        known = np.isfinite(actual) & np.isfinite(mean)
        result[f"{name}_wape"] = wape(actual[known], mean[known])
        result[f"{name}_bias"] = bias(actual[known], mean[known])
    return {name: float(value) for name, value in result.items() if np.isfinite(value)}


def train(training: TrainingSet, settings: Settings, as_of: date, checkpoints: Checkpoints = recompute) -> DemandModel:
    """Return the model trained on what was known at ``as_of``, with its out-of-sample metrics.

    ``checkpoints`` is asked for every booster by name, with what grows it: it may return the text an interrupted
    training of the same model grew before.

    The bias factors and quantiles come from a twin grown only on rows dated before the first
    calibration origin, with the same settings.
    """
    fit = training.fit()
    trees, given_up = affordable_trees(settings.forecast, fit.n_rows)
    learner = Learner.of_series(settings.forecast, trees)
    binned, fit = learner.dataset(fit), fit.without_values()
    twin, kept = _grow((learner, binned, fit), training.calibration_start, settings, checkpoints)
    del binned
    category = settings.series.hierarchy[-1] if settings.series.hierarchy else "sku"
    rows, combination, made_by = _out_of_sample(twin, training, settings, category)
    # Totals already hold the level; on M5 what one horizon was off by on top of them did not last into the next.
    factors = {} if twin.totals else bias_factors(rows)
    rows["mean"] *= apply_bias(factors, fit.series, category)[rows["series"].to_numpy()]
    facts = {
        "features": list(fit.names), "families": list(fit.families), "drivers": list(fit.drivers),
        "categories": {name: list(values) for name, values in fit.categories.items()},
        "category": category, "bias": factors, "combination": combination.to_json(), "made_by": made_by, "calibration": calibrate(rows, settings),
        "metrics": training_metrics(rows, training, settings),
        "training": _training(fit, settings, trees) | {"calibration_start": _day(training.calibration_start)},
        "given_up": [*training.given_up, *given_up],
    }  # fmt: skip
    if training.unknown_features:
        facts["unknown_features"] = list(training.unknown_features)
    return DemandModel(settings.name, as_of, kept.series, facts, kept.totals)


def _grow(
    of_series: tuple[Learner, Binned, FeatureMatrix], start: np.datetime64, settings: Settings, checkpoints: Checkpoints
) -> tuple[Boosters, Boosters]:
    """Return the twin, which has seen nothing dated from ``start`` on, and the one that is kept."""
    _, _, fit = of_series
    twin, kept = _pair("series", of_series, start, checkpoints)
    if fit.totals is None:
        return Boosters(twin, ""), Boosters(kept, "")
    learner = Learner.of_totals(settings.forecast)
    rows = learner.dataset(fit.totals.matrix, base_units(fit.totals))
    total_twin, total_kept = _pair("totals", (learner, rows, fit.totals.matrix), start, checkpoints)
    return Boosters(twin, total_twin), Boosters(kept, total_kept)


def _pair(
    name: str, of: tuple[Learner, Binned, FeatureMatrix], start: np.datetime64, checkpoints: Checkpoints
) -> tuple[str, str]:
    learner, rows, matrix = of
    before = np.flatnonzero(matrix.date < start).astype(np.int32)
    twin = checkpoints(f"{name}-twin", lambda: learner.grow(rows, before)) if len(before) else ""
    return twin, checkpoints(f"{name}-kept", lambda: learner.grow(rows))


def _out_of_sample(
    twin: Boosters, training: TrainingSet, settings: Settings, category: str
) -> tuple[pd.DataFrame, Combination, dict[str, float]]:
    """Return the calibration rows (see ``calibration_frame``), the combination, and the shares of units by what makes them."""
    frames, origins = [], []
    days = settings.grid.days
    for matrix in training.calibration:
        parts = OriginMeans.of(twin, matrix, matrix.values, settings.forecast.threads, days)
        frames.append(calibration_frame(matrix, parts.model.reshape(-1), category))
        origins.append((parts, parts.judged(matrix.target)))
    combination = Combination.fit([judged for _, judged in origins], days, bool(twin.series))
    rows = pd.concat(frames, ignore_index=True).rename(columns={"mean": "model_mean"})
    rows["mean"] = np.concatenate([parts.combined(combination) for parts, _ in origins])
    latest = origins[-1][0]
    shares = latest.simple.level / max(latest.simple.level.sum(), 1e-9)
    made_by = pd.Series(shares).groupby(combination.parts(latest.simple)).sum().sort_values(ascending=False)
    return rows, combination, {str(name): float(share) for name, share in made_by.items()}


def _training(fit: FeatureMatrix, settings: Settings, trees: int) -> dict[str, object]:
    return {
        "rows": fit.n_rows, "trees": trees, "series": len(fit.series),
        "first_date": _day(fit.date.min()), "last_date": _day(fit.date.max()),
        "settings": settings.forecast.model_dump(mode="json", exclude={"threads"}),
    }  # fmt: skip


def _day(at: np.datetime64) -> str:
    return str(at.astype("datetime64[D]"))
