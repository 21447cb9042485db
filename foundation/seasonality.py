"""The seasonal index of weekly demand, and the deseasonalized recent level of series.

Here: dense arrays. Not here: their use (``features.families.seasonal``, ``models.kinds.lightgbm_tweedie``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_WEEKS = 53
_HALF_YEAR = 26
_PRIOR_YEARS = 1.0
_BOUNDS = (0.25, 4.0)
_LEVEL_WEEKS, _HALF_LIFE_WEEKS = 56, 16


def seasonal_index_by_week(demand: np.ndarray, week: np.ndarray) -> np.ndarray:
    """Return the index of each week of the year around a mean of 1, float64 (53), within [0.25, 4].

    The index is, over the past years, Σ demand ÷ Σ level of all series in that week, where the level of a series is its mean
    over 53 weeks around. A series that is out of stock is therefore missing on both sides. The index is shrunk as if one more
    year without any season had been seen, and smoothed over neighboring weeks by ¼, ½, ¼.

    Parameters
    ----------
    demand
        Float (n_series, n_past), units per week, NaN where unknown.
    week
        Int (n_past), the ISO week of each column, counted from 0. With less than a year of columns every index is 1.

    """
    if demand.shape[1] < 2 * _HALF_YEAR:
        return np.ones(_WEEKS)
    known = np.isfinite(demand)
    level = np.where(known, _level(demand), 0).sum(axis=0)
    share = np.nan_to_num(ratio(np.where(known, demand, 0).sum(axis=0, dtype=np.float64), level), nan=1.0)
    years = np.bincount(week, minlength=_WEEKS)
    index = (np.bincount(week, share, minlength=_WEEKS) + _PRIOR_YEARS) / (years + _PRIOR_YEARS)
    if not years[-1]:  # no year of 53 weeks yet: its last week lies between its neighbors
        index[-1] = (index[-2] + index[0]) / 2
    smooth = (np.roll(index, 1) + 2 * index + np.roll(index, -1)) / 4
    return np.clip(smooth / smooth.mean(), *_BOUNDS)


def recent_level(past: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return the recent mean of demand freed from the season, float32 (n_series); NaN where none is known.

    It is the mean of demand ÷ index over the known weeks among the last 56, weighted by 0.5^(age ÷ 16).

    Parameters
    ----------
    past
        Float32 (n_series, n_past), units per week before the origin, NaN where unknown.
    index
        Float64 (n_past), seasonal index of each column.

    """
    values = past[:, -_LEVEL_WEEKS:] / index[-_LEVEL_WEEKS:]
    known = np.isfinite(values)
    weight = (0.5 ** (np.arange(values.shape[1])[::-1] / _HALF_LIFE_WEEKS)).astype(np.float32)
    return ratio(np.where(known, values, np.float32(0)) @ weight, known.astype(np.float32) @ weight)


def recent_seasonal_mean(past: np.ndarray, origin: np.datetime64, steps: int) -> np.ndarray:
    """Return the recent level times the index of each week ahead, float32 (n_series, n_steps); NaN where no week is known.

    Parameters
    ----------
    past
        Float32 (n_series, n_past), units per week before ``origin``, NaN where unknown.
    origin
        First day of the first week ahead.
    steps
        Weeks ahead.

    """
    length = past.shape[1]
    periods = origin + np.arange(-length, steps) * np.timedelta64(7, "D")
    week = iso_week(periods)
    index = seasonal_index_by_week(past, week[:length])[week]
    return recent_level(past, index[:length])[:, None] * index[length:].astype(np.float32)


def iso_week(periods: np.ndarray) -> np.ndarray:
    """Return the ISO week of each date, int64 (n), counted from 0.

    Parameters
    ----------
    periods : datetime64[us] array (n)
        Dates.
    """
    return pd.DatetimeIndex(periods).isocalendar().week.to_numpy(np.int64) - 1


def _level(demand: np.ndarray) -> np.ndarray:
    """Return each series' mean over the known weeks within half a year of each week, NaN if there are none."""
    known, length = np.isfinite(demand), demand.shape[1]
    low = np.maximum(np.arange(length) - _HALF_YEAR, 0)
    high = np.minimum(np.arange(length) + _HALF_YEAR + 1, length)
    sums, counts = running_sums(np.where(known, demand, np.float32(0))), running_sums(known)
    return ratio(sums[:, high] - sums[:, low], counts[:, high] - counts[:, low])


def running_sums(values: np.ndarray) -> np.ndarray:
    """Return running sums, float64 (n, n_past + 1); column k is the sum of the first k columns.

    Parameters
    ----------
    values : float or bool array (n, n_past)
        Values; 0 where unknown.
    """
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, dtype=np.float64, out=sums[:, 1:])
    return sums


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return numerator ÷ denominator as float32; NaN where the denominator is 0.

    Parameters
    ----------
    numerator, denominator : float array
        Arrays that broadcast together.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan).astype(np.float32)
