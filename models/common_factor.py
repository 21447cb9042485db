"""How much forecast errors of different series have in common, so that sums of series get a distribution.

Pairs of series are of three kinds: the same sku in two regions, two skus in one region, and the rest. One
correlation each, by moments of the raw out-of-sample errors e with standard deviations s:
ρ(kind) = Σ e_i e_j ÷ Σ s_i s_j over all pairs of the kind and all dates. The pair sums are quadratic forms of
group totals, so nothing is ever done pair by pair. Not here: dependence over days (``dependence``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_HIGHEST = 0.95


@dataclass(frozen=True)
class CommonFactor:
    """Correlation of errors on one date: ``sku`` in two regions, two skus in one ``region``, any ``other`` pair."""

    sku: float
    region: float
    other: float

    def to_json(self) -> dict[str, float]:
        """Return a JSON-able dict."""
        return {"sku": self.sku, "region": self.region, "other": self.other}

    def variance(self, own: np.ndarray, by_sku: np.ndarray, by_region: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return the variance of sums of series.

        ``own`` is Σ s² over the members, ``by_sku`` and ``by_region`` the sums of squared totals of s within
        skus and within regions, ``whole`` the squared total; arrays of one shape.
        """
        other = np.maximum(whole - by_sku - by_region + own, 0.0)
        return own + self.sku * (by_sku - own) + self.region * (by_region - own) + self.other * other


def fit_common(rows: pd.DataFrame) -> CommonFactor:
    """Return the correlations of ``rows`` with `origin`, `step`, `region`, `sku`, `residual` and `deviation`.

    ``residual`` is actual − mean, ``deviation`` its modelled standard deviation; both known. A kind without
    pairs has correlation 0.
    """
    products = _pairs(rows, "residual")
    scales = _pairs(rows, "deviation")
    share = [float(np.clip(p / s, 0.0, _HIGHEST)) if s > 0 else 0.0 for p, s in zip(products, scales, strict=True)]
    return CommonFactor(*share)


def _pairs(rows: pd.DataFrame, name: str) -> tuple[float, float, float]:
    """Return Σ over ordered pairs of products of ``name``, for pairs of one sku, of one region, and others."""
    date = ["origin", "step"]
    own = float((rows[name] ** 2).sum())
    whole, by_sku, by_region = (
        float((rows.groupby(keys, sort=False)[name].sum() ** 2).sum())
        for keys in (date, [*date, "sku"], [*date, "region"])
    )
    return by_sku - own, by_region - own, whole - by_sku - by_region + own
