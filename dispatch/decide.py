"""Decisions on proposals: the checks of approvals, rejections and releases, and closing proposals that are over.

Here: the ledger rows of a decision. Not here: selecting proposals and changing their units (``selection``), the states of
proposals (``ledger``), writing the rows (``pipeline.decisions``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dispatch.ledger import FOLLOWERS, LINE_COLUMNS, states
from foundation.errors import InputError
from foundation.keys import among
from foundation.store.arrow import empty_frame
from foundation.tables import OUTPUTS

_TICK = pd.Timedelta(microseconds=1)


@dataclass(frozen=True)
class Signature:
    """Who decides, when and why.

    Attributes
    ----------
    time
        Time of the decision in UTC, as the caller read it from a clock.
    by
        Name of the person or rule.
    reason
        Free text, None without a reason.

    """

    time: pd.Timestamp
    by: str
    reason: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Result of a decision: ledger ``rows`` to append, and ``skipped`` proposals (proposal_id, why)."""

    rows: pd.DataFrame
    skipped: pd.DataFrame


def approve(chosen: pd.DataFrame, signature: Signature) -> Outcome:
    """Approve ``chosen`` proposals for their ``units``.

    ``chosen`` has the columns of ``transfer`` with the ledger's ``status``, ``decided_units`` and
    ``decided_at`` (see ``selection.current``). Skipped: outlook, past its cut-off (``decide_by`` before
    ``signature.time``), already approved for the same units, or beyond approval.
    """
    is_same = (chosen["status"] == "approved") & (chosen["units"] == chosen["decided_units"].fillna(chosen["units"]))
    return _decide(chosen, "approved", signature, [_outlook, _late, ("is approved already", is_same)])


def reject(chosen: pd.DataFrame, signature: Signature) -> Outcome:
    """Reject ``chosen`` proposals. Outlook and late proposals may be rejected.

    Raises ``InputError`` without a reason, which later readers need.
    """
    if not (signature.reason or "").strip():
        raise InputError("a rejection needs a reason; add for example --reason 'promotion was canceled'")
    return _decide(chosen, "rejected", signature, [("is rejected already", chosen["status"] == "rejected")])


def withdraw(chosen: pd.DataFrame, signature: Signature) -> Outcome:
    """Withdraw approvals and rejections: the proposals are undecided again, with the proposed units.

    Skipped: undecided proposals, and those that were released.
    """
    return _decide(chosen, "proposed", signature, [("is undecided", chosen["status"] == "proposed")])


def release(chosen: pd.DataFrame, signature: Signature) -> Outcome:
    """Release approved proposals for the units they were approved for.

    Skipped: not approved, outlook, past its cut-off, released before.
    """
    approved = chosen.assign(units=chosen["decided_units"].fillna(chosen["units"]))
    is_open = chosen["status"].isin(["proposed", "rejected"])
    return _decide(approved, "released", signature, [("is not approved", is_open), _outlook, _late])


def _decide(chosen: pd.DataFrame, status: str, signature: Signature, checks: list) -> Outcome:
    why = pd.Series("", index=chosen.index, dtype="str")
    closed = ~chosen["status"].map({before: status in after for before, after in FOLLOWERS.items()}).astype(bool)
    checked = [check(chosen, signature) if callable(check) else check for check in checks]
    for text, applies in [*checked, ("is " + chosen["status"], closed)]:
        why = why.mask((why == "") & applies, text)
    decided = chosen[why == ""]
    skipped = chosen.loc[why != "", ["proposal_id"]].assign(why=why[why != ""])
    return Outcome(ledger_rows(decided, status, signature), skipped.reset_index(drop=True))


def ledger_rows(proposals: pd.DataFrame, status: str, signature: Signature) -> pd.DataFrame:
    """Return rows of ``decision`` that put ``proposals`` into ``status``, each with its line.

    A time before the proposal's last decision becomes the microsecond after it, so that a clock that is behind does not
    change the order of decisions.
    """
    if proposals.empty:
        return empty_frame(OUTPUTS["decision"])
    after = proposals["decided_at"] + _TICK
    columns = {
        "proposal_id": proposals["proposal_id"], "status": status, "units": proposals["units"],
        "at": after.where(after > signature.time, signature.time), "by": signature.by, "reason": signature.reason,
    }  # fmt: skip
    return pd.DataFrame(columns | {name: proposals[name] for name in LINE_COLUMNS}).reset_index(drop=True)


def _outlook(chosen: pd.DataFrame, signature: Signature) -> tuple[str, pd.Series]:
    return "is outlook: a later run decides it", chosen["is_outlook"].astype(bool)


def _late(chosen: pd.DataFrame, signature: Signature) -> tuple[str, pd.Series]:
    return "its cut-off has passed", chosen["decide_by"] < signature.time


def unused_time(decisions: pd.DataFrame, time: pd.Timestamp) -> pd.Timestamp:
    """Return ``time``, or the first later microsecond without a release.

    All lines that one release puts on one departure form one document, so two releases must not share a time.
    """
    used = set(decisions.loc[decisions["status"] == "released", "at"])
    while time in used:
        time += _TICK
    return time


def closing_rows(
    decisions: pd.DataFrame, inbound: pd.DataFrame, snapshot: pd.Timestamp | None, signature: Signature
) -> pd.DataFrame:
    """Return ledger rows that close proposals, with the reason.

    ``executed``: released, and its id is in ``inbound`` or the stock ``snapshot`` is dated on or after its arrival.
    ``superseded``: approved, and its ship date is before the day of ``signature.time``.
    """
    known = states(decisions).rename(columns={"at": "decided_at"}).drop(columns=["reason", "by"])
    released = known[known["status"] == "released"]
    in_inbound = inbound["proposal_id"].dropna() if "proposal_id" in inbound else pd.Series(dtype="str")
    is_inbound = among(released["proposal_id"], in_inbound)
    has_arrived = ~is_inbound & (released["arrival_date"] <= (pd.NaT if snapshot is None else snapshot))
    today = signature.time.tz_localize(None).normalize()
    missed = known[(known["status"] == "approved") & (known["ship_date"] < today)]
    return pd.concat(
        [
            ledger_rows(released[is_inbound], "executed", _because(signature, "it is in inbound")),
            ledger_rows(
                released[has_arrived], "executed", _because(signature, "a stock snapshot is later than its arrival")
            ),
            ledger_rows(missed, "superseded", _because(signature, "its departure left without it")),
        ],
        ignore_index=True,
    )


def _because(signature: Signature, reason: str) -> Signature:
    return Signature(signature.time, signature.by, reason)
