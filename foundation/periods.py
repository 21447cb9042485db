"""Calendar arithmetic: periods, horizons, windows, and training dates.

All dates are without a time zone. A period is a day (``D``) or a week that starts on a given weekday (``W-MON`` … ``W-SUN``) and is
dated by its first day. Not here: holidays and events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from foundation.errors import ConfigurationError, InputError

if TYPE_CHECKING:  # imported where it is used: settings stand on this module, and a mistake in them must answer at once
    import numpy as np
    import pandas as pd

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DATE_DTYPE = "datetime64[us]"
# Dates beyond these years are typing mistakes, and calendar arithmetic around them would overflow.
FIRST_YEAR, LAST_YEAR = 1900, 2199
# 2000-01-03 was a Monday: training dates are counted from it, so weekly ones fall on Mondays.
_MONDAY = date(2000, 1, 3)


@dataclass(frozen=True)
class Frequency:
    """A daily or weekly grid of periods.

    ``days`` is the length of a period in days (1 or 7); ``start_weekday`` is 0 for Monday … 6 for
    Sunday and only binds weekly grids.
    """

    code: str

    def __post_init__(self) -> None:
        if self.code != "D" and self.code not in {f"W-{day}" for day in WEEKDAYS}:
            raise ConfigurationError(
                f"frequency {self.code!r} is not one of D, W-MON … W-SUN (the weekday weeks start on)"
            )

    @property
    def days(self) -> int:
        """Days in one period: 1 or 7."""
        return 1 if self.code == "D" else 7

    @property
    def start_weekday(self) -> int:
        """The weekday periods start on, Monday = 0; 0 for daily grids, where it does not bind."""
        return 0 if self.code == "D" else WEEKDAYS.index(self.code[2:])

    @property
    def season(self) -> int:
        """Periods in one seasonal cycle used by the naive baseline: 7 days or 52 weeks."""
        return 7 if self.code == "D" else 52

    def holds(self, day: date) -> bool:
        """Return whether ``day`` is the first day of a period."""
        return self.days == 1 or day.weekday() == self.start_weekday

    def step(self, day: date, periods: int) -> date:
        """Return the first day of the period ``periods`` after (before, if negative) ``day``."""
        return day + timedelta(days=self.days * periods)

    def range(self, first: date, periods: int) -> pd.DatetimeIndex:
        """Return the first days of ``periods`` periods from ``first`` on, ``datetime64[us]``."""
        import pandas as pd

        return pd.date_range(first, periods=periods, freq=f"{self.days}D").as_unit("us")

    def training_date(self, as_of: date, every_days: int) -> date:
        """Return the last training date on or before ``as_of``.

        Training dates stand on a fixed grid of ``every_days`` days counted from a Monday (weekly
        data: from the weekday weeks start on), so which model a run uses depends on its date
        alone and never on earlier runs.
        """
        first = _MONDAY + timedelta(days=self.start_weekday)
        return as_of - timedelta(days=(as_of - first).days % every_days)


def is_closed_day(text: str) -> bool:
    """Return whether ``text`` names closed days: a date (2015-12-25), a month-day (12-25) or a weekday (Sun)."""
    if text.upper() in WEEKDAYS:
        return True
    try:
        date.fromisoformat(text if len(text) > 5 else f"2000-{text}")
    except ValueError:
        return False
    return True


def closed_periods(periods: pd.DatetimeIndex, closed_days: tuple[str, ...], grid: Frequency) -> np.ndarray:
    """Return a boolean per period: all its days are named by date, month-day or weekday in ``closed_days``."""
    import numpy as np
    import pandas as pd

    requested = [day.upper() for day in closed_days]
    closed = np.ones(len(periods), dtype=bool)
    for offset in range(grid.days):
        days = periods + pd.Timedelta(days=offset)
        names = (days.strftime("%Y-%m-%d"), days.strftime("%m-%d"), pd.Index(WEEKDAYS)[days.day_of_week])
        closed &= np.logical_or.reduce([name.isin(requested) for name in names])
    return closed


def parse_day(text: str) -> date:
    """Return the date ``text`` holds, written as 2016-05-23.

    Raises
    ------
    ValueError
        Where it is no such date, or one outside the years ``FIRST_YEAR`` to ``LAST_YEAR``.
    """
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f"{text[:40]!r} is not a date; write it as 2016-05-23")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{text} is outside the years {FIRST_YEAR} to {LAST_YEAR}; correct the year")
    return day


def day_of(value: date | str, name: str) -> date:
    """Return the date that the argument ``name`` holds: a text such as 2016-05-23, a date, or a date with a time.

    Raises
    ------
    InputError
        For anything else.
    """
    if isinstance(value, datetime):  # a pandas Timestamp is one too
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return parse_day(str(value))
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def as_timestamp(day: date) -> pd.Timestamp:
    """Return ``day`` as a timestamp of the resolution every table uses."""
    import pandas as pd

    return pd.Timestamp(day).as_unit("us")
