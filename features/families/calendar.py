"""The target's position in the calendar, and nearby events.

These features are known in advance and do not depend on demand. Window: events up to 21 days before and after the target.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.family import FeatureFamily
from features.view import Columns, View

NEAR_DAYS = 21


def calendar_days(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``step``: periods ahead. ``weekday``, ``day_of_month``, ``month``, ``week_of_year`` of the period.
    * ``event``, ``event_type``: codes of the period's event.
    * ``event_ahead``, ``event_behind``: days to the next and since the last event, at most 21; and
      ``next_event``, ``last_event``: which one it is.
    """
    panel = view.panel
    day = pd.DatetimeIndex(panel.periods)
    by_period: Columns = {"day_of_month": day.day.to_numpy(), "month": day.month.to_numpy()}
    by_period["week_of_year"] = day.isocalendar().week.to_numpy()
    if panel.frequency.days == 1:
        by_period["weekday"] = day.day_of_week.to_numpy()
    result: Columns = {"step": view.step.astype(np.float32)}
    for name, values in by_period.items():
        result[name] = np.asarray(values, dtype=np.float32)[view.period]
    region = panel.region_code[view.series]
    if panel.events.names:
        for name, values in _near_events(view).items():
            result[name] = values[region, view.period]
    return result


def _near_events(view: View) -> Columns:
    """Return arrays (n_regions, n_periods) of the event features; codes are NaN if there is none."""
    events = view.panel.events
    near = view.panel.days(NEAR_DAYS)
    ahead, following = _distance(events.event[:, ::-1], near)
    behind, preceding = _distance(events.event, near)
    return {
        "event": _code(events.event), "event_type": _code(events.event_type),
        "event_ahead": ahead[:, ::-1], "event_behind": behind,
        "next_event": _code(following[:, ::-1]), "last_event": _code(preceding),
    }  # fmt: skip


def _distance(event: np.ndarray, near: int) -> tuple[np.ndarray, np.ndarray]:
    """Return periods since the last event (0 on it, at most ``near``) and its code (−1 beyond)."""
    n_periods = event.shape[1]
    index = np.where(event >= 0, np.arange(n_periods), -1 - near)
    latest = np.maximum.accumulate(index, axis=1)
    since = np.minimum(np.arange(n_periods) - latest, near)
    code = np.take_along_axis(event, np.maximum(latest, 0), axis=1)
    return since.astype(np.float32), np.where(since < near, code, -1)


def _code(codes: np.ndarray) -> np.ndarray:
    return np.where(codes >= 0, codes, np.nan).astype(np.float32)


CALENDAR = FeatureFamily(
    "calendar",
    calendar_days,
    driver="season",
    driver_by_name=(("event", "event"),),
    is_for_totals=True,
    rank=5,
    is_by_series=True,
)
