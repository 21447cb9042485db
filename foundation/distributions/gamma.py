"""The demand distribution ``gamma``: any quantity, also for demand that comes in steps."""

from __future__ import annotations

import numpy as np
from scipy import special

from foundation.demand_distribution import DemandDistribution

_MIN_SQUARED = 1e-9


def quantile(level: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return quantiles in units of the gamma distribution with that mean and variance, float64 (n).

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
    squared = np.maximum(step / mean + dispersion, _MIN_SQUARED)
    return np.asarray(mean * squared * special.gammaincinv(1.0 / squared, level))


GAMMA = DemandDistribution("gamma", quantile)
