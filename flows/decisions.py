"""What people decided on proposals before a night: the only thing a night takes from earlier nights.

Not here: recording decisions, or what they mean for a plan (positioning).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from foundation.store.warehouse import Warehouse


def earlier_proposals(warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    """Return the proposals with a decision made before ``as_of`` (00:00 UTC), each with its latest one.

    Columns of ``transfer`` with ``status`` and ``units`` as decided, and ``decided_on``, the day of the
    decision. Proposals nobody decided on are left out: a night's rows must not depend on which nights ran
    before it. One row per proposal, as last proposed before ``as_of``.
    """
    decisions = warehouse.read("decision")
    decisions = decisions[decisions["at"] < pd.Timestamp(as_of, tz="UTC")]
    latest = decisions.sort_values("at", kind="stable").drop_duplicates("proposal_id", keep="last")
    proposals = _proposed(warehouse, set(latest["proposal_id"]), as_of)
    joined = proposals.merge(
        latest[["proposal_id", "status", "units", "at"]].rename(columns={"units": "decided_units"}),
        on="proposal_id",
        suffixes=("_proposed", ""),
    )
    joined["units"] = joined["decided_units"].fillna(joined["units"])
    joined["decided_on"] = joined["at"].dt.tz_localize(None).dt.normalize()
    joined = joined[[*proposals.columns, "decided_on"]]
    return joined.sort_values("proposal_id", kind="stable", ignore_index=True)


def _proposed(warehouse: Warehouse, wanted: set[str], as_of: date) -> pd.DataFrame:
    proposals = warehouse.read("transfer") if wanted else warehouse.read("transfer", as_of=date.min)
    is_earlier = (proposals["as_of"] < pd.Timestamp(as_of)) & proposals["proposal_id"].isin(list(wanted))
    return proposals[is_earlier].sort_values("as_of", kind="stable").drop_duplicates("proposal_id", keep="last")
