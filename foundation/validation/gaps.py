"""Periods in which no series has a row: what they are, and the remedy that is right for the rows as they are.

Where rows are only written for sales, a period without any row is one on which nothing was sold, and calling missing sales
unknown would leave a forecast of selling days alone. Not here: single regions that fell silent (``completeness``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, Doubt, Fault, structural
from foundation.periods import WEEKDAYS, Frequency, as_timestamp, closed_periods
from foundation.settings import Settings
from foundation.validation.given import Given

_FEWEST_ZEROS = 0.01  # share of rows with nothing sold below which rows are taken to be written only for sales
_MOST_COVERAGE = 0.8  # share of the periods of a series that have a row: above it hardly anything is missing
_FEWEST_WEEKDAYS = 4
_FEWEST_WEEKS_EMPTY = 6 * _FEWEST_WEEKDAYS  # days without a row from which rows on one weekday alone look weekly
_MOST_NAMED = 40


def gap_faults(sales: pd.DataFrame, as_of: date, settings: Settings) -> Iterator[Fault]:
    """Yield a fault where periods between the first row of ``sales`` and ``as_of`` have no row of any series."""
    dates = sales["date"].dropna()
    periods = settings.grid.range(dates.min().date(), (as_of - dates.min().date()).days // settings.grid.days)
    has_row = periods.isin(dates.unique())
    empty = periods[~has_row & ~closed_periods(periods, settings.series.closed_days, settings.grid)]
    if not len(empty):
        return
    days = ", ".join(f"{day:%Y-%m-%d}" for day in empty[:KEYS_SHOWN])
    label = f"{len(empty)} {'period' if len(empty) == 1 else 'periods'} before as_of {as_of} without a row of any series, first: {days}"
    closed = [*settings.series.closed_days, *closed_line(empty, periods[has_row], settings.grid)]
    more = f", … ({len(closed)} in all)" if len(closed) > _MOST_NAMED else ""
    name = f"name them as closed, series.closed_days: [{', '.join(closed[:_MOST_NAMED])}{more}]"
    if is_only_sales(sales, as_of, settings.grid):
        period = "day" if settings.grid.days == 1 else "week"
        give = f"give a row with 0 for a {period} on which nothing was sold (one row is enough)"
        remedy = f"load the missing sales; {give}; or {name}"
    else:
        remedy = f"load the missing sales, {name}, or set series.missing_sales: unknown"
    weekdays = periods[has_row].day_of_week.unique()
    if settings.grid.days == 1 and len(weekdays) == 1 and len(empty) >= _FEWEST_WEEKS_EMPTY:
        remedy = f"if the rows are totals of weeks that start on it, set frequency: W-{WEEKDAYS[weekdays[0]]}; otherwise {remedy}"
    yield structural("sales", "date", label, remedy)


def is_only_sales(sales: pd.DataFrame, as_of: date, grid: Frequency) -> bool:
    """Say whether rows of ``sales`` are only written where something was sold: hardly any is 0, and many periods have none."""
    if not {"units_sold", "region", "sku"} <= set(sales.columns):
        return False
    few_zeros = bool((sales["units_sold"] == 0).mean() < _FEWEST_ZEROS)
    return few_zeros and _coverage(sales, as_of, grid) < _MOST_COVERAGE


def _coverage(sales: pd.DataFrame, as_of: date, grid: Frequency) -> float:
    """Return the share of periods, from the first row of each series to ``as_of``, that have a row."""
    first = sales.groupby(["region", "sku"], observed=True)["date"].min()
    possible = ((as_timestamp(as_of) - first).dt.days // grid.days).sum()
    return len(sales) / max(float(possible), 1.0)


def closed_line(empty: pd.DatetimeIndex, sold: pd.DatetimeIndex, grid: Frequency) -> list[str]:
    """Return entries of ``series.closed_days`` that name exactly ``empty`` among ``empty`` and ``sold``, in order of date.

    A weekday stands for itself where it is never in ``sold`` and at least four times in ``empty``; of a weekly grid every day
    of an empty week is named.
    """
    if grid.days > 1:
        return [f"{day + pd.Timedelta(days=ahead):%Y-%m-%d}" for day in empty for ahead in range(grid.days)]
    weekdays = [
        index
        for index in range(7)
        if (empty.day_of_week == index).sum() >= _FEWEST_WEEKDAYS and not (sold.day_of_week == index).any()
    ]
    rest = empty[~np.isin(empty.day_of_week, weekdays)]
    return [*(WEEKDAYS[index].capitalize() for index in weekdays), *(f"{day:%Y-%m-%d}" for day in rest)]


def unknown_doubts(given: Given) -> Iterator[Doubt]:
    """Yield a doubt where missing sales are unknown although rows are only written for sales."""
    if given.settings.series.missing_sales != "unknown" or not given.has(
        "sales", "date", "region", "sku", "units_sold"
    ):
        return
    sales, grid = given.tables["sales"], given.settings.grid
    if not is_only_sales(sales, given.as_of, grid):
        return
    coverage = _coverage(sales, given.as_of, grid)
    n_zero = int((sales["units_sold"] == 0).sum())
    label = (
        f"{n_zero:,} of {len(sales):,} rows are 0, and {1 - coverage:.0%} of the periods have no row, which count as unknown "
        f"(series.missing_sales); the forecast is that of periods with sales, about {1 / coverage:.1f} times what is sold"
    )
    yield Doubt(
        "sales", "units_sold", label, "set series.missing_sales: zero, or write rows of 0 where nothing was sold"
    )
