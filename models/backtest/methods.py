"""Forecasts of every method and actual demand at one origin, as dense arrays.

Not here: scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd

from foundation.errors import InputError, StageError
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings, quantile_columns
from models.backtest.levels import (
    Grouping,
    MeasuredSpread,
    ModelledSpread,
    deviation_of,
    normal_quantiles,
    root_mean_square,
)
from models.baselines import Baseline, baselines
from models.correlation import CommonFactor
from models.demand_model import DemandModel
from models.predict import combination_of, origin_means


class Spread(Protocol):
    """Quantiles of sums of series by one method."""

    def of_sums(self, grouping: Grouping, is_known: np.ndarray) -> np.ndarray:
        """Return quantiles (n_nodes, horizon, n_levels) of the sums over members known on the date."""


@dataclass(frozen=True)
class Method:
    """Forecasts of one method at one origin.

    Attributes
    ----------
    mean : float64 (n_series, horizon), expected units.
    quantiles : float (n_series, horizon, n_levels), units.
    windows : quantiles (n_series, n_levels) in units of the sum over the first days, by length in days.
    spread : quantiles of sums of series.

    """

    mean: np.ndarray
    quantiles: np.ndarray
    windows: Mapping[int, np.ndarray]
    spread: Spread


@dataclass(frozen=True)
class Part:
    """One part of a combination: ``mean`` float64 (n_series, horizon) in units, ``share`` its weight, series counting by their level."""

    mean: np.ndarray
    share: float


@dataclass(frozen=True)
class Outcome:
    """One origin of a backtest.

    Attributes
    ----------
    origin : forecast origin; everything dated before it was known.
    levels : quantile levels, ascending.
    period_days : days in a period, 1 or 7.
    series : frame (n_series), in code order: `region`, `sku`, hierarchy columns, `subdivision` where known,
        `unit_price_eur` (the money weight of a unit) and `known_periods` (periods with known demand).
    hierarchy : the hierarchy columns, finest first.
    actual : float64 (n_series, horizon) units demanded; NaN where unknown, closed or not fully in stock.
    history : float64 (n_series, n_history) units sold before the origin, NaN where unknown.
    methods : forecasts by name; the first one is judged, the others are its baselines.
    parts : parts of the judged forecast by name, where it is a combination.

    """

    origin: date
    levels: tuple[float, ...]
    period_days: int
    series: pd.DataFrame
    hierarchy: tuple[str, ...]
    actual: np.ndarray
    history: np.ndarray
    methods: Mapping[str, Method]
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def money(self) -> np.ndarray:
        """Units sold in the last 28 days before the origin × price, float64 (n_series)."""
        recent = np.nansum(self.history[:, -max(28 // self.period_days, 1) :], axis=1)
        return recent * self.series["unit_price_eur"].to_numpy(float)

    def level_index(self, level: float) -> int:
        """Return the position of the quantile level nearest to ``level``."""
        return int(np.argmin(np.abs(np.array(self.levels) - level)))


def model_method(
    model: DemandModel, frames: dict[str, pd.DataFrame], series: pd.DataFrame, settings: Settings
) -> Method:
    """Return the forecasts of a model at one origin, from its frames `forecast` and `forecast_window`.

    ``series`` (n_series) has `region` and `sku` in code order. Raises ``StageError`` if the frames do not hold
    every series × period exactly once.
    """
    levels = settings.forecast.quantiles
    columns = quantile_columns(levels)
    periods = _ordered(frames["forecast"], series, "date", settings.horizon)
    mean = periods["mean_units"].to_numpy(float).reshape(len(series), -1)
    quantiles = periods[columns].to_numpy(float).reshape(len(series), -1, len(levels))
    windows = {}
    for days, rows in frames["forecast_window"].groupby("window_days", sort=True):
        windows[int(str(days))] = _ordered(rows, series, "window_days", 1)[columns].to_numpy(float)
    common = CommonFactor(**model.facts["calibration"]["common"])
    spread = ModelledSpread(levels, mean, deviation_of(quantiles, levels, mean), common)
    return Method(mean, quantiles, windows, spread)


def combined_parts(model: DemandModel, matrix: FeatureMatrix, threads: int) -> dict[str, Part]:
    """Return the parts of the model's combination, models first; {} where the model is used alone."""
    combination = combination_of(model)
    if combination is None:
        return {}
    components = origin_means(model, matrix, threads)
    level = components.simple.level
    shares = level @ combination.series_weights(components.simple) / max(level.sum(), np.finfo(float).tiny)
    means = components.with_actual(np.zeros(matrix.n_rows, np.float32)).means
    return {
        name: Part(np.where(components.is_sold, mean, 0.0).astype(float), float(share))
        for name, mean, share in zip(combination.parts, means, shares, strict=True)
    }


