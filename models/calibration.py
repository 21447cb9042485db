"""Everything learned from out-of-sample origins: bias factors, quantiles, windows, dependence.

The calibrated model has never seen a row dated on or after the first of these origins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.common_factor import fit_common
from models.dependence import fit_dependence
from models.dispersion import Dispersion, fit_dispersion
from models.quantiles import RatioTable

_BIAS_PRIOR = 9.0  # κ: weight of "no bias" beside what one horizon showed; that hardly lasts into the next


@dataclass(frozen=True)
class Spread:
    """Quantiles of one kind of sum: single periods or a window."""

    dispersion: Dispersion
    table: RatioTable

    @classmethod
    def fit(cls, rows: pd.DataFrame, levels: tuple[float, ...]) -> Spread:
        """Return the spread of `actual` around `mean` with columns `sku` and `category`."""
        rows = rows[rows["actual"].notna()]
        mean, actual = rows["mean"].to_numpy(float), rows["actual"].to_numpy(float)
        dispersion = fit_dispersion(mean, actual, rows["sku"].to_numpy(), rows["category"].to_numpy())
        spread = rows["sku"].map(dispersion.by_sku).to_numpy(float)
        return cls(dispersion, RatioTable.fit(mean, actual, spread, levels))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        by = self.dispersion
        return {
            "overall": by.overall, "by_category": by.by_category, "by_sku": by.by_sku,
            "mean_edges": self.table.mean_edges.tolist(), "spread_edges": self.table.spread_edges.tolist(),
            "ratio": self.table.ratio.tolist(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Spread:
        """Return the spread of ``to_json``."""
        table = RatioTable(*(np.array(said[name]) for name in ("mean_edges", "spread_edges", "ratio")))
        return cls(Dispersion(said["overall"], said["by_category"], said["by_sku"]), table)


def calibration_frame(matrix: FeatureMatrix, mean: np.ndarray, category: str) -> pd.DataFrame:
    """Return one row per matrix row with keys, `step`, `mean` and `actual` (NaN where unknown)."""
    keys = matrix.series.iloc[matrix.series_code]
    return pd.DataFrame({
        "origin": matrix.origin, "series": matrix.series_code, "step": matrix.step,
        "region": keys["region"].to_numpy(), "sku": keys["sku"].to_numpy(), "category": keys[category].to_numpy(),
        "mean": mean, "actual": matrix.target,
    })  # fmt: skip


def bias_factors(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return region → category → (ΣA + κΣF) ÷ (ΣF + κΣF) over rows with a known actual."""
    known = rows[rows["actual"].notna()]
    total = known.groupby(["region", "category"], sort=True)[["actual", "mean"]].sum()
    factor = (total["actual"] + _BIAS_PRIOR * total["mean"]) / ((1 + _BIAS_PRIOR) * total["mean"].clip(lower=1e-9))
    found: dict[str, dict[str, float]] = {}
    for (region, category), value in zip(factor.index.to_list(), factor.to_numpy(), strict=True):
        found.setdefault(str(region), {})[str(category)] = float(np.clip(value, 0.5, 2.0))
    return found


def apply_bias(factors: dict[str, dict[str, float]], series: pd.DataFrame, category: str) -> np.ndarray:
    """Return the factor of each series float32 (n_series); 1 for pairs never seen."""
    pairs = zip(series["region"], series[category], strict=True)
    return np.array([factors.get(region, {}).get(kind, 1.0) for region, kind in pairs], np.float32)


def window_rows(rows: pd.DataFrame, periods: int) -> pd.DataFrame:
    """Return the sums over the first ``periods`` of each origin and series that reaches that far."""
    inside = rows[rows["step"] <= periods]
    keys = ["origin", "series", "region", "sku", "category"]
    grouped = inside.groupby(keys, sort=True, observed=True)
    sums = grouped.agg(mean=("mean", "sum"), actual=("actual", "sum"), n=("actual", "count")).reset_index()
    return sums[sums["n"] == periods]


def calibrate(rows: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """Return the JSON-able calibration of bias-corrected rows (see ``calibration_frame``)."""
    levels, days = settings.forecast.quantiles, settings.grid.days
    period = Spread.fit(rows, levels)
    windows = {}
    for window in settings.forecast.window_days:
        sums = window_rows(rows, window // days)
        windows[str(window)] = (Spread.fit(sums, levels) if len(sums) else period).to_json()
    known = rows[rows["actual"].notna()]
    spread = known["sku"].map(period.dispersion.by_sku).to_numpy(float)
    mean = known["mean"].to_numpy(float)
    residual, deviation = known["actual"].to_numpy(float) - mean, np.sqrt(np.maximum(mean + spread * mean**2, 1e-6))
    by_sku, by_category, overall = fit_dependence(known.assign(error=residual / deviation))
    return {
        "levels": list(levels), "period": period.to_json(), "windows": windows,
        "dependence": {"by_sku": by_sku, "by_category": by_category, "overall": overall},
        "common": fit_common(known.assign(residual=residual, deviation=deviation)).to_json(),
    }  # fmt: skip
