"""Dispersion of demand around its mean, by moments, shrunk hierarchically: level of the mean → category → SKU.

Var = c μ + φ μ². For whole counts c is the step of demand in units (``models.support``): a negative binomial of
μ ÷ c steps. For other demand c is what a usual purchase adds, fitted over all rows. φ of a group by moments:
Σ((y − μ)² − c μ) ÷ Σ μ². φ does not depend on the unit demand is counted in. Slow series are more dispersed than
fast ones, and the sums are those of the fast ones: hence φ by level of the mean first, and factors on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

# A coefficient of variation of 4.5%: levels drift by that much from month to month, which one horizon does not show.
LOWEST, HIGHEST = 0.002, 30.0
# Weight of the parent in rows: a SKU with 100 rows stands half on its own and half on its category.
_PRIOR_ROWS = 100.0
_BINS, _ROWS_PER_BIN = 16, 50
_LEVELS, _ROWS_PER_LEVEL = 8, 150
_FACTORS = (0.02, 50.0)


@dataclass(frozen=True)
class Dispersion:
    """φ as a function of the mean, times a factor.

    Attributes
    ----------
    log_mean : ascending logarithms of mean units; φ is interpolated between them and constant beyond.
    log_phi : logarithms of φ there.
    by_category : factor by category.
    by_sku : factor by SKU.

    """

    log_mean: list[float]
    log_phi: list[float]
    by_category: dict[str, float]
    by_sku: dict[str, float]

    def factors(self, series: pd.DataFrame, category: str) -> np.ndarray:
        """Return the factor of each series by its SKU, else its category, else 1, float64 (n_series)."""
        result = series["sku"].map(self.by_sku)
        return result.fillna(series[category].map(self.by_category)).fillna(1.0).to_numpy(np.float64)

    def of_mean(self, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """Return φ of rows with these means in units and factors, each (n_rows)."""
        log_mean = np.log(np.maximum(mean, np.finfo(np.float32).tiny))
        return np.asarray(np.clip(np.exp(np.interp(log_mean, self.log_mean, self.log_phi)) * factor, LOWEST, HIGHEST))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Dispersion:
        """Return the dispersion of ``to_json``, or that of earlier versions: φ by SKU, category and overall."""
        if "log_mean" in values:
            return cls(**values)
        overall = values["overall"]
        factors = ({key: phi / overall for key, phi in values[by].items()} for by in ("by_category", "by_sku"))
        return cls([0.0], [float(np.log(overall))], *factors)


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
    excess, base = (actual - mean) ** 2 - linear * mean, mean**2
    log_mean, log_phi = _by_level(mean, excess, base)
    result = Dispersion(log_mean, log_phi, {}, {})
    base = base * result.of_mean(mean, np.ones(len(mean)))
    parts = pd.DataFrame({"sku": rows["sku"].to_numpy(), "category": rows["category"].to_numpy(),
                          "excess": excess, "base": base})  # fmt: skip
    by_category = _shrunk(parts, "category", np.float64(1.0))
    parent = parts.groupby("sku", sort=True)["category"].first().map(by_category)
    by_sku = _shrunk(parts, "sku", parent.to_numpy())
    return Dispersion(log_mean, log_phi, dict(by_category), dict(by_sku))


def _by_level(mean: np.ndarray, excess: np.ndarray, base: np.ndarray) -> tuple[list[float], list[float]]:
    """Return log mean and log φ of even bins of the rows by mean: the geometric mean of the bin's own φ and that of all.

    The bin's own is shrunk to that of all with the weight of 100 rows. The mean of the two is taken because rare peaks make
    slow series dispersed, and a distribution as wide as those is too low at its lower quantiles.
    """
    overall = float(np.clip(excess.sum() / max(base.sum(), np.finfo(float).tiny), LOWEST, HIGHEST))
    order = np.argsort(mean, kind="stable")
    order = order[mean[order] > 0]
    bins = np.array_split(order, int(np.clip(len(order) // _ROWS_PER_LEVEL, 1, _LEVELS)))
    if not len(order):
        return [0.0], [float(np.log(overall))]
    log_mean, log_phi = [], []
    for part in _distinct(bins, mean):
        prior = _PRIOR_ROWS * base[part].mean()
        phi = (excess[part].sum() + overall * prior) / (base[part].sum() + prior)
        log_mean.append(float(np.log(mean[part]).mean()))
        log_phi.append(float((np.log(np.clip(phi, LOWEST, HIGHEST)) + np.log(overall)) / 2))
    return log_mean, log_phi


def _distinct(bins: list[np.ndarray], mean: np.ndarray) -> list[np.ndarray]:
    """Return the bins of rows by ascending ``mean``, those of one and the same mean joined."""
    result = bins[:1]
    for part in bins[1:]:
        if mean[part[-1]] <= (1 + 1e-9) * mean[result[-1][0]]:
            result[-1] = np.append(result[-1], part)
        else:
            result.append(part)
    return result


def _shrunk(rows: pd.DataFrame, by: str, parent: np.ndarray | np.float64) -> pd.Series:
    grouped = rows.groupby(by, sort=True)
    total, count = grouped[["excess", "base"]].sum(), grouped.size()
    prior = np.maximum(_PRIOR_ROWS * total["base"] / count, np.finfo(float).tiny)
    return ((total["excess"] + parent * prior) / (total["base"] + prior)).clip(*_FACTORS)
