"""Quantiles of demand around a predicted mean: two ways, averaged as far as there are rows for both.

(a) Negative binomial with the sku's dispersion: right for counts. (b) A table of quantiles of
actual ÷ predicted in bins of predicted mean × dispersion: right for lumpy demand, and only where
there are rows for many bins: the ratios of slow series say nothing of fast ones. Both are fitted on
out-of-sample rows only. The same class serves single periods and window sums.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

_MEANS = np.geomspace(0.005, 5000, 220)
_SPREADS = np.geomspace(0.01, 30, 28)
_ROWS_PER_BIN = 400
_MOST_MEAN_BINS, _MOST_SPREAD_BINS = 16, 4
# From this many bins of predicted mean on the table counts as much as the negative binomial.
_FULL_MEAN_BINS = 8
_CHUNK = 200_000


@dataclass(frozen=True)
class RatioTable:
    """Quantiles of actual ÷ predicted: ``ratio`` (n_mean_bins, n_spread_bins, n_levels).

    Bins are bounded by ``mean_edges`` and ``spread_edges`` (inner edges, ascending; a value on an edge
    belongs to the bin above).
    """

    mean_edges: np.ndarray
    spread_edges: np.ndarray
    ratio: np.ndarray

    @classmethod
    def fit(cls, mean: np.ndarray, actual: np.ndarray, spread: np.ndarray, levels: tuple[float, ...]) -> RatioTable:
        """Return the table of out-of-sample rows; bins hold about 400 rows or more."""
        n_mean = int(np.clip(len(mean) / _ROWS_PER_BIN / 2, 1, _MOST_MEAN_BINS))
        n_spread = int(np.clip(len(mean) / _ROWS_PER_BIN / n_mean, 1, _MOST_SPREAD_BINS))
        mean_edges = np.unique(np.quantile(mean, np.linspace(0, 1, n_mean + 1)[1:-1]))
        spread_edges = np.unique(np.quantile(spread, np.linspace(0, 1, n_spread + 1)[1:-1]))
        shape = (len(mean_edges) + 1, len(spread_edges) + 1, len(levels))
        place = np.searchsorted(mean_edges, mean, "right") * shape[1] + np.searchsorted(spread_edges, spread, "right")
        order = np.argsort(place, kind="stable")
        ratio = (actual / np.maximum(mean, 1e-6))[order]
        ends = np.searchsorted(place[order], np.arange(shape[0] * shape[1] + 1))
        everyone = np.quantile(ratio, levels)
        rows = [np.quantile(ratio[a:b], levels) if b - a >= 50 else everyone for a, b in itertools.pairwise(ends)]
        return cls(mean_edges, spread_edges, np.array(rows).reshape(shape))

    @property
    def weight(self) -> float:
        """Weight beside the negative binomial: 0 with one bin of predicted mean, ½ from 8 bins on, even between."""
        return 0.5 * min(1.0, (len(self.ratio) - 1) / (_FULL_MEAN_BINS - 1))

    def quantiles(self, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Return the quantiles (n_rows, n_levels)."""
        low = np.searchsorted(self.mean_edges, mean, "right")
        return self.ratio[low, np.searchsorted(self.spread_edges, spread, "right")] * mean[:, None]


@lru_cache(maxsize=4)
def _binomial_table(levels: tuple[float, ...]) -> np.ndarray:
    """Return negative binomial quantiles (n_means, n_spreads, n_levels) on the grid."""
    mean, spread, level = np.meshgrid(_MEANS, _SPREADS, levels, indexing="ij")
    return stats.nbinom.ppf(level, 1 / spread, 1 / (1 + spread * mean)).astype(np.float32)


def binomial_quantiles(mean: np.ndarray, spread: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return negative binomial quantiles (n_rows, n_levels), interpolated in log mean and log φ."""
    table = _binomial_table(levels)
    i, a = _position(np.log(mean + 1e-12), np.log(_MEANS))
    j, b = _position(np.log(spread), np.log(_SPREADS))
    low = table[i, j] * (1 - a) + table[i + 1, j] * a
    high = table[i, j + 1] * (1 - a) + table[i + 1, j + 1] * a
    return low * (1 - b) + high * b


def _position(value: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of an even ``grid`` and the share of the way through it, (n, 1), clipped to the grid."""
    at = np.clip((value - grid[0]) / (grid[1] - grid[0]), 0, len(grid) - 1.001)
    cell = at.astype(np.int32)
    return cell, (at - cell).astype(np.float32)[:, None]


def quantiles(table: RatioTable, mean: np.ndarray, spread: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return float32 (n_rows, n_levels): both ways by ``table.weight``, never negative, ascending by level."""
    found = np.empty((len(mean), len(levels)), np.float32)
    for start in range(0, len(mean), _CHUNK):
        rows = slice(start, start + _CHUNK)
        counted = binomial_quantiles(mean[rows], spread[rows], levels)
        found[rows] = (1 - table.weight) * counted + table.weight * table.quantiles(mean[rows], spread[rows])
    np.maximum.accumulate(found, axis=1, out=found)
    return found
