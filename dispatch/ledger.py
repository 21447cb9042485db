"""The decision ledger: append-only rows, and the status of every proposal computed from them.

Here: the statuses, their allowed transitions, and the computation. Not here: who may decide (``decide``) and storage
(``foundation.store``).
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
# What may follow what. A row that may not follow is kept in the ledger and changes nothing.
# Another system may write `released` without an approval here; the commands never do.
FOLLOWERS: dict[str, frozenset[str]] = {
    "proposed": frozenset({"approved", "rejected", "released", "superseded"}),
    "approved": frozenset({"approved", "rejected", "released", "superseded"}),
    "rejected": frozenset({"approved", "rejected", "superseded"}),
    "released": frozenset({"executed", "superseded"}),
    "executed": frozenset(),
    "superseded": frozenset(),
}
LINE_COLUMNS = tuple(DECIDED_LINE.split())
STATE_COLUMNS = ("proposal_id", "status", "units", "at", "by", "reason", *LINE_COLUMNS)
_MAY_FOLLOW = np.array([[after in FOLLOWERS[before] for after in STATUSES] for before in STATUSES])


def in_order(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by proposal and moment; rows of one moment in the order of a proposal's life."""
    place = decisions["status"].map({status: place for place, status in enumerate(STATUSES)})
    rows = decisions.assign(_place=place).sort_values(["proposal_id", "at", "_place"], kind="stable", ignore_index=True)
    return rows.drop(columns="_place")


def counts(rows: pd.DataFrame) -> np.ndarray:
    """Say of each row of ``in_order`` whether it took effect: it may follow the state it found.

    Rows with a status nobody knows take none. Every proposal begins as ``proposed``.
    """
    proposal, n_proposals = ranks(rows["proposal_id"])
    event = pd.Index(STATUSES).get_indexer(pd.Index(rows["status"]))
    turn = pd.Series(proposal).groupby(proposal).cumcount().to_numpy()
    state = np.zeros(n_proposals, dtype="int64")
    took_effect = np.zeros(len(rows), dtype=bool)
    for now in range(int(turn.max(initial=-1)) + 1):
        index = np.flatnonzero((turn == now) & (event >= 0))
        may = _MAY_FOLLOW[state[proposal[index]], event[index]]
        took_effect[index] = may
        state[proposal[index[may]]] = event[index[may]]
    return took_effect


def states(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return one row per decided proposal, sorted by id: STATE_COLUMNS.

    ``status``, ``at``, ``by`` and ``reason`` are of the last row that took effect; ``units`` and the
    line are what was last said of them, null where the ledger never said.
    """
    rows = in_order(decisions)
    rows = rows[counts(rows)]
    last = rows.drop_duplicates("proposal_id", keep="last").set_index("proposal_id")
    parts = ["units", *LINE_COLUMNS]
    if last[parts].isna().to_numpy().any():
        last[parts] = rows.groupby("proposal_id")[parts].last()
    return last.reset_index()[list(STATE_COLUMNS)]


def ignored(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that took no effect, in order: what somebody wrote and the ledger does not follow."""
    rows = in_order(decisions)
    return rows[~counts(rows)].reset_index(drop=True)


def with_status(transfer: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return proposals with ``status`` as the ledger has it; those nobody decided on are ``proposed``."""
    known = states(decisions[among(decisions["proposal_id"], transfer["proposal_id"])]).set_index("proposal_id")[
        "status"
    ]
    return transfer.assign(status=transfer["proposal_id"].map(known).astype("str").fillna("proposed"))


def ready_moment(as_of: date, ready_at: str, timezones: pd.Series) -> pd.Timestamp:
    """Return the moment by which decisions count at ``as_of``: ``ready_at`` local to the westernmost hub, in UTC.

    A decision of the evening before is on record by then at every hub, whatever UTC calls that day.
    ``timezones`` are those of the hubs, null: UTC.
    """
    zones = set(timezones.fillna("UTC")) or {"UTC"}
    local = (datetime.combine(as_of, time.fromisoformat(ready_at), ZoneInfo(zone)) for zone in zones)
    return max(pd.Timestamp(moment).tz_convert("UTC") for moment in local)


def earlier_proposals(
    decisions: pd.DataFrame, transfer: pd.DataFrame, as_of: date, ready: pd.Timestamp
) -> pd.DataFrame:
    """Return the proposals of earlier nights with a decision made before ``ready``, one row each, by id.

    Columns of ``transfer`` with ``status`` and ``units`` as decided, and ``decided_on``, the UTC day of
    the decision. The line is the ledger's own; where it says none, the proposal as last proposed before
    ``as_of``. ``transfer`` may hold any nights. Decisions on a plan of ``as_of`` itself or later ones are not known yet.
    """
    known = states(decisions[decisions["at"] < ready])
    known = known.rename(columns={"status": "said_status", "units": "said_units"})
    lines = _last_proposed(transfer, known["proposal_id"], as_of)
    joined = known.merge(lines, on="proposal_id", how="left", suffixes=("", "_proposed"))
    for name in LINE_COLUMNS:
        joined[name] = joined[name].fillna(joined[f"{name}_proposed"])
    joined = joined.assign(
        status=joined["said_status"],
        units=joined["said_units"].fillna(joined["units"]),
        decided_on=joined["at"].dt.tz_localize(None).dt.normalize().astype("datetime64[us]"),
    )
    is_known = (joined["as_of"] < as_timestamp(as_of)) & joined["sku"].notna() & joined["units"].notna()
    columns = [*transfer.columns, "decided_on"]
    return joined.loc[is_known, columns].sort_values("proposal_id", kind="stable", ignore_index=True)


def _last_proposed(transfer: pd.DataFrame, requested: pd.Series, as_of: date) -> pd.DataFrame:
    is_wanted = (transfer["as_of"] < as_timestamp(as_of)) & among(transfer["proposal_id"], requested)
    return transfer[is_wanted].sort_values("as_of", kind="stable").drop_duplicates("proposal_id", keep="last")
