"""Training: fit a model for calibration, learn its errors out of sample, fit the one that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from foundation.checkpoint import Checkpoints, recompute
from foundation.level_shift import find_shifts, stopped_since
from foundation.matrix import FeatureMatrix, TrainingSet
from foundation.settings import COMBINED, Settings
from models.backtest.metrics import bias, wape
from models.baselines import baselines
from models.calibration import apply_bias, bias_factors, calibrate, calibration_frame
from models.combination import CalibrationOrigin, Combination
from models.demand_model import DemandModel
from models.forecaster import FitData, Forecaster, ModelKind, kinds_in_use
from models.means import OriginMeans
from models.simple import METHODS
from models.totals import total_weights
from models.variance import History


def train(training: TrainingSet, settings: Settings, as_of: date, checkpoints: Checkpoints = recompute) -> DemandModel:
    """Return the model trained on what was known at ``as_of``, with its out-of-sample metrics.

    The bias factors, the combination, the quantiles and the error correlations come from a calibration model. It is fitted
    with the same settings, but only on rows dated before the first calibration origin.

    Parameters
    ----------
    training
        Rows to fit and to calibrate on.
    settings
        ``forecast.model`` and ``forecast.models`` name the kinds of models.
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
    kinds = kinds_in_use(settings)
    fit, fitted = _fitted(kinds, training, settings, checkpoints)
    final_models = tuple(model for _, model in fitted)
    origins = _calibration_origins([model for model, _ in fitted], training, settings)
    category = settings.series.hierarchy[-1] if settings.series.hierarchy else "sku"
    learned = _learned(origins, (fit, category), training, settings, any(model is not None for model, _ in fitted))
    description = _description(final_models)
    facts = learned | {
        "kind": kinds[0].name, "features": list(fit.names), "families": list(fit.families), "drivers": list(fit.drivers),
        "categories": {name: list(values) for name, values in fit.categories.items()},
        "category": category, "period_days": settings.grid.days,
        "training": _training(fit, settings, training) | {key: value for key, value in description.items() if key != "given_up"},
        "given_up": [*training.given_up, *description.get("given_up", ())],
    }  # fmt: skip
    if curves := _curves(kinds, fitted):
        facts["curves"] = curves
    if len(kinds) > 1:
        facts["kinds"] = [kind.name for kind in kinds]
    if training.unknown_features:
        facts["unknown_features"] = list(training.unknown_features)
    return DemandModel(settings.name, as_of, final_models, facts)


# Rows with a forecast of the model itself from which on it is calibrated on them alone.
_FEWEST_MODEL_ROWS, _LEAST_MODEL_SHARE = 200, 0.1
_BROKEN_DAYS = 84  # recent units: the four weeks of a shift and the eight before
_Origins = list[tuple[FeatureMatrix, OriginMeans]]
_Fitted = list[tuple[Forecaster | None, Forecaster]]


def _fitted(
    kinds: tuple[ModelKind, ...], training: TrainingSet, settings: Settings, checkpoints: Checkpoints
) -> tuple[FeatureMatrix, _Fitted]:
    """Return the fit matrix without values, and the calibration model (None without a row for it) and final model of each kind."""
    matrix = training.fit()
    bare = matrix.without_values()
    is_fitted = bool((matrix.date < training.calibration_start).any())
    result: _Fitted = []
    for number, kind in enumerate(kinds):
        kept = checkpoints if len(kinds) == 1 else _prefixed(checkpoints, kind.name)
        data = FitData(training, settings, kept, matrix)
        if number == len(kinds) - 1:
            del matrix  # so that the last kind can release the values
        result.append((kind.fit(data, training.calibration_start) if is_fitted else None, kind.fit(data, None)))
    return bare, result


def _prefixed(checkpoints: Checkpoints, kind: str) -> Checkpoints:
    """Return ``checkpoints`` under names that no other kind uses."""
    return lambda name, compute: checkpoints(f"{kind}-{name}", compute)


def _curves(kinds: tuple[ModelKind, ...], fitted: _Fitted) -> dict[str, list[list[float]]]:
    """Return the learning curves `<kind>/calibration/<name>` and `<kind>/final/<name>`; pairs of iteration and value."""
    return {
        f"{kind.name}/{label}/{name}": [list(point) for point in points]
        for kind, (before, final) in zip(kinds, fitted, strict=True)
        for label, model in (("calibration", before), ("final", final))
        if model is not None
        for name, points in model.curves().items()
    }


def _description(models: tuple[Forecaster, ...]) -> dict[str, Any]:
    """Return the descriptions of all models in one; the first model that states a fact wins, `given_up` are added up."""
    result: dict[str, Any] = {}
    for description in [model.description() for model in models]:
        given_up = [*result.get("given_up", ()), *description.get("given_up", ())]
        result = description | result | {"given_up": given_up}
    return result


