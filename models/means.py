"""Predicted means before the bias factor: booster, blend, alignment, for calibration and forecast alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.matrix import FeatureMatrix, TotalMatrix
from models import boosting
from models.alignment import align, base_units

_RECENT_SHARE = np.float32(1 / 3)


@dataclass(frozen=True)
class Boosters:
    """The texts of the boosters: of single series, and of totals (empty without totals)."""

    series: str
    totals: str


def raw_means(boosters: Boosters, matrix: FeatureMatrix, values: np.ndarray, threads: int) -> np.ndarray:
    """Return the aligned means float32 (n_rows) of a matrix that holds every series × step of an origin.

    ``values`` are the matrix's own or, for a model trained on other features, rearranged ones.
    """
    mean = blend(boosting.predict(boosters.series, values, threads), matrix)
    mean = np.where(matrix.is_sold, mean, np.float32(0))
    if matrix.totals is None or not boosters.totals:
        return mean
    total = total_means(boosters.totals, matrix.totals, threads)
    steps = int(matrix.step.max())
    return align(mean.reshape(-1, steps), total, matrix.totals.code).reshape(-1).astype(np.float32)


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
    relative = boosting.predict(booster, totals.matrix.values, threads).astype(np.float64)
    relative = np.where(totals.matrix.is_sold, relative * base_units(totals), 0.0)
    return relative.reshape(len(totals.scale), -1) * totals.scale[:, None]
