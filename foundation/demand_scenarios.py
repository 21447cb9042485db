"""Joint demand scenarios: negative binomial or gamma margins tied by a one-factor Gaussian copula.

Here: drawing demand per region and bucket of time from means, dispersions and correlations: multiples of a step,
whole units as a rule, or any quantity. Not here: where the law comes from (the forecast) and what it is used for.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from scipy.special import gammaincinv, ndtr, ndtri

from foundation.demand_distribution import distribution_named
from foundation.settings import BY_STEP

CERTAIN = -1.0
# Above this mean in steps a gamma law of the same mean and variance takes the place of the negative binomial.
_LARGE_MEAN_STEPS = 400.0
_LOG_SHAPES = np.linspace(np.log(0.02), np.log(100.0), 120)
_NORMALS = np.linspace(-6.1, 6.1, 489)
_WIDE_SHAPE = 100.0  # above it the cube-root approximation of the gamma law is exact to 1e-4 of its deviation


@dataclass(frozen=True)
class DemandLaw:
    """The joint law of one sku's demand.

    Attributes
    ----------
    mean_units : float64 array (n_regions, n_buckets)
        Expected units, >= 0.
    dispersion : float64 array (n_regions, n_buckets)
        Alpha >= 0 with variance = step × mean + alpha × mean²; ``CERTAIN``: the mean itself, rounded to whole units where the
        step is 1.
    bucket_correlation : float64 array (n_buckets, n_buckets)
        Correlation of neighboring buckets of one region.
    region_correlation
        Correlation of any two regions in one bucket, in [0, 1).
    step_units
        Demand is a multiple of it: 1 for whole units; 0: any quantity.
    distribution
        Name of the demand distribution; ``auto`` is a negative binomial where the step is above 0, else a gamma.

    """

    mean_units: np.ndarray
    dispersion: np.ndarray
    bucket_correlation: np.ndarray
    region_correlation: float
    step_units: float = 1.0
    distribution: str = BY_STEP


def draw(law: DemandLaw, count: int, key: tuple[int, str, str], *, is_stratified: bool) -> np.ndarray:
    """Return demand scenarios in units, float64 (count, n_regions, n_buckets), multiples of the law's step.

    Parameters
    ----------
    law
        Joint law of the demand of one SKU.
    count
        Number of scenarios.
    key
        Seed, SKU and purpose. The same key gives the same uniforms whatever else is drawn and in whatever order, so that plans
        do not change without a reason.
    is_stratified
        Whether draws are a Latin hypercube: each of ``count`` equal slices of every margin is hit once.
    """
    regions, buckets = law.mean_units.shape
    normals = ndtri(_uniforms(count, (regions + 1) * buckets, key, is_stratified=is_stratified))
    normals = normals.reshape(count, regions + 1, buckets) @ np.linalg.cholesky(law.bucket_correlation).T
    shared = math.sqrt(law.region_correlation)
    specified = math.sqrt(1.0 - law.region_correlation)
    mixed = shared * normals[:, :1, :] + specified * normals[:, 1:, :]
    distribution = distribution_named(law.distribution)
    if distribution is None:
        return _quantiles(mixed, law.mean_units, law.dispersion, law.step_units, _gamma_table())
    units = distribution.units(ndtr(mixed), law.mean_units, np.maximum(law.dispersion, 0.0), np.array(law.step_units))
    is_certain = law.dispersion < 0.0
    return np.where(is_certain, _certain(law), units)


def _certain(law: DemandLaw) -> np.ndarray:
    """Return the means (n_regions, n_buckets), rounded to whole units where demand is whole."""
    return np.floor(law.mean_units + 0.5) if law.step_units == 1.0 else law.mean_units


def bucket_correlation(day_correlation: float, starts: tuple[int, ...]) -> np.ndarray:
    """Return the correlation of sums over buckets, float64 (n_buckets, n_buckets), when days follow a first-order autoregression.

    With correlation φ between neighboring periods, Cov(A, B) = Σ_{i∈A, j∈B} φ^|i−j|.

    Parameters
    ----------
    day_correlation
        Correlation φ of neighboring periods; it counts as at least 0 and at most 0.99.
    starts
        First period of each bucket and, last, the end (exclusive), n_buckets + 1 numbers.
    """
    days = np.arange(starts[0], starts[-1])
    powers = min(max(day_correlation, 0.0), 0.99) ** np.abs(days[:, None] - days[None, :])
    edges = np.asarray(starts[:-1]) - starts[0]
    sums = np.add.reduceat(np.add.reduceat(powers, edges, axis=0), edges, axis=1)
    scale = np.sqrt(np.diag(sums))
    return sums / scale[:, None] / scale[None, :]


def generator(key: tuple[int, str, str]) -> np.random.Generator:
    """Return the generator of ``key`` (seed, name, purpose), independent of every other key."""
    seed, name, purpose = key
    digest = hashlib.blake2b(f"{name}|{purpose}".encode(), digest_size=8).digest()
    return np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFF, int.from_bytes(digest, "big")]))


def _uniforms(count: int, width: int, key: tuple[int, str, str], *, is_stratified: bool) -> np.ndarray:
    random = generator(key)
    uniform = random.random((count, width))
    if is_stratified:
        slices = random.permuted(np.tile(np.arange(count), (width, 1)), axis=1).T
        uniform = (slices + uniform) / count
    return np.clip(uniform, 1e-9, 1.0 - 1e-9)


@lru_cache(maxsize=1)
def _gamma_table() -> np.ndarray:
    """Return the logarithm of gamma quantiles of mean 1 (n_shapes, n_normals), floored where they are nearly 0."""
    shape = np.exp(_LOG_SHAPES)[:, None]
    return np.asarray(np.log(np.maximum(gammaincinv(shape, ndtr(_NORMALS)) / shape, 1e-30)))


@njit(cache=True)
def _quantiles(
    normals: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, step: float, table: np.ndarray
) -> np.ndarray:  # pragma: no cover - compiled
    units = np.empty_like(normals)
    for s in range(normals.shape[0]):
        for r in range(normals.shape[1]):
            for b in range(normals.shape[2]):
                units[s, r, b] = _quantile(normals[s, r, b], mean[r, b], dispersion[r, b], step, table)
    return units


@njit(cache=True)
def _quantile(
    normal: float, mean: float, alpha: float, step: float, table: np.ndarray
) -> float:  # pragma: no cover - compiled
    """Return the quantile at Φ(normal) of one margin."""
    if mean <= 0.0:
        return 0.0
    if alpha < 0.0:
        return math.floor(mean + 0.5) if step == 1.0 else mean
    if step <= 0.0:
        return mean * _gamma(normal, 1.0 / max(alpha, 1e-9), table)
    steps = mean / step
    if steps > _LARGE_MEAN_STEPS:
        return step * math.floor(steps * _gamma(normal, 1.0 / (1.0 / steps + alpha), table) + 0.5)
    return step * _count(normal, steps, alpha)


@njit(cache=True)
def _gamma(normal: float, shape: float, table: np.ndarray) -> float:  # pragma: no cover - compiled
    """Return the quantile at Φ(normal) of a gamma law of mean 1."""
    if shape >= _WIDE_SHAPE:
        root = 1.0 - 1.0 / (9.0 * shape) + normal / (3.0 * math.sqrt(shape))
        return max(0.0, root) ** 3
    i, a = _place(math.log(shape), _LOG_SHAPES)
    j, b = _place(normal, _NORMALS)
    low = table[i, j] * (1.0 - b) + table[i, j + 1] * b
    high = table[i + 1, j] * (1.0 - b) + table[i + 1, j + 1] * b
    return math.exp(low * (1.0 - a) + high * a)


@njit(cache=True)
def _place(value: float, grid: np.ndarray) -> tuple[int, float]:  # pragma: no cover - compiled
    """Return the cell of an even grid and the share of the way through it, inside the grid."""
    index = min(max((value - grid[0]) / (grid[1] - grid[0]), 0.0), len(grid) - 1.001)
    return int(index), index - int(index)


@njit(cache=True)
def _count(normal: float, mean: float, alpha: float) -> float:  # pragma: no cover - compiled
    """Return the smallest k with P(K <= k) >= Φ(normal) for a negative binomial law."""
    level = 0.5 * math.erfc(-normal / math.sqrt(2.0))
    if alpha < 1e-9:
        mass = math.exp(-mean)
        ratio, size = mean, 0.0
    else:
        size = 1.0 / alpha
        ratio = mean / (mean + size)
        mass = math.exp(-size * math.log1p(mean / size))
    units, total = 0.0, mass
    while total < level and units < 1e6:
        mass *= ratio / (units + 1.0) if alpha < 1e-9 else ratio * (units + size) / (units + 1.0)
        units += 1.0
        total += mass
        if mass < 1e-16 and units > mean:
            break
    return units
