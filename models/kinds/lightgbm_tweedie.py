"""The model kind ``lightgbm``: one pooled LightGBM with the Tweedie objective. The only file that imports LightGBM.

Where demand is regular, trees learn the ratio of demand to the recent level of the series, because they would need many leaves to tell
apart levels that differ by orders of magnitude; elsewhere a recent level is mostly noise, and they learn demand itself. A model is stored as LightGBM's text. It is deterministic: fixed seeds, row-wise histograms, never one thread alone.

References
----------
Ke et al.: LightGBM: A highly efficient gradient boosting decision tree, NeurIPS 2017.
Jørgensen: The Theory of Dispersion Models, Chapman & Hall 1997, for the Tweedie distribution.

"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from foundation.matrix import FeatureMatrix, TotalMatrix
from foundation.seasonality import recent_seasonal_mean
from foundation.settings import Forecast
from foundation.training_budget import affordable_trees
from models.forecaster import FitData, Forecaster, ModelKind
from models.recent_level import is_regular_demand, level_feature, recent_level, usual_level
from models.totals import base_units

_MAX_BIN = 127
_FEATURE_SHARE = 0.5
_ROW_SHARE = 0.6
_TOTAL_TREES, _TOTAL_LEAVES, _TOTAL_ROWS_IN_LEAF, _TOTAL_RATE = 300, 127, 40, 0.03
_TRACE_UNITS = 1e-6
_WEEK_DAYS = 7
_SERIES, _TOTALS, _FACTS = "booster.txt", "totals.txt", "lightgbm.json"
_THREADS = re.compile(r"\[num_threads: \d+\]")
_CURVES, _CURVE_POINTS = "\nlearning_curves=", 50


@dataclass(frozen=True)
class Learner:
    """Parameters of one booster.

    Attributes
    ----------
    forecast : the section of settings; seed, threads and the Tweedie power are read from it.
    trees : number of trees.
    leaves : leaves per tree.
    rows_in_leaf : fewest rows in a leaf.
    rate : learning rate.

    """

    forecast: Forecast
    trees: int
    leaves: int
    rows_in_leaf: int
    rate: float

    @classmethod
    def of_series(cls, forecast: Forecast, trees: int) -> Learner:
        """Return the learner of single series, with the configured parameters."""
        chosen = forecast.lightgbm
        return cls(forecast, trees, chosen.num_leaves, chosen.min_data_in_leaf, chosen.learning_rate)

    @classmethod
    def of_totals(cls, forecast: Forecast) -> Learner:
        """Return the learner of totals: there are few rows, so it learns slowly."""
        return cls(forecast, _TOTAL_TREES, _TOTAL_LEAVES, _TOTAL_ROWS_IN_LEAF, _TOTAL_RATE)

    @property
    def threads(self) -> int:
        """Number of threads, at least two.

        One thread adds up histograms in another order than two or more, which all agree. With two or more the model is the
        same on every machine.
        """
        return max(self.forecast.threads, 2)

    def parameters(self) -> dict[str, object]:
        """Return LightGBM's parameters."""
        forecast = self.forecast
        return {
            "objective": "tweedie", "tweedie_variance_power": forecast.lightgbm.tweedie_variance_power,
            "learning_rate": self.rate, "num_leaves": self.leaves, "min_data_in_leaf": self.rows_in_leaf,
            "max_bin": _MAX_BIN, "feature_fraction": _FEATURE_SHARE, "bagging_fraction": _ROW_SHARE,
            "bagging_freq": 1, "seed": forecast.seed, "num_threads": self.threads,
            "deterministic": True, "force_row_wise": True, "verbosity": -1, "metric": "None",
        }  # fmt: skip

    def dataset(
        self, matrix: FeatureMatrix, base: np.ndarray | None = None, level: np.ndarray | None = None
    ) -> lgb.Dataset:
        """Return the binned rows of ``matrix``; with ``base`` (n_rows) the target is divided by it.

        Rows whose base is not positive have the weight 0. With ``level`` (n_rows, in units) trees start from it.
        """
        bins = {"max_bin": _MAX_BIN, "min_data_in_leaf": self.rows_in_leaf, "verbosity": -1,
                "num_threads": self.threads, "feature_pre_filter": False,
                "bin_construct_sample_cnt": 100_000, "data_random_seed": self.forecast.seed}  # fmt: skip
        target, weight = matrix.target, matrix.weight
        if base is not None:
            usable = base > 0
            target = np.where(usable, target / np.where(usable, base, 1), 0)
            weight = np.where(usable, weight, 0)
        names = booster_names(matrix.names)
        categorical = [plain for plain, name in zip(names, matrix.names, strict=True) if name in matrix.categories]
        start = None if level is None else np.log(level)
        return lgb.Dataset(
            matrix.values, target, weight=weight, init_score=start, feature_name=names,
            categorical_feature=categorical, params=bins, free_raw_data=True,
        ).construct()  # fmt: skip

    def grow(self, rows: lgb.Dataset, chosen: np.ndarray | None = None) -> str:
        """Return the text of a booster grown on ``rows``, or on the positions ``chosen`` of them, and of its learning curves.

        The number of threads is removed from the text, so that the same trees are the same model. Rows without any demand
        give a booster whose means are almost 0. ``_parted`` separates booster and curves.
        """
        part = rows if chosen is None else rows.subset(chosen)
        _ensure_demand(part.construct())
        kept_out = [] if chosen is None else _others(rows, chosen)
        curves = _Curves(self.trees, self.forecast.lightgbm.tweedie_variance_power)
        sets = {"valid_sets": kept_out, "valid_names": ["validation"] * len(kept_out), "callbacks": [curves]}
        booster = _THREADS.sub(
            "[num_threads: 0]", lgb.train(self.parameters(), part, self.trees, **sets).model_to_string()
        )
        return f"{booster}{_CURVES}{json.dumps(curves.points)}"


