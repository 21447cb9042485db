"""Metrics of a set of series: accuracy, calibration of quantiles (coverage, randomized PIT), and the cost of a decision based on the forecast.

The metrics are the same overall and in every segment. ``docs/backtest.md`` contains the formulas and their sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

from models.backtest.methods import Method, Outcome

PIT_BINS = 20


def wape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Return Σ|y − f| ÷ Σ|y|; NaN without demand.

    >>> wape(np.array([2.0, 0.0, 2.0]), np.array([1.0, 1.0, 2.0]))
    0.5
    """
    total = np.abs(actual).sum()
    return float(mean_absolute_error(actual, forecast) * len(actual) / total) if total else float("nan")


def bias(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Return Σf ÷ Σy − 1: positive when too much was forecast; NaN without demand.

    >>> bias(np.array([2.0, 2.0]), np.array([3.0, 2.0]))
    0.25
    """
    total = actual.sum()
    return float(forecast.sum() / total - 1) if total else float("nan")


def scales(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean squared and the mean absolute change from period to period, both float64 (n_nodes).

    ``history`` (n_nodes, n_history) counts from a node's first non-zero period (Makridakis et al. 2022, M5);
    NaN where it never changed.

    >>> scales(np.array([[0.0, 0.0, 1.0, 3.0, 3.0]]))
    (array([2.]), array([1.]))
    """
    begun = np.cumsum(np.nan_to_num(history) > 0, axis=1) > 0
    change = np.where(begun[:, :-1], np.diff(history, axis=1), np.nan)
    known = np.isfinite(change)
    count = np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, change, 0.0)
    squared, absolute = (filled**2).sum(axis=1) / count, np.abs(filled).sum(axis=1) / count
    return np.where(squared > 0, squared, np.nan), np.where(absolute > 0, absolute, np.nan)


def rmsse(actual: np.ndarray, mean: np.ndarray, squared_scale: np.ndarray) -> np.ndarray:
    """Return √(mean squared error ÷ squared scale) of each node, float64 (n_nodes); NaN without a known actual.

    >>> rmsse(np.array([[3.0, np.nan, 1.0]]), np.array([[1.0, 9.0, 1.0]]), np.array([2.0]))
    array([1.])
    """
    return np.sqrt(_mean_known((actual - mean) ** 2) / squared_scale)


