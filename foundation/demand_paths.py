"""Joint demand paths: negative binomial margins tied by a one-factor Gaussian copula.

Here: drawing whole units per region and bucket of time from means, dispersions and correlations.
Not here: where those come from (the forecast) and what the paths are used for.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.special import ndtri

CERTAIN = -1.0
# Above this mean the quantile comes from the Wilson–Hilferty approximation of the gamma law.
_LARGE_MEAN_UNITS = 400.0


@dataclass(frozen=True)
class DemandLaw:
    """The joint law of one sku's demand.

    Attributes
    ----------
    mean_units : (n_regions, n_buckets) expected units, >= 0.
    dispersion : (n_regions, n_buckets) alpha >= 0 with variance = mean + alpha × mean²; ``CERTAIN``: the mean, rounded.
    bucket_correlation : (n_buckets, n_buckets) correlation of neighbouring buckets of one region.
    region_correlation : correlation of any two regions in one bucket, in [0, 1).

    """

    mean_units: np.ndarray
    dispersion: np.ndarray
    bucket_correlation: np.ndarray
    region_correlation: float


def draw(law: DemandLaw, count: int, key: tuple[int, str, str], *, is_stratified: bool) -> np.ndarray:
    """Return (count, n_regions, n_buckets) whole units as float64.

    ``key`` is (seed, sku, purpose): the same key gives the same uniforms whatever else is drawn and
    in whatever order, so plans do not twitch. Stratified draws are a Latin hypercube: each of
    ``count`` equal slices of every margin is hit once.
    """
    regions, buckets = law.mean_units.shape
    normals = ndtri(_uniforms(count, (regions + 1) * buckets, key, is_stratified=is_stratified))
    normals = normals.reshape(count, regions + 1, buckets) @ np.linalg.cholesky(law.bucket_correlation).T
    shared = math.sqrt(law.region_correlation)
    own = math.sqrt(1.0 - law.region_correlation)
    mixed = shared * normals[:, :1, :] + own * normals[:, 1:, :]
    return _quantiles(mixed, law.mean_units, law.dispersion)


def bucket_correlation(day_correlation: float, starts: tuple[int, ...]) -> np.ndarray:
    """Return the correlation of sums over buckets when days follow a first-order autoregression.

    ``starts`` holds the first period of each bucket and, last, the end (exclusive). With correlation
    φ between neighbouring periods, Cov(A, B) = Σ_{i∈A, j∈B} φ^|i−j|.
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


@njit(cache=True)
def _quantiles(
    normals: np.ndarray, mean: np.ndarray, dispersion: np.ndarray
) -> np.ndarray:  # pragma: no cover - compiled
    units = np.empty_like(normals)
    for s in range(normals.shape[0]):
        for r in range(normals.shape[1]):
            for b in range(normals.shape[2]):
                units[s, r, b] = _quantile(normals[s, r, b], mean[r, b], dispersion[r, b])
    return units


@njit(cache=True)
def _quantile(normal: float, mean: float, alpha: float) -> float:  # pragma: no cover - compiled
    """Return the smallest k with P(K <= k) >= Φ(normal) for a negative binomial law."""
    if mean <= 0.0:
        return 0.0
    if alpha < 0.0:
        return math.floor(mean + 0.5)
    if mean > _LARGE_MEAN_UNITS:
        variance = mean + alpha * mean * mean
        shape = mean * mean / variance
        cube = 1.0 - 1.0 / (9.0 * shape) + normal / (3.0 * math.sqrt(shape))
        return max(0.0, math.floor(mean * cube**3 + 0.5))
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
