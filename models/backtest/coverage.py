"""Calibration of quantiles: coverage and randomized PIT.

Not here: the computation of quantiles.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

PIT_BINS = 20


def coverage(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return the share of known actuals (n) at or below each quantile (n, n_levels), float64 (n_levels).

    >>> coverage(np.array([1.0, 4.0, np.nan]), np.array([[0.0, 1.0], [3.0, 9.0], [0.0, 0.0]]))
    array([0., 1.])
    """
    known = np.isfinite(actual)
    if not known.any():
        return np.full(quantiles.shape[-1], np.nan)
    return np.asarray((actual[known, None] <= quantiles[known]).mean(axis=0))


def randomized_pit(
    actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...], random: np.random.Generator
) -> np.ndarray:
    """Return a uniform draw from the part of (0, 1) in which each known actual lies, float64 (n_known).

    Between two quantiles that is the part between their levels. An actual that equals quantiles holds a mass
    of probability, at zero for example, and the draw spreads over all of it (Czado, Gneiting & Held, Biometrics
    65, 2009); the mass ends somewhere between two levels and is taken to end half-way. Uniform when the
    quantiles are right.
    """
    known = np.isfinite(actual)
    value, rows = actual[known, None], quantiles[known]
    edges = np.concatenate([[0.0], levels, [1.0]])
    half = (edges[:-1] + edges[1:]) / 2
    below, up_to = (rows < value).sum(axis=1), (rows <= value).sum(axis=1)
    is_mass = up_to > below
    low = np.where(is_mass, np.where(below > 0, half[below], 0.0), edges[below])
    high = np.where(is_mass, half[up_to], edges[below + 1])
    return np.asarray(low + random.random(len(low)) * (high - low))


def check(
    actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...], seed: list[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (coverage by level, PIT histogram) of actuals (n), NaN where unknown, and quantiles (n, n_levels).

    Coverage columns: `level`, `coverage`, `coverage_randomised` (share of PIT draws at or below the level),
    `n`. Histogram columns: `pit_from`, `pit_to`, `share`, 20 equal bins.
    """
    drawn = randomized_pit(actual, quantiles, levels, np.random.default_rng(seed))
    covered = pd.DataFrame({"level": levels, "coverage": coverage(actual, quantiles)})
    covered["coverage_randomised"] = [float((drawn <= level).mean()) if len(drawn) else np.nan for level in levels]
    covered["n"] = len(drawn)
    count, edges = np.histogram(drawn, bins=PIT_BINS, range=(0.0, 1.0))
    histogram = pd.DataFrame({"pit_from": edges[:-1], "pit_to": edges[1:], "share": count / max(len(drawn), 1)})
    return covered, histogram
