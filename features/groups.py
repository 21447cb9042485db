"""Pooled demand: the mean over the series of a group, period by period.

Means over the series that have a known value, so a group does not jump when a series starts or is
out of stock. Groups are the sku over all regions, the region, and region × each hierarchy column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse


@dataclass(frozen=True)
class Group:
    """One grouping: ``code`` int32 (n_series) and ``mean`` float32 (n_groups, n_history), NaN where unknown."""

    code: np.ndarray
    mean: np.ndarray


def build_groups(demand: np.ndarray, series: pd.DataFrame, hierarchy: tuple[str, ...]) -> dict[str, Group]:
    """Return the groups of a panel by name: `sku`, `region`, then `region_<hierarchy column>`."""
    known = np.isfinite(demand)
    filled = np.where(known, demand, np.float32(0))
    known = known.astype(np.float32)
    keys = {"sku": ["sku"], "region": ["region"]} | {f"region_{name}": ["region", name] for name in hierarchy}
    groups = {}
    for name, columns in keys.items():
        code = series.groupby(columns, sort=True).ngroup().to_numpy(np.int32)
        member = sparse.csr_matrix((np.ones(len(code), np.float32), (code, np.arange(len(code)))))
        with np.errstate(invalid="ignore", divide="ignore"):
            groups[name] = Group(code, (member @ filled) / (member @ known))
    return groups
