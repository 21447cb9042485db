"""Findings of a plan and of monitoring in one table: each writes its own kinds and keeps the other's.

Not here: finding anything (``positioning``, ``monitoring``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from foundation.store.warehouse import Warehouse
from monitoring.findings import KINDS


def with_monitored(warehouse: Warehouse, exception: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return a plan's findings with those monitoring has written for that day, which planning again must not lose."""
    kept = warehouse.read("exception", as_of)
    return _joined(warehouse, exception, kept[kept["kind"].isin(KINDS)])


def with_planned(warehouse: Warehouse, exception: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return monitoring's findings with those of the plan of that day."""
    kept = warehouse.read("exception", as_of)
    return _joined(warehouse, exception, kept[~kept["kind"].isin(KINDS)])


def _joined(warehouse: Warehouse, one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return both as one frame, without `as_of`, in the dtypes of the table."""
    dtypes = {column.name: column.kind.value for column in warehouse.definition("exception").columns}
    del dtypes["as_of"]
    return pd.concat([frame[list(dtypes)].astype(dtypes) for frame in (one, other)], ignore_index=True)
