"""The demand distribution ``gamma``: any quantity, also for demand that comes in steps."""

from __future__ import annotations

import numpy as np
from scipy import special

from foundation.demand_distribution import DemandDistribution

_MIN_SQUARED = 1e-9


def quantile(level: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return quantiles in units of the gamma distribution with that mean and the variance step × mean + dispersion × mean²."""
    squared = np.maximum(step / mean + dispersion, _MIN_SQUARED)
    return np.asarray(mean * squared * special.gammaincinv(1.0 / squared, level))


GAMMA = DemandDistribution("gamma", quantile)
