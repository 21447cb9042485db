"""The season of the year and the recent level freed from it. Weekly data only.

The index of a week of the year is, over the past years, Σ demand ÷ Σ level of all series in that week, where the
level of a series is its mean over 53 weeks around; so a series that is out of stock is missing on both sides. It is
shrunk as if one more year without any season had been seen, and smoothed over neighbouring weeks by ¼, ½, ¼. Only
periods before the origin enter.
Window: the whole panel for the index; of the level, known periods of the last 56 weeks, half as heavy every 16.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.family import FeatureFamily
from features.view import Columns, Past, View, ratio

_HALF_LIFE = 16
_HALF_YEAR = 26
_PRIOR_YEARS = 1.0
_BOUNDS = (0.25, 4.0)
_WEEKS = 53


def seasonal(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none for daily data.

    * ``season_index``: of the target's week.
    * ``seasonal_recent``: exponentially weighted mean of (demand ÷ index of its week), weight 0.5^(age ÷ 16), × the
      target's index.
    """
    panel = view.panel
    if panel.frequency.days == 1:
        return {}
    week = pd.DatetimeIndex(panel.periods).isocalendar().week.to_numpy(np.int64) - 1
    index = seasonal_index_by_week(view.whole_past_of(panel.demand), week[: view.at])[week]
    past = view.past.values / index[: view.at][-view.lookback :]
    level = Past(past).weighted(0.5 ** (np.arange(past.shape[1])[::-1] / _HALF_LIFE))
    target = index[view.period].astype(np.float32)
    return {"season_index": target, "seasonal_recent": level[view.row] * target}


def seasonal_index_by_week(demand: np.ndarray, week: np.ndarray) -> np.ndarray:
    """Return the index of each week of the year around a mean of 1, float64 (53), within 0.25 … 4.

    ``demand`` (n_series, n_past) is NaN where unknown and ``week`` (n_past) the week of the year from 0. With less
    than a year of history every index is 1.
    """
    if demand.shape[1] < 2 * _HALF_YEAR:
        return np.ones(_WEEKS)
    known = np.isfinite(demand)
    level = np.where(known, _level(demand), 0).sum(axis=0)
    share = np.nan_to_num(ratio(np.where(known, demand, 0).sum(axis=0, dtype=np.float64), level), nan=1.0)
    years = np.bincount(week, minlength=_WEEKS)
    index = (np.bincount(week, share, minlength=_WEEKS) + _PRIOR_YEARS) / (years + _PRIOR_YEARS)
    if not years[-1]:  # no year of 53 weeks yet: its last week lies between its neighbours
        index[-1] = (index[-2] + index[0]) / 2
    smooth = (np.roll(index, 1) + 2 * index + np.roll(index, -1)) / 4
    return np.clip(smooth / smooth.mean(), *_BOUNDS)


def _level(demand: np.ndarray) -> np.ndarray:
    """Return each series' mean over the known periods within half a year of each period, NaN where there are none."""
    past, length = Past(demand), demand.shape[1]
    low = np.maximum(np.arange(length) - _HALF_YEAR, 0)
    high = np.minimum(np.arange(length) + _HALF_YEAR + 1, length)
    return past.between(low, high)


SEASONAL = FeatureFamily("seasonal", seasonal, driver="season", rank=4)
