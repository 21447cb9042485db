"""Metrics: pure functions of actuals and forecasts, each with its formula and a worked example."""

from __future__ import annotations

import numpy as np


def wape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Return Σ|y − f| ÷ Σ|y|; NaN without demand.

    >>> wape(np.array([2.0, 0.0, 2.0]), np.array([1.0, 1.0, 2.0]))
    0.5
    """
    total = np.abs(actual).sum()
    return float(np.abs(actual - forecast).sum() / total) if total else float("nan")


def bias(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Return Σf ÷ Σy − 1: positive when too much was forecast; NaN without demand.

    >>> bias(np.array([2.0, 2.0]), np.array([3.0, 2.0]))
    0.25
    """
    total = actual.sum()
    return float(forecast.sum() / total - 1) if total else float("nan")