def _others(rows: lgb.Dataset, chosen: np.ndarray) -> list[lgb.Dataset]:
    """Return the rows at other positions than ``chosen`` as the only item, no item without any."""
    positions = np.setdiff1d(np.arange(rows.num_data(), dtype=np.int32), chosen)
    return [rows.subset(positions).construct()] if len(positions) else []


class _Curves:
    """A callback of LightGBM that keeps the mean Tweedie deviance of the fitted rows, and of those kept out, by number of trees.

    ``points`` holds pairs of trees and deviance by name, ``training`` and ``validation``. The trees do not depend on it.
    """

    def __init__(self, trees: int, power: float) -> None:
        self.points: dict[str, list[tuple[int, float]]] = {}
        self._every, self._power = max(1, trees // _CURVE_POINTS), power

    def __call__(self, env: Any) -> None:
        """Evaluate the booster after an iteration, at most every ``_every`` trees."""
        trees = env.iteration + 1
        if trees % self._every and trees != env.end_iteration:
            return
        for name, _, value, _ in [*env.model.eval_train(self._deviance), *env.model.eval_valid(self._deviance)]:
            self.points.setdefault(str(name), []).append((trees, float(value)))

    def _deviance(self, mean: np.ndarray, rows: lgb.Dataset) -> tuple[str, float, bool]:
        weight = rows.get_weight()
        each = tweedie_deviance(np.asarray(rows.get_label(), float), np.maximum(mean, _TRACE_UNITS), self._power)
        total = len(each) if weight is None else weight.sum(dtype=np.float64)
        return "deviance", float((each if weight is None else each * weight).sum() / max(total, _TRACE_UNITS)), False


def tweedie_deviance(actual: np.ndarray, mean: np.ndarray, power: float) -> np.ndarray:
    """Return the unit deviance of each row, float64 (n_rows).

    Parameters
    ----------
    actual, mean : float array (n_rows)
        Units, or ratios to a level; ``mean`` is positive.
    power
        Variance power, in (1, 2).

    """
    one, two = 1 - power, 2 - power
    return np.asarray(2 * (actual**two / (one * two) - actual * mean**one / one + mean**two / two))


def _parted(text: str) -> tuple[str, dict[str, list[tuple[int, float]]]]:
    """Return the booster and the curves of what ``Learner.grow`` returned."""
    booster, _, curves = text.partition(_CURVES)
    return booster, json.loads(curves) if curves else {}


def _ensure_demand(rows: lgb.Dataset) -> None:
    """Give rows a trace of demand where their weighted demand is 0, because a Tweedie mean cannot start from 0."""
    target, weight = rows.get_label(), rows.get_weight()
    if (target if weight is None else target * weight).sum() > 0:
        return
    rows.set_label(np.full(len(target), _TRACE_UNITS, np.float32))
    if weight is not None:
        rows.set_weight(np.ones(len(target), np.float32))


def booster_names(names: tuple[str, ...]) -> list[str]:
    r"""Return a name for each feature that LightGBM's text can store: ASCII letters, digits and underscores, all different.

    >>> booster_names(("lag_1", "a b", "a\0b", "lag_1"))
    ['lag_1', 'a_b', 'a_b_2', 'lag_1_2']
    """
    result: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        unique, count = plain, 1
        while unique in result:
            count += 1
            unique = f"{plain}_{count}"
        result.append(unique)
    return result


@dataclass(frozen=True)
class LightGBMTweedie(Forecaster):
    """A fitted LightGBM model.

    Attributes
    ----------
    booster : the text of the booster of single series; empty where no row was there to fit it on: it predicts 0.
    totals : the text of the booster of totals; empty without totals.
    seasonal_share : weight of the recent seasonal mean next to the booster, in [0, 1]; 0 for daily data.
    trees : trees of the booster.
    given_up : sentences on what the CPU budget did not allow.
    usual_units : usual recent level where the booster's means are ratios to the recent level of a series, else 0.
    learned : curves of the fit by name, which are not stored with the model.

    """

    booster: str
    totals: str = ""
    seasonal_share: float = 0.0
    trees: int = 0
    given_up: tuple[str, ...] = ()
    usual_units: float = 0.0
    learned: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def fit(cls, data: FitData, before: np.datetime64 | None) -> LightGBMTweedie:
        """Return the model fitted on the rows dated before ``before``, on all rows if it is None."""
        days = data.settings.grid.days
        is_regular = is_regular_demand(data.demand, days)
        fit = data.prepared(lambda matrix: _Fit.of(matrix, data.settings.forecast, is_regular))
        label = "final" if before is None else "calibration"
        rows = None if before is None else np.flatnonzero(data.matrix.date < before).astype(np.int32)
        booster, totals, learned = "", "", {}
        if rows is None or len(rows):
            text = data.checkpoints(f"series-{label}", lambda: fit.learner.grow(fit.rows, rows))
            booster, learned["series"] = _parted(text)
        if fit.totals is not None and data.matrix.totals is not None:
            learner, binned = fit.totals
            rows = None if before is None else np.flatnonzero(data.matrix.totals.matrix.date < before).astype(np.int32)
            if rows is None or len(rows):
                totals, learned["totals"] = _parted(
                    data.checkpoints(f"totals-{label}", lambda: learner.grow(binned, rows))
                )
        share = data.settings.forecast.lightgbm.seasonal_share if days == _WEEK_DAYS else 0.0
        return cls(booster, totals, share, fit.learner.trees, fit.given_up, fit.usual_units, learned)

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> LightGBMTweedie:
        """Return the model of ``files``; raises ``KeyError`` when a file is missing."""
        facts = json.loads(files[_FACTS])
        given_up, usual = tuple(facts["given_up"]), facts.get("usual_units", 0.0)
        series, totals = files[_SERIES].decode(), files[_TOTALS].decode()
        return cls(series, totals, facts["seasonal_share"], facts["trees"], given_up, usual)

    def files(self) -> dict[str, bytes]:
        """Return LightGBM's texts, and the rest as JSON."""
        facts = {"seasonal_share": self.seasonal_share, "trees": self.trees, "given_up": list(self.given_up),
                 "usual_units": self.usual_units}  # fmt: skip
        return {
            _SERIES: self.booster.encode(),
            _TOTALS: self.totals.encode(),
            _FACTS: json.dumps(facts, sort_keys=True).encode(),
        }

    def predict(self, matrix: FeatureMatrix, threads: int) -> np.ndarray:
        """Return the means float32 (n_rows): the booster's, blended with the recent seasonal mean of weekly data.

        Weekly series are short and their seasons long; a second, different method improves on the trees there.
        """
        mean = _predicted(self.booster, matrix.values, threads)
        if self.usual_units:
            mean = (mean * recent_level(matrix, self.usual_units)).astype(np.float32)
        if self.seasonal_share == 0.0 or matrix.past is None:
            return mean
        other = recent_seasonal_mean(matrix.past, matrix.origin[0], int(matrix.step.max())).reshape(-1)
        share = np.float32(self.seasonal_share)
        return np.where(np.isnan(other), mean, (1 - share) * mean + share * other).astype(np.float32)

    def predict_totals(self, totals: TotalMatrix, threads: int) -> np.ndarray | None:
        """Return the forecasts of the totals in units, float64 (n_totals, n_steps); None without totals in the fit."""
        if not self.totals:
            return None
        relative = _predicted(self.totals, totals.matrix.values, threads).astype(np.float64)
        relative = np.where(totals.matrix.is_sold, relative * base_units(totals), 0.0)
        return relative.reshape(len(totals.scale), -1) * totals.scale[:, None]

    def contributions(self, matrix: FeatureMatrix, rows: np.ndarray) -> np.ndarray:
        """Return TreeSHAP contributions on the log scale, float64 (n_rows, n_features + 1); the last is the base.

        They add up to the logarithm of the booster's mean. The level that ratios refer to counts for the feature it is read from.

        References
        ----------
        Lundberg et al.: From local explanations to global understanding with explainable AI for trees, Nature Machine
        Intelligence 2 (2020), for path-dependent TreeSHAP.

        """
        values = self._loaded().predict(matrix.values[rows], pred_contrib=True, num_threads=1)
        result = np.asarray(values, dtype=np.float64)
        if self.usual_units:
            result[:, -1] += np.log(self.usual_units)
            result[:, level_feature(matrix)] += np.log(recent_level(matrix, self.usual_units)[rows] / self.usual_units)
        return result

    @property
    def is_by_series(self) -> bool:
        """Whether no seasonal mean, which is pooled over all series, is blended in."""
        return self.seasonal_share == 0.0

    def importance(self) -> pd.DataFrame:
        """Return the total `gain` and the number of `splits` of each feature."""
        booster = self._loaded()
        return pd.DataFrame({"gain": booster.feature_importance("gain"), "splits": booster.feature_importance("split")})

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Return the mean Tweedie deviance by number of trees: `series/training`, `series/validation`, `totals/training`, …."""
        return {f"{part}/{name}": points for part, curves in self.learned.items() for name, points in curves.items()}

    def description(self) -> dict[str, Any]:
        """Return the number of trees and what the CPU budget did not allow."""
        return {"trees": self.trees, "given_up": list(self.given_up)}

    def _loaded(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.booster)


@dataclass(frozen=True)
class _Fit:
    """The binned rows of one training and how trees are grown on them; ``totals`` likewise, None without totals."""

    learner: Learner
    rows: lgb.Dataset
    given_up: tuple[str, ...]
    totals: tuple[Learner, lgb.Dataset] | None
    usual_units: float

    @classmethod
    def of(cls, matrix: FeatureMatrix, forecast: Forecast, is_regular: bool) -> _Fit:
        trees, given_up = affordable_trees(forecast, matrix.n_rows)
        learner = Learner.of_series(forecast, trees)
        usual = usual_level(matrix) if is_regular and level_feature(matrix) >= 0 else 0.0
        rows = learner.dataset(matrix, level=recent_level(matrix, usual) if usual > 0 else None)
        if matrix.totals is None:
            return cls(learner, rows, given_up, None, usual)
        of_totals = Learner.of_totals(forecast)
        totals = of_totals, of_totals.dataset(matrix.totals.matrix, base_units(matrix.totals))
        return cls(learner, rows, given_up, totals, usual)


def _predicted(booster: str, values: np.ndarray, threads: int) -> np.ndarray:
    """Return the predicted means float32 (n_rows) of ``values`` (n_rows, n_features); 0 for an empty ``booster``."""
    if not booster:
        return np.zeros(len(values), np.float32)
    return np.asarray(lgb.Booster(model_str=booster).predict(values, num_threads=threads), dtype=np.float32)


LIGHTGBM = ModelKind("lightgbm", LightGBMTweedie.fit, LightGBMTweedie.load)
