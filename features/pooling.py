"""Pooled demand: the mean over the series of a group, by period.

Means are over the series with a known value, so a group does not jump when a series starts or is out of stock. The groups are
the SKU over all regions, the region, and region × each hierarchy column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

_CHUNK = 128


@dataclass(frozen=True)
class Group:
    """A grouping of series.

    Attributes
    ----------
    code
        Group of each series, int32 (n_series).
    mean
        Mean demand per period, float32 (n_groups, n_history), NaN where unknown.

    """

    code: np.ndarray
    mean: np.ndarray


def build_groups(demand: np.ndarray, series: pd.DataFrame, hierarchy: tuple[str, ...]) -> dict[str, Group]:
    """Return the groups of a panel by name: `sku`, `region`, then `region_<hierarchy column>`."""
    keys = {"sku": ["sku"], "region": ["region"]} | {f"region_{name}": ["region", name] for name in hierarchy}
    codes = {name: series.groupby(by, sort=True).ngroup().to_numpy(np.int32) for name, by in keys.items()}
    return {name: Group(code, group_means(demand, code)) for name, code in codes.items()}


def group_means(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return float32 (n_groups, n_periods): means of known ``values`` (n_series, n_periods) by group code."""
    member = sparse.csr_matrix((np.ones(len(code), np.float32), (code, np.arange(len(code)))))
    means = np.empty((member.shape[0], values.shape[1]), np.float32)
    for start in range(0, values.shape[1], _CHUNK):  # bounds the memory of the filled copy
        part = values[:, start : start + _CHUNK]
        known = np.isfinite(part)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = member @ np.where(known, part, np.float32(0))
            means[:, start : start + _CHUNK] = total / (member @ known.astype(np.float32))
    return means
