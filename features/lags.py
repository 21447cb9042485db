"""Lags: what was demanded at single periods before the origin.

Window: the last week, and around the same time a year before the target.
"""

from __future__ import annotations

import numpy as np

from features.view import Columns, Past, View


def lags(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``lag_k``: demand k periods before the origin, k = 1, 2, 3.
    * ``lag_phase_k``: demand at the target's weekday k weeks before the origin's week (daily), k = 1, 2, 3.
    * ``lag_year``: mean demand of the week (daily) or three weeks (weekly) around 364 days before the target.
    * ``lag_idle``: periods since the last demand.
    """
    past = view.past
    found: Columns = {f"lag_{k}": past.last(k)[view.row] for k in (1, 2, 3)}
    season = view.panel.days(7)
    if season == 7:
        for week in (1, 2, 3):
            found[f"lag_phase_{week}"] = _phase(past.values, week)[view.row, (view.step - 1) % 7]
    found["lag_year"] = year_ago(view, view.past)[view.row, view.step - 1]
    found["lag_idle"] = past.idle()[view.row]
    return found


def year_ago(view: View, past: Past) -> np.ndarray:
    """Return (n, horizon): the mean around 364 days before each target, over a week (weekly data: three).

    NaN where the window does not lie in the past.
    """
    year = view.panel.days(364)
    centre = past.n_past + np.arange(view.panel.horizon) - year
    return past.around(centre, 3 if view.panel.frequency.days == 1 else 1)


def _phase(values: np.ndarray, week: int) -> np.ndarray:
    """Return (n, 7): the values of the ``week``-th last seven periods, NaN where there are none."""
    n, length = values.shape
    end = length - 7 * (week - 1)
    return values[:, end - 7 : end] if end >= 7 else np.full((n, 7), np.nan, np.float32)
