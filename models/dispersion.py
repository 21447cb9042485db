"""Dispersion of demand around its mean, by moments, shrunk hierarchically: global → category → SKU.

Var = c μ + φ μ². For whole counts c is the step of demand in units (``models.support``): a negative binomial of
μ ÷ c steps. For other demand c is what a usual purchase adds, fitted over all rows. φ of a group by moments:
Σ((y − μ)² − c μ) ÷ Σ μ². φ does not depend on the unit demand is counted in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import nnls

# A coefficient of variation of 4.5%: levels drift by as much from month to month, which one horizon does not show.
LOWEST, HIGHEST = 0.002, 30.0
# Weight of the parent in rows: a sku with 100 rows stands half on its own and half on its category.
_PRIOR_ROWS = 100.0
_BINS, _ROWS_PER_BIN = 16, 50


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


def fit_linear(mean: np.ndarray, actual: np.ndarray) -> float:
    """Return c >= 0 in units of Var = c μ + φ μ², from mean squares in bins of ``mean`` (n_rows), each bin counting alike."""
    order = np.argsort(mean, kind="stable")
    order = order[mean[order] > 0]
    bins = [part for part in np.array_split(order, _BINS) if len(part) >= _ROWS_PER_BIN]
    if len(bins) < 2:
        return 0.0
    square = np.array([((actual[part] - mean[part]) ** 2).mean() for part in bins])
    terms = np.array([[mean[part].mean(), (mean[part] ** 2).mean()] for part in bins])
    known = square > 0
    scale = terms[-1]  # so that both terms are of order 1 in any unit
    share, _ = nnls(terms[known] / square[known, None] * (square.max() / scale), np.ones(known.sum()))
    return float(share[0] * square.max() / scale[0])


def fit_dispersion(rows: pd.DataFrame, linear: np.ndarray) -> Dispersion:
    """Return the dispersion of ``rows`` with `mean`, `actual` (known), `sku` and `category`, both texts.

    ``linear`` (n_rows) is c in units. Each level is shrunk to the one above it.
    """
    mean, actual = rows["mean"].to_numpy(float), rows["actual"].to_numpy(float)
    excess = (actual - mean) ** 2 - linear * mean
    parts = pd.DataFrame({"sku": rows["sku"].to_numpy(), "category": rows["category"].to_numpy(),
                          "excess": excess, "base": mean**2})  # fmt: skip
    overall = _bounded(parts["excess"].sum() / max(parts["base"].sum(), np.finfo(float).tiny))
    by_category = _shrunk(parts, "category", np.float64(overall))
    parent = parts.groupby("sku", sort=True)["category"].first().map(by_category)
    by_sku = _shrunk(parts, "sku", parent.to_numpy())
    return Dispersion(float(overall), dict(by_category), dict(by_sku))


def _shrunk(rows: pd.DataFrame, by: str, parent: np.ndarray | np.float64) -> pd.Series:
    grouped = rows.groupby(by, sort=True)
    total, count = grouped[["excess", "base"]].sum(), grouped.size()
    prior = np.maximum(_PRIOR_ROWS * total["base"] / count, np.finfo(float).tiny)
    return _bounded((total["excess"] + parent * prior) / (total["base"] + prior))


def _bounded(value):  # type: ignore[no-untyped-def] # a number or a series in, the same out
    return np.clip(value, LOWEST, HIGHEST)
