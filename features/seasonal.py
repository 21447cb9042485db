"""The season of the year and the recent mean freed from it. Weekly data only.

The seasonal index of a week of the year is the mean over past years of (mean demand of all series in that week
÷ its centred 52-week mean), smoothed over three neighbouring weeks; only periods before the origin enter.
Window: the last 13 periods in which the series' demand is known; years: all of the panel.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.view import Columns, View

_RECENT = 13
_BOUNDS = (0.25, 4.0)


def seasonal(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none for daily data.

    * ``season_index``: of the target's week.
    * ``seasonal_recent``: mean of (demand ÷ index of its week) over the last 13 known periods × the target's index.
    """
    panel = view.panel
    if panel.frequency.days == 1:
        return {}
    week = pd.DatetimeIndex(panel.periods).isocalendar().week.to_numpy(np.int64) - 1
    index = seasonal_index_by_week(panel.everyone[: view.at], week[: view.at])[week]
    recent = _recent_mean(view.past.values / index[: view.at][-view.lookback :], _RECENT)
    target = index[view.period].astype(np.float32)
    return {"season_index": target, "seasonal_recent": recent[view.row] * target}


def seasonal_index_by_week(mean: np.ndarray, week: np.ndarray) -> np.ndarray:
    """Return the index of each week of the year, float64 (53), 1 where nothing is known, within 0.25 … 4.

    ``mean`` (n_past) is demand per series and ``week`` (n_past) its week of the year from 0. With less than a
    year of history every index is 1.
    """
    level = pd.Series(mean).rolling(52, center=True, min_periods=26).mean().to_numpy()
    if len(mean) < 52:
        return np.ones(53)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(level > 0, mean / level, np.nan)
    by_week = pd.Series(share).groupby(week).mean().reindex(range(53))
    around = pd.concat([by_week.iloc[-2:], by_week, by_week.iloc[:2]]).interpolate(limit_direction="both")
    smooth = around.rolling(3, center=True, min_periods=1).mean().to_numpy()[2:-2]
    return np.clip(np.nan_to_num(smooth / np.nanmean(smooth), nan=1.0), *_BOUNDS)


def _recent_mean(values: np.ndarray, count: int) -> np.ndarray:
    """Return the mean of the last ``count`` known values of each row, float32 (n), NaN where there are none."""
    known = np.isfinite(values)
    from_end = np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
    used = known & (from_end <= count)
    total = np.where(used, values, 0).sum(axis=1)
    number = used.sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan).astype(np.float32)
