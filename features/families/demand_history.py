"""Features of a series' demand history: single periods, windows of the last week to the last year, and weekdays."""

from __future__ import annotations

import numpy as np

from features.family import FeatureFamily
from features.view import Columns, View, share, year_ago


def lags(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``lag_k``: demand k periods before the origin, k = 1, 2, 3.
    * ``lag_phase_k``: demand at the target's weekday k weeks before the origin's week (daily), k = 1, 2, 3.
    * ``lag_year``: mean demand of the week (daily) or three weeks (weekly) around 364 days before the target.
    * ``lag_idle``: periods since the last demand.
    """
    past = view.past
    result: Columns = {f"lag_{k}": past.last(k)[view.row] for k in (1, 2, 3)}
    season = view.panel.days(7)
    if season == 7:
        for week in (1, 2, 3):
            result[f"lag_phase_{week}"] = _phase(past.values, week)[view.row, (view.step - 1) % 7]
    result["lag_year"] = year_ago(view, view.past)[view.row, view.step - 1]
    result["lag_idle"] = past.idle()[view.row]
    return result


def _phase(values: np.ndarray, week: int) -> np.ndarray:
    """Return (n, 7): the values of the ``week``-th last seven periods, NaN if there are none."""
    n, length = values.shape
    end = length - 7 * (week - 1)
    return values[:, end - 7 : end] if end >= 7 else np.full((n, 7), np.nan, np.float32)


MEAN_DAYS = (7, 14, 28, 56, 112, 180, 364)
SPREAD_DAYS = (28, 112)
HALF_LIVES_DAYS = (4, 12, 40)


def rolling(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``mean_d``: mean demand of the last d days; ``deviation_d``: its standard deviation.
    * ``nonzero_d``: share of periods with demand.
    * ``ewm_h``: exponentially weighted mean, weight 0.5^(age ÷ h), over four half-lives' worth and more.
    * ``trend``: mean of 28 days ÷ mean of 112 days.
    """
    past, days = view.past, view.panel.days
    result: Columns = {}
    for length in sorted({days(d) for d in MEAN_DAYS}):
        result[f"mean_{length}"] = past.mean(length)
    for length in sorted({days(d) for d in SPREAD_DAYS}):
        result[f"deviation_{length}"] = past.deviation(length)
        result[f"nonzero_{length}"] = past.nonzero_share(length)
    for half_life in sorted({days(d) for d in HALF_LIVES_DAYS}):
        age = np.arange(min(8 * half_life, view.lookback), 0, -1) - 1
        result[f"ewm_{half_life}"] = past.weighted(0.5 ** (age / half_life))
    result["trend"] = share(result[f"mean_{days(28)}"], result[f"mean_{days(112)}"])
    return {name: values[view.row] for name, values in result.items()}


WEEKS = (4, 8, 12, 26)


def weekday(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none for weekly data.

    * ``weekday_mean_w``: mean demand on the target's weekday over the last w weeks.
    * ``weekday_share_w``: that mean ÷ the mean of all days of those weeks.
    """
    if view.panel.frequency.days != 1:
        return {}
    phase = (view.step - 1) % 7
    result: Columns = {}
    for weeks in WEEKS:
        profile = view.past.by_phase(weeks, 7)
        result[f"weekday_mean_{weeks}"] = profile[view.row, phase]
    mean = view.past.mean(WEEKS[-1] * 7)
    result[f"weekday_share_{WEEKS[-1]}"] = share(result[f"weekday_mean_{WEEKS[-1]}"], mean[view.row])
    return result


LAGS = FeatureFamily("lags", lags, driver="level", is_for_totals=True, rank=1, is_by_series=True)
ROLLING = FeatureFamily("rolling", rolling, driver="level", is_for_totals=True, rank=2, is_by_series=True)
WEEKDAY = FeatureFamily("weekday", weekday, driver="season", is_for_totals=True, rank=3, is_by_series=True)