def pinball(actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return the pinball loss max(τ (y − q), (τ − 1)(y − q)), shape of ``quantiles`` (…, n_levels).

    >>> pinball(np.array([4.0]), np.array([[2.0, 5.0]]), (0.5, 0.9)).round(3)
    array([[1. , 0.1]])
    """
    level = np.asarray(levels)
    error = actual[..., None] - quantiles
    return np.maximum(level * error, (level - 1) * error)


def scaled_pinball(
    actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...], absolute_scale: np.ndarray
) -> np.ndarray:
    """Return the pinball loss averaged over periods and levels ÷ absolute scale, float64 (n_nodes).

    ``actual`` (n_nodes, horizon), ``quantiles`` (n_nodes, horizon, n_levels).
    """
    return _mean_known(pinball(actual, quantiles, levels).mean(axis=-1)) / absolute_scale


def weighted(score: np.ndarray, weight: np.ndarray) -> float:
    """Return Σ w s ÷ Σ w over nodes with a score; NaN where none has weight.

    >>> weighted(np.array([1.0, np.nan, 3.0]), np.array([1.0, 5.0, 3.0]))
    2.5
    """
    known = np.isfinite(score) & (weight > 0)
    total = weight[known].sum()
    return float((score[known] * weight[known]).sum() / total) if total > 0 else float("nan")


def _mean_known(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


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
        index = outcome.level_index(ORDER_LEVEL)
        days = max(method.windows)
        return cls(
            outcome.levels, outcome.levels[index], outcome.actual, method.mean, method.quantiles,
            scales(outcome.history)[0], method.windows[days][:, index],
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
    loss, total = _total_pinball(actual, quantiles, rows.levels), float(actual.sum())
    scaled = rmsse(rows.actual, rows.mean, rows.squared_scale)
    return {
        "n_series": len(rows.actual),
        "actual_units": total,
        "wape": wape(actual, mean),
        "bias": bias(actual, mean),
        "rmsse": float(np.nanmean(scaled)) if np.isfinite(scaled).any() else float("nan"),
        "wql": 2 * loss / total if total else float("nan"),
        **_interval_coverage(actual, quantiles, rows.levels),
        "order_cost_rate": order_cost_rate(rows),
    }


def _total_pinball(actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> float:
    """Return Σ over rows (n) of the mean pinball loss over the levels of ``quantiles`` (n, n_levels), in units."""
    if not len(actual):
        return 0.0
    losses = [mean_pinball_loss(actual, quantiles[:, index], alpha=level) for index, level in enumerate(levels)]
    return float(np.mean(losses)) * len(actual)


def order_cost_rate(rows: Rows) -> float:
    """Return Σ p (τ (y − q)⁺ + (1 − τ)(q − y)⁺) ÷ Σ p y over series whose window is wholly known.

    q is the order, the window's quantile at the critical ratio τ (the newsvendor's solution, Arrow, Harris &
    Marschak 1951); p the price, so that the cost is in money. 0 is perfect foresight.
    """
    known = np.isfinite(rows.demanded)
    loss = pinball(rows.demanded[known], rows.ordered[known, None], (rows.order_level,))[:, 0]
    money = float((rows.price[known] * rows.demanded[known]).sum())
    return float((rows.price[known] * loss).sum() / money) if money else float("nan")


def _interval_coverage(actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> dict[str, float]:
    """Return the share of actuals inside each interval between a level and its mirror image, bounds included."""
    result = {}
    for index, level in enumerate(levels):
        mirror = next((k for k, other in enumerate(levels) if abs(other - (1 - level)) < 1e-9 and k > index), None)
        if mirror is not None:
            inside = (actual >= quantiles[:, index]) & (actual <= quantiles[:, mirror])
            result[f"coverage_{round((1 - 2 * level) * 1000):03d}"] = float(inside.mean()) if len(inside) else np.nan
    return result


def coverage(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return the share of known actuals (n) at or below each quantile (n, n_levels), float64 (n_levels).

    >>> coverage(np.array([1.0, 4.0, np.nan]), np.array([[0.0, 1.0], [3.0, 9.0], [0.0, 0.0]]))
    array([0., 1.])
    """
    known = np.isfinite(actual)
    if not known.any():
        return np.full(quantiles.shape[-1], np.nan)
    return np.asarray((actual[known, None] <= quantiles[known]).mean(axis=0))


def randomized_pit(
    actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...], random: np.random.Generator
) -> np.ndarray:
    """Return a uniform draw from the part of (0, 1) in which each known actual lies, float64 (n_known).

    Between two quantiles that is the part between their levels. An actual that equals quantiles holds a mass
    of probability, at zero for example, and the draw spreads over all of it (Czado, Gneiting & Held, Biometrics
    65, 2009); the mass ends somewhere between two levels and is taken to end half-way. Uniform when the
    quantiles are right.
    """
    known = np.isfinite(actual)
    value, rows = actual[known, None], quantiles[known]
    edges = np.concatenate([[0.0], levels, [1.0]])
    half = (edges[:-1] + edges[1:]) / 2
    below, up_to = (rows < value).sum(axis=1), (rows <= value).sum(axis=1)
    is_mass = up_to > below
    low = np.where(is_mass, np.where(below > 0, half[below], 0.0), edges[below])
    high = np.where(is_mass, half[up_to], edges[below + 1])
    return np.asarray(low + random.random(len(low)) * (high - low))


def check(
    actual: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...], seed: list[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (coverage by level, PIT histogram) of actuals (n), NaN where unknown, and quantiles (n, n_levels).

    Coverage columns: `level`, `coverage`, `coverage_randomised` (share of PIT draws at or below the level),
    `n`. Histogram columns: `pit_from`, `pit_to`, `share`, 20 equal bins.
    """
    drawn = randomized_pit(actual, quantiles, levels, np.random.default_rng(seed))
    covered = pd.DataFrame({"level": levels, "coverage": coverage(actual, quantiles)})
    covered["coverage_randomised"] = [float((drawn <= level).mean()) if len(drawn) else np.nan for level in levels]
    covered["n"] = len(drawn)
    count, edges = np.histogram(drawn, bins=PIT_BINS, range=(0.0, 1.0))
    histogram = pd.DataFrame({"pit_from": edges[:-1], "pit_to": edges[1:], "share": count / max(len(drawn), 1)})
    return covered, histogram
