"""Hierarchy levels: every product grouping crossed with every geographic grouping, from the total down.

Geographic groupings are the total, the subdivision (if every region has one), and the region. Product groupings are the total, each
hierarchy column, and the SKU. With two hierarchy columns and subdivisions, these are the twelve levels of M5 in M5 order. Not here: the
scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse, stats

from models.correlation import CommonFactor
from models.dispersion import LOWEST
from models.distribution import binomial_quantiles, gamma_quantiles


@dataclass(frozen=True)
class Grouping:
    """One level: its number from 1, its keys (empty: the total) and the node of each series.

    ``nodes`` holds the key texts (n_nodes, n_keys), ``code`` int32 (n_series) the node of each series,
    ``sku`` and ``region`` int32 (n_series) codes used to tell pairs of series apart.
    """

    number: int
    keys: tuple[str, ...]
    nodes: pd.DataFrame
    code: np.ndarray
    sku: np.ndarray
    region: np.ndarray

    @property
    def name(self) -> str:
        """What the level is called: its keys, or `total`."""
        return " × ".join(self.keys) or "total"

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def is_bottom(self) -> bool:
        """Whether every node is one series."""
        return self.n_nodes == len(self.code)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sums over the members of each node, (n_nodes, …), of ``values`` (n_series, …)."""
        return total_by(self.code, self.n_nodes, values)

    def squares_within(self, values: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return Σ over the parts of a node of (Σ values)², parts being told apart by ``other`` (n_series).

        Shape (n_nodes, …).
        """
        pairs, part = np.unique(np.stack([self.code, other]), axis=1, return_inverse=True)
        return total_by(pairs[0], self.n_nodes, total_by(part.reshape(-1), pairs.shape[1], values) ** 2)


def total_by(code: np.ndarray, n_groups: int, values: np.ndarray) -> np.ndarray:
    """Return the sums of ``values`` (n, …) by group, float64 (n_groups, …).

    >>> total_by(np.array([1, 0, 1]), 2, np.array([[1.0], [2.0], [3.0]]))
    array([[2.],
           [4.]])
    """
    member = sparse.csr_matrix((np.ones(len(code)), (code, np.arange(len(code)))), (n_groups, len(code)))
    return np.asarray(member @ values.reshape(len(code), -1)).reshape(n_groups, *values.shape[1:])


def groupings(series: pd.DataFrame, hierarchy: tuple[str, ...]) -> list[Grouping]:
    """Return every level of ``series`` (columns `region`, `sku`, ``hierarchy`` finest first, `subdivision` or not).

    A level that splits the series exactly like an earlier one is left out, except for the last, region × SKU.
    """
    sku, region = (pd.factorize(series[name], sort=True)[0].astype(np.int32) for name in ("sku", "region"))
    result: list[Grouping] = []
    seen: set[bytes] = set()
    requested = _keys(series, hierarchy)
    for keys in requested:
        nodes, code = _split(series, keys)
        split = code.tobytes()
        if split not in seen or keys == requested[-1]:
            result.append(Grouping(len(result) + 1, keys, nodes, code, sku, region))
        seen.add(split)
    return result


def _keys(series: pd.DataFrame, hierarchy: tuple[str, ...]) -> list[tuple[str, ...]]:
    has_subdivision = "subdivision" in series and series["subdivision"].notna().all()
    places: list[tuple[str, ...]] = [(), ("subdivision",), ("region",)] if has_subdivision else [(), ("region",)]
    products = [(name,) for name in reversed(hierarchy)]
    by_product = [place + product for place in places for product in products]
    return [*places, *by_product, *((*place, "sku") for place in places)]


def _split(series: pd.DataFrame, keys: tuple[str, ...]) -> tuple[pd.DataFrame, np.ndarray]:
    if not keys:
        return pd.DataFrame(index=[0]), np.zeros(len(series), np.int32)
    grouped = series.groupby(list(keys), sort=True, observed=True)
    nodes = grouped.size().reset_index()[list(keys)].astype("str")
    return nodes, grouped.ngroup().to_numpy(np.int32)


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
    Δτ (a² + ab + b²) ÷ 3 between neighboring deviations a and b.

    >>> deviation_of(np.array([[0.0, 1.0]]), (0.0, 1.0), np.array([0.5])).round(4)  # uniform: √(1/12)
    array([0.2887])
    """
    away = quantiles.astype(float) - mean[..., None]
    low, high = away[..., :-1], away[..., 1:]
    inner = (np.diff(levels) * (low**2 + low * high + high**2) / 3).sum(axis=-1)
    return np.sqrt(inner + levels[0] * away[..., 0] ** 2 + (1 - levels[-1]) * away[..., -1] ** 2)


def sum_quantiles(mean: np.ndarray, variance: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return quantiles (…, n_levels) of sums: negative binomial, gamma where they vary less than counts would.

    A gamma distribution with the same mean and variance is the limit of the negative binomial for large counts.
    """
    flat_mean, flat_variance = mean.reshape(-1), variance.reshape(-1)
    result = np.zeros((len(flat_mean), len(levels)))
    is_count = (flat_mean > 0) & (flat_variance >= flat_mean)
    counts, spread = flat_mean[is_count], flat_variance[is_count]
    result[is_count] = binomial_quantiles(counts, np.maximum((spread - counts) / counts**2, LOWEST), levels)
    is_even = (flat_mean > 0) & ~is_count
    known = flat_mean[is_even]
    result[is_even] = gamma_quantiles(known, known**2 / np.maximum(flat_variance[is_even], known**2 * 1e-9), levels)
    return result.reshape(*mean.shape, len(levels))