def _calibration_origins(models: Sequence[Forecaster | None], training: TrainingSet, settings: Settings) -> _Origins:
    """Return the components of the means of each calibration origin, next to its matrix without values."""
    return [
        (matrix.without_values(), OriginMeans.of(models, matrix, settings.forecast.threads, settings.grid.days))
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
    combination = carrier = None
    kinds = kinds_in_use(settings)
    is_broken = broken_series(training.demand, settings.grid.days)
    unforeseen = _unforeseen(origins)
    judged = [
        means.with_actual(np.where(is_broken[matrix.series_code] | new, np.float32(np.nan), matrix.target))
        for (matrix, means), new in zip(origins, unforeseen, strict=True)
    ]
    if settings.forecast.model == COMBINED:
        names = tuple(kind.name for kind in kinds)
        combination = Combination.fit(judged, settings.grid.days, names, is_usable, settings.horizon)
    else:
        carrier = best_method(judged)
    frames = [calibration_frame(matrix, means.models[0].reshape(-1), category) for matrix, means in origins]
    rows = pd.concat(frames, ignore_index=True).rename(columns={"mean": "model_mean"})
    rows["mean"] = np.concatenate([means.combined(combination, carrier) for _, means in origins])
    # Totals already determine the level. On M5, the bias that one horizon had beyond them did not last into the next.
    has_level = any(means.totals is not None for _, means in origins) or (combination is None and kinds[0].keeps_means)
    foreseen = ~np.concatenate([*unforeseen, np.zeros(0, bool)])
    factors = {} if has_level else bias_factors(rows[foreseen])
    rows["mean"] *= apply_bias(factors, fit.series, category)[rows["series"].to_numpy()]
    calibration = calibrate(_calibration_rows(rows[foreseen]), settings, _histories(origins, settings))
    learned: dict[str, Any] = {
        "bias": factors, "calibration": calibration,
        "metrics": training_metrics(rows, training, settings),
    }  # fmt: skip
    latest = origins[-1][0].totals if origins else None
    if latest is not None and origins[-1][1].totals is not None:
        learned["totals"] = total_weights(latest, settings.grid.days)
    if combination is None:
        return learned | {"carrier": carrier}
    metrics = learned["metrics"] | part_metrics(judged, combination)
    shares = _unit_shares(combination, origins[-1][1])
    return learned | {"combination": combination.to_json(), "unit_shares": shares, "metrics": metrics}


def broken_series(demand: np.ndarray, days: int) -> np.ndarray:
    """Return the series that no method could have forecast, bool (n_series): level shifts and ends of sales of late.

    They would decide the weights of all others by chance. Where they hold half of the recent units or more, none is left out.

    Parameters
    ----------
    demand : float array (n_series, n_history)
        Units per period before the training date, NaN where unknown.
    days
        Length of a period in days, 1 or 7.
    """
    is_broken = find_shifts(demand, days).is_shifted | (stopped_since(demand, days) >= 0)
    recent = np.nansum(demand[:, -_BROKEN_DAYS // days :], axis=1)
    return is_broken if 2 * recent[is_broken].sum() < recent.sum() else np.zeros(len(demand), bool)


def _unforeseen(origins: _Origins) -> list[np.ndarray]:
    """Return the rows of each calibration origin whose series began after it, bool (n_rows) each.

    Their errors are not those of the forecast, which knows every series that has begun. Where hardly any other row has a known target,
    all are kept.
    """
    result = [matrix.history == 0 for matrix, _ in origins]
    others = sum(
        int((np.isfinite(matrix.target) & ~new).sum()) for (matrix, _), new in zip(origins, result, strict=True)
    )
    return result if others >= _FEWEST_MODEL_ROWS else [np.zeros_like(new) for new in result]


def _calibration_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to calibrate on: those with a forecast of the model alone, where there are enough of them.

    A model without a forecast of its own (`model_mean` NaN) on most rows is calibrated on the errors of the simple method that
    carries them: a spread that the model should not exceed.
    """
    has_model = rows["model_mean"].notna()
    if has_model.all():
        return rows
    n_rows = int((has_model & rows["actual"].notna()).sum())
    is_enough = n_rows >= max(_FEWEST_MODEL_ROWS, _LEAST_MODEL_SHARE * rows["actual"].notna().sum())
    return rows[has_model if is_enough else ~has_model]


def best_method(origins: Sequence[CalibrationOrigin]) -> str:
    """Return the simple method with the least absolute error over the calibration origins; `recent_mean` without demand."""
    errors = np.zeros(len(METHODS))
    for one in origins:
        known = np.isfinite(one.actual)
        errors += [np.abs(mean - one.actual)[known].sum(dtype=np.float64) for mean in one.simple.means]
    return METHODS[int(errors.argmin())] if errors.any() else "recent_mean"


def part_metrics(origins: Sequence[CalibrationOrigin], combination: Combination) -> dict[str, float]:
    """Return WAPE, bias and share of recent units of each part of the combination on the calibration origins.

    They are named ``part/<part>/wape``, ``part/<part>/bias`` and ``part/<part>/share``. The share is that of the weights, each
    series counting by its level. Without demand there are none.
    """
    known = [np.isfinite(one.actual) for one in origins]
    actual = np.concatenate([one.actual[inside] for one, inside in zip(origins, known, strict=True)]).astype(float)
    if not actual.sum() > 0:
        return {}
    level = origins[-1].simple.level
    shares = level @ combination.series_weights(origins[-1].simple) / max(level.sum(), 1e-9)
    result: dict[str, float] = {}
    for index, name in enumerate(combination.parts):
        mean = np.concatenate([one.means[index][inside] for one, inside in zip(origins, known, strict=True)])
        measured = {"wape": wape(actual, mean), "bias": bias(actual, mean), "share": shares[index]}
        result |= {f"part/{name}/{metric}": float(value) for metric, value in measured.items()}
    return result


def _histories(origins: _Origins, settings: Settings) -> dict[pd.Timestamp, History]:
    """Return the figures of the series' demand before each calibration origin."""
    return {
        pd.Timestamp(matrix.origin[0]): History.of(matrix.past, settings.grid.days)
        for matrix, _ in origins
        if matrix.past is not None and matrix.n_rows
    }


def _unit_shares(combination: Combination, latest: OriginMeans) -> dict[str, float]:
    """Return the share of recent units that each combination of methods forecasts, largest first."""
    shares = latest.simple.level / max(latest.simple.level.sum(), 1e-9)
    by_methods = pd.Series(shares).groupby(combination.methods(latest.simple)).sum().sort_values(ascending=False)
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
