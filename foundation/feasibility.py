"""How much history a first training needs; validation and training ask the same function.

Not here: whether the rows themselves are right (``foundation.validation``).
"""

from __future__ import annotations

from datetime import date

from foundation.errors import Fault, counted_noun, structural
from foundation.settings import Settings

_FEWEST_PERIODS = {1: 7, 7: 4}  # by the length of a period in days: a week of days, four weeks


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
