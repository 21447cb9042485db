"""Forecasting: a model and a forecast matrix become the three forecast tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from foundation.demand_distribution import distribution_named
from foundation.errors import ConfigurationError
from foundation.level_shift import find_shifts, stopped_since
from foundation.matrix import FeatureMatrix
from foundation.periods import as_timestamp
from foundation.settings import EXTERNAL, Settings, quantile_columns
from models.calibration import Spread, apply_bias
from models.combination import Combination
from models.demand_model import DemandModel
from models.distribution import Margins, quantiles
from models.external import with_external
from models.means import OriginMeans
from models.simple import simple_means
from models.support import Support
from models.variance import History, Past

SHIFT = "level_shift"  # tier of series that are forecast at the level since a shift
_NEW_PERIODS = 28
_NEW_SPREAD = 2.0  # φ of series with fewer known periods is doubled


def forecast(model: DemandModel, matrix: FeatureMatrix, settings: Settings, as_of: date) -> dict[str, pd.DataFrame]:
    """Return the frames `forecast`, `forecast_window` and `forecast_dependence` of ``as_of``.

    Rows are sorted by region, sku and date (or window).

    Parameters
    ----------
    model
        A trained model.
    matrix
        Every series × step.
    settings
        Quantile levels, windows and the grid of periods.
    as_of
        Planning date, the first day that is forecast.

    Raises
    ------
    ConfigurationError
        When the model was calibrated for other quantile levels.

    """
    levels = settings.forecast.quantiles
    if list(levels) != model.facts["calibration"]["levels"]:
        raise ConfigurationError("forecast.quantiles: the model was calibrated for other levels; train it again")
    frames = forecast_around(model, matrix, means(model, matrix, settings.forecast.threads), settings, as_of)
    return with_external(frames, model, matrix, settings) if model.kinds == (EXTERNAL,) else frames


def forecast_around(
    model: DemandModel, matrix: FeatureMatrix, mean: np.ndarray, settings: Settings, as_of: date
) -> dict[str, pd.DataFrame]:
    """Return the frames of ``forecast`` around given means (n_rows) in units, with the calibration of ``model``.

    The tier names the methods behind a row; it ends in `_new` for series with fewer than 28 known periods.
    """
    around = _Around.of(model, matrix, mean, settings)
    return {
        "forecast": _periods(around).assign(as_of=as_timestamp(as_of)),
        "forecast_window": _windows(around).assign(as_of=as_timestamp(as_of)),
        "forecast_dependence": _error_correlation(model, matrix.series).assign(as_of=as_timestamp(as_of)),
    }


def tiers(model: DemandModel, matrix: FeatureMatrix) -> np.ndarray:
    """Return the tier of each row, text (n_rows): the methods behind it, and `_new` for fewer than 28 known periods."""
    name = _methods(model, matrix)
    return np.where(matrix.history < _NEW_PERIODS, name + "_new", name)


@dataclass(frozen=True)
class _Around:
    """Means of every series × step, and what their distribution is read from.

    ``mean`` float (n_rows) in units, ``is_new`` bool (n_rows), ``tier`` text (n_rows); ``history`` holds the figures of the
    series' demand before the origin, None where the matrix has no past.
    """

    model: DemandModel
    matrix: FeatureMatrix
    settings: Settings
    mean: np.ndarray
    is_new: np.ndarray
    tier: np.ndarray
    history: History | None

    @classmethod
    def of(cls, model: DemandModel, matrix: FeatureMatrix, mean: np.ndarray, settings: Settings) -> _Around:
        is_new = matrix.history < _NEW_PERIODS
        history = None if matrix.past is None else History.of(matrix.past, settings.grid.days)
        return cls(model, matrix, settings, mean, is_new, tiers(model, matrix), history)

    def margins(self, values: dict, rows: np.ndarray, mean: np.ndarray, periods: int = 1) -> tuple[Spread, Margins]:
        """Return the calibrated spread of ``values`` and the margins of the rows at these positions.

        ``mean`` holds their means; with more than one of the ``periods``, each is a sum that starts at the row.
        """
        calibration, matrix = self.model.facts["calibration"], self.matrix
        spread = Spread.from_json(values, Support.from_json(calibration.get("support")))
        code, factor = matrix.series_code[rows], np.where(self.is_new[rows], _NEW_SPREAD, 1.0)
        step = matrix.step[rows] if periods == 1 else np.full(len(rows), periods)
        past = None if self.history is None else Past(self.history, code, step, periods, factor)
        of_sku = spread.dispersion.factors(matrix.series, self.model.facts["category"])[code]
        return spread, spread.margins(matrix.series["sku"].iloc[code], mean, of_sku * factor, past)


def _methods(model: DemandModel, matrix: FeatureMatrix) -> np.ndarray:
    """Return the names of the methods behind each row's mean, text (n_rows): those of the combination, or the model kind."""
    combination = combination_of(model)
    if combination is None or matrix.past is None:
        names = np.full(matrix.n_rows, model.facts.get("tier", model.facts.get("kind")), object)
        if matrix.external is not None:
            names[~np.isfinite(matrix.external.mean.reshape(-1))] = model.facts["carrier"]
        return names
    simple = simple_means(matrix.past, 1, combination.days)
    return np.where(simple.is_shifted, SHIFT, combination.methods(simple)).astype(object)[matrix.series_code]


