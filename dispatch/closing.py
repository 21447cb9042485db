"""Closing of completed proposals: released proposals that the inputs show, and approvals whose departure has left.

Here: the evidence and the ledger rows. Not here: how open releases count as stock (``positioning``).
"""

from __future__ import annotations

import pandas as pd

from dispatch.decide import Act, ledger_rows
from dispatch.ledger import states
from foundation.keys import among


def closing_rows(
    decisions: pd.DataFrame, inbound: pd.DataFrame, snapshot: pd.Timestamp | None, act: Act
) -> pd.DataFrame:
    """Return ledger rows for proposals that are over, with the reason.

    ``executed``: released, and its id is in ``inbound`` or the stock ``snapshot`` is dated on or after
    its arrival. ``superseded``: approved, and its ship date is before the day of ``act.at``.
    """
    known = states(decisions).rename(columns={"at": "decided_at"}).drop(columns=["reason", "by"])
    released = known[known["status"] == "released"]
    seen = inbound["proposal_id"].dropna() if "proposal_id" in inbound else pd.Series(dtype="str")
    is_seen = among(released["proposal_id"], seen)
    has_arrived = ~is_seen & (released["arrival_date"] <= (pd.NaT if snapshot is None else snapshot))
    today = act.at.tz_localize(None).normalize()
    missed = known[(known["status"] == "approved") & (known["ship_date"] < today)]
    return pd.concat(
        [
            ledger_rows(released[is_seen], "executed", _because(act, "it is in inbound")),
            ledger_rows(released[has_arrived], "executed", _because(act, "a stock snapshot is later than its arrival")),
            ledger_rows(missed, "superseded", _because(act, "its departure left without it")),
        ],
        ignore_index=True,
    )


def _because(act: Act, reason: str) -> Act:
    return Act(act.at, act.by, reason)
