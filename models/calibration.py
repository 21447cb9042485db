"""Calibration: bias factors, quantiles of periods and windows, the rate of zeros, and error correlations, fitted out of sample.

The calibration model has not seen a row dated on or after the first of these origins. Demand that takes any quantity has a rate of
zeros as a function of the mean: a continuous distribution has no mass at zero, and intermittent demand does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.correlation import fit_common_factor, fit_error_correlation
from models.dispersion import HIGHEST, LOWEST, Dispersion, fit_dispersion
from models.distribution import Margins, RatioTable
from models.support import Support
from models.variance import FEWEST_SERIES, MOST_ROWS, N_FEATURES, History, Past, VarianceTrees

Histories = Mapping[Any, History]  # figures of all series by calibration origin
_LEAST_SHARE = 1e-6  # a mean below this share of the average one has the spread of that mean
_NO_TABLE = RatioTable(*(np.empty(0),) * 3)
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
    dispersion : φ by level of the mean, with factors by SKU that apply where there are no trees.
    trees : factors on the variance by the series' own history.
    table : quantiles of actual ÷ predicted.
    zeros : probability of no demand, for demand that takes any quantity.
    support : steps of demand.

    """

    dispersion: Dispersion
    trees: VarianceTrees
    table: RatioTable
    zeros: ZeroRate
    support: Support

    @classmethod
    def fit(
        cls, rows: pd.DataFrame, support: Support, settings: Settings, histories: Histories | None = None
    ) -> Spread:
        """Return the spread of `actual` around `mean` with columns `sku` and `category`.

        With ``histories`` the rows also have `origin`, `series` and `step` (of sums: the number of periods), and trees learn
        the variance of series where there are enough rows.
        """
        rows = rows[rows["actual"].notna()]
        mean, actual = rows["mean"].to_numpy(float), rows["actual"].to_numpy(float)
        step = support.steps(rows["sku"])
        dispersion = fit_dispersion(rows, support.linear(rows["sku"]))
        zeros = ZeroRate.fit(mean[step == 0], actual[step == 0])
        trees = VarianceTrees() if histories is None else _fit_trees(rows, dispersion, support, (histories, settings))
        without_table = cls(dispersion, trees, _NO_TABLE, zeros, support)
        spread = without_table.phi_of_rows(rows, histories)
        return replace(without_table, table=RatioTable.fit(mean, actual, spread, settings.forecast.quantiles))

    def margins(self, sku: pd.Series, mean: np.ndarray, factor: np.ndarray, past: Past | None = None) -> Margins:
        """Return the margins of rows by ``sku``, mean in units and factor on φ, each (n_rows).

        With trees, ``past`` holds what is known of the rows' series; ``factor`` then leaves out the factor of the SKU.
        """
        mean, linear = mean.astype(float), self.support.linear(sku)
        phi = self.dispersion.of_mean(mean, factor)
        if self.trees.text and past is not None:
            phi = self._learned_phi(mean, linear, past) * past.factor
        return Margins(mean, phi, linear, self.support.steps(sku), self.zeros.of(mean))

    def phi_of_rows(self, rows: pd.DataFrame, histories: Histories | None) -> np.ndarray:
        """Return φ of calibration rows, float64 (n_rows)."""
        mean = rows["mean"].to_numpy(float)
        if not self.trees.text or histories is None:
            return self.dispersion.of_mean(mean, rows["sku"].map(self.dispersion.by_sku).to_numpy(float))
        linear, result = self.support.linear(rows["sku"]), np.empty(len(rows))
        for place, past in _pasts(rows, histories):
            result[place] = self._learned_phi(mean[place], linear[place], past)
        return result

    def _learned_phi(self, mean: np.ndarray, linear: np.ndarray, past: Past) -> np.ndarray:
        """Return φ (n_rows) by the trees: their factor on the variance at the level, less the linear part."""
        floor = np.maximum(mean, _LEAST_SHARE * float(mean.mean()) + float(np.finfo(np.float32).tiny))
        expected = linear * floor + self.dispersion.of_mean(floor, np.ones(len(mean))) * floor**2
        factor = self.trees.factors(past.features(mean, linear))
        return np.asarray(np.clip((factor * expected - linear * floor) / floor**2, LOWEST, HIGHEST))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict, without the support."""
        return {
            "dispersion": self.dispersion.to_json(), "trees": self.trees.text, "zeros": self.zeros.to_json(),
            "mean_edges": self.table.mean_edges.tolist(), "spread_edges": self.table.spread_edges.tolist(),
            "ratio": self.table.ratio.tolist(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, Any], support: Support) -> Spread:
        """Return the spread of ``to_json``."""
        table = RatioTable(*(np.array(values[name]) for name in ("mean_edges", "spread_edges", "ratio")))
        dispersion = Dispersion.from_json(values.get("dispersion", values))
        zeros = ZeroRate.from_json(values.get("zeros", [None, 0.0]))
        return cls(dispersion, VarianceTrees(values.get("trees", "")), table, zeros, support)


def _fit_trees(
    rows: pd.DataFrame, dispersion: Dispersion, support: Support, of: tuple[Histories, Settings]
) -> VarianceTrees:
    """Return the trees of calibration rows with a known actual; weekly data have none, because they did not help there."""
    histories, settings = of
    known = rows[rows["mean"] > 0]
    if settings.grid.days > 1 or known["series"].nunique() < FEWEST_SERIES:
        return VarianceTrees()
    known = known.iloc[np.linspace(0, len(known) - 1, min(len(known), MOST_ROWS)).astype(np.int64)]
    mean, linear = known["mean"].to_numpy(float), support.linear(known["sku"])
    expected = linear * mean + dispersion.of_mean(mean, np.ones(len(mean))) * mean**2
    ratio = (known["actual"].to_numpy(float) - mean) ** 2 / expected
    features = np.empty((len(known), N_FEATURES), np.float32)
    for place, past in _pasts(known, histories):
        features[place] = past.features(mean[place], linear[place])
    return VarianceTrees.fit(features, ratio, known["series"].nunique(), settings)


def _pasts(rows: pd.DataFrame, histories: Histories) -> Iterator[tuple[np.ndarray, Past]]:
    """Yield the positions of the calibration rows of each origin and what was known of their series."""
    series, step = rows["series"].to_numpy(), rows["step"].to_numpy()
    periods = rows["periods"].to_numpy() if "periods" in rows else np.ones(len(rows))
    codes, origins = pd.factorize(rows["origin"])
    for code, origin in enumerate(origins):
        place = np.flatnonzero(codes == code)
        yield place, Past(histories[origin], series[place], step[place], periods[place], np.ones(len(place)))


def calibration_frame(matrix: FeatureMatrix, mean: np.ndarray, category: str) -> pd.DataFrame:
    """Return one row per matrix row with keys, `step`, `mean` and `actual` (NaN where unknown)."""
    keys = matrix.series.iloc[matrix.series_code]
    return pd.DataFrame({
        "origin": matrix.origin, "series": matrix.series_code, "step": matrix.step,
        "region": keys["region"].to_numpy(), "sku": keys["sku"].to_numpy(), "category": keys[category].to_numpy(),
        "mean": mean, "actual": matrix.target,
    })  # fmt: skip


def bias_factors(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return region → category → (ΣA + κΣF) ÷ (ΣF + κΣF) over rows with a known actual.

    Without a hierarchy, where the category is the SKU, all rows are one group: the error of a single series is chance.
    """
    known = rows[rows["actual"].notna()]
    total = known.groupby(["region", "category"], sort=True)[["actual", "mean"]].sum()
    if "sku" in known and (known["sku"] == known["category"]).all():
        total[["actual", "mean"]] = total.sum().to_numpy()
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
    sums = grouped.agg(mean=("mean", "sum"), actual=("actual", "sum"), periods=("actual", "count")).reset_index()
    return sums[sums["periods"] == periods].assign(step=periods)


