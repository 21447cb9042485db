"""Why a forecast is what it is, and why it moved: contributions of all parts of the combination, by the drivers a planner knows.

A part's share is the part of the mean it makes. A model contributes what its features add to ln(mean): a Tweedie booster adds on
the log scale (TreeSHAP). A simple method contributes by its level, relative to that of the average series, and by
its season. The contributions of the parts are averaged by their shares. Contributions to ln(mean) multiply in units. They are
translated by the logarithmic mean, L(a, b) = (a − b) ÷ (ln a − ln b): a driver with contribution c on the way from b to a
is worth c × L(a, b) units, and the drivers add up to a − b without a remainder (the additive
logarithmic-mean Divisia index, Ang, Energy Policy 32, 2004, 1131–1139). TreeSHAP: Lundberg et al., Nature
Machine Intelligence 2, 2020, 56–67.

Here: contributions of given rows, and the difference of two explanations. Not here: pictures, sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.matrix import DRIVERS, FeatureMatrix
from models.demand_model import DemandModel
from models.means import OriginMeans
from models.predict import SHIFT, combination_of, corrected, origin_means, with_model_features
from models.simple import METHODS

TERMS = ("base", *DRIVERS, "correction", "not_sold")
KEYS = ["region", "sku", "date"]
_LEAST_UNITS = 1e-9


def drivers_of(model: DemandModel, matrix: FeatureMatrix) -> list[str]:
    """Return the group of ``DRIVERS`` of each feature of the model, as its family says.

    A model that an earlier release stored does not hold the groups: they are those of ``matrix``, and `level` for a feature
    that ``matrix`` lacks.
    """
    if "drivers" in model.facts:
        return list(model.facts["drivers"])
    known = dict(zip(matrix.names, matrix.drivers, strict=True))
    return [known.get(name, "level") for name in model.facts["features"]]


def logarithmic_mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return (a − b) ÷ (ln a − ln b), which is a where a = b and 0 where one of them is 0.

    >>> logarithmic_mean(np.array([2.0, 3.0, 0.0]), np.array([1.0, 3.0, 5.0])).round(4)
    array([1.4427, 3.    , 0.    ])
    """
    is_positive = (a > 0) & (b > 0)
    ratio = np.log(np.where(is_positive, a, 1.0) / np.where(is_positive, b, 1.0))
    is_near = np.abs(ratio) < 1e-9
    result = np.where(is_near, a, (a - b) / np.where(is_near, 1.0, ratio))
    return np.where(is_positive, result, 0.0)


def explain(model: DemandModel, matrix: FeatureMatrix, rows: np.ndarray) -> pd.DataFrame:
    """Return what drives the mean of the given ``rows`` (positions) of ``matrix``, one line each, in their order.

    Columns: `region`, `sku`, `date`, `mean_units`; for every name of ``TERMS`` `<name>_log`, its share of
    ln(mean), and `<name>_units`; `<part>_share` for every part of the forecast, adding up to 1. `base` is the average that the
    parts start from, `correction` everything else: the bias factor, the reconciliation to totals, and that a mean of several
    parts is above their geometric mean. ``matrix`` holds every series × step of its origin. Logs add up to ln(mean) of a row that
    is sold; units add up to `mean_units`. A row that is not sold has `not_sold_units` = −(what the parts predict) and a log of 0
    there.
    """
    parts = _parts(model, matrix, rows)
    logs = _contributions(parts)
    would_be = np.exp(logs.sum(axis=1))
    units = logs * logarithmic_mean(would_be, np.exp(logs[:, 0]))[:, None]
    units[:, 0] = np.exp(logs[:, 0])
    is_sold = matrix.is_sold[rows]
    logs = np.column_stack([logs, np.zeros(len(rows))])
    units = np.column_stack([units, np.where(is_sold, 0.0, -would_be)])
    series = matrix.series.iloc[matrix.series_code[rows]]
    keys = {"region": series["region"].to_numpy(), "sku": series["sku"].to_numpy(), "date": matrix.date[rows]}
    frame = pd.DataFrame({**keys, "mean_units": np.where(is_sold, would_be, 0.0)})
    frame[[f"{term}_log" for term in TERMS]] = logs
    frame[[f"{term}_units" for term in TERMS]] = units
    return frame.assign(**{f"{name}_share": share for name, share in parts.shares.items()})


def explain_features(model: DemandModel, matrix: FeatureMatrix, rows: np.ndarray) -> np.ndarray:
    """Return the contribution of every feature to ln(mean) of the first model, float64 (n_rows, n_features)."""
    if not model.forecasters:
        raise ValueError("the model has no model of the mean to explain")
    return model.forecasters[0].contributions(with_model_features(model, matrix), rows)[:, :-1]


