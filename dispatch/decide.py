"""Decisions on chosen proposals: which of them may be decided so, and the rows that say it.

Here: the checks of an approval, a rejection, a release. Not here: choosing (``choice``, ``rules``),
checking a planner's units (``edits``), writing (``flows``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dispatch.ledger import FOLLOWERS, LINE_COLUMNS
from foundation.errors import InputError
from foundation.store.arrow import empty_frame
from foundation.tables import OUTPUTS

_TICK = pd.Timedelta(microseconds=1)


@dataclass(frozen=True)
class Act:
    """Who decides, when and why; ``at`` is a moment in UTC that the caller has read from a clock."""

    at: pd.Timestamp
    by: str
    reason: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What deciding gave: ledger ``rows`` to append, and ``skipped`` proposals (proposal_id, why)."""

    rows: pd.DataFrame
    skipped: pd.DataFrame


def approve(chosen: pd.DataFrame, act: Act) -> Outcome:
    """Approve ``chosen`` proposals for their ``units``.

    ``chosen`` has the columns of ``transfer`` with the ledger's ``status``, ``decided_units`` and
    ``decided_at`` (``choice.current``). Skipped: outlook, past its cut-off (``decide_by`` before
    ``act.at``), already approved for the same units, or beyond approval.
    """
    is_same = (chosen["status"] == "approved") & (chosen["units"] == chosen["decided_units"].fillna(chosen["units"]))
    return _decide(chosen, "approved", act, [_outlook, _late, ("is approved already", is_same)])


def reject(chosen: pd.DataFrame, act: Act) -> Outcome:
    """Reject ``chosen`` proposals; a reason is required, so that others can learn from it.

    Raises ``InputError`` without one. Outlook and late proposals may be rejected.
    """
    if not (act.reason or "").strip():
        raise InputError("a rejection needs a reason; add for example --reason 'promotion was cancelled'")
    return _decide(chosen, "rejected", act, [("is rejected already", chosen["status"] == "rejected")])


def release(chosen: pd.DataFrame, act: Act) -> Outcome:
    """Release approved proposals for the units they were approved for.

    Skipped: not approved, outlook, past its cut-off, released before.
    """
    given = chosen.assign(units=chosen["decided_units"].fillna(chosen["units"]))
    is_open = chosen["status"].isin(["proposed", "rejected"])
    return _decide(given, "released", act, [("is not approved", is_open), _outlook, _late])


def _decide(chosen: pd.DataFrame, status: str, act: Act, checks: list) -> Outcome:
    why = pd.Series("", index=chosen.index, dtype="str")
    closed = ~chosen["status"].map({before: status in after for before, after in FOLLOWERS.items()})
    found = [check(chosen, act) if callable(check) else check for check in checks]
    for text, holds in [*found, ("is " + chosen["status"], closed)]:
        why = why.mask((why == "") & holds, text)
    taken = chosen[why == ""]
    skipped = chosen.loc[why != "", ["proposal_id"]].assign(why=why[why != ""])
    return Outcome(ledger_rows(taken, status, act), skipped.reset_index(drop=True))


def ledger_rows(taken: pd.DataFrame, status: str, act: Act) -> pd.DataFrame:
    """Return rows of ``decision`` that put ``taken`` into ``status``, each with its line.

    A moment before the proposal's last decision becomes the one right after it: what is decided later
    stands later, whatever clock wrote first.
    """
    if taken.empty:
        return empty_frame(OUTPUTS["decision"])
    after = taken["decided_at"] + _TICK
    said = {
        "proposal_id": taken["proposal_id"], "status": status, "units": taken["units"],
        "at": after.where(after > act.at, act.at), "by": act.by, "reason": act.reason,
    }  # fmt: skip
    return pd.DataFrame(said | {name: taken[name] for name in LINE_COLUMNS}).reset_index(drop=True)


def _outlook(chosen: pd.DataFrame, act: Act) -> tuple[str, pd.Series]:
    return "is outlook: a later run decides it", chosen["is_outlook"].astype(bool)


def _late(chosen: pd.DataFrame, act: Act) -> tuple[str, pd.Series]:
    return "its cut-off has passed", chosen["decide_by"] < act.at


def unused_moment(decisions: pd.DataFrame, at: pd.Timestamp) -> pd.Timestamp:
    """Return ``at``, or the first later microsecond at which nothing was released.

    What one release puts on one departure is one document; two releases never share a moment.
    """
    taken = set(decisions.loc[decisions["status"] == "released", "at"])
    while at in taken:
        at += _TICK
    return at
