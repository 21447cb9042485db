"""The states of exceptions: open, acknowledged, or solved, with an owner and a due date, kept over runs.

Not here: the exceptions of a plan (``positioning.explain``), their page (``serve``).
"""

from __future__ import annotations

import pandas as pd

from foundation.errors import InputError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline.decisions import exclusive
from serve.workspace import ExceptionChange


def change_exceptions(settings: Settings, change: ExceptionChange, by: str, now: pd.Timestamp) -> tuple[str, ...]:
    """Write the new state of exceptions; return the ids that another person has changed since, and then write none.

    Raises ``InputError`` if an exception is solved without a reason.
    """
    if change.status == "solved" and not (change.reason or "").strip():
        raise InputError("say how the exception was solved; the next person who sees it needs the reason")
    with exclusive(settings, "exceptions"):
        warehouse = Warehouse(settings)
        states = (
            warehouse.read("exception_state")
            .sort_values("at", kind="stable")
            .drop_duplicates("exception_id", keep="last")
        )
        known = dict(zip(states["exception_id"], states["at"].astype("int64").astype(str), strict=True))
        if changed := tuple(name for name, version in change.exceptions.items() if known.get(name, "0") != version):
            return changed
        moment = max(now, states["at"].max() + pd.Timedelta(microseconds=1)) if len(states) else now
        rows = pd.DataFrame({"exception_id": list(change.exceptions)}).assign(
            at=moment, status=change.status, by=by, owner=change.owner or None,
            due_date=pd.Series(change.due_date, index=range(len(change.exceptions)), dtype="datetime64[us]"), reason=change.reason or None,
        )  # fmt: skip
        warehouse.append("exception_state", rows)
    return ()
