"""The season of the year and the recent level freed from it. Weekly data only.

The index of a week of the year is, over the past years, Σ demand ÷ Σ level of all series in that week, where the
level of a series is its mean over 53 weeks around; so a series that is out of stock is missing on both sides. It is
shrunk as if one more year without any season had been seen, and smoothed over neighboring weeks by ¼, ½, ¼. Only
periods before the origin enter.
Window: the whole panel for the index; of the level, known periods of the last 56 weeks, half as heavy every 16.
"""

from __future__ import annotations

import numpy as np

from features.family import FeatureFamily
from features.view import Columns, View
from foundation.seasonality import iso_week, recent_level, seasonal_index_by_week


def seasonal(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none for daily data.

    * ``season_index``: of the target's week.
    * ``seasonal_recent``: exponentially weighted mean of (demand ÷ index of its week), weight 0.5^(age ÷ 16), × the
      target's index.
    """
    panel = view.panel
    if panel.frequency.days == 1:
        return {}
    week = iso_week(panel.periods)
    index = seasonal_index_by_week(view.whole_past_of(panel.demand), week[: view.origin])[week]
    level = recent_level(view.past.values, index[: view.origin])
    target = index[view.period].astype(np.float32)
    return {"season_index": target, "seasonal_recent": level[view.row] * target}


SEASONAL = FeatureFamily("seasonal", seasonal, driver="season", rank=4, is_by_series=True)
