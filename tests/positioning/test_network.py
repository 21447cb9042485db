"""When lanes leave, until when a person may decide, and which run decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from foundation.errors import InputError
from positioning.inputs.network import Clock, next_departure

MONDAY = date(2024, 1, 1)


def clock(day: date = MONDAY, days: int = 1) -> Clock:
    return Clock(day, time(6), days)


def test_a_daily_lane_departs_on_the_planning_date() -> None:
    assert next_departure("", "", "UTC", clock()).ship_date == MONDAY


def test_next_named_weekday_is_taken() -> None:
    result = next_departure("Thu|Wed", "16:00", "UTC", clock())
    assert result.ship_date == date(2024, 1, 3)


def test_cutoff_before_the_plan_is_ready_is_missed() -> None:
    assert next_departure("Mon|Thu", "05:59", "UTC", clock()).ship_date == date(2024, 1, 4)


def test_cutoff_exactly_when_the_plan_is_ready_is_kept() -> None:
    assert next_departure("Mon", "06:00", "UTC", clock()).ship_date == MONDAY


def test_missed_only_weekday_comes_again_a_week_later() -> None:
    assert next_departure("Mon", "05:00", "UTC", clock()).ship_date == date(2024, 1, 8)


def test_decide_by_is_the_local_cutoff_in_utc() -> None:
    result = next_departure("", "16:00", "America/Los_Angeles", clock())
    assert result.decide_by == datetime(2024, 1, 2, 0, 0, tzinfo=UTC)


def test_departure_before_the_next_run_commits() -> None:
    assert not next_departure("", "16:00", "UTC", clock()).is_outlook


def test_early_cutoff_tomorrow_commits_tonight_because_no_later_run_can_make_it() -> None:
    result = next_departure("Tue", "05:00", "UTC", clock())
    assert (result.ship_date, result.is_outlook) == (date(2024, 1, 2), False)


def test_departure_a_later_run_decides_is_outlook() -> None:
    assert next_departure("Tue", "16:00", "UTC", clock()).is_outlook


def test_weekly_run_commits_the_whole_week() -> None:
    assert not next_departure("Fri", "16:00", "UTC", clock(days=7)).is_outlook


def test_unknown_weekdays_are_named() -> None:
    with pytest.raises(InputError, match="names no weekday"):
        next_departure("Funday", "", "UTC", clock())
