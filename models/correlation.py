"""How forecast errors move together: over neighboring periods and over the regions of a SKU.

Errors are out-of-sample and standardized, e = (y − μ) ÷ √(μ + φ μ²). Not here: drawing joint paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_PRIOR_PAIRS = 300.0
_HIGHEST = 0.95


def fit_error_correlation(rows: pd.DataFrame) -> tuple[dict[str, list[float]], dict[str, list[float]], list[float]]:
    """Return [day, region] correlation by SKU, by category and overall, each shrunk to the level above.

    ``rows`` hold `sku`, `category`, `region`, `origin`, `step`, `error` (standardized), sorted by origin,
    region, SKU and step.
    """
    category = rows.groupby("sku", sort=True)["category"].first()
    result = [
        _three_levels(parts(rows).reindex(category.index, fill_value=0.0), category)
        for parts in (_neighbours, _across_regions)
    ]
    (day_sku, day_kind, day), (region_sku, region_kind, region) = result
    by_sku = {str(sku): [float(day_sku[sku]), float(region_sku[sku])] for sku in category.index}
    by_category = {str(kind): [float(day_kind[kind]), float(region_kind[kind])] for kind in day_kind.index}
    return by_sku, by_category, [day, region]


def _three_levels(parts: pd.DataFrame, category: pd.Series) -> tuple[pd.Series, pd.Series, float]:
    """Return the correlation by SKU, by category and overall from ``parts`` by SKU."""
    overall = _shrunk(parts.sum().to_frame().T, 0.0).iloc[0]
    by_category = _shrunk(parts.groupby(category, sort=True).sum(), overall)
    return _shrunk(parts, category.map(by_category)), by_category, float(overall)


def _shrunk(parts: pd.DataFrame, parent: pd.Series | float) -> pd.Series:
    """Return Σ products ÷ Σ squares, shrunk to ``parent`` with the weight of 300 pairs; within [0, 0.95]."""
    prior = _PRIOR_PAIRS * parts["squares"] / parts["pairs"].clip(lower=1.0)
    result = (parts["products"] + parent * prior) / (parts["squares"] + prior).clip(lower=1e-9)
    return result.clip(0.0, _HIGHEST)


def _neighbours(rows: pd.DataFrame) -> pd.DataFrame:
    error, step = rows["error"].to_numpy(), rows["step"].to_numpy()
    paired = np.flatnonzero(step[1:] == step[:-1] + 1)
    before, after = error[paired], error[paired + 1]
    pairs = pd.DataFrame({"products": before * after, "squares": (before**2 + after**2) / 2, "pairs": 1.0})
    return pairs.groupby(rows["sku"].to_numpy()[paired], sort=True).sum()


def _across_regions(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean product over pairs of regions on one date: ((Σe)² − Σe²) ÷ 2 over n (n − 1) ÷ 2 pairs."""
    grouped = rows.assign(square=rows["error"] ** 2).groupby(["sku", "origin", "step"], sort=True)
    total = grouped.agg(error=("error", "sum"), square=("square", "sum"), n=("error", "size"))
    result = pd.DataFrame({"products": (total["error"] ** 2 - total["square"]) / 2,
                          "squares": total["square"] * (total["n"] - 1) / 2,
                          "pairs": total["n"] * (total["n"] - 1) / 2})  # fmt: skip
    return result.groupby(level="sku", sort=True).sum()


_HIGHEST_REGION = 0.95


@dataclass(frozen=True)
class CommonFactor:
    """Correlation of errors on one date: ``sku`` in two regions, two SKUs in one ``region``, any ``other`` pair."""

    sku: float
    region: float
    other: float

    def to_json(self) -> dict[str, float]:
        """Return a JSON-able dict."""
        return {"sku": self.sku, "region": self.region, "other": self.other}

    def variance(self, within: np.ndarray, by_sku: np.ndarray, by_region: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return the variance of sums of series.

        ``within`` is Σ s² over the members, ``by_sku`` and ``by_region`` the sums of squared totals of s within
        SKUs and within regions, ``whole`` the squared total; arrays of one shape.
        """
        other = np.maximum(whole - by_sku - by_region + within, 0.0)
        return within + self.sku * (by_sku - within) + self.region * (by_region - within) + self.other * other


def fit_common_factor(rows: pd.DataFrame) -> CommonFactor:
    """Return the correlations of ``rows`` with `origin`, `step`, `region`, `sku`, `residual` and `deviation`.

    ``residual`` is actual − mean, ``deviation`` its standard deviation by the model; both known. A kind without
    pairs has correlation 0.
    """
    products = _pairs(rows, "residual")
    scales = _pairs(rows, "deviation")
    share = [
        float(np.clip(p / s, 0.0, _HIGHEST_REGION)) if s > 0 else 0.0 for p, s in zip(products, scales, strict=True)
    ]
    return CommonFactor(*share)


def _pairs(rows: pd.DataFrame, name: str) -> tuple[float, float, float]:
    """Return Σ over ordered pairs of products of ``name``, for pairs of one SKU, of one region, and others."""
    date = ["origin", "step"]
    within = float((rows[name] ** 2).sum())
    whole, by_sku, by_region = (
        float((rows.groupby(keys, sort=False)[name].sum() ** 2).sum())
        for keys in (date, [*date, "sku"], [*date, "region"])
    )
    return by_sku - within, by_region - within, whole - by_sku - by_region + within
