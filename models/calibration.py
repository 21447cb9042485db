"""Calibration: bias factors, quantiles of periods and windows, the rate of zeros, and error correlations, fitted out of sample.

The calibration model has not seen a row dated on or after the first of these origins. Demand that takes any quantity has a rate of
zeros as a function of the mean: a continuous distribution has no mass at zero, and intermittent demand does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.correlation import fit_common_factor, fit_error_correlation
from models.dispersion import Dispersion, fit_dispersion
from models.distribution import Margins, RatioTable
from models.support import Support

_BINS = 16
_ROWS_PER_BIN = 200
_RARE = 0.002  # below this share of zeros the probability is taken as 0
_FEWEST_ZEROS = 20
_MOST = 0.9999
_SLOPE_SD, _SLOPES = 0.2, (0.2, 1.5)
_BIAS_PRIOR = 9.0  # κ: weight of "no bias" next to what one horizon showed; that hardly lasts into the next


@dataclass(frozen=True)
class ZeroRate:
    """P(zero) = exp(−exp(``intercept`` + ``slope`` log mean)).

    Attributes
    ----------
    intercept : of log(−log P(zero)); None where zeros are too rare to matter.
    slope : > 0, so that larger means have fewer zeros.

    """

    intercept: float | None
    slope: float

    @classmethod
    def fit(cls, mean: np.ndarray, actual: np.ndarray) -> ZeroRate:
        """Return the rate fitted to bins of ``mean`` (n_rows) by maximum likelihood, with a normal prior on the slope around 1.

        A slope of 1 is that of a Poisson number of purchases of equal size.
        """
        is_sold = mean > 0
        mean, is_zero = mean[is_sold], actual[is_sold] <= 0
        if is_zero.sum() < max(_FEWEST_ZEROS, _RARE * len(mean)):
            return cls(None, 0.0)
        order = np.argsort(mean, kind="stable")
        parts = np.array_split(order, int(np.clip(len(mean) // _ROWS_PER_BIN, 1, _BINS)))
        zeros = np.array([is_zero[part].sum() for part in parts])
        sales = np.array([len(part) for part in parts]) - zeros
        x = np.array([np.log(mean[part]).mean() for part in parts])
        centre = np.average(x, weights=zeros + sales)

        def loss(line: np.ndarray) -> float:
            rate = np.exp(np.clip(line[0] + line[1] * (x - centre), -20, 6))  # −log of the probability of zero
            likelihood = -zeros * rate + sales * np.log(-np.expm1(-rate))
            return float(0.5 * ((line[1] - 1) / _SLOPE_SD) ** 2 - likelihood.sum())

        start = np.array([np.log(-np.log(np.clip(zeros.sum() / len(mean), 1e-6, 1 - 1e-6))), 1.0])
        result = minimize(loss, start, method="L-BFGS-B", bounds=[(-12, 6), _SLOPES]).x
        return cls(float(result[0] - result[1] * centre), float(result[1]))

    def of(self, mean: np.ndarray) -> np.ndarray:
        """Return the probability of no demand at each ``mean`` (n_rows), float64 in [0, 1)."""
        if self.intercept is None:
            return np.zeros(len(mean))
        log_mean = np.log(np.maximum(mean, np.finfo(np.float32).tiny))
        return np.minimum(np.exp(-np.exp(np.minimum(self.intercept + self.slope * log_mean, 6.0))), _MOST)

    def to_json(self) -> list[float | None]:
        """Return a JSON-able list."""
        return [self.intercept, self.slope]

    @classmethod
    def from_json(cls, values: list[float]) -> ZeroRate:
        """Return the rate of ``to_json``."""
        return cls(*values)


@dataclass(frozen=True)
class Spread:
    """The distribution of one kind of sum, single periods or a window, around a given mean.

    Attributes
    ----------
    dispersion : φ by SKU.
    table : quantiles of actual ÷ predicted.
    zeros : probability of no demand, for demand that takes any quantity.
    support : steps of demand.

    """

    dispersion: Dispersion
    table: RatioTable
    zeros: ZeroRate
    support: Support

    @classmethod
    def fit(cls, rows: pd.DataFrame, support: Support, levels: tuple[float, ...]) -> Spread:
        """Return the spread of `actual` around `mean` with columns `sku` and `category`."""
        rows = rows[rows["actual"].notna()]
        mean, actual = rows["mean"].to_numpy(float), rows["actual"].to_numpy(float)
        step = support.steps(rows["sku"])
        dispersion = fit_dispersion(rows, support.linear(rows["sku"]))
        spread = dispersion.of_mean(mean, rows["sku"].map(dispersion.by_sku).to_numpy(float))
        zeros = ZeroRate.fit(mean[step == 0], actual[step == 0])
        return cls(dispersion, RatioTable.fit(mean, actual, spread, levels), zeros, support)

    def margins(self, sku: pd.Series, mean: np.ndarray, factor: np.ndarray) -> Margins:
        """Return the margins of rows by ``sku``, mean in units and factor on φ, each (n_rows)."""
        mean = mean.astype(float)
        phi = self.dispersion.of_mean(mean, factor)
        return Margins(mean, phi, self.support.linear(sku), self.support.steps(sku), self.zeros.of(mean))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict, without the support."""
        return {
            "dispersion": self.dispersion.to_json(),
            "mean_edges": self.table.mean_edges.tolist(), "spread_edges": self.table.spread_edges.tolist(),
            "ratio": self.table.ratio.tolist(), "zeros": self.zeros.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, Any], support: Support) -> Spread:
        """Return the spread of ``to_json``."""
        table = RatioTable(*(np.array(values[name]) for name in ("mean_edges", "spread_edges", "ratio")))
        dispersion = Dispersion.from_json(values.get("dispersion", values))
        return cls(dispersion, table, ZeroRate.from_json(values.get("zeros", [None, 0.0])), support)


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
    result: dict[str, dict[str, float]] = {}
    for (region, category), value in zip(factor.index.to_list(), factor.to_numpy(), strict=True):
        result.setdefault(str(region), {})[str(category)] = float(np.clip(value, 0.5, 2.0))
    return result


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
    known = rows[rows["actual"].notna()]
    mean = known["mean"].to_numpy(float)
    support = Support.fit(known["sku"].to_numpy(object), known["actual"].to_numpy(float), mean)
    period = Spread.fit(rows, support, levels)
    windows = {}
    for window in settings.forecast.window_days:
        sums = window_rows(rows, window // days)
        windows[str(window)] = (Spread.fit(sums, support, levels) if len(sums) else period).to_json()
    spread = period.dispersion.of_mean(mean, known["sku"].map(period.dispersion.by_sku).to_numpy(float))
    variance = support.linear(known["sku"]) * mean + spread * mean**2
    residual, deviation = known["actual"].to_numpy(float) - mean, np.sqrt(np.maximum(variance, 1e-6))
    by_sku, by_category, overall = fit_error_correlation(known.assign(error=residual / deviation))
    return {
        "levels": list(levels), "support": support.to_json(), "period": period.to_json(), "windows": windows,
        "dependence": {"by_sku": by_sku, "by_category": by_category, "overall": overall},
        "common": fit_common_factor(known.assign(residual=residual, deviation=deviation)).to_json(),
    }  # fmt: skip
