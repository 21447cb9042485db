"""Training: fit a model for calibration, learn its errors out of sample, fit the one that is kept."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.checkpoint import Checkpoints, recompute
from foundation.matrix import FeatureMatrix, TrainingSet
from foundation.settings import COMBINED, Settings
from models.backtest.metrics import bias, wape
from models.baselines import baselines
from models.calibration import apply_bias, bias_factors, calibrate, calibration_frame
from models.combination import Combination
from models.demand_model import DemandModel
from models.forecaster import FitData, Forecaster, kind_in_use
from models.means import OriginMeans


def train(training: TrainingSet, settings: Settings, as_of: date, checkpoints: Checkpoints = recompute) -> DemandModel:
    """Return the model trained on what was known at ``as_of``, with its out-of-sample metrics.

    The bias factors, the combination, the quantiles and the error correlations come from a calibration model. It is fitted
    with the same settings, but only on rows dated before the first calibration origin.

    Parameters
    ----------
    training
        Rows to fit and to calibrate on.
    settings
        ``forecast.model`` names the kind of model.
    as_of
        Training date; every target lies before it.
    checkpoints
        Called with a name and a function that computes a text. It may return the text that an interrupted training of the same
        model has computed before.

    Raises
    ------
    ConfigurationError
        For a model kind that is not registered.

    """
    kind = kind_in_use(settings)
    data = FitData(training, settings, checkpoints)
    is_fitted = bool((data.matrix.date < training.calibration_start).any())
    calibration_model = kind.fit(data, training.calibration_start) if is_fitted else None
    final_model = kind.fit(data, None)
    fit = data.matrix.without_values()
    del data
    origins = _calibration_origins(calibration_model, training, settings)
    category = settings.series.hierarchy[-1] if settings.series.hierarchy else "sku"
    learned = _learned(origins, (fit, category), training, settings, is_fitted)
    description = final_model.description()
    facts = learned | {
        "kind": kind.name, "features": list(fit.names), "families": list(fit.families), "drivers": list(fit.drivers),
        "categories": {name: list(values) for name, values in fit.categories.items()},
        "category": category, "period_days": settings.grid.days,
        "training": _training(fit, settings, training) | {key: value for key, value in description.items() if key != "given_up"},
        "given_up": [*training.given_up, *description.get("given_up", ())],
    }  # fmt: skip
    if training.unknown_features:
        facts["unknown_features"] = list(training.unknown_features)
    return DemandModel(settings.name, as_of, final_model, facts)


_Origins = list[tuple[FeatureMatrix, OriginMeans]]


def _calibration_origins(model: Forecaster | None, training: TrainingSet, settings: Settings) -> _Origins:
    """Return the components of the means of each calibration origin, next to its matrix without values."""
    return [
        (matrix.without_values(), OriginMeans.of(model, matrix, settings.forecast.threads, settings.grid.days))
        for matrix in training.calibration
    ]


def _learned(
    origins: _Origins, of: tuple[FeatureMatrix, str], training: TrainingSet, settings: Settings, is_usable: bool
) -> dict[str, object]:
    """Return the facts learned from the calibration origins: combination, bias, calibration and metrics.

    ``of`` is the fit matrix and the column of the category; ``is_usable`` says whether there was a row to fit the calibration
    model on.
    """
    fit, category = of
    combination = None
    if settings.forecast.model == COMBINED:
        judged = [means.with_actual(matrix.target) for matrix, means in origins]
        combination = Combination.fit(judged, settings.grid.days, is_usable)
    frames = [calibration_frame(matrix, means.model.reshape(-1), category) for matrix, means in origins]
    rows = pd.concat(frames, ignore_index=True).rename(columns={"mean": "model_mean"})
    rows["mean"] = np.concatenate([means.combined(combination) for _, means in origins])
    # Totals already determine the level. On M5, the bias that one horizon had beyond them did not last into the next.
    factors = {} if any(means.totals is not None for _, means in origins) else bias_factors(rows)
    rows["mean"] *= apply_bias(factors, fit.series, category)[rows["series"].to_numpy()]
    learned: dict[str, object] = {
        "bias": factors, "calibration": calibrate(rows, settings), "metrics": training_metrics(rows, training, settings)
    }  # fmt: skip
    if combination is not None:
        learned |= {"combination": combination.to_json(), "unit_shares": _unit_shares(combination, origins[-1][1])}
    return learned


def _unit_shares(combination: Combination, latest: OriginMeans) -> dict[str, float]:
    """Return the share of recent units that each combination of methods forecasts, largest first."""
    shares = latest.simple.level / max(latest.simple.level.sum(), 1e-9)
    by_methods = pd.Series(shares).groupby(combination.parts(latest.simple)).sum().sort_values(ascending=False)
    return {str(name): float(share) for name, share in by_methods.items()}


def training_metrics(rows: pd.DataFrame, training: TrainingSet, settings: Settings) -> dict[str, float]:
    """Return WAPE and bias of the forecast, of the model alone and of each baseline on the calibration rows.

    Parameters
    ----------
    rows
        Rows of ``calibration_frame`` with `mean` and `model_mean`.
    training
        Demand before the training date, which the baselines forecast from.
    settings
        The grid of periods.

    """
    actual = rows["actual"].to_numpy(float)
    forecasts = {"model": rows["mean"].to_numpy(float), "model_alone": rows["model_mean"].to_numpy(float)}
    known_baselines = baselines(settings.grid)
    forecasts |= {name: np.full(len(rows), np.nan) for name in known_baselines}
    for origin in np.unique(rows["origin"].to_numpy()):
        place = np.flatnonzero(rows["origin"].to_numpy() == origin)
        past = training.demand[:, : int((training.periods < origin).sum())]
        step = rows["step"].to_numpy()[place]
        for name, baseline in known_baselines.items():
            forecasts[name][place] = baseline(past, int(step.max()))[rows["series"].to_numpy()[place], step - 1]
    result = {}
    for name, mean in forecasts.items():
        known = np.isfinite(actual) & np.isfinite(mean)
        result[f"{name}_wape"] = wape(actual[known], mean[known])
        result[f"{name}_bias"] = bias(actual[known], mean[known])
    return {name: float(value) for name, value in result.items() if np.isfinite(value)}


def _training(fit: FeatureMatrix, settings: Settings, training: TrainingSet) -> dict[str, object]:
    return {
        "rows": fit.n_rows, "series": len(fit.series),
        "first_date": _day(fit.date.min()), "last_date": _day(fit.date.max()),
        "calibration_start": _day(training.calibration_start),
        "settings": settings.forecast.model_dump(mode="json", exclude={"threads"}),
    }  # fmt: skip


def _day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[D]"))
