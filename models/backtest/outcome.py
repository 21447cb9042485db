"""One origin: what each method forecast and what was then demanded, as dense arrays.

Not here: any judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd

from models.backtest.levels import Grouping


class Spread(Protocol):
    """How a method says quantiles of sums of series."""

    def of_sums(self, grouping: Grouping, is_known: np.ndarray) -> np.ndarray:
        """Return quantiles (n_nodes, horizon, n_levels) of the sums over members known on the date."""


@dataclass(frozen=True)
class Method:
    """What one way of forecasting said at one origin.

    Attributes
    ----------
    mean : float64 (n_series, horizon) expected units.
    quantiles : float (n_series, horizon, n_levels).
    windows : quantiles (n_series, n_levels) of the sum over the first days, by length in days.
    spread : quantiles of sums of series.

    """

    mean: np.ndarray
    quantiles: np.ndarray
    windows: Mapping[int, np.ndarray]
    spread: Spread


@dataclass(frozen=True)
class Outcome:
    """One origin of a backtest.

    Attributes
    ----------
    origin : everything dated before it was known.
    levels : quantile levels, ascending.
    period_days : days in a period, 1 or 7.
    series : frame (n_series), in code order: `region`, `sku`, hierarchy columns, `subdivision` where known,
        `unit_price_eur` (the money weight of a unit) and `known_periods` (periods with known demand).
    hierarchy : the hierarchy columns, finest first.
    actual : float64 (n_series, horizon) units demanded; NaN where unknown, closed or not fully in stock.
    history : float64 (n_series, n_history) units sold before the origin, NaN where unknown.
    methods : forecasts by name; the first one is judged, the others are its baselines.

    """

    origin: date
    levels: tuple[float, ...]
    period_days: int
    series: pd.DataFrame
    hierarchy: tuple[str, ...]
    actual: np.ndarray
    history: np.ndarray
    methods: Mapping[str, Method]

    @property
    def money(self) -> np.ndarray:
        """Units sold in the last 28 days before the origin × price, float64 (n_series)."""
        recent = np.nansum(self.history[:, -max(28 // self.period_days, 1) :], axis=1)
        return recent * self.series["unit_price_eur"].to_numpy(float)

    def level_at(self, level: float) -> int:
        """Return the position of the quantile level nearest to ``level``."""
        return int(np.argmin(np.abs(np.array(self.levels) - level)))