def calibrate(rows: pd.DataFrame, settings: Settings, histories: Histories | None = None) -> dict[str, Any]:
    """Return the JSON-able calibration of bias-corrected rows (see ``calibration_frame``).

    ``histories`` are figures of the series' demand before each origin of the rows; without them, the spread of a series is
    that of its SKU.
    """
    levels, days = settings.forecast.quantiles, settings.grid.days
    known = rows[rows["actual"].notna()]
    mean = known["mean"].to_numpy(float)
    support = Support.fit(known["sku"].to_numpy(object), known["actual"].to_numpy(float), mean)
    period = Spread.fit(rows, support, settings, histories)
    windows = {}
    for window in settings.forecast.window_days:
        sums = window_rows(rows, window // days)
        windows[str(window)] = (Spread.fit(sums, support, settings, histories) if len(sums) else period).to_json()
    spread = period.phi_of_rows(known, histories)
    variance = support.linear(known["sku"]) * mean + spread * mean**2
    residual, deviation = known["actual"].to_numpy(float) - mean, np.sqrt(np.maximum(variance, 1e-6))
    by_sku, by_category, overall = fit_error_correlation(known.assign(error=residual / deviation))
    return {
        "levels": list(levels), "support": support.to_json(), "period": period.to_json(), "windows": windows,
        "dependence": {"by_sku": by_sku, "by_category": by_category, "overall": overall},
        "common": fit_common_factor(known.assign(residual=residual, deviation=deviation)).to_json(),
    }  # fmt: skip