def _ordered(rows: pd.DataFrame, series: pd.DataFrame, last_key: str, n_each: int) -> pd.DataFrame:
    """Return ``rows`` in series order and by ``last_key`` within, ``n_each`` of every series."""
    index = pd.MultiIndex.from_frame(series[["region", "sku"]].astype("str"))
    code = index.get_indexer(pd.MultiIndex.from_frame(rows[["region", "sku"]].astype("str")))
    counts = np.bincount(code[code >= 0], minlength=len(series))
    if (code < 0).any() or (counts != n_each).any():
        raise StageError("backtest", "the forecast does not hold every series and period exactly once")
    return rows.iloc[np.lexsort([rows[last_key].to_numpy(), code])]


_EARLIER_ORIGINS = 2


def baseline_methods(demand: np.ndarray, settings: Settings) -> dict[str, Method]:
    """Return every baseline's forecast from ``demand`` (n_series, n_history), NaN where unknown.

    Quantiles are normal, as the industry's safety stocks are: the mean plus z times the root mean square of
    the baseline's errors on the two horizons before the origin, and for windows times √days.
    """
    return {name: _method(make, demand, settings) for name, make in baselines(settings.grid).items()}


def _method(make: Baseline, demand: np.ndarray, settings: Settings) -> Method:
    levels, horizon = settings.forecast.quantiles, settings.horizon
    mean = make(demand, horizon)
    errors = _earlier_errors(make, demand, horizon)
    deviation = root_mean_square(errors)
    windows = {}
    for days in settings.forecast.window_days:
        periods = days // settings.grid.days
        windows[days] = normal_quantiles(mean[:, :periods].sum(axis=1), deviation * np.sqrt(periods), levels)
    quantiles = normal_quantiles(mean, deviation[:, None], levels)
    return Method(mean, quantiles, windows, MeasuredSpread(levels, mean, errors))


def _earlier_errors(make: Baseline, demand: np.ndarray, horizon: int) -> np.ndarray:
    """Return the errors on the horizons that ended at the origin and one horizon before, (n_series, ≤ 2 horizons)."""
    ends = [demand.shape[1] - k * horizon for k in range(_EARLIER_ORIGINS)]
    parts = [
        demand[:, end - horizon : end] - make(demand[:, : end - horizon], horizon) for end in ends if end > horizon
    ]
    return np.concatenate(parts, axis=1) if parts else np.full((len(demand), 1), np.nan)


@dataclass(frozen=True)
class GivenScales:
    """Weights and squared scales by level number and node.

    ``table`` has `level` (1 is the total, see ``levels``), `series` (the texts of the node's keys joined with
    `|` or `_`, in any order; anything for the total), one column whose name starts with `scale` (mean squared
    change) and one whose name starts with `weight` (money share, adding up to 1 within a level).
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        missing = [name for name in ("level", "series") if name not in self.table]
        missing += [name for name in ("scale", "weight") if not self._columns(name)]
        if missing:
            raise InputError(*(f"weights: there is no column {name}; see docs/backtest.md" for name in missing))

    def of(self, grouping: Grouping) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and squared scales float64 (n_nodes) of a level; NaN for nodes not in the table.

        Raises ``InputError`` if the table has no row for any node of the level.
        """
        rows = self.table[self.table["level"].astype(float) == grouping.number]
        weight, scale = (rows[self._columns(name)[0]].to_numpy(float) for name in ("weight", "scale"))
        if not grouping.keys:
            place = np.zeros(1, int) if len(rows) else np.full(1, -1)
        else:
            place = _places(grouping, rows["series"].astype("str"))
        if (place < 0).all():
            raise InputError(f"weights: no row for level {grouping.number} ({grouping.name}); see docs/backtest.md")
        return np.append(weight, np.nan)[place], np.append(scale, np.nan)[place]

    def _columns(self, start: str) -> list[str]:
        return [str(name) for name in self.table if str(name).startswith(start)]


def _places(grouping: Grouping, names: pd.Series) -> np.ndarray:
    """Return the row of each node, −1 for none, over the spellings of its name."""
    index = pd.Index(names.to_numpy())
    place = np.full(grouping.n_nodes, -1)
    for keys in (grouping.keys, grouping.keys[::-1]):
        for mark in ("|", "_"):
            spelled = grouping.nodes[list(keys)].agg(mark.join, axis=1)
            place = np.where(place < 0, index.get_indexer(spelled), place)
    return place
