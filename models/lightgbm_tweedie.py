"""The learner: one pooled LightGBM with the Tweedie objective. The only file that knows LightGBM.

A booster travels as its native text. Deterministic: fixed seeds, row-wise histograms, never one thread alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from foundation.matrix import FeatureMatrix, TotalMatrix
from foundation.settings import Forecast
from models.combination import CalibrationOrigin, Combination
from models.reconciliation import align, base_units
from models.simple import SimpleMeans, simple_means

_MAX_BIN = 127
_FEATURE_SHARE = 0.5
_ROW_SHARE = 0.6
_TOTAL_TREES, _TOTAL_LEAVES, _TOTAL_ROWS_IN_LEAF, _TOTAL_RATE = 300, 127, 40, 0.03
_TRACE_UNITS = 1e-6
Binned = lgb.Dataset  # rows as LightGBM keeps them
_THREADS = re.compile(r"\[num_threads: \d+\]")


@dataclass(frozen=True)
class Learner:
    """How trees are grown: the settings, how many ``trees``, how they are shaped and how fast they learn."""

    forecast: Forecast
    trees: int
    leaves: int
    rows_in_leaf: int
    rate: float

    @classmethod
    def of_series(cls, forecast: Forecast, trees: int) -> Learner:
        """Return the learner of single series, as the settings say."""
        chosen = forecast.lightgbm
        return cls(forecast, trees, chosen.num_leaves, chosen.min_data_in_leaf, chosen.learning_rate)

    @classmethod
    def of_totals(cls, forecast: Forecast) -> Learner:
        """Return the learner of totals: few rows, learned slowly."""
        return cls(forecast, _TOTAL_TREES, _TOTAL_LEAVES, _TOTAL_ROWS_IN_LEAF, _TOTAL_RATE)

    @property
    def threads(self) -> int:
        """Threads in use: two where one is set.

        One thread adds up histograms in another order than any larger number, which all agree; so the
        model is the same on every machine.
        """
        return max(self.forecast.threads, 2)

    def parameters(self) -> dict[str, object]:
        """Return LightGBM's parameters."""
        requested = self.forecast
        return {
            "objective": "tweedie", "tweedie_variance_power": requested.lightgbm.tweedie_variance_power,
            "learning_rate": self.rate, "num_leaves": self.leaves, "min_data_in_leaf": self.rows_in_leaf,
            "max_bin": _MAX_BIN, "feature_fraction": _FEATURE_SHARE, "bagging_fraction": _ROW_SHARE,
            "bagging_freq": 1, "seed": requested.seed, "num_threads": self.threads,
            "deterministic": True, "force_row_wise": True, "verbosity": -1, "metric": "None",
        }  # fmt: skip

    def dataset(self, matrix: FeatureMatrix, base: np.ndarray | None = None) -> lgb.Dataset:
        """Return the binned rows of ``matrix``; with ``base`` (n_rows) the target is divided by it.

        Rows whose base is not positive weigh nothing.
        """
        bins = {"max_bin": _MAX_BIN, "min_data_in_leaf": self.rows_in_leaf, "verbosity": -1,
                "num_threads": self.threads, "feature_pre_filter": False,
                "bin_construct_sample_cnt": 100_000, "data_random_seed": self.forecast.seed}  # fmt: skip
        target, weight = matrix.target, matrix.weight
        if base is not None:
            usable = base > 0
            target = np.where(usable, target / np.where(usable, base, 1), 0)
            weight = np.where(usable, weight, 0)
        known = booster_names(matrix.names)
        categorical = [
            name for name, specified in zip(known, matrix.names, strict=True) if specified in matrix.categories
        ]
        return lgb.Dataset(
            matrix.values, target, weight=weight, feature_name=known,
            categorical_feature=categorical, params=bins, free_raw_data=True,
        ).construct()  # fmt: skip

    def grow(self, rows: lgb.Dataset, chosen: np.ndarray | None = None) -> str:
        """Return the text of a booster grown on ``rows``, or on the positions ``chosen`` of them.

        The text does not say how many threads grew it: the same trees are the same model. Rows without any demand
        give a booster that predicts almost nothing.
        """
        part = rows if chosen is None else rows.subset(chosen)
        _ensure_demand(part.construct())
        text = str(lgb.train(self.parameters(), part, num_boost_round=self.trees).model_to_string())
        return _THREADS.sub("[num_threads: 0]", text)


def _ensure_demand(rows: lgb.Dataset) -> None:
    """Give rows whose weighted demand is 0 a trace of demand: a Tweedie mean cannot start from 0."""
    target, weight = rows.get_label(), rows.get_weight()
    if (target if weight is None else target * weight).sum() > 0:
        return
    rows.set_label(np.full(len(target), _TRACE_UNITS, np.float32))
    if weight is not None:
        rows.set_weight(np.ones(len(target), np.float32))


