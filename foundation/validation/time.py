"""Rules about time: the grid of periods, periods without any row, rows dated far from all others, and the age of what is known.

All faults here but a date off the grid are structural: they concern the whole input. Here too: how much
history a first training needs; validation and training ask the same function. Not here: single regions, SKUs or series whose rows are missing (``completeness``), what was known when
(``foundation.visibility``).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import KEYS_SHOWN, Fault, InputWarning, counted_noun, structural
from foundation.periods import WEEKDAYS, Frequency, as_timestamp, closed_periods
from foundation.settings import Settings
from foundation.validation.input_table import InputTable, ValidInputs
from foundation.visibility import SNAPSHOT_DATES

_FEWEST_PERIODS = {1: 7, 7: 4}  # by the length of a period in days: a week of days, four weeks
GRID_TABLES = ("sales", "regional", "external_forecast")
_FEWEST_ZEROS = 0.01  # share of rows with nothing sold below which rows are taken to be written only for sales
_MOST_COVERAGE = 0.8  # share of the periods of a series that have a row: above it hardly anything is missing
_FEWEST_WEEKDAYS = 4
_FEWEST_WEEKS_EMPTY = 6 * _FEWEST_WEEKDAYS  # days without a row from which rows on one weekday alone look weekly
_MOST_NAMED = 40
_MOST_CLOSED = (
    0.1  # share of periods named as single dates above which closed days no longer explain rows only for sales
)
_PASTED_WIDTH = 110
_DAY_US = 86_400_000_000
_NOT_A_TIME = np.iinfo(np.int64).min
_LOOKED_AT = 200  # distinct dates from each end
_CERTAIN_DAYS = 180  # a few rows beyond a gap this long stand alone whatever the rate
_EXPECTED_ROWS = 20.0  # that a gap should have held before it counts as one
_FEW = 0.25  # of the usual rows on each date beyond the gap
_RATE_PERIODS = 56


def fewest_periods(settings: Settings) -> int:
    """Return how many periods of sales a first training needs: 7 days, or 4 weeks of weekly data."""
    return _FEWEST_PERIODS[settings.grid.days]


def is_too_short(first: date, as_of: date, settings: Settings) -> bool:
    """Return whether sales from ``first`` (inclusive) to ``as_of`` (exclusive) are too few periods to train on."""
    return _periods(first, as_of, settings) < fewest_periods(settings)


def training_faults(first: date, as_of: date, settings: Settings, is_ever_in_stock: bool = True) -> list[Fault]:
    """Return why no model can be trained on the sales known at ``as_of``, an empty list where one can.

    ``first`` is the first date with a row of sales. ``is_ever_in_stock`` says whether any row was in stock for
    its whole period; only such rows show demand.
    """
    if is_too_short(first, as_of, settings):
        noun = "day" if settings.grid.days == 1 else "week"
        problem = (
            f"{counted_noun(_periods(first, as_of, settings), noun)} of sales before as_of {as_of}, from {first} on"
        )
        needed = f"a first training needs {counted_noun(fewest_periods(settings), noun)}; load earlier sales or choose a later as_of"
        return [structural("sales", "date", problem, needed)]
    if not is_ever_in_stock:
        remedy = "demand is learned from rows with in_stock_rate 1; correct the column or leave it out"
        return [structural("sales", "in_stock_rate", "no row was in stock for its whole period", remedy)]
    return []


def _periods(first: date, as_of: date, settings: Settings) -> int:
    return -(-(as_of - first).days // settings.grid.days)


def check_grid(checked: InputTable, grid: Frequency) -> None:
    """Mark rows of weekly tables whose date is not the first day of a week."""
    if checked.name in GRID_TABLES and checked.has("date") and grid.days > 1:
        dates = checked.frame["date"]
        off = dates.notna() & (dates.dt.day_of_week != grid.start_weekday)
        checked.add(
            "date", f"off the grid of {grid.code}", "date rows by the first day of their week or set frequency", off
        )


def as_of_faults(as_of: date, grid: Frequency) -> Iterator[Fault]:
    """Yield a fault where ``as_of`` is not the first day of a period."""
    if not grid.holds(as_of):
        earlier = (
            grid.step(as_of, 0)
            if grid.days == 1
            else date.fromordinal(as_of.toordinal() - (as_of.weekday() - grid.start_weekday) % 7)
        )
        problem = f"{as_of} is a {as_of:%A}, but periods of {grid.code} start on {earlier:%A}s"
        yield structural("as_of", "", problem, f"use {earlier} or {grid.step(earlier, 1)}")


def sales_faults(checked: InputTable, as_of: date, settings: Settings) -> Iterator[Fault]:
    """Yield the faults of known sales as a whole: none before ``as_of``, or periods in which no series has a row."""
    if not checked.has("date"):
        return
    dates = checked.frame["date"].dropna()
    if dates.empty:
        yield structural("sales", "date", f"nothing before as_of {as_of}", "choose a later as_of or give earlier sales")
    else:
        is_in_stock = not checked.has("in_stock_rate") or bool((checked.frame["in_stock_rate"].fillna(1) >= 1).any())
        yield from training_faults(dates.min().date(), as_of, settings, is_in_stock)
        if settings.series.missing_sales == "zero":
            yield from gap_faults(checked.frame, as_of, settings)


def snapshot_faults(stock: InputTable, dates: pd.Series, as_of: date, oldest_days: int) -> Iterator[Fault]:
    """Yield a fault where no stock snapshot counts at ``as_of``, or the one that counts is older than ``oldest_days``.

    ``dates`` holds the date of every stock row of the input, later ones included.
    """
    column = SNAPSHOT_DATES[stock.name]
    if not stock.has(column):
        return
    known = stock.frame[column].dropna()
    if known.empty:
        remedy = "add a snapshot or choose a later as_of"
        yield structural(stock.name, column, f"no snapshot on or before as_of {as_of}{_snapshots(dates)}", remedy)
        return
    latest = known.max().date()
    age_days = (as_of - latest).days
    if age_days > oldest_days:
        problem = f"the latest snapshot, {latest}, is {counted_noun(age_days, 'day')} older than as_of {as_of}; at most {oldest_days} are allowed"
        yield structural(stock.name, column, problem, "load a newer snapshot or raise positioning.max_stock_age_days")


def _snapshots(dates: pd.Series) -> str:
    """Return a clause that names the snapshots among ``dates``: all of up to three, else the first one and the last."""
    days = sorted(dates.dropna().unique())
    if not days:
        return ""
    ends = f"{days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}" if len(days) > KEYS_SHOWN else ""
    named = ends or ", ".join(f"{day:%Y-%m-%d}" for day in days)
    return f"; there {'is 1 snapshot' if len(days) == 1 else f'are {len(days):,} snapshots'}: {named}"


def gap_faults(sales: pd.DataFrame, as_of: date, settings: Settings) -> Iterator[Fault]:
    """Yield a fault where periods between the first row of ``sales`` and ``as_of`` have no row of any series."""
    dates = sales["date"].dropna()
    periods = settings.grid.range(dates.min().date(), (as_of - dates.min().date()).days // settings.grid.days)
    has_row = periods.isin(dates.unique())
    empty = periods[~has_row & ~closed_periods(periods, settings.series.closed_days, settings.grid)]
    if not len(empty):
        return
    days = ", ".join(f"{day:%Y-%m-%d}" for day in empty[:KEYS_SHOWN])
    problem = f"{len(empty)} {'period' if len(empty) == 1 else 'periods'} before as_of {as_of} without a row of any series, first: {days}"
    closed = [*settings.series.closed_days, *closed_line(empty, periods[has_row], settings.grid)]
    more = f", … ({len(closed)} in all)" if len(closed) > _MOST_NAMED else ""
    name = f"name them as closed, series.closed_days: [{', '.join(closed[:_MOST_NAMED])}{more}]"
    if is_only_sales(sales, as_of, settings.grid):
        period = "day" if settings.grid.days == 1 else "week"
        give = f"give a row with 0 for a {period} on which nothing was sold (one row is enough)"
        remedy = f"load the missing sales; {give}; or {name}"
        if (
            _irregular(closed) > _MOST_CLOSED * len(periods) * settings.grid.days
        ):  # as closed, they would leave the mean of days with sales
            yield structural("sales", "date", problem, f"load the missing sales, or {give}")
            return
    else:
        remedy = f"load the missing sales, {name}, or set series.missing_sales: unknown"
    weekdays = periods[has_row].day_of_week.unique()
    if settings.grid.days == 1 and len(weekdays) == 1 and len(empty) >= _FEWEST_WEEKS_EMPTY:
        remedy = f"if the rows are totals of weeks that start on it, set frequency: W-{WEEKDAYS[weekdays[0]]}; otherwise {remedy}"
    lines = textwrap.wrap(f"closed_days: [{', '.join(closed)}]", _PASTED_WIDTH, subsequent_indent="  ")
    paste = "\n".join(["series:", *(f"  {line}" for line in lines)])
    yield replace(structural("sales", "date", problem, remedy), paste=paste)


def _irregular(closed: list[str]) -> int:
    """Return how many entries of ``series.closed_days`` are single dates, neither weekdays nor days of every year."""
    return sum(len(entry) == len("2024-05-01") and entry[:4].isdigit() for entry in closed)


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


def unknown_warnings(inputs: ValidInputs) -> Iterator[InputWarning]:
    """Yield a warning where missing sales are unknown although rows are only written for sales."""
    if inputs.settings.series.missing_sales != "unknown" or not inputs.has(
        "sales", "date", "region", "sku", "units_sold"
    ):
        return
    sales, grid = inputs.tables["sales"], inputs.settings.grid
    if not is_only_sales(sales, inputs.as_of, grid):
        return
    coverage = _coverage(sales, inputs.as_of, grid)
    n_zero = int((sales["units_sold"] == 0).sum())
    problem = (
        f"{n_zero:,} of {len(sales):,} rows are 0, and {1 - coverage:.0%} of the periods have no row, which count as unknown "
        f"(series.missing_sales); the forecast is that of periods with sales, about {1 / coverage:.1f} times what is sold"
    )
    yield InputWarning(
        "sales", "units_sold", problem, "set series.missing_sales: zero, or write rows of 0 where nothing was sold"
    )


def isolated(days: pd.Series, period_days: int) -> np.ndarray:
    """Say for each row of ``days`` (one per sales row, nulls allowed) whether it stands alone, before or after the others.

    A few rows stand alone beyond a gap in which, at the rate of the rows next to it, at least 20 rows should have come: fewer
    on each date than a quarter of that rate, or fewer in all than a twentieth of what the gap should have held where the
    gap is longer than half a year.
    """
    raw = days.to_numpy(dtype="datetime64[us]").astype("int64")
    is_dated = raw != _NOT_A_TIME
    if not is_dated.any():
        return np.zeros(len(days), dtype=bool)
    index = raw // (period_days * _DAY_US)
    low = index[is_dated].min()
    rows = np.bincount(index[is_dated] - low)  # a bin a period: validation has refused years beyond a few centuries
    dates = np.flatnonzero(rows) + low
    if len(dates) < 3:
        return np.zeros(len(days), dtype=bool)
    counts = rows[rows > 0]
    last = _end(dates, counts, period_days)
    first = -_end(-dates[::-1], counts[::-1], period_days)
    return np.asarray(is_dated & ((index > last) | (index < first)))


def _end(dates: np.ndarray, counts: np.ndarray, period_days: int) -> float:
    """Return the last of ``dates`` (in periods, ascending) that does not stand alone; ``counts`` holds the rows of each."""
    end = len(dates) - 1
    total = counts.sum()
    for place in range(len(dates) - 2, max(-1, len(dates) - 2 - _LOOKED_AT), -1):
        beyond = int(counts[place + 1 :].sum())
        if beyond * 2 > total:
            break
        gap = dates[place + 1] - dates[place] - 1
        near = dates > dates[place] - _RATE_PERIODS
        near[place + 1 :] = False
        rate = counts[near].sum() / (dates[place] - dates[near][0] + 1)
        expected = rate * gap
        is_few = beyond < _FEW * rate * (len(dates) - 1 - place)
        is_far = gap * period_days > _CERTAIN_DAYS and beyond * 20 < expected
        if expected >= _EXPECTED_ROWS and (is_few or is_far):
            end = place
    return float(dates[end])
