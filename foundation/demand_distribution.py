"""The extension point "demand distribution": what one is, and the registry of all of them.

The forecast reads quantiles from the distribution, and positioning draws demand scenarios from it, so that both agree.
Distributions live in ``foundation/distributions``, one per file; installed packages add theirs as entry points of the group
``forestock.demand_distributions``. Not here: how mean, dispersion and step are estimated (``models.calibration``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from foundation.extensions import entries, installed_code, refuse_unknown
from foundation.settings import BY_STEP, Settings

GROUP = "forestock.demand_distributions"
_ALPHAS = np.concatenate([[0.0], np.geomspace(0.005, 25.0, 48)])
_LEAST_UNITS = 1e-9
Quantile = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class DemandDistribution:
    """A distribution of the demand of one series in one period or window.

    Attributes
    ----------
    name
        Name of the distribution in ``forecast.distribution``.
    quantile
        Returns quantiles in units (n). Its arguments, float64 (n) each, are the level in (0, 1), the mean > 0 in units, the
        dispersion α >= 0 and the step >= 0 in units that demand is a multiple of (0: any quantity). The distribution must have
        that mean and the variance step × mean + α × mean², and its quantiles must be >= 0 and ascend with the level.

    """

    name: str
    quantile: Quantile

    def units(self, level: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return quantiles in units, float64 of the arrays' common shape; 0 where the mean is 0.

        Parameters
        ----------
        level, mean, dispersion, step
            Float64 arrays that broadcast together, as in ``quantile``; ``mean`` may be 0.
        """
        level, mean, dispersion, step = np.broadcast_arrays(level, mean, dispersion, step)
        result = np.zeros(mean.shape)
        known = mean > 0
        result[known] = self.quantile(level[known], mean[known], dispersion[known], step[known])
        return result


def registered_distributions() -> dict[str, DemandDistribution]:
    """Return every demand distribution that ships with Forestock or is installed, by name."""
    return entries("foundation.distributions", GROUP, DemandDistribution)


def distribution_named(name: str) -> DemandDistribution | None:
    """Return the distribution of that name; None for ``auto``, which chooses by the step of demand.

    Raises ``ConfigurationError`` for a name that no distribution has.
    """
    if name == BY_STEP:
        return None
    known = registered_distributions()
    refuse_unknown("forecast.distribution", (name,), known)
    return known[name]


def installed_distribution_code(settings: Settings) -> dict[str, str]:
    """Return the code version of the distribution in use where an installed package brings it; {} otherwise."""
    distribution = distribution_named(settings.forecast.distribution)
    if distribution is None:
        return {}
    return installed_code({distribution.name: distribution.quantile.__module__}, "foundation")


def dispersion_of_quantiles(
    levels: np.ndarray, values: np.ndarray, mean: np.ndarray, step: np.ndarray | float = 1.0
) -> np.ndarray:
    """Return the dispersion alpha of distributions nearest to quantiles, float64 (n) in [0, 25]; the variance is step × mean + alpha × mean².

    Nearest in squares over all levels, so that no far quantile decides alone as it would on the variance. Quantiles are those of a
    gamma of the same mean and variance, by the cube-root normal approximation.

    Parameters
    ----------
    levels : float array (n_levels)
        Levels in (0, 1).
    values : float array (n, n_levels)
        Quantiles in units.
    mean : float array (n)
        Means in units.
    step : float array (n) or float
        Units that demand is a multiple of; 0: any quantity.

    References
    ----------
    Wilson and Hilferty (1931), The distribution of chi-square, PNAS 17.
    """
    normal = NormalDist()
    z = np.array([normal.inv_cdf(float(level)) for level in levels])
    best, alpha = np.full(len(mean), np.inf), np.zeros(len(mean))
    known = np.maximum(mean, _LEAST_UNITS)
    for candidate in _ALPHAS:
        shape = 9.0 / np.maximum(step / known + candidate, _LEAST_UNITS)
        root = 1.0 - 1.0 / shape[:, None] + z / np.sqrt(shape)[:, None]
        off = ((known[:, None] * np.maximum(root, 0.0) ** 3 - values) ** 2).sum(axis=1)
        alpha, best = np.where(off < best, candidate, alpha), np.minimum(off, best)
    return np.where(mean > _LEAST_UNITS, alpha, 0.0)