def booster_names(names: tuple[str, ...]) -> list[str]:
    r"""Return a name for each feature that LightGBM's text can hold: ASCII words, all different.

    >>> booster_names(("lag_1", "a b", "a\0b", "lag_1"))
    ['lag_1', 'a_b', 'a_b_2', 'lag_1_2']
    """
    result: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        specified, count = plain, 1
        while specified in result:
            count += 1
            specified = f"{plain}_{count}"
        result.append(specified)
    return result


def loaded(booster: str) -> lgb.Booster:
    """Return the booster of a text."""
    return lgb.Booster(model_str=booster)


def predict(booster: str, values: np.ndarray, threads: int) -> np.ndarray:
    """Return the predicted means float32 (n_rows) of ``values`` (n_rows, n_features of the booster).

    An empty ``booster``, one no row was there for, predicts 0.
    """
    if not booster:
        return np.zeros(len(values), np.float32)
    model = loaded(booster)
    return np.asarray(model.predict(values, num_threads=threads), dtype=np.float32)


def contributions(booster: str, values: np.ndarray, threads: int) -> np.ndarray:
    """Return TreeSHAP contributions on the log scale, float64 (n_rows, n_features + 1); the last is the base.

    They add up to the logarithm of the predicted mean (Lundberg et al. 2020, path-dependent TreeSHAP).
    """
    return np.asarray(loaded(booster).predict(values, pred_contrib=True, num_threads=threads), dtype=np.float64)


_RECENT_SHARE = np.float32(1 / 3)


@dataclass(frozen=True)
class Boosters:
    """The texts of the boosters: of single series, and of totals (empty without totals)."""

    series: str
    totals: str


@dataclass(frozen=True)
class OriginMeans:
    """What the mean of every series × step of one origin is made of.

    Attributes
    ----------
    model : float32 array (n_series, n_steps), the model's means, 0 where nothing is sold.
    simple : the simple methods' means.
    is_sold : bool array (n_series, n_steps).
    totals : float64 array (n_totals, n_steps), forecasts of the totals in units, or None.
    code : int32 array (n_series), the total of each series, −1 for none.

    """

    model: np.ndarray
    simple: SimpleMeans
    is_sold: np.ndarray
    totals: np.ndarray | None
    code: np.ndarray

    @classmethod
    def of(cls, boosters: Boosters, matrix: FeatureMatrix, values: np.ndarray, threads: int, days: int) -> OriginMeans:
        """Return the parts for a matrix that holds every series × step of an origin.

        ``values`` are the matrix's own or, for a model trained on other features, rearranged ones; ``days`` is the length
        of a period.
        """
        steps = int(matrix.step.max())
        is_sold = matrix.is_sold.reshape(-1, steps)
        mean = blend(predict(boosters.series, values, threads), matrix).reshape(-1, steps)
        past = matrix.past if matrix.past is not None else np.empty((len(is_sold), 0), np.float32)
        simple = simple_means(past, steps, days)
        model = np.where(is_sold, mean, np.float32(0))
        if matrix.totals is None or not boosters.totals:
            return cls(model, simple, is_sold, None, np.empty(0, np.int32))
        return cls(model, simple, is_sold, total_means(boosters.totals, matrix.totals, threads), matrix.totals.code)

    def judged(self, actual: np.ndarray) -> CalibrationOrigin:
        """Return the parts beside what was demanded, ``actual`` (n_rows)."""
        return CalibrationOrigin(self.model, self.simple, actual.reshape(self.model.shape))

    def combined(self, combination: Combination) -> np.ndarray:
        """Return the combined means, scaled to the totals, float32 (n_rows)."""
        simple = self.simple
        mean = combination.combine(self.model, simple)
        mean = np.where(simple.is_shifted[:, None], simple.shifted_means, mean)
        mean = np.where(self.is_sold, mean, np.float32(0))
        if self.totals is not None:
            mean = align(mean, self.totals, self.code)
        mean = _capped(mean, simple.ceiling)
        return mean.reshape(-1).astype(np.float32)


def _capped(mean: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Return the means (n_series, n_steps) scaled down where their own mean over the horizon exceeds the ceiling."""
    average = mean.mean(axis=1)
    factor = np.where(average > ceiling, ceiling / np.maximum(average, 1e-12), 1.0)
    return mean * factor[:, None]


def blend(mean: np.ndarray, matrix: FeatureMatrix) -> np.ndarray:
    """Return the booster's means, two thirds, with the seasonal recent mean, one third, where there is one.

    Weekly series are short and their seasons long: the second, different way gains there.
    """
    if "seasonal_recent" not in matrix.names:
        return mean
    other = matrix.values[:, matrix.names.index("seasonal_recent")]
    return np.where(np.isnan(other), mean, (1 - _RECENT_SHARE) * mean + _RECENT_SHARE * other).astype(np.float32)


def total_means(booster: str, totals: TotalMatrix, threads: int) -> np.ndarray:
    """Return the totals' forecasts in units, float64 (n_totals, n_steps)."""
    relative = predict(booster, totals.matrix.values, threads).astype(np.float64)
    relative = np.where(totals.matrix.is_sold, relative * base_units(totals), 0.0)
    return relative.reshape(len(totals.scale), -1) * totals.scale[:, None]
