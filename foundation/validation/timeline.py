"""Rules about time: the grid of periods, gaps, and the age of what is known.

All faults here but a date off the grid are structural: they speak of the whole input. Not here:
what was known when (``foundation.known``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from foundation.faults import Fault, structural
from foundation.feasibility import training_faults
from foundation.known import SNAPSHOT_DATES
from foundation.periods import Frequency
from foundation.settings import Settings
from foundation.validation.draft import Draft
from foundation.validation.gaps import gap_faults

GRID_TABLES = ("sales", "regional")


def check_grid(draft: Draft, grid: Frequency) -> None:
    """Mark rows of weekly tables whose date is not the first day of a week."""
    if draft.name in GRID_TABLES and draft.has("date") and grid.days > 1:
        dates = draft.frame["date"]
        off = dates.notna() & (dates.dt.day_of_week != grid.start_weekday)
        draft.add(
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
        what = f"{as_of} is a {as_of:%A}, but periods of {grid.code} start on {earlier:%A}s"
        yield structural("as_of", "", what, f"use {earlier} or {grid.step(earlier, 1)}")


def sales_faults(draft: Draft, as_of: date, settings: Settings) -> Iterator[Fault]:
    """Yield the faults of known sales as a whole: none before ``as_of``, or periods in which no series has a row."""
    if not draft.has("date"):
        return
    dates = draft.frame["date"].dropna()
    if dates.empty:
        yield structural("sales", "date", f"nothing before as_of {as_of}", "choose a later as_of or give earlier sales")
    else:
        is_in_stock = not draft.has("in_stock_rate") or bool((draft.frame["in_stock_rate"].fillna(1) >= 1).any())
        yield from training_faults(dates.min().date(), as_of, settings, is_in_stock)
        if settings.series.missing_sales == "zero":
            yield from gap_faults(draft.frame, as_of, settings)


def snapshot_faults(draft: Draft, as_of: date, oldest_days: int) -> Iterator[Fault]:
    """Yield a fault where no stock snapshot counts at ``as_of``, or the one that counts is older than ``oldest_days``."""
    column = SNAPSHOT_DATES[draft.name]
    if not draft.has(column):
        return
    dates = draft.frame[column].dropna()
    if dates.empty:
        yield structural(
            draft.name, column, f"no snapshot on or before as_of {as_of}", "add a snapshot or choose a later as_of"
        )
        return
    taken = dates.max().date()
    age_days = (as_of - taken).days
    if age_days > oldest_days:
        what = f"the latest snapshot, {taken}, is {age_days} days older than as_of {as_of}; at most {oldest_days} are allowed"
        yield structural(draft.name, column, what, "load a newer snapshot or raise positioning.max_stock_age_days")
