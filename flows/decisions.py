"""What people decided on proposals before a night: the only thing a night takes from earlier nights.

Here: reading the ledger and, where it does not say the line itself, the proposals. Not here: recording
decisions (``flows.desk``), which of them a night knows (``dispatch.history``), or what they mean for a
plan (``positioning``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from dispatch.history import earlier_proposals, ready_moment
from foundation.store.warehouse import Warehouse


def decided_before(warehouse: Warehouse, hubs: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the proposals of earlier nights with a decision effective at ``as_of``, one row each, by id.

    Columns of ``transfer`` with ``status`` and ``units`` as decided, and ``decided_on``, the day of the
    decision. Effective is what was decided before the night is ready (``positioning.ready_at``) at the
    last of ``hubs``. Proposals nobody decided on are left out: a night's rows must not depend on which
    nights ran before it.
    """
    decisions = warehouse.read("decision")
    zones = hubs["timezone"] if "timezone" in hubs else pd.Series(dtype="str")
    ready = ready_moment(as_of, warehouse.settings.positioning.ready_at, zones.astype("str"))
    is_said = decisions.groupby("proposal_id")["sku"].transform("count") > 0
    transfer = warehouse.read("transfer", as_of=date.min if is_said.all() else None)
    return earlier_proposals(decisions, transfer, as_of, ready)
