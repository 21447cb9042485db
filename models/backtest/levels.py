"""The levels of the hierarchy: every product grouping crossed with every place, from the total down.

Places are everywhere, the subdivision (where regions name one) and the region; products are everything,
each hierarchy column, and the sku. With two hierarchy columns and subdivisions these are the twelve levels
of M5 in its order. Not here: what is scored on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse


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

    A level that splits the series exactly like an earlier one is left out, except for the last, region × sku.
    """
    sku, region = (pd.factorize(series[name], sort=True)[0].astype(np.int32) for name in ("sku", "region"))
    found: list[Grouping] = []
    seen: set[bytes] = set()
    wanted = _keys(series, hierarchy)
    for keys in wanted:
        nodes, code = _split(series, keys)
        split = code.tobytes()
        if split not in seen or keys == wanted[-1]:
            found.append(Grouping(len(found) + 1, keys, nodes, code, sku, region))
        seen.add(split)
    return found


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
