"""Quantiles of demand around a predicted mean: the average of two estimates where there are rows for both.

(a) A demand distribution with the SKU's dispersion: a negative binomial in steps of demand where demand is a multiple of a
step, a gamma distribution with a probability of zero where it takes any quantity, or the one that ``forecast.distribution``
names. (b) A table of quantiles of actual ÷ predicted in bins of predicted mean × dispersion. It fits lumpy demand and needs
rows for many bins, because the ratios of slow series say nothing about fast ones. Both are fitted on out-of-sample rows only,
and both scale with the unit of demand. The same functions serve periods and window sums.

References
----------
Snyder, Ord, Beaumont: Forecasting the intermittent demand for slow-moving inventories, International Journal of Forecasting 28
(2012), for the negative binomial.

"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from scipy import special, stats

from foundation.demand_distribution import DemandDistribution

# Negative binomial below, gamma of the same mean and variance above; between the two means they are blended.
_COUNT_UNITS, _LARGE_UNITS = 200.0, 400.0
_MEANS = np.geomspace(0.005, _LARGE_UNITS, 180)
_SPREADS = np.geomspace(1e-4, 30, 43)
_SHAPES = np.geomspace(1e-2, 1e9, 1200)
_ROWS_PER_BIN = 400
_MOST_MEAN_BINS, _MOST_SPREAD_BINS = 16, 4
# From this many bins of predicted mean on the table counts as much as the negative binomial.
_FULL_MEAN_BINS = 8
_CHUNK = 200_000
_FAR_LEVEL = 0.975
_LEAST_MEAN_SHARE = 1e-3  # of the median mean; rows below it tell nothing about ratios


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
        """Return the table of out-of-sample rows; bins hold about 400 rows or more.

        Rows with a mean far below the usual one are left out: sales of a series that was forecast at almost 0 would make a
        quantile of the whole bin a large multiple of the mean.
        """
        usual = mean >= _LEAST_MEAN_SHARE * np.median(mean[mean > 0]) if (mean > 0).any() else np.ones(len(mean), bool)
        mean, actual, spread = mean[usual], actual[usual], spread[usual]
        n_mean = int(np.clip(len(mean) / _ROWS_PER_BIN / 2, 1, _MOST_MEAN_BINS))
        n_spread = int(np.clip(len(mean) / _ROWS_PER_BIN / n_mean, 1, _MOST_SPREAD_BINS))
        mean_edges = np.unique(np.quantile(mean, np.linspace(0, 1, n_mean + 1)[1:-1]))
        spread_edges = np.unique(np.quantile(spread, np.linspace(0, 1, n_spread + 1)[1:-1]))
        shape = (len(mean_edges) + 1, len(spread_edges) + 1, len(levels))
        place = np.searchsorted(mean_edges, mean, "right") * shape[1] + np.searchsorted(spread_edges, spread, "right")
        order = np.argsort(place, kind="stable")
        ratio = (actual / np.maximum(mean, np.finfo(np.float32).tiny))[order]
        ends = np.searchsorted(place[order], np.arange(shape[0] * shape[1] + 1))
        overall = np.quantile(ratio, levels)
        rows = [np.quantile(ratio[a:b], levels) if b - a >= 50 else overall for a, b in itertools.pairwise(ends)]
        return cls(mean_edges, spread_edges, np.array(rows).reshape(shape))

    @property
    def weight(self) -> float:
        """Weight beside the negative binomial: 0 with one bin of predicted mean, ½ from 8 bins on, even between."""
        return 0.5 * min(1.0, (len(self.ratio) - 1) / (_FULL_MEAN_BINS - 1))

    def quantiles(self, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Return the quantiles (n_rows, n_levels)."""
        low = np.searchsorted(self.mean_edges, mean, "right")
        return self.ratio[low, np.searchsorted(self.spread_edges, spread, "right")] * mean[:, None]


@dataclass(frozen=True)
class Margins:
    """Parameters of each row's demand distribution.

    Attributes
    ----------
    mean : float (n_rows), expected units, >= 0.
    spread : float (n_rows), φ > 0 of the variance c μ + φ μ².
    linear : float (n_rows), c >= ``step`` in units.
    step : float (n_rows), step of demand in units; 0: any quantity.
    zero_rate : float (n_rows), probability of no demand where the step is 0, in [0, 1); ignored elsewhere.

    """

    mean: np.ndarray
    spread: np.ndarray
    linear: np.ndarray
    step: np.ndarray
    zero_rate: np.ndarray

    @classmethod
    def of_counts(cls, mean: np.ndarray, spread: np.ndarray) -> Margins:
        """Return the margins of whole counts."""
        return cls(mean, spread, np.ones(len(mean)), np.ones(len(mean)), np.zeros(len(mean)))

    def rows(self, part: slice | np.ndarray) -> Margins:
        """Return some of the rows."""
        return Margins(*(getattr(self, field.name)[part] for field in fields(self)))

    @property
    def dispersion(self) -> np.ndarray:
        """Return α (n_rows) of the variance step × mean + α mean²; φ where the mean is 0."""
        more = (self.linear - self.step) / np.where(self.mean > 0, self.mean, np.inf)
        return np.asarray(self.spread + more)


@lru_cache(maxsize=4)
def _binomial_table(levels: tuple[float, ...]) -> np.ndarray:
    """Return negative binomial quantiles (n_means, n_spreads, n_levels) on the grid."""
    mean, spread, level = np.meshgrid(_MEANS, _SPREADS, levels, indexing="ij")
    return np.asarray(stats.nbinom.ppf(level, 1 / spread, 1 / (1 + spread * mean)))


