"""The figures of any set of series: accuracy, calibration and what a decision made on them would have cost.

The same figures overall and in every segment. Formulas and sources: docs/backtest.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.accuracy import bias, wape
from models.backtest.outcome import Method, Outcome
from models.backtest.scaled import pinball, rmsse, scales

# Critical ratio of the order the forecast is judged by: a unit short costs five times a unit left over.
ORDER_LEVEL = 0.835


@dataclass(frozen=True)
class Rows:
    """Sums per series (n_series) from which the figures of any subset follow by adding up.

    ``actual``, ``mean`` (n_series, horizon); ``quantiles`` (n_series, horizon, n_levels); ``ordered`` and
    ``demanded`` (n_series) the units ordered for and demanded in the longest window, NaN where not wholly
    known; ``price`` (n_series).
    """

    levels: tuple[float, ...]
    order_level: float
    actual: np.ndarray
    mean: np.ndarray
    quantiles: np.ndarray
    squared_scale: np.ndarray
    ordered: np.ndarray
    demanded: np.ndarray
    price: np.ndarray

    @classmethod
    def of(cls, outcome: Outcome, method: Method) -> Rows:
        """Return the rows of one method at one origin."""
        at = outcome.level_at(ORDER_LEVEL)
        days = max(method.windows)
        return cls(
            outcome.levels, outcome.levels[at], outcome.actual, method.mean, method.quantiles,
            scales(outcome.history)[0], method.windows[days][:, at],
            outcome.actual[:, : days // outcome.period_days].sum(axis=1),
            outcome.series["unit_price_eur"].to_numpy(float),
        )  # fmt: skip

    def take(self, members: np.ndarray) -> Rows:
        """Return the rows of the series at positions ``members``."""
        parts = (self.actual, self.mean, self.quantiles, self.squared_scale, self.ordered, self.demanded, self.price)
        return Rows(self.levels, self.order_level, *(part[members] for part in parts))


def figures_of(rows: Rows) -> dict[str, float]:
    """Return the figures of ``rows``; NaN where there is nothing to measure.

    `n_series`, `actual_units`, `wape`, `bias`, `rmsse` (mean over series), `wql` (weighted quantile loss,
    2 Σ pinball ÷ (levels × Σ demand)), `coverage_<per mille>` of each central interval, `order_cost_rate`
    (money of units short and left over ÷ money demanded, see docs/backtest.md).
    """
    known = np.isfinite(rows.actual)
    actual, mean, quantiles = rows.actual[known], rows.mean[known], rows.quantiles[known]
    loss, total = float(pinball(actual, quantiles, rows.levels).mean(axis=-1).sum()), float(actual.sum())
    scaled = rmsse(rows.actual, rows.mean, rows.squared_scale)
    return {
        "n_series": len(rows.actual),
        "actual_units": total,
        "wape": wape(actual, mean),
        "bias": bias(actual, mean),
        "rmsse": float(np.nanmean(scaled)) if np.isfinite(scaled).any() else float("nan"),
        "wql": 2 * loss / total if total else float("nan"),
        **_central_coverage(actual, quantiles, rows.levels),
        "order_cost_rate": order_cost_rate(rows),
    }


def order_cost_rate(rows: Rows) -> float:
    """Return Σ p (τ (y − q)⁺ + (1 − τ)(q − y)⁺) ÷ Σ p y over series whose window is wholly known.

    q is the order, the window's quantile at the critical ratio τ (the newsvendor's solution, Arrow, Harris &
    Marschak 1951); p the price, so that the cost is in money. 0 is perfect foresight.
    """
    known = np.isfinite(rows.demanded)
    loss = pinball(rows.demanded[known], rows.ordered[known, None], (rows.order_level,))[:, 0]
    money = float((rows.price[known] * rows.demanded[known]).sum())
    return float((rows.price[known] * loss).sum() / money) if money else float("nan")


def _central_coverage(actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> dict[str, float]:
    """Return the share of actuals inside each interval between a level and its mirror image, bounds included."""
    found = {}
    for at, level in enumerate(levels):
        mirror = next((k for k, other in enumerate(levels) if abs(other - (1 - level)) < 1e-9 and k > at), None)
        if mirror is not None:
            inside = (actual >= quantiles[:, at]) & (actual <= quantiles[:, mirror])
            found[f"coverage_{round((1 - 2 * level) * 1000):03d}"] = float(inside.mean()) if len(inside) else np.nan
    return found
