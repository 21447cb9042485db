"""Calendar arithmetic: grids, closed days, training dates."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from foundation.errors import ConfigurationError
from foundation.periods import Frequency, closed_periods, is_closed_day

CHRISTMAS_WEEK = pd.date_range("2015-12-21", periods=7).as_unit("us")


@pytest.mark.parametrize(
    ("closed_days", "closed"),
    [
        (("12-25",), ["2015-12-25"]),
        (("2015-12-24", "2014-12-25"), ["2015-12-24"]),
        (("Sun", "sat"), ["2015-12-26", "2015-12-27"]),
        ((), []),
    ],
)
def test_days_are_closed_by_date_day_of_the_year_or_weekday(closed_days: tuple[str, ...], closed: list[str]) -> None:
    is_closed = closed_periods(CHRISTMAS_WEEK, closed_days, Frequency("D"))
    assert CHRISTMAS_WEEK[is_closed].strftime("%Y-%m-%d").tolist() == closed


def test_a_week_is_closed_when_all_its_days_are() -> None:
    weeks = pd.to_datetime(["2015-12-21", "2015-12-28"])
    days = tuple(str(date(2015, 12, 21) + timedelta(days=offset)) for offset in range(7))
    assert closed_periods(weeks, days, Frequency("W-MON")).tolist() == [True, False]
    assert closed_periods(weeks, days[:6], Frequency("W-MON")).tolist() == [False, False]
    assert closed_periods(weeks, (*days[:6], "Sun"), Frequency("W-MON")).tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("12-25", True),
        ("02-29", True),
        ("2015-12-25", True),
        ("Sun", True),
        ("SUN", True),
        ("Sunday", False),
        ("13-01", False),
    ],
)
def test_names_of_a_closed_day(text: str, is_one: bool) -> None:
    assert is_closed_day(text) is is_one


@pytest.mark.parametrize("code", ["W", "M", "W-XYZ", ""])
def test_an_unknown_frequency(code: str) -> None:
    with pytest.raises(ConfigurationError, match="is not one of D, W-MON"):
        Frequency(code)


@pytest.mark.parametrize(("code", "every_days"), [("D", 7), ("D", 1), ("W-SUN", 7), ("W-WED", 14)])
def test_training_dates_stand_on_a_grid_of_their_own(code: str, every_days: int) -> None:
    """Every run between two training dates uses the model of the earlier one."""
    grid = Frequency(code)
    days = [date(2016, 1, 1) + timedelta(days=offset) for offset in range(60)]
    result = [grid.training_date(day, every_days) for day in days]
    assert all(0 <= (day - trained).days < every_days for day, trained in zip(days, result, strict=True))
    assert all(grid.training_date(trained, every_days) == trained for trained in result)
    if grid.days == 7:
        assert all(grid.holds(trained) for trained in result)


def test_steps_and_ranges_keep_to_the_grid() -> None:
    weekly = Frequency("W-TUE")
    first = date(2016, 5, 24)
    assert weekly.holds(first)
    assert weekly.step(first, -2) == date(2016, 5, 10)
    days = weekly.range(first, 3)
    assert days.dtype == "datetime64[us]"
    assert [weekly.holds(day.date()) for day in days] == [True] * 3