@lru_cache(maxsize=4)
def _gamma_table(levels: tuple[float, ...]) -> np.ndarray:
    """Return (quantile ÷ mean − 1) √shape of gamma laws (n_shapes, n_levels): smooth in the shape, normal at its end."""
    shape = _SHAPES[:, None]
    return np.asarray((special.gammaincinv(shape, np.array(levels)) / shape - 1) * np.sqrt(shape))


def binomial_quantiles(mean: np.ndarray, spread: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return negative binomial quantiles (n_rows, n_levels), variance mean + spread × mean².

    Interpolated in log mean and log φ up to a mean of 400; above it those of a gamma law, the limit for large
    counts; from 200 to 400 blended in log mean, so that nothing jumps.
    """
    result = np.empty((len(mean), len(levels)))
    small, large = mean < _LARGE_UNITS, mean > _COUNT_UNITS
    result[small] = _counted(mean[small], spread[small], levels)
    known = mean[large]
    continuous = gamma_quantiles(known, 1 / (1 / known + spread[large]), levels)
    share = np.clip(np.log(known / _COUNT_UNITS) / np.log(_LARGE_UNITS / _COUNT_UNITS), 0, 1)[:, None]
    result[large] = np.where(share < 1, result[large], 0.0) * (1 - share) + share * continuous
    return result


def gamma_quantiles(mean: np.ndarray, shape: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return gamma quantiles (n_rows, n_levels) of ``mean`` and ``shape`` (n_rows), variance mean² ÷ shape."""
    table = _gamma_table(levels)
    i, a = _position(np.log(shape), np.log(_SHAPES))
    away = table[i] * (1 - a) + table[i + 1] * a
    return mean[:, None] * np.maximum(1 + away / np.sqrt(shape)[:, None], 0.0)


def continuous_quantiles(margins: Margins, levels: tuple[float, ...]) -> np.ndarray:
    """Return quantiles (n_rows, n_levels) of demand that is zero with a probability and else gamma distributed.

    Mean and variance of the whole are those of ``margins``; where the zeros alone vary more, the rest varies
    by 1% of its mean.
    """
    above = 1 - margins.zero_rate
    squared = np.maximum((1 + margins.dispersion) * above - 1, 1e-4)[:, None]
    inner = (np.array(levels) - margins.zero_rate[:, None]) / above[:, None]
    result = special.gammaincinv(1 / squared, np.clip(inner, 0, 1)) * squared * (margins.mean / above)[:, None]
    return np.asarray(np.where(inner > 0, result, 0.0))


def parametric_quantiles(
    margins: Margins, levels: tuple[float, ...], distribution: DemandDistribution | None = None
) -> np.ndarray:
    """Return the quantiles (n_rows, n_levels) of a distribution; None chooses one for each row by its step."""
    if distribution is not None:
        parts = (part[:, None] for part in (margins.mean, margins.dispersion, margins.step))
        return distribution.units(np.array(levels), *parts)
    result = np.zeros((len(margins.mean), len(levels)))
    is_any = margins.step == 0
    result[is_any] = continuous_quantiles(margins.rows(is_any), levels)
    steps = margins.step[~is_any]
    counted = binomial_quantiles(margins.mean[~is_any] / steps, margins.dispersion[~is_any], levels)
    result[~is_any] = counted * steps[:, None]
    return result


def _counted(mean: np.ndarray, spread: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    table = _binomial_table(levels)
    i, a = _position(np.log(mean + 1e-12), np.log(_MEANS))
    j, b = _position(np.log(spread), np.log(_SPREADS))
    low = table[i, j] * (1 - a) + table[i + 1, j] * a
    high = table[i, j + 1] * (1 - a) + table[i + 1, j + 1] * a
    return np.asarray(low * (1 - b) + high * b)


def _position(value: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of an even ``grid`` and the share of the way through it, (n, 1), clipped to the grid."""
    index = np.clip((value - grid[0]) / (grid[1] - grid[0]), 0, len(grid) - 1.001)
    cell = index.astype(np.int32)
    return cell, (index - cell)[:, None]


def quantiles(
    table: RatioTable, margins: Margins, levels: tuple[float, ...], distribution: DemandDistribution | None = None
) -> np.ndarray:
    """Return quantiles in units (n_rows, n_levels): both estimates weighted by ``table.weight``, >= 0, ascending by level.

    Quantiles of demand in steps are rounded to steps, because between two steps the average would cover too much. The far quantiles
    enclose the mean, except where demand is zero with that probability.
    """
    result = np.empty((len(margins.mean), len(levels)))
    for start in range(0, len(margins.mean), _CHUNK):
        rows = margins.rows(slice(start, start + _CHUNK))
        counted = parametric_quantiles(rows, levels, distribution)
        result[start : start + _CHUNK] = (1 - table.weight) * counted + table.weight * table.quantiles(
            rows.mean, rows.spread
        )
    in_steps = margins.step > 0
    step = margins.step[in_steps, None]
    result[in_steps] = np.floor(result[in_steps] / step + 0.5) * step
    mean, level = margins.mean[:, None], np.array(levels)
    result = np.where((level <= 1 - _FAR_LEVEL), np.minimum(result, mean), result)
    result = np.where((level >= _FAR_LEVEL) & (result > 0), np.maximum(result, mean), result)
    return np.maximum.accumulate(result, axis=1)
