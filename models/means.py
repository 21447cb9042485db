"""The mean of every series × step of one forecast origin: models, combined with simple methods and reconciled to totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foundation.matrix import FeatureMatrix
from models.combination import CalibrationOrigin, Combination
from models.forecaster import Forecaster
from models.simple import METHODS, SimpleMeans, simple_means
from models.totals import forecast_totals, reconcile

_TOTAL_METHOD, _TOTAL_WEIGHT = METHODS.index("exponential_smoothing"), 0.5
_YEAR_DAYS, _RAMP_DAYS = 364, 91
_MOST = 1.5  # totals that differ by more are taken to differ by that


@dataclass(frozen=True)
class OriginMeans:
    """Components of the means of one origin.

    Attributes
    ----------
    models : float32 array (n_models, n_series, n_steps), the models' means in units; 0 where the SKU is not sold, NaN where a
        model has no forecast.
    simple : means of the simple methods.
    is_sold : bool array (n_series, n_steps).
    totals : float64 array (n_totals, n_steps), forecasts of the totals in units; None without totals.
    code : int32 array (n_series), position of each series' total in ``totals``, −1 for none.
    young : float64 array (n_series), 1 for series of less than nine months, 0 from a year on, even between.

    """

    models: np.ndarray
    simple: SimpleMeans
    is_sold: np.ndarray
    totals: np.ndarray | None
    code: np.ndarray
    young: np.ndarray

    @classmethod
    def of(
        cls, forecasters: Sequence[Forecaster | None], matrix: FeatureMatrix, threads: int, days: int
    ) -> OriginMeans:
        """Return the components of an origin.

        Parameters
        ----------
        forecasters
            The fitted models, at least one; None predicts 0.
        matrix
            Every series × step of the origin, with the features the models were fitted on.
        threads
            Threads the models may use.
        days
            Length of a period in days, 1 or 7.

        """
        steps = int(matrix.step.max())
        is_sold = matrix.is_sold.reshape(-1, steps)
        zeros = np.zeros(matrix.n_rows, np.float32)
        predicted = matrix.predicted or [zeros if one is None else one.predict(matrix, threads) for one in forecasters]
        past = matrix.past if matrix.past is not None else np.empty((len(is_sold), 0), np.float32)
        simple = simple_means(past, steps, days)
        models = np.stack([np.where(is_sold, mean.reshape(-1, steps), np.float32(0)) for mean in predicted])
        totals = forecast_totals(forecasters, matrix.totals, threads, days)
        code = np.empty(0, np.int32) if matrix.totals is None else matrix.totals.code
        return cls(models.astype(np.float32), simple, is_sold, totals, code, _young(past, days))

    def with_actual(self, actual: np.ndarray) -> CalibrationOrigin:
        """Return the components next to the demand that followed, ``actual`` (n_rows) in units."""
        return CalibrationOrigin(self._filled(None), self.simple, actual.reshape(self.is_sold.shape))

    @property
    def is_forecast(self) -> np.ndarray:
        """Whether the first model has a forecast, bool (n_series, n_steps)."""
        return np.isfinite(self.models[0])

    def combined(self, combination: Combination | None, carrier: str | None = None) -> np.ndarray:
        """Return the means, reconciled to the totals, float32 (n_rows).

        Without a ``combination`` they are the first model's, and those of the simple method ``carrier`` where it has none. With
        one, the total of young series moves toward that of simple methods, series whose level has shifted recently have the mean at the
        new level, and the mean over the horizon never exceeds the series' ceiling.
        """
        if combination is None:
            mean = self._filled(carrier)[0]
        else:
            mean = combination.combine(self._filled(None), self.simple)
            if self.totals is None:
                mean = mean * np.float32(self._total_factor(mean))
            mean = np.where(self.simple.is_shifted[:, None], self.simple.shifted_means, mean)
            mean = np.where(self.is_sold, mean, np.float32(0))
        if self.totals is not None:
            mean = reconcile(mean, self.totals, self.code)
        if combination is not None:
            mean = _capped(mean, self.simple.ceiling)
        return mean.reshape(-1).astype(np.float32)

    def _total_factor(self, mean: np.ndarray) -> float:
        """Return the factor (total of exponential smoothing ÷ total of ``mean``)^(w / 2); w is the share of young series in recent units.

        Nothing in less than a year shows the season, so a model takes chance for one, and its total is no better than that of a
        simple method.
        """
        level = np.where(self.simple.is_shifted, 0.0, self.simple.level)
        share = float(level @ self.young / level.sum()) if level.sum() > 0 else 0.0
        is_counted = (
            self.simple.known > 0
        ) & ~self.simple.is_shifted  # nothing is known of a new series but the model's forecast
        counted = self.is_sold & is_counted[:, None]
        total = float(mean[counted].sum(dtype=np.float64))
        smoothed = float(self.simple.means[_TOTAL_METHOD][counted].sum(dtype=np.float64))
        if share == 0.0 or total <= 0 or smoothed <= 0:
            return 1.0
        relative = float(np.clip(smoothed / total, 1 / _MOST, _MOST))
        return float(relative ** (_TOTAL_WEIGHT * share))

    def _filled(self, carrier: str | None) -> np.ndarray:
        """Return ``models`` with the means of a simple method, of all of them for None, where a model has no forecast."""
        if np.isfinite(self.models).all():
            return self.models
        simple = self.simple.means.mean(axis=0) if carrier is None else self.simple.means[METHODS.index(carrier)]
        simple = np.where(self.is_sold, simple, np.float32(0))
        return np.where(np.isfinite(self.models), self.models, simple).astype(np.float32)


def _young(past: np.ndarray, days: int) -> np.ndarray:
    """Return how far each series is from a year of history, float64 (n_series) in [0, 1]."""
    is_known = np.isfinite(past)
    age = (
        np.where(is_known.any(axis=1), past.shape[1] - is_known.argmax(axis=1), 0)
        if past.shape[1]
        else np.zeros(len(past))
    )
    return np.asarray(np.clip((_YEAR_DAYS - age * days) / _RAMP_DAYS, 0.0, 1.0), np.float64)


def _capped(mean: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Return the means (n_series, n_steps), scaled down where their average over the horizon exceeds ``ceiling``."""
    average = mean.mean(axis=1)
    factor = np.where(average > ceiling, ceiling / np.maximum(average, 1e-12), 1.0)
    return mean * factor[:, None]
