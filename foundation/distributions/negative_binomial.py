"""The demand distribution ``negative_binomial``: counts of steps, however large the mean is."""

from __future__ import annotations

import numpy as np
from scipy import stats

from foundation.demand_distribution import DemandDistribution

_MIN_DISPERSION = 1e-9


def quantile(level: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return quantiles in units, float64 (n), multiples of the step; where the step is 0 demand is counted in units.

    Parameters
    ----------
    level : float64 array (n)
        Levels in (0, 1).
    mean : float64 array (n)
        Means in units, > 0.
    dispersion : float64 array (n)
        Dispersions α >= 0; the variance is step × mean + α × mean².
    step : float64 array (n)
        Units that demand is a multiple of; 0: any quantity.
    """
    step = np.where(step > 0, step, 1.0)
    size = 1.0 / np.maximum(dispersion, _MIN_DISPERSION)
    return np.asarray(step * stats.nbinom.ppf(level, size, size / (size + mean / step)))


NEGATIVE_BINOMIAL = DemandDistribution("negative_binomial", quantile)
