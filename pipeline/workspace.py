"""The use cases of the planner's workspace over one warehouse; implements ``serve.workspace.Workspace``.

Not here: pages and routes (``serve``), a plan in memory (``pipeline.open_plan``).
"""

from __future__ import annotations

import threading
from datetime import date

from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline.open_plan import OpenPlan

_MOST_PLANS = 3


class Workspace:
    """The warehouse of one configuration; the plans in use stay in memory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._warehouse = Warehouse(settings)
        self._plans: dict[date, tuple[int, OpenPlan]] = {}
        self._lock = threading.Lock()

    def dates(self) -> list[date]:
        """Return the planning dates with a plan, ascending."""
        return self._warehouse.dates("plan")

    def plan(self, as_of: date | None) -> OpenPlan:
        """Return the plan of a date (None: the newest); a date that was planned again is read again.

        Raises ``ConfigurationError`` if there is no such plan.
        """
        dates = self.dates()
        if not dates or as_of not in (None, *dates):
            raise ConfigurationError(f"there is no plan of {as_of or 'any date'}")
        day, version = as_of or dates[-1], self._warehouse.version("plan")
        with self._lock:
            known = self._plans.get(day)
            if known is not None and known[0] == version:
                return known[1]
            opened = OpenPlan(self.settings, day)
            self._plans = {
                **{key: self._plans[key] for key in list(self._plans)[1 - _MOST_PLANS :] if key != day},
                day: (version, opened),
            }
        return opened

    def settle(self, now: float = float("inf")) -> None:
        """Update the tables that repeat the ledger's statuses, of every plan without new decisions for a while."""
        for _, plan in list(self._plans.values()):
            plan.settle(now)
