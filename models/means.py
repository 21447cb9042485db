"""Predicted means: the model's, combined with simple methods, then scaled to totals; for calibration and forecast alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.matrix import FeatureMatrix, TotalMatrix
from models import boosting
from models.alignment import align, base_units
from models.combination import Combination, Judged
from models.simple import SimpleMeans, simple_means

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
        mean = blend(boosting.predict(boosters.series, values, threads), matrix).reshape(-1, steps)
        past = matrix.past if matrix.past is not None else np.empty((len(is_sold), 0), np.float32)
        simple = simple_means(past, steps, days)
        model = np.where(is_sold, mean, np.float32(0))
        if matrix.totals is None or not boosters.totals:
            return cls(model, simple, is_sold, None, np.empty(0, np.int32))
        return cls(model, simple, is_sold, total_means(boosters.totals, matrix.totals, threads), matrix.totals.code)

    def judged(self, actual: np.ndarray) -> Judged:
        """Return the parts beside what was demanded, ``actual`` (n_rows)."""
        return Judged(self.model, self.simple, actual.reshape(self.model.shape))

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
    relative = boosting.predict(booster, totals.matrix.values, threads).astype(np.float64)
    relative = np.where(totals.matrix.is_sold, relative * base_units(totals), 0.0)
    return relative.reshape(len(totals.scale), -1) * totals.scale[:, None]