def shift_note(matrix: FeatureMatrix, days: int) -> str | None:
    """Return the finding on series whose level has shifted lately, the largest named; None without any."""
    if matrix.past is None or not (shifts := find_shifts(matrix.past, days)).is_shifted.any():
        return None
    recent = np.where(shifts.is_shifted, np.nan_to_num(matrix.past[:, -28 // days :]).sum(axis=1), -1.0)
    first = int(recent.argmax())
    since = matrix.origin.min() - np.timedelta64(int((matrix.past.shape[1] - shifts.start[first]) * days), "D")
    name = f"{matrix.series['sku'].iloc[first]} in {matrix.series['region'].iloc[first]}"
    return (
        f"{int(shifts.is_shifted.sum()):,} of {len(matrix.series):,} series changed their level lately, the largest {name}: x "
        f"{shifts.ratio[first]:.2g} since {str(since)[:10]}. They are forecast at the level since then (tier level_shift); "
        "whether it lasts is not in the data: check their proposals by hand."
    )


def stop_note(matrix: FeatureMatrix, days: int) -> str | None:
    """Return the finding on series that sold regularly and sell nothing lately, the largest named; None without any."""
    if matrix.past is None:
        return None
    since = stopped_since(matrix.past, days)
    if not (since >= 0).any():
        return None
    units = [
        np.nansum(past[max(start - 56 // days, 0) : start]) if start >= 0 else -1.0
        for past, start in zip(matrix.past, since, strict=True)
    ]
    first = int(np.argmax(units))
    day = matrix.origin.min() - np.timedelta64(int((matrix.past.shape[1] - since[first]) * days), "D")
    name = f"{matrix.series['sku'].iloc[first]} in {matrix.series['region'].iloc[first]}"
    return (
        f"{int((since >= 0).sum()):,} of {len(matrix.series):,} series that sold regularly sell nothing lately, the largest {name} since "
        f"{str(day)[:10]}. Where they were out of stock, give sales.in_stock_rate; where they are no longer sold, give skus.delist_date; "
        "until then their forecast mixes both."
    )


def means(model: DemandModel, matrix: FeatureMatrix, threads: int) -> np.ndarray:
    """Return the mean of each row in units, float32 (n_rows), 0 where nothing is sold.

    It is combined, reconciled to totals and bias-corrected, in this order. ``matrix`` holds every series × step.
    """
    return corrected(model, matrix, origin_means(model, matrix, threads))


def origin_means(model: DemandModel, matrix: FeatureMatrix, threads: int) -> OriginMeans:
    """Return the components of the means: those of each model and of the simple methods."""
    days = model.facts.get("period_days", 1)
    return OriginMeans.of(model.forecasters, with_model_features(model, matrix), threads, days)


def predicted(model: DemandModel, matrix: FeatureMatrix) -> tuple[np.ndarray, ...]:
    """Return the means of each model in units, float32 (n_rows), as ``FeatureMatrix.predicted`` holds them."""
    described = with_model_features(model, matrix)
    return tuple(np.asarray(one.predict(described, 1), np.float32) for one in model.forecasters)


def corrected(model: DemandModel, matrix: FeatureMatrix, components: OriginMeans) -> np.ndarray:
    """Return the means of ``components``, combined, reconciled to totals and bias-corrected, float32 (n_rows)."""
    mean = components.combined(combination_of(model), model.facts.get("carrier"))
    return mean * apply_bias(model.facts["bias"], matrix.series, model.facts["category"])[matrix.series_code]


def combination_of(model: DemandModel) -> Combination | None:
    """Return the combination of the model; None where it is used alone."""
    return Combination.from_json(model.facts["combination"]) if "combination" in model.facts else None


def with_model_features(model: DemandModel, matrix: FeatureMatrix) -> FeatureMatrix:
    """Return the matrix with the features the model was fitted on, in its order and with its category codes.

    A feature or category that the model knows and the matrix lacks, or the other way round, is NaN.
    """
    if matrix.predicted is not None:  # the features were read where the means were computed
        return matrix
    names, categories = model.facts["features"], model.facts["categories"]
    values = _with_model_codes(model, matrix, _with_model_columns(names, matrix))
    known = {name: tuple(texts) for name, texts in categories.items()}
    if values is matrix.values and known == matrix.categories:
        return matrix
    families, drivers = (tuple(model.facts.get(name, ())) for name in ("families", "drivers"))
    return replace(matrix, values=values, names=tuple(names), families=families, drivers=drivers, categories=known)


def _with_model_columns(names: list[str], matrix: FeatureMatrix) -> np.ndarray:
    if list(matrix.names) == names:
        return matrix.values
    place = {name: index for index, name in enumerate(matrix.names)}
    values = np.full((matrix.n_rows, len(names)), np.nan, np.float32)
    for index, name in enumerate(names):
        if name in place:
            values[:, index] = matrix.values[:, place[name]]
    return values


def _with_model_codes(model: DemandModel, matrix: FeatureMatrix, values: np.ndarray) -> np.ndarray:
    """Return ``values`` with category codes as the model knows them; those of unseen texts are NaN."""
    names = model.facts["features"]
    for name, texts in matrix.categories.items():
        known = model.facts["categories"].get(name)
        if known is None or list(texts) == known:
            continue
        code = pd.Index(known).get_indexer(list(texts)).astype(np.float32)
        code = np.append(np.where(code >= 0, code, np.nan), np.float32(np.nan)).astype(np.float32)
        values = values.copy() if values is matrix.values else values
        column = values[:, names.index(name)]
        values[:, names.index(name)] = code[np.where(np.isnan(column), len(texts), column).astype(int)]
    return values


def _periods(around: _Around) -> pd.DataFrame:
    matrix, settings = around.matrix, around.settings
    values = around.model.facts["calibration"]["period"]
    spread, margins = around.margins(values, np.arange(len(around.mean)), around.mean)
    keys = {"date": matrix.date, "region": _text(matrix, "region"), "sku": _text(matrix, "sku")}
    distribution = distribution_named(settings.forecast.distribution)
    result = quantiles(spread.table, margins, settings.forecast.quantiles, distribution)
    return _frame(keys, (around.mean, result, around.tier), around.model.version, settings)


def _windows(around: _Around) -> pd.DataFrame:
    matrix, settings = around.matrix, around.settings
    frames = []
    first = np.flatnonzero(matrix.step == 1)
    by_step = around.mean.reshape(len(first), -1)
    for window in settings.forecast.window_days:
        periods = window // settings.grid.days
        total = by_step[:, :periods].sum(axis=1)
        spread, margins = around.margins(
            around.model.facts["calibration"]["windows"][str(window)], first, total, periods
        )
        distribution = distribution_named(settings.forecast.distribution)
        result = quantiles(spread.table, margins, settings.forecast.quantiles, distribution)
        keys = {"region": _text(matrix, "region")[first], "sku": _text(matrix, "sku")[first],
                "window_days": np.full(len(first), window)}  # fmt: skip
        frame = _frame(keys, (total, result, around.tier[first]), around.model.version, settings)
        frames.append(frame.assign(dispersion=margins.dispersion, step_units=margins.step))
    frame = pd.concat(frames, ignore_index=True)
    frame["window_days"] = frame["window_days"].astype("Int64")
    return frame.sort_values(["region", "sku", "window_days"], kind="stable", ignore_index=True)


def _text(matrix: FeatureMatrix, name: str) -> np.ndarray:
    return matrix.series[name].to_numpy(object)[matrix.series_code]


def _frame(keys: dict, built: tuple, version: str, settings: Settings) -> pd.DataFrame:
    mean, result, tier = built
    columns = {**keys, "mean_units": mean.astype(np.float64)}
    for index, name in enumerate(quantile_columns(settings.forecast.quantiles)):
        columns[name] = result[:, index].astype(np.float64)
    frame = pd.DataFrame(columns | {"model_version": version, "tier": tier})
    return frame.astype(dict.fromkeys(("region", "sku", "tier", "model_version"), "str"))


def _error_correlation(model: DemandModel, series: pd.DataFrame) -> pd.DataFrame:
    parts = model.facts["calibration"]["dependence"]
    first = series.drop_duplicates("sku").sort_values("sku")
    pairs = [
        parts["by_sku"].get(sku, parts["by_category"].get(kind, parts["overall"]))
        for sku, kind in zip(first["sku"], first[model.facts["category"]], strict=True)
    ]
    day, region = (np.array([pair[k] for pair in pairs], float) for k in (0, 1))
    frame = pd.DataFrame({"sku": first["sku"].to_numpy(), "day_correlation": day, "region_correlation": region})
    return frame.assign(model_version=model.version)
