"""Output tables for pages, read once per version of a table.

Not here: the plan that people decide on (``workspace.OpenPlan``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date

import pandas as pd

from foundation.settings import Settings
from foundation.store.warehouse import Warehouse

_MOST_FRAMES = 48


class Tables:
    """Reads tables of one warehouse and keeps the last results."""

    def __init__(self, settings: Settings) -> None:
        self._warehouse = Warehouse(settings)
        self._kept: OrderedDict[tuple, tuple[int, pd.DataFrame]] = OrderedDict()
        self._lock = threading.Lock()

    def read(
        self, table: str, as_of: date | None = None, columns: Sequence[str] | None = None, **where: str
    ) -> pd.DataFrame:
        """Return rows as ``Warehouse.read`` does; a result is shared, so callers do not change it."""
        key = (table, as_of, None if columns is None else tuple(columns), tuple(sorted(where.items())))
        version = self._warehouse.version(table)
        with self._lock:
            if key in self._kept and self._kept[key][0] == version:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        frame = self._warehouse.read(table, as_of, columns, where)
        with self._lock:
            self._kept[key] = (version, frame)
            while len(self._kept) > _MOST_FRAMES:
                self._kept.popitem(last=False)
        return frame
