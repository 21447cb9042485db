"""Dispersion of demand around its mean, by moments, shrunk from all over category to sku.

Negative binomial: Var = μ + φ μ². φ of a group by moments: Σ((y − μ)² − μ) ÷ Σ μ².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_LOWEST, _HIGHEST = 0.01, 30.0
# Weight of the parent in rows: a sku with 100 rows stands half on its own and half on its category.
_PRIOR_ROWS = 100.0


@dataclass(frozen=True)
class Dispersion:
    """φ overall, by category and by sku."""

    overall: float
    by_category: dict[str, float]
    by_sku: dict[str, float]

    def of(self, series: pd.DataFrame, category: str) -> np.ndarray:
        """Return φ of each series by its sku, else its category, else overall, float64 (n_series)."""
        found = series["sku"].map(self.by_sku)
        found = found.fillna(series[category].map(self.by_category)).fillna(self.overall)
        return found.to_numpy(np.float64)


def fit_dispersion(mean: np.ndarray, actual: np.ndarray, sku: np.ndarray, category: np.ndarray) -> Dispersion:
    """Return the dispersion of ``actual`` around ``mean``; all arrays (n_rows), actual known.

    ``sku`` and ``category`` are texts. Each level is shrunk to the one above it.
    """
    rows = pd.DataFrame({"sku": sku, "category": category, "excess": (actual - mean) ** 2 - mean, "base": mean**2})
    overall = _bounded(rows["excess"].sum() / max(rows["base"].sum(), 1e-9))
    by_category = _shrunk(rows, "category", np.float64(overall))
    parent = rows.groupby("sku", sort=True)["category"].first().map(by_category)
    by_sku = _shrunk(rows, "sku", parent.to_numpy())
    return Dispersion(float(overall), dict(by_category), dict(by_sku))


def _shrunk(rows: pd.DataFrame, by: str, parent: np.ndarray | np.float64) -> pd.Series:
    grouped = rows.groupby(by, sort=True)
    total, count = grouped[["excess", "base"]].sum(), grouped.size()
    prior = _PRIOR_ROWS * total["base"] / count + 1e-9
    return _bounded((total["excess"] + parent * prior) / (total["base"] + prior))


def _bounded(value):  # type: ignore[no-untyped-def] # a number or a series in, the same out
    return np.clip(value, _LOWEST, _HIGHEST)
