"""The variance of demand around its mean, learned from each series' own history: what dispersion by level and SKU cannot see.

Two series with the same mean may vary differently: one sells a unit a day, the other six on Saturdays. Boosted trees with the
gamma objective predict the squared error on the calibration origins ÷ the variance of the series' level, from ratios of the
series' past means, deviations, zeros and peaks to the mean that is forecast. All features are ratios, so the unit of demand
has no effect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from foundation.settings import Settings

_SHORT, _MIDDLE, _LONG, _PEAK = 28, 56, 182, 112  # days of history
_SPANS = (_SHORT, _MIDDLE, _LONG)
FEWEST_SERIES, MOST_ROWS = 1_000, 300_000  # fewer series have no trees; more calibration rows are sampled
N_FEATURES = 19
_TREES, _LEAVES, _RATE = 60, 15, 0.08
_ROWS_IN_LEAF, _SERIES_IN_LEAF = 100, 25  # rows of one series say little about another
_RATIOS = (1e-3, 50.0)  # a squared error outside counts as one of these times the expected one
_RESOLUTION, _LEAST = 32, 1e-6  # steps of the logarithm of a feature, and its lowest value
_CHUNK = 200_000
_THREADS = re.compile(r"\[num_threads: \d+\]")


@dataclass(frozen=True)
class History:
    """Figures of each series' demand before one origin.

    Attributes
    ----------
    mean : float32 array (n_series, n_spans), mean of the known periods of each span, units per period.
    variance : float32 array (n_series, n_spans), units squared.
    zeros : float32 array (n_series, n_spans), share of known periods without demand.
    peaks : float32 array (n_series, 3), highest value, 90% quantile and median of the last 16 weeks, units.
    run : float32 array (n_series), periods since the last demand.
    known : float32 array (n_series), known periods.
    """

    mean: np.ndarray
    variance: np.ndarray
    zeros: np.ndarray
    peaks: np.ndarray
    run: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, past: np.ndarray, days: int) -> History:
        """Return the figures of ``past``, float (n_series, n_past), NaN where unknown, in periods of ``days`` days."""
        n = len(past)
        mean, variance, zeros = (np.zeros((n, len(_SPANS)), np.float32) for _ in range(3))
        for place, span in enumerate(_SPANS):
            tail = past[:, -(span // days) :]
            is_known = np.isfinite(tail)
            count = np.maximum(is_known.sum(axis=1), 1)
            filled = np.where(is_known, tail, 0.0)
            mean[:, place] = filled.sum(axis=1) / count
            square = np.where(is_known, (tail - mean[:, place, None]) ** 2, 0.0)
            variance[:, place] = square.sum(axis=1) / count
            zeros[:, place] = 1 - ((filled > 0).sum(axis=1) / count)
        tail = np.nan_to_num(past[:, -(_PEAK // days) :])
        peaks = np.quantile(tail, (1.0, 0.9, 0.5), axis=1).T if tail.shape[1] else np.zeros((n, 3))
        has_sold = np.nan_to_num(past[:, ::-1]) > 0
        run = np.where(has_sold.any(axis=1), has_sold.argmax(axis=1) if past.shape[1] else 0, past.shape[1])
        known = np.isfinite(past).sum(axis=1)
        return cls(mean, variance, zeros, peaks.astype(np.float32), run.astype(np.float32), known.astype(np.float32))

    def columns(self, series: np.ndarray, mean: np.ndarray, linear: np.ndarray) -> list[np.ndarray]:
        """Return all features but the step, each (n_rows), of rows with a ``mean`` per period and c (``linear``) in units."""
        unit = np.maximum(linear, np.finfo(np.float32).tiny)
        mean = np.maximum(mean, 1e-3 * np.where(linear > 0, linear, mean.mean()))
        past_mean, variance = np.maximum(self.mean[series], 1e-3 * mean[:, None]), self.variance[series]
        expected_zeros = np.maximum(np.exp(-mean / unit), 1e-3)
        result = []
        for place in range(len(_SPANS)):
            result += [
                self.mean[series, place] / mean,
                self.zeros[series, place] / expected_zeros,
                variance[:, place] / past_mean[:, place] / unit,
                variance[:, place] / past_mean[:, place] ** 2,
            ]
        result += [self.peaks[series, place] / mean for place in range(3)]
        return [*result, self.run[series] * mean / unit, self.known[series], mean / unit]


@dataclass(frozen=True)
class Past:
    """What is known of the series of some rows of one origin.

    Attributes
    ----------
    history : figures of all series.
    series : int array (n_rows), position of each row's series in ``history``.
    step : int array (n_rows), periods ahead; of sums the number of their periods.
    periods : int or int array (n_rows), periods that the row adds up.
    factor : float array (n_rows), factor on φ beside the trees.
    """

    history: History
    series: np.ndarray
    step: np.ndarray
    periods: int | np.ndarray
    factor: np.ndarray

    def features(self, mean: np.ndarray, linear: np.ndarray) -> np.ndarray:
        """Return the features, float32 (n_rows, ``N_FEATURES``), of rows with ``mean`` and c (``linear``) in units.

        c is what a usual purchase adds (see ``models.support``).
        """
        result = np.empty((len(mean), N_FEATURES), np.float32)
        for start in range(0, len(mean), _CHUNK):
            part = slice(start, start + _CHUNK)
            periods = self.periods[part] if isinstance(self.periods, np.ndarray) else self.periods
            columns = self.history.columns(self.series[part], mean[part] / periods, linear[part])
            for place, column in enumerate((*columns, self.step[part])):
                # Rounded, so that the last digits, which depend on the unit of demand, do not decide where trees split.
                result[part, place] = np.round(_RESOLUTION * np.log(np.maximum(column, _LEAST))) / _RESOLUTION
        return result


@dataclass(frozen=True)
class VarianceTrees:
    """Trees for the ratio of a row's variance to that of its level; empty text: 1 for every row."""

    text: str = ""

    @classmethod
    def fit(cls, features: np.ndarray, ratio: np.ndarray, n_series: int, settings: Settings) -> VarianceTrees:
        """Return the trees of ``features`` (n_rows, n_features) and ``ratio`` (n_rows) of squared error to expected one."""
        in_leaf = max(_ROWS_IN_LEAF, len(ratio) * _SERIES_IN_LEAF // max(n_series, 1))
        seed, threads = settings.forecast.seed, max(settings.forecast.threads, 2)
        parameters = {
            "objective": "gamma", "learning_rate": _RATE, "num_leaves": _LEAVES, "min_data_in_leaf": in_leaf, "max_bin": 63,
            "feature_fraction": 0.7, "bagging_fraction": 0.5, "bagging_freq": 1, "seed": seed, "num_threads": threads,
            "deterministic": True, "force_row_wise": True, "verbosity": -1, "metric": "None",
        }  # fmt: skip
        target = np.exp(np.round(_RESOLUTION * np.log(np.clip(ratio, *_RATIOS))) / _RESOLUTION)
        rows = lgb.Dataset(features, target, params={"max_bin": 63, "verbosity": -1})
        text = str(lgb.train(parameters, rows, num_boost_round=_TREES).model_to_string())
        return cls(_THREADS.sub("[num_threads: 0]", text))

    def factors(self, features: np.ndarray) -> np.ndarray:
        """Return the factor on the variance of each row, float64 (n_rows)."""
        return np.asarray(lgb.Booster(model_str=self.text).predict(features, num_threads=1), np.float64)
