"""Why a forecast is what it is, and why it moved: TreeSHAP grouped into the drivers a planner knows.

A Tweedie booster adds on the log scale, so contributions there multiply in units. They are translated by
the logarithmic mean, L(a, b) = (a − b) ÷ (ln a − ln b): a driver with contribution c on the way from b to a
is worth c × L(a, b) units, and the drivers add up to a − b without a remainder (the additive
logarithmic-mean Divisia index, Ang, Energy Policy 32, 2004, 1131–1139). TreeSHAP: Lundberg et al., Nature
Machine Intelligence 2, 2020, 56–67.

Here: contributions of given rows, and the difference of two explanations. Not here: pictures, sentences.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from foundation.matrix import DRIVERS, FeatureMatrix
from models.demand_model import DemandModel
from models.predict import means, with_model_features

TERMS = ("base", *DRIVERS, "correction", "not_sold")
KEYS = ["region", "sku", "date"]


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
    ln(mean), and `<name>_units`. `base` is the average the trees start from, `correction` everything that
    is multiplied on afterwards: the bias factor and the reconciliation to totals. ``matrix`` holds every series × step
    of its origin. Logs add up to ln(mean) of a row that is sold; units add up to `mean_units`. A row that is not
    sold has `not_sold_units` = −(what the trees say) and a log of 0 there.
    """
    logs = _contributions(model, matrix, rows)
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
    return frame


def explain_features(model: DemandModel, matrix: FeatureMatrix, rows: np.ndarray) -> np.ndarray:
    """Return the TreeSHAP contribution of every feature to ln(mean), float64 (n_rows, n_features of the model)."""
    return _by_feature(model, matrix, rows)[:, :-1]


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


def _by_feature(model: DemandModel, matrix: FeatureMatrix, rows: np.ndarray) -> np.ndarray:
    """Return the contribution of every feature and, last, the base to ln(mean), float64 (n_rows, n_features + 1)."""
    if not model.forecasters:
        raise ValueError("the model has no model of the mean to explain")
    return model.forecasters[0].contributions(with_model_features(model, matrix), rows)


def _contributions(model: DemandModel, matrix: FeatureMatrix, rows: np.ndarray) -> np.ndarray:
    """Return contributions to ln(would-be mean), float64 (n_rows, base + drivers + correction)."""
    by_feature = _by_feature(model, matrix, rows)
    driver = drivers_of(model, matrix)
    grouped = np.zeros((len(rows), 2 + len(DRIVERS)))
    grouped[:, 0] = by_feature[:, -1]
    for index, name in enumerate(driver):
        grouped[:, 1 + DRIVERS.index(name)] += by_feature[:, index]
    final = means(model, matrix, 1)[rows].astype(np.float64)
    is_sold = final > 0
    grouped[is_sold, -1] = np.log(final[is_sold]) - by_feature[is_sold].sum(axis=1)
    return grouped
