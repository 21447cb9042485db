"""Quantiles of sums of series: from a model's margins and common factor, or from a baseline's past errors.

Not here: quantiles of one series, and sums over days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.backtest.levels import Grouping
from models.common_factor import CommonFactor
from models.dispersion import LOWEST
from models.quantiles import binomial_quantiles, gamma_quantiles


@dataclass(frozen=True)
class ModelledSpread:
    """Sums whose variance comes from the margins and the correlations of their errors.

    ``mean`` and ``deviation`` are float64 (n_series, horizon).
    """

    levels: tuple[float, ...]
    mean: np.ndarray
    deviation: np.ndarray
    common: CommonFactor

    def of_sums(self, grouping: Grouping, is_known: np.ndarray) -> np.ndarray:
        """Return quantiles (n_nodes, horizon, n_levels) of the sums over members known on the date."""
        spread = np.where(is_known, self.deviation, 0.0)
        variance = self.common.variance(
            grouping.sums(spread**2),
            grouping.squares_within(spread, grouping.sku),
            grouping.squares_within(spread, grouping.region),
            grouping.sums(spread) ** 2,
        )
        return sum_quantiles(grouping.sums(np.where(is_known, self.mean, 0.0)), variance, self.levels)


@dataclass(frozen=True)
class MeasuredSpread:
    """Sums with normal quantiles around their mean, as wide as the method's errors on earlier origins.

    ``mean`` float64 (n_series, horizon); ``errors`` float64 (n_series, n_periods), NaN where unknown.
    """

    levels: tuple[float, ...]
    mean: np.ndarray
    errors: np.ndarray

    def of_sums(self, grouping: Grouping, is_known: np.ndarray) -> np.ndarray:
        """Return quantiles (n_nodes, horizon, n_levels) of the sums over members known on the date."""
        deviation = root_mean_square(grouping.sums(np.nan_to_num(self.errors)))
        mean = grouping.sums(np.where(is_known, self.mean, 0.0))
        return normal_quantiles(mean, deviation[:, None], self.levels)


def root_mean_square(errors: np.ndarray) -> np.ndarray:
    """Return √ of the mean squared known error of each row, float64 (n); 0 where none is known."""
    known = np.isfinite(errors)
    total = np.where(known, errors, 0.0) ** 2
    return np.sqrt(total.sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def normal_quantiles(mean: np.ndarray, deviation: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return max(0, mean + z deviation), (…, n_levels)."""
    return np.maximum(mean[..., None] + stats.norm.ppf(levels) * np.asarray(deviation)[..., None], 0.0)


def deviation_of(quantiles: np.ndarray, levels: tuple[float, ...], mean: np.ndarray) -> np.ndarray:
    """Return the standard deviation around ``mean`` (…) of a law given by quantiles (…, n_levels).

    The quantile function is taken as linear between the levels and flat beyond them: the square integrates to
    Δτ (a² + ab + b²) ÷ 3 between neighbouring deviations a and b.

    >>> deviation_of(np.array([[0.0, 1.0]]), (0.0, 1.0), np.array([0.5])).round(4)  # uniform: √(1/12)
    array([0.2887])
    """
    away = quantiles.astype(float) - mean[..., None]
    low, high = away[..., :-1], away[..., 1:]
    inner = (np.diff(levels) * (low**2 + low * high + high**2) / 3).sum(axis=-1)
    return np.sqrt(inner + levels[0] * away[..., 0] ** 2 + (1 - levels[-1]) * away[..., -1] ** 2)


def sum_quantiles(mean: np.ndarray, variance: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return quantiles (…, n_levels) of sums: negative binomial, gamma where they vary less than counts would.

    A gamma law with the same mean and variance is the limit of the negative binomial for large counts.
    """
    flat_mean, flat_variance = mean.reshape(-1), variance.reshape(-1)
    found = np.zeros((len(flat_mean), len(levels)))
    is_count = (flat_mean > 0) & (flat_variance >= flat_mean)
    counts, spread = flat_mean[is_count], flat_variance[is_count]
    found[is_count] = binomial_quantiles(counts, np.maximum((spread - counts) / counts**2, LOWEST), levels)
    is_even = (flat_mean > 0) & ~is_count
    known = flat_mean[is_even]
    found[is_even] = gamma_quantiles(known, known**2 / np.maximum(flat_variance[is_even], known**2 * 1e-9), levels)
    return found.reshape(*mean.shape, len(levels))
