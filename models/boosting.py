"""The learner: one pooled LightGBM with the Tweedie objective. The only file that knows LightGBM.

A booster travels as its native text. Deterministic: fixed seeds, row-wise histograms, fixed threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from foundation.matrix import FeatureMatrix
from foundation.settings import Forecast

_MAX_BIN = 127
_FEATURE_SHARE = 0.5
_ROW_SHARE = 0.6


@dataclass(frozen=True)
class Learner:
    """How trees are grown: the settings and how many ``trees``."""

    forecast: Forecast
    trees: int

    def parameters(self) -> dict[str, object]:
        """Return LightGBM's parameters."""
        wanted = self.forecast
        return {
            "objective": "tweedie", "tweedie_variance_power": wanted.tweedie_variance_power,
            "learning_rate": wanted.learning_rate, "num_leaves": wanted.num_leaves,
            "min_data_in_leaf": wanted.min_data_in_leaf, "max_bin": _MAX_BIN, "feature_fraction": _FEATURE_SHARE,
            "bagging_fraction": _ROW_SHARE, "bagging_freq": 1, "seed": wanted.seed, "num_threads": wanted.threads,
            "deterministic": True, "force_row_wise": True, "verbosity": -1, "metric": "None",
        }  # fmt: skip

    def dataset(self, matrix: FeatureMatrix) -> lgb.Dataset:
        """Return the binned rows of ``matrix`` whose target is known."""
        bins = {"max_bin": _MAX_BIN, "min_data_in_leaf": self.forecast.min_data_in_leaf, "verbosity": -1,
                "num_threads": self.forecast.threads, "feature_pre_filter": False,
                "bin_construct_sample_cnt": 100_000, "data_random_seed": self.forecast.seed}  # fmt: skip
        return lgb.Dataset(
            matrix.values, matrix.target, weight=matrix.weight, feature_name=list(matrix.names),
            categorical_feature=list(matrix.categorical), params=bins, free_raw_data=True,
        ).construct()  # fmt: skip

    def grow(self, rows: lgb.Dataset, chosen: np.ndarray | None = None) -> str:
        """Return the text of a booster grown on ``rows``, or on the positions ``chosen`` of them."""
        part = rows if chosen is None else rows.subset(chosen)
        return lgb.train(self.parameters(), part, num_boost_round=self.trees).model_to_string()


def loaded(booster: str) -> lgb.Booster:
    """Return the booster of a text."""
    return lgb.Booster(model_str=booster)


def predict(booster: str, values: np.ndarray, threads: int) -> np.ndarray:
    """Return the predicted means float32 (n_rows) of ``values`` (n_rows, n_features of the booster)."""
    model = loaded(booster)
    return np.asarray(model.predict(values, num_threads=threads), dtype=np.float32)


def contributions(booster: str, values: np.ndarray, threads: int) -> np.ndarray:
    """Return TreeSHAP contributions on the log scale, float64 (n_rows, n_features + 1); the last is the base.

    They add up to the logarithm of the predicted mean (Lundberg et al. 2020, path-dependent TreeSHAP).
    """
    return np.asarray(loaded(booster).predict(values, pred_contrib=True, num_threads=threads), dtype=np.float64)
