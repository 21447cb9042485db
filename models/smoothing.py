"""Exponential smoothing with a damped trend, Theta, and intermittent demand, each over all series at once.

Every method sees the demand before an origin alone. The season is taken out first: the index of weekdays of daily data, and that
of the weeks of the year of weekly data. Smoothing constants are chosen for each series, by the errors one period ahead, from a
grid. Here too: what the model kinds of these methods share; they need no training and no features. Not here: the kinds themselves
(``models.kinds``), the simple methods of the combination (``models.simple``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np

from foundation.matrix import FeatureMatrix
from foundation.seasonality import iso_week, seasonal_index_by_week
from models.forecaster import FitData, Forecaster, ModelKind
from models.simple import weekday_index

Level = Callable[[np.ndarray, int], np.ndarray]
_LOOKED_AT = {1: 364, 7: 156}  # periods, by the length of a period in days
_RECENT = {1: 28, 7: 8}
_CHUNK = 2048
_LEAST_INDEX = 0.1
_ALPHAS = (0.05, 0.1, 0.2, 0.4)
_TRENDS = ((0.0, 0.0), (0.02, 0.9), (0.02, 0.98), (0.1, 0.9))  # β and φ; the first has no trend
_START = 14  # known periods from which the level starts, at most half of those that are known
_FILE = "method.json"


@dataclass(frozen=True)
class FromPast(Forecaster):
    """A model that forecasts from the past demand of each series alone, by one of the methods.

    Attributes
    ----------
    method : name of the method.
    days : length of a period in days, 1 or 7.

    """

    method: str
    days: int

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Self:
        """Return the model of ``files``."""
        return cls(**json.loads(files[_FILE]))

    def files(self) -> dict[str, bytes]:
        """Return name and length of a period as JSON."""
        return {_FILE: json.dumps({"method": self.method, "days": self.days}).encode()}

    def predict(self, matrix: FeatureMatrix, threads: int) -> np.ndarray:
        """Return the means float32 (n_rows); 0 for a series without a known period."""
        if matrix.past is None:
            return np.zeros(matrix.n_rows, np.float32)
        level = dict(methods(self.days))[self.method]
        return seasonal_forecast(level, matrix.past, matrix.origin[0], int(matrix.step.max()), self.days).reshape(-1)


def kind_of(method: str) -> ModelKind:
    """Return the model kind of a method (``methods``)."""

    def fit(data: FitData, before: np.datetime64 | None) -> FromPast:
        return FromPast(method, data.settings.grid.days)

    return ModelKind(method, fit, FromPast.load)


def seasonal_forecast(level: Level, past: np.ndarray, origin: np.datetime64, steps: int, days: int) -> np.ndarray:
    """Return the means float32 (n_series, n_steps) of a method of demand without season, times the season; 0 without a known period.

    Parameters
    ----------
    level
        Returns means (n, n_steps) from demand without season (n, n_past), NaN where unknown, and the steps.
    past
        Float (n_series, n_past), units per period, NaN where unknown.
    origin
        First day of the first period ahead.
    steps
        Periods ahead.
    days
        Length of a period in days, 1 or 7.

    """
    past = np.asarray(past, np.float32)
    if past.shape[1] == 0:
        return np.zeros((len(past), steps), np.float32)
    index = _index(past, origin, steps, days)
    length = min(past.shape[1], _LOOKED_AT[days])
    before = index[:, -steps - length : -steps]
    values = past[:, -length:] / np.maximum(before, _LEAST_INDEX)
    result = np.empty((len(past), steps), np.float32)
    for first in range(0, len(past), _CHUNK):
        rows = slice(first, first + _CHUNK)
        result[rows] = np.maximum(np.nan_to_num(level(values[rows].astype(np.float64), steps)), 0.0)
    return result * index[:, -steps:]


def _index(past: np.ndarray, origin: np.datetime64, steps: int, days: int) -> np.ndarray:
    """Return the seasonal index of each series and period, past and ahead, float32 (n_series or 1, n_past + n_steps)."""
    length = past.shape[1]
    if days == 1:
        return weekday_index(past)[:, np.arange(-length, steps) % 7]
    week = iso_week(origin + np.arange(-length, steps) * np.timedelta64(7, "D"))
    index = seasonal_index_by_week(past, week[:length])[week].astype(np.float32)
    return np.broadcast_to(index, (len(past), length + steps))


def recent_level(values: np.ndarray, steps: int, periods: int) -> np.ndarray:
    """Return the mean of the known values among the last ``periods``, of all known values where none of them is, (n, n_steps)."""
    tail = values[:, -periods:]
    n_known = np.isfinite(tail).sum(axis=1)
    mean = np.nansum(tail, axis=1) / np.maximum(n_known, 1)
    whole = np.nansum(values, axis=1) / np.maximum(np.isfinite(values).sum(axis=1), 1)
    return np.repeat(np.where(n_known > 0, mean, whole)[:, None], steps, axis=1)


def damped_trend(values: np.ndarray, steps: int) -> np.ndarray:
    """Return Holt's exponential smoothing with a damped trend, (n, n_steps).

    l ← l + φ b + α e, b ← φ b + α β e with e = y − l − φ b; the forecast is l + (φ + … + φ^h) b. An unknown period moves the level
    along the trend. α, β and φ of each series minimize the criterion n ln(SSE ÷ n) + 2 k over a grid that includes no trend.

    References
    ----------
    Gardner, McKenzie: Forecasting trends in time series, Management Science 31 (1985).

    """
    grid = np.array([(alpha, beta, phi) for alpha, (beta, phi) in product(_ALPHAS, _TRENDS)])
    alpha, beta, phi = (column[:, None] for column in grid.T)
    level = np.repeat(_start(values)[None], len(grid), axis=0)
    trend, squares = np.zeros_like(level), np.zeros_like(level)
    for column in values.T:
        ahead = level + phi * trend
        error = np.where(np.isfinite(column), column - ahead, 0.0)
        level, trend = ahead + alpha * error, phi * trend + alpha * beta * error
        squares += error**2
    best = _best(squares, np.isfinite(values).sum(axis=1), 1 + 2 * (grid[:, 1] > 0))
    rows = np.arange(len(values))
    chosen = grid[best, 2][:, None] ** np.arange(1, steps + 1)
    return level[best, rows][:, None] + np.cumsum(chosen, axis=1) * trend[best, rows][:, None]


def theta(values: np.ndarray, steps: int) -> np.ndarray:
    """Return the Theta method's forecast, (n, n_steps): simple exponential smoothing with half the slope as its drift.

    The forecast h periods ahead is l + (b ÷ 2) (h − 1 + (1 − (1 − α)^n) ÷ α), where b is the least-squares slope over the n known
    periods. α of each series minimizes the squared errors one period ahead over a grid.

    References
    ----------
    Assimakopoulos, Nikolopoulos: The theta model, International Journal of Forecasting 16 (2000).
    Hyndman, Billah: Unmasking the Theta method, International Journal of Forecasting 19 (2003), for the formula.

    """
    alpha = np.array(_ALPHAS)[:, None]
    level = np.repeat(_start(values)[None], len(alpha), axis=0)
    squares = np.zeros_like(level)
    for column in values.T:
        error = np.where(np.isfinite(column), column - level, 0.0)
        level = level + alpha * error
        squares += error**2
    n_known = np.isfinite(values).sum(axis=1)
    best = _best(squares, n_known, np.ones(len(alpha)))
    chosen = np.array(_ALPHAS)[best]
    drift = _slope(values)[:, None] / 2
    ahead = np.arange(steps) + ((1 - (1 - chosen) ** n_known) / chosen)[:, None]
    return level[best, np.arange(len(values))][:, None] + drift * ahead


def intermittent(values: np.ndarray, steps: int) -> np.ndarray:
    """Return demand probability × demand size, (n, n_steps); the probability is updated in every period, the size by demand alone.

    p ← p + β (1 − p) and z ← z + α (y − z) with demand, p ← p − β p without. α and β of each series minimize the squared errors one
    period ahead over a grid.

    References
    ----------
    Teunter, Syntetos, Babai: Intermittent demand: linking forecasting to inventory obsolescence, European Journal of
    Operational Research 214 (2011).

    """
    grid = np.array(list(product((0.05, 0.1, 0.2), (0.01, 0.03, 0.1))))
    alpha, beta = (column[:, None] for column in grid.T)
    had = values > 0
    n_known = np.isfinite(values).sum(axis=1)
    probability = np.repeat((had.sum(axis=1) / np.maximum(n_known, 1))[None], len(grid), axis=0)
    mean_size = np.where(had, values, 0.0).sum(axis=1) / np.maximum(had.sum(axis=1), 1)
    size = np.repeat(mean_size[None], len(grid), axis=0)
    squares = np.zeros_like(size)
    for column, occurred in zip(values.T, had.T, strict=True):
        known = np.isfinite(column)
        squares += np.where(known, column - probability * size, 0.0) ** 2
        probability = np.where(known, probability + beta * (occurred - probability), probability)
        size = np.where(occurred, size + alpha * (column - size), size)
    best, rows = _best(squares, n_known, np.ones(len(grid))), np.arange(len(values))
    return np.repeat((probability * size)[best, rows][:, None], steps, axis=1)


def _start(values: np.ndarray) -> np.ndarray:
    """Return the level (n) that smoothing starts from: the mean of the first known periods; 0 where none is known."""
    known = np.isfinite(values)
    count = np.cumsum(known, axis=1)
    most = np.clip(count[:, -1:] // 2, 1, _START)
    first = known & (count <= most)
    return np.where(first, values, 0.0).sum(axis=1) / np.maximum(first.sum(axis=1), 1)


def _best(squares: np.ndarray, n_known: np.ndarray, n_parameters: np.ndarray) -> np.ndarray:
    """Return the row of ``squares`` (n_grid, n) with the lowest n ln(SSE ÷ n) + 2 k for each column, the first of equal ones."""
    n = np.maximum(n_known, 1)
    floor = np.finfo(np.float64).tiny
    return np.asarray((n * np.log(np.maximum(squares / n, floor)) + 2 * n_parameters[:, None]).argmin(axis=0))


def _slope(values: np.ndarray) -> np.ndarray:
    """Return the least-squares slope per period (n) over the known periods; 0 with fewer than three."""
    known = np.isfinite(values)
    n = known.sum(axis=1)
    place = np.where(known, np.arange(values.shape[1], dtype=np.float64), 0.0)
    filled = np.where(known, values, 0.0)
    center = place.sum(axis=1) / np.maximum(n, 1)
    away = np.where(known, place - center[:, None], 0.0)
    squares = (away**2).sum(axis=1)
    return np.where(n >= 3, (away * filled).sum(axis=1) / np.maximum(squares, 1e-9), 0.0)


def methods(days: int) -> Iterator[tuple[str, Level]]:
    """Yield the name and the method of each, for periods of ``days``."""
    yield "recent_mean", lambda values, steps: recent_level(values, steps, _RECENT[days])
    yield from (("damped_trend", damped_trend), ("theta", theta), ("intermittent", intermittent))
