"""Approval as a Prefect flow: it suspends until a planner has submitted a form in Prefect's UI, then decides.

No process runs while it is suspended. It runs as a deployment only (``prefect.yaml``); the nightly flow starts one if
``needs_approval`` is true. Not here: what a decision is (``pipeline.decisions``).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import pandas as pd
from prefect import flow, runtime, suspend_flow_run
from prefect.deployments import run_deployment
from prefect.input import RunInput
from pydantic import Field

from dispatch.decide import Signature
from flows.artifacts import let_packages_log
from foundation.commands import DECIDED_AT, command
from foundation.errors import InputError
from foundation.settings import Settings
from pipeline.configuration import load_settings
from pipeline.decisions import (
    DecisionResult,
    Selection,
    Verb,
    decide_proposals,
    open_plan,
    proposals_text,
    split_units,
)
from pipeline.handover import close_expired, deliver_released
from pipeline.results import Result, reported
from review.plan.summary import top_proposals

log = logging.getLogger(__name__)

DEPLOYMENT = "approval/approval"
_HOUR_SECONDS = 3600
LISTED = 200  # proposals in the form's table


class ApprovalForm(RunInput):
    """The form a planner fills in to decide on a plan."""

    decision: Literal["approve", "approve by rule", "reject", "leave"] = Field(
        "leave", description="`leave` makes no decision; `approve by rule` applies decisions.rules."
    )
    proposals: list[str] = Field(
        [], description="Proposal ids or their first characters; `3fa94c=48` changes the units."
    )
    everything: bool = Field(False, description="Approve or reject every open proposal of the plan.")
    release: bool = Field(False, description="Release the approved proposals and deliver them.")
    by: str = Field(description="Name of the person who decides.", min_length=1)
    reason: str | None = Field(None, description="Reason; required for a rejection.")
    decided_at: datetime | None = Field(
        None,
        description="Time of the decision (UTC); for a plan of a past date, a time before its cut-offs. Empty means now.",
    )


def _flow_run_name() -> str:
    return f"approval-{runtime.flow_run.parameters.get('as_of') or 'latest'}"


@flow(name="approval", flow_run_name=_flow_run_name, persist_result=True)
def approval(config: str, as_of: date, overrides: Sequence[str] = (), hours: int = 12) -> str:
    """Wait for a planner's form, then decide on the plan's proposals and release them if requested.

    A form that cannot be applied fails the run with the remedy; start another run. Without a form, the run fails after
    ``hours`` and no decision is made.

    Args:
        config: A YAML file, or the name of a file in configs/.
        as_of: Planning date of the plan.
        overrides: Changed settings, key=value.
        hours: How long to wait for the form.
    """
    let_packages_log()
    settings = load_settings(config, overrides)
    blank = ApprovalForm.with_initial_data(
        description=form_text(settings, as_of), **initial_values(as_of, datetime.now(UTC))
    )
    form = suspend_flow_run(wait_for_input=blank, key="approval", timeout=hours * _HOUR_SECONDS)
    if form is None:  # for the type checker: Prefect returns an instance of the requested form
        raise InputError("the form is empty")
    with reported("approval", settings, as_of):
        return apply_form(settings, as_of, form, pd.Timestamp(datetime.now(UTC)))


def initial_values(as_of: date, now: datetime) -> dict[str, Any]:
    """Return the form's initial values: no decision, dated the plan's morning if the plan is of a past date."""
    is_past = now.date() > as_of
    return {"by": "planner", "decided_at": datetime.fromisoformat(f"{as_of}{DECIDED_AT}+00:00") if is_past else None}


def request_approval(config: str, result: Result, overrides: Sequence[str]) -> str:
    """Start a separate approval run for a plan, once per plan version, and return a sentence about it."""
    if not result.planned or not result.planned.n_proposals:
        return "The plan has no proposals to approve."
    as_of, version = result.context.as_of, result.planned.run_version
    parameters = {"config": config, "as_of": as_of.isoformat(), "overrides": list(overrides)}
    key = f"approval-{result.context.settings.name}-{as_of}-{version}"
    run: Any = run_deployment(DEPLOYMENT, parameters=parameters, timeout=0, as_subflow=False, idempotency_key=key)
    return f"Waiting for approval: flow run {run.name}."


def form_text(settings: Settings, as_of: date) -> str:
    """Return the description above the form, in Markdown: all proposals, or the best ones and where the others are."""
    open_ = open_plan(settings, as_of).proposals
    decidable = open_[~open_["is_outlook"].astype(bool) & (open_["status"] == "proposed")]
    review = settings.review.model_copy(update={"top_proposals": LISTED})
    rows = top_proposals(decidable, settings.model_copy(update={"review": review}))
    lines = [f"The plan of {as_of} has {proposals_text(len(decidable))} to decide on."]
    if rows:
        names = list(rows[0])
        lines += ["", "| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
        lines += ["| " + " | ".join(str(row[name]).replace("|", "/") for name in names) + " |" for row in rows]
    if len(decidable) > len(rows):
        others = proposals_text(len(decidable) - len(rows))
        lines += [
            "",
            f"The table has the best {len(rows)}. The other {others} are in the [workspace]({settings.serve.address(f'/proposals?as_of={as_of}')}),",
        ]
        lines += [f"and are listed by `{command(settings, 'approve', as_of)}`."]
    return "\n".join(lines)


def apply_form(settings: Settings, as_of: date, form: ApprovalForm, now: pd.Timestamp) -> str:
    """Decide, release and deliver as ``form`` says, at the form's time or else ``now``; return what was done.

    Raises ``InputError`` if a selected proposal cannot be decided that way.
    """
    moment = now if form.decided_at is None else pd.Timestamp(form.decided_at)
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    signature = Signature(moment.as_unit("us"), form.by, form.reason)
    sentences = []
    if form.decision != "leave":
        verb: Verb = "reject" if form.decision == "reject" else "approve"
        decided = decide_proposals(settings, as_of, verb, _selection(form), signature)
        sentences.append(f"{proposals_text(_count(decided))} {'rejected' if verb == 'reject' else 'approved'}.")
    if form.release:
        sentences += _release(settings, as_of, signature)
    text = " ".join(sentences) or "No decision was made."
    log.info("%s", text)
    return text


def _count(decided: DecisionResult) -> int:
    return int(decided.rows["proposal_id"].nunique())


def _selection(form: ApprovalForm) -> Selection:
    if form.decision == "approve by rule":
        return Selection(is_by_rule=True)
    ids, units = split_units(form.proposals)
    if ids and form.everything:
        raise InputError("proposals and everything contradict each other: list proposals, or set everything")
    if not ids and not form.everything:
        raise InputError("no proposal is selected: list ids in proposals, or set everything to select the whole plan")
    return Selection(ids, units, is_all=form.everything)


def _release(settings: Settings, as_of: date, signature: Signature) -> list[str]:
    """Close expired proposals, release the approved ones, deliver the released ones; return what was done."""
    close_expired(settings, as_of, signature)
    proposals = open_plan(settings, as_of).proposals
    approved = tuple(proposals.loc[proposals["status"] == "approved", "proposal_id"])
    sentences = []
    if approved:
        released = decide_proposals(settings, as_of, "release", Selection(approved), signature)
        sentences.append(f"{proposals_text(_count(released))} released.")
    delivery = deliver_released(settings, signature, os.environ.get(settings.decisions.outbox.token_variable))
    if delivery is not None:
        sentences.append(f"{proposals_text(delivery.n_lines)} delivered to {settings.decisions.outbox.receiver}.")
        sentences += [f"The receiver refused: {why}." for why in sorted(set(delivery.refused.values()))]
    return sentences
