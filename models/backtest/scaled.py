"""Scaled errors of one level: RMSSE and scaled pinball, weighted by money.

Formulas and sources: docs/backtest.md. A period with an unknown actual is no error; a node without a scale
(its history never changed) has no score and gives its weight to the others.
"""

from __future__ import annotations

import numpy as np


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
