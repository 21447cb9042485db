"""What the review page is made of: the night's tables, what is known of earlier nights, the plan of the night before.

Not here: the page (review), or writing it (``flows.stages``).
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from dispatch.ledger import with_status
from foundation.store.warehouse import Warehouse

_NIGHT = ("position", "service", "transfer", "departure", "exception", "assumption", "plan", "forecast")
_LOOKED_BACK_DAYS = 7


def page_inputs(warehouse: Warehouse, as_of: date) -> dict[str, pd.DataFrame]:
    """Return the frames of ``review.plan_page`` for the night of ``as_of``.

    The night before is the last one planned within seven days; so is the last look back. Proposals of the night
    before carry the status they have by now.
    """
    found = {name: warehouse.read(name, as_of) for name in _NIGHT}
    looked_back = _last(warehouse, "accuracy", as_of, is_same_day=True)
    if looked_back:
        found["accuracy"] = warehouse.read("accuracy", looked_back)
    before = _last(warehouse, "plan", as_of, is_same_day=False)
    if before:
        found["plan_before"] = warehouse.read("plan", before)
        found["transfer_before"] = with_status(warehouse.read("transfer", before), warehouse.read("decision"))
    return found


def _last(warehouse: Warehouse, table: str, as_of: date, is_same_day: bool) -> date | None:
    """Return the last date of ``table`` before ``as_of``, or on it, within a week; None where there is none."""
    first = as_of - timedelta(days=_LOOKED_BACK_DAYS)
    days = [day for day in warehouse.dates(table) if first <= day < as_of or (is_same_day and day == as_of)]
    return days[-1] if days else None
