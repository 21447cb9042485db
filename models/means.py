"""The mean of every series × step of one forecast origin: the model, combined with simple methods and reconciled to totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.matrix import FeatureMatrix
from models.combination import CalibrationOrigin, Combination
from models.forecaster import Forecaster
from models.reconciliation import reconcile
from models.simple import SimpleMeans, simple_means


@dataclass(frozen=True)
class OriginMeans:
    """Components of the means of one origin.

    Attributes
    ----------
    model : float32 array (n_series, n_steps), the model's means in units; 0 where the SKU is not sold.
    simple : means of the simple methods.
    is_sold : bool array (n_series, n_steps).
    totals : float64 array (n_totals, n_steps), forecasts of the totals in units; None without totals.
    code : int32 array (n_series), position of each series' total in ``totals``, −1 for none.

    """

    model: np.ndarray
    simple: SimpleMeans
    is_sold: np.ndarray
    totals: np.ndarray | None
    code: np.ndarray

    @classmethod
    def of(cls, forecaster: Forecaster | None, matrix: FeatureMatrix, threads: int, days: int) -> OriginMeans:
        """Return the components of an origin.

        Parameters
        ----------
        forecaster
            The fitted model; None predicts 0.
        matrix
            Every series × step of the origin, with the features the model was fitted on.
        threads
            Threads the model may use.
        days
            Length of a period in days, 1 or 7.

        """
        steps = int(matrix.step.max())
        is_sold = matrix.is_sold.reshape(-1, steps)
        mean = np.zeros(matrix.n_rows, np.float32) if forecaster is None else forecaster.predict(matrix, threads)
        past = matrix.past if matrix.past is not None else np.empty((len(is_sold), 0), np.float32)
        simple = simple_means(past, steps, days)
        model = np.where(is_sold, mean.reshape(-1, steps), np.float32(0)).astype(np.float32)
        totals = None
        if matrix.totals is not None and forecaster is not None:
            totals = forecaster.predict_totals(matrix.totals, threads)
        code = np.empty(0, np.int32) if matrix.totals is None else matrix.totals.code
        return cls(model, simple, is_sold, totals, code)

    def with_actual(self, actual: np.ndarray) -> CalibrationOrigin:
        """Return the components next to the demand that followed, ``actual`` (n_rows) in units."""
        return CalibrationOrigin(self.model, self.simple, actual.reshape(self.model.shape))

    def combined(self, combination: Combination | None) -> np.ndarray:
        """Return the means, reconciled to the totals, float32 (n_rows).

        Without a ``combination`` they are the model's alone. With one, series whose level has shifted recently have the mean at
        the new level, and the mean over the horizon never exceeds the series' ceiling.
        """
        mean = self.model
        if combination is not None:
            mean = combination.combine(self.model, self.simple)
            mean = np.where(self.simple.is_shifted[:, None], self.simple.shifted_means, mean)
            mean = np.where(self.is_sold, mean, np.float32(0))
        if self.totals is not None:
            mean = reconcile(mean, self.totals, self.code)
        if combination is not None:
            mean = _capped(mean, self.simple.ceiling)
        return mean.reshape(-1).astype(np.float32)


def _capped(mean: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Return the means (n_series, n_steps), scaled down where their average over the horizon exceeds ``ceiling``."""
    average = mean.mean(axis=1)
    factor = np.where(average > ceiling, ceiling / np.maximum(average, 1e-12), 1.0)
    return mean * factor[:, None]
