"""The ledger of decisions: from its append-only rows to the state of every proposal.

Here: the states, which state may follow which, and the reduction of rows to states. Not here: the checks of a decision
(``decide``), the storage of the ledger (``foundation.store``).
"""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from foundation.keys import among, ranks
from foundation.periods import as_timestamp
from foundation.tables.outputs import DECIDED_LINE

STATUSES = ("proposed", "approved", "rejected", "released", "executed", "superseded")
# The states that may follow each state. Any other row stays in the ledger without effect.
# Another system may write `released` without an approval; the commands never do. `proposed` withdraws a decision.
FOLLOWERS: dict[str, frozenset[str]] = {
    "proposed": frozenset({"approved", "rejected", "released", "superseded"}),
    "approved": frozenset({"proposed", "approved", "rejected", "released", "superseded"}),
    "rejected": frozenset({"proposed", "approved", "rejected", "superseded"}),
    "released": frozenset({"executed", "superseded"}),
    "executed": frozenset(),
    "superseded": frozenset(),
}
LINE_COLUMNS = tuple(DECIDED_LINE.split())
STATE_COLUMNS = ("proposal_id", "status", "units", "at", "by", "reason", *LINE_COLUMNS)
_MAY_FOLLOW = np.array([[after in FOLLOWERS[before] for after in STATUSES] for before in STATUSES])


def in_order(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by proposal and moment; rows of one moment in the order of a proposal's life."""
    rank = decisions["status"].map({status: rank for rank, status in enumerate(STATUSES)})
    rows = decisions.assign(_rank=rank).sort_values(["proposal_id", "at", "_rank"], kind="stable", ignore_index=True)
    return rows.drop(columns="_rank")


def counts(rows: pd.DataFrame) -> np.ndarray:
    """Return for each row of ``in_order`` whether it takes effect, bool (n_rows): its status may follow the state before it.

    A row with an unknown status has no effect. Every proposal begins as ``proposed``.
    """
    proposal, n_proposals = ranks(rows["proposal_id"])
    event = pd.Index(STATUSES).get_indexer(pd.Index(rows["status"]))
    turn = pd.Series(proposal).groupby(proposal).cumcount().to_numpy()
    state = np.zeros(n_proposals, dtype="int64")
    is_effective = np.zeros(len(rows), dtype=bool)
    for now in range(int(turn.max(initial=-1)) + 1):
        index = np.flatnonzero((turn == now) & (event >= 0))
        may = _MAY_FOLLOW[state[proposal[index]], event[index]]
        is_effective[index] = may
        state[proposal[index[may]]] = event[index[may]]
    return is_effective


def states(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return one row per decided proposal, sorted by id: STATE_COLUMNS.

    ``status``, ``at``, ``by`` and ``reason`` are those of the last row that took effect. ``units`` and the line are the last
    values on record, null if the ledger has none.
    """
    rows = in_order(decisions)
    rows = rows[counts(rows)]
    last = rows.drop_duplicates("proposal_id", keep="last").set_index("proposal_id")
    names = ["units", *LINE_COLUMNS]
    if last[names].isna().to_numpy().any():
        last[names] = rows.groupby("proposal_id")[names].last()
    return last.reset_index()[list(STATE_COLUMNS)]


def ignored(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without effect, in order: their status may not follow the state before them."""
    rows = in_order(decisions)
    return rows[~counts(rows)].reset_index(drop=True)


def with_status(transfer: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return proposals with their ``status`` in the ledger; proposals without a decision are ``proposed``."""
    known = states(decisions[among(decisions["proposal_id"], transfer["proposal_id"])]).set_index("proposal_id")[
        "status"
    ]
    return transfer.assign(status=transfer["proposal_id"].map(known).astype("str").fillna("proposed"))


def ready_moment(as_of: date, ready_at: str, timezones: pd.Series) -> pd.Timestamp:
    """Return the time before which decisions count at ``as_of``, in UTC: ``ready_at`` in the time zone of the westernmost hub.

    A decision of the evening before is on record by then at every hub, whatever its date in UTC. ``timezones`` are those of
    the hubs, null: UTC.
    """
    zones = set(timezones.fillna("UTC")) or {"UTC"}
    local = (datetime.combine(as_of, time.fromisoformat(ready_at), ZoneInfo(zone)) for zone in zones)
    return max(pd.Timestamp(time).tz_convert("UTC") for time in local)


def earlier_proposals(
    decisions: pd.DataFrame, transfer: pd.DataFrame, as_of: date, ready: pd.Timestamp
) -> pd.DataFrame:
    """Return the proposals of earlier plans with a decision before ``ready``, one row each, sorted by id.

    Columns of ``transfer`` with ``status`` and ``units`` as decided, and ``decided_on``, the UTC day of the decision. The line
    comes from the ledger or, if the ledger has none, from the last proposal before ``as_of``. ``transfer`` may hold plans of
    any dates. Decisions on plans of ``as_of`` or later are not known yet.
    """
    known = states(decisions[decisions["at"] < ready])
    known = known.rename(columns={"status": "decided_status", "units": "decided_units"})
    lines = _last_proposed(transfer, known["proposal_id"], as_of)
    joined = known.merge(lines, on="proposal_id", how="left", suffixes=("", "_proposed"))
    for name in LINE_COLUMNS:
        joined[name] = joined[name].fillna(joined[f"{name}_proposed"])
    joined = joined.assign(
        status=joined["decided_status"],
        units=joined["decided_units"].fillna(joined["units"]),
        decided_on=joined["at"].dt.tz_localize(None).dt.normalize().astype("datetime64[us]"),
    )
    is_known = (joined["as_of"] < as_timestamp(as_of)) & joined["sku"].notna() & joined["units"].notna()
    columns = [*transfer.columns, "decided_on"]
    return joined.loc[is_known, columns].sort_values("proposal_id", kind="stable", ignore_index=True)


def _last_proposed(transfer: pd.DataFrame, requested: pd.Series, as_of: date) -> pd.DataFrame:
    is_requested = (transfer["as_of"] < as_timestamp(as_of)) & among(transfer["proposal_id"], requested)
    return transfer[is_requested].sort_values("as_of", kind="stable").drop_duplicates("proposal_id", keep="last")
