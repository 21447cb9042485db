"""The learner: one pooled LightGBM with the Tweedie objective. The only file that knows LightGBM.

A booster travels as its native text. Deterministic: fixed seeds, row-wise histograms, never one thread alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from foundation.matrix import FeatureMatrix
from foundation.settings import Forecast

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
        return cls(forecast, trees, forecast.num_leaves, forecast.min_data_in_leaf, forecast.learning_rate)

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
        wanted = self.forecast
        return {
            "objective": "tweedie", "tweedie_variance_power": wanted.tweedie_variance_power,
            "learning_rate": self.rate, "num_leaves": self.leaves, "min_data_in_leaf": self.rows_in_leaf,
            "max_bin": _MAX_BIN, "feature_fraction": _FEATURE_SHARE, "bagging_fraction": _ROW_SHARE,
            "bagging_freq": 1, "seed": wanted.seed, "num_threads": self.threads,
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
        categorical = [name for name, own in zip(known, matrix.names, strict=True) if own in matrix.categories]
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
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        own, count = plain, 1
        while own in found:
            count += 1
            own = f"{plain}_{count}"
        found.append(own)
    return found


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