def movement(before: pd.DataFrame, same_model: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return why the forecast of each region, SKU and date in all three explanations moved.

    ``before`` explains the earlier run; ``same_model`` the later inputs seen by the earlier model, so that
    its drivers differ by what has become known; ``after`` the later run. Columns: the keys,
    `mean_units_before`, `mean_units`, `<driver>_units` for every driver and `model_units`, what the newer
    model changes; they add up to the difference of the means. A period sold in only one of the runs moves by
    `not_sold_units` alone.
    """
    first, middle, last = _matched(before, same_model, after)
    start, end = first["mean_units"].to_numpy(), last["mean_units"].to_numpy()
    worth = logarithmic_mean(end, start)
    result = last[KEYS].assign(mean_units_before=start, mean_units=end)
    by_data = np.zeros(len(result))
    for driver in DRIVERS:
        change = (middle[f"{driver}_log"] - first[f"{driver}_log"]).to_numpy()
        by_data += change
        result[f"{driver}_units"] = change * worth
    whole = np.log(np.where(worth > 0, end, 1.0) / np.where(worth > 0, start, 1.0))
    result["model_units"] = (whole - by_data) * worth
    result["not_sold_units"] = np.where(worth > 0, 0.0, end - start)
    return result


def _matched(*frames: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of the keys common to all frames, in the same order."""
    indexed = [frame.set_index(KEYS, drop=False) for frame in frames]
    common = indexed[0].index
    for frame in indexed[1:]:
        common = common.intersection(frame.index, sort=False)
    return [frame.loc[common].reset_index(drop=True) for frame in indexed]


@dataclass(frozen=True)
class _Parts:
    """The parts of some rows.

    Attributes
    ----------
    shares : share of the mean by part, float64 (n_rows) each.
    logs : float64 (n_rows, base + drivers), contributions averaged by the shares.
    final : float64 (n_rows), the means of the forecast.

    """

    shares: dict[str, np.ndarray]
    logs: np.ndarray
    final: np.ndarray


def _parts(model: DemandModel, matrix: FeatureMatrix, rows: np.ndarray) -> _Parts:
    if not model.forecasters:
        raise ValueError("the model has no model of the mean to explain")
    components = origin_means(model, matrix, 1)
    weights = {name: weight[rows] for name, weight in _weights(model, components).items()}
    units: dict[str, np.ndarray] = {}
    logs: dict[str, np.ndarray] = {}
    for kind, forecaster, means in zip(model.kinds, model.forecasters, components.models, strict=True):
        if (weights[kind] > 0).any():
            by_feature = forecaster.contributions(with_model_features(model, matrix), rows)
            logs[kind] = _by_driver(drivers_of(model, matrix), by_feature)
            mean = means.reshape(-1)[rows].astype(np.float64)
            units[kind] = np.where(mean > 0, mean, np.exp(logs[kind].sum(axis=1)))
    average = max(float(components.simple.level.mean()), _LEAST_UNITS)
    for name, means in (*zip(METHODS, components.simple.means, strict=True), (SHIFT, components.simple.shifted_means)):
        if (weights.get(name, np.zeros(1)) > 0).any():
            units[name] = np.maximum(means.reshape(-1)[rows].astype(np.float64), _LEAST_UNITS)
            level = np.maximum(means.mean(axis=1)[matrix.series_code[rows]].astype(np.float64), _LEAST_UNITS)
            logs[name] = _level_and_season(average, level, units[name])
    total = np.sum([weights[name] * part for name, part in units.items()], axis=0)
    shares = {name: weights[name] * part / np.maximum(total, _LEAST_UNITS**2) for name, part in units.items()}
    averaged = np.sum([share[:, None] * logs[name] for name, share in shares.items()], axis=0)
    return _Parts(shares, averaged, corrected(model, matrix, components)[rows].astype(np.float64))


def _weights(model: DemandModel, components: OriginMeans) -> dict[str, np.ndarray]:
    """Return the weight of each part of the mean, float64 (n_rows of the origin) each."""
    n_steps = components.is_sold.shape[1]
    combination = combination_of(model)
    if combination is None:
        has_model = components.is_forecast.reshape(-1).astype(np.float64)
        carrier = model.facts.get("carrier")
        return {model.kinds[0]: has_model} | ({} if carrier is None else {carrier: 1.0 - has_model})
    is_shifted = components.simple.is_shifted
    weights = np.where(is_shifted[:, None], 0.0, combination.series_weights(components.simple))
    by_part = {name: np.repeat(weights[:, index], n_steps) for index, name in enumerate(combination.parts)}
    return by_part | {SHIFT: np.repeat(is_shifted.astype(np.float64), n_steps)}


def _by_driver(drivers: list[str], by_feature: np.ndarray) -> np.ndarray:
    """Return contributions by feature, base last, added up by driver, float64 (n_rows, base + drivers); 0 where unknown."""
    by_feature = np.nan_to_num(by_feature)
    grouped = np.zeros((len(by_feature), 1 + len(DRIVERS)))
    grouped[:, 0] = by_feature[:, -1]
    for index, name in enumerate(drivers):
        grouped[:, 1 + DRIVERS.index(name)] += by_feature[:, index]
    return grouped


def _level_and_season(average: float, level: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return ln(average), ln(level ÷ average) as `level` and ln(mean ÷ level) as `season`, float64 (n_rows, base + drivers)."""
    grouped = np.zeros((len(mean), 1 + len(DRIVERS)))
    grouped[:, 0] = np.log(average)
    grouped[:, 1 + DRIVERS.index("level")] = np.log(level / average)
    grouped[:, 1 + DRIVERS.index("season")] = np.log(mean / level)
    return grouped


def _contributions(parts: _Parts) -> np.ndarray:
    """Return contributions to ln(would-be mean), float64 (n_rows, base + drivers + correction)."""
    result = np.column_stack([parts.logs, np.zeros(len(parts.logs))])
    is_sold = parts.final > 0
    result[is_sold, -1] = np.log(parts.final[is_sold]) - parts.logs[is_sold].sum(axis=1)
    return result
