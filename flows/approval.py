"""Waiting for a planner: a flow that suspends until somebody has answered in Prefect's page, and then goes on.

While it waits no process runs: Prefect starts it again with the answer. A deployment only (``prefect.yaml``); the
nightly flow starts one where ``ask_for_approval`` says so. Not here: what an approval is (``pipeline.decisions``).
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

from dispatch.decide import Act
from flows.artifacts import let_rooms_speak
from foundation.commands import DECIDED_AT
from foundation.errors import InputError
from foundation.settings import Settings
from pipeline.configuration import load_settings
from pipeline.decisions import Decided, Selection, Verb, decide_proposals, open_plan, proposals_of
from pipeline.handover import close_what_is_over, deliver_released
from pipeline.results import Result, reported
from review.plan.summary import top_proposals

log = logging.getLogger(__name__)

DEPLOYMENT = "approval/approval"
_HOUR_SECONDS = 3600


class Answer(RunInput):
    """What a planner says about a plan."""

    decision: Literal["approve", "approve by rule", "reject", "leave"] = Field(
        "leave", description="`leave` decides nothing; `approve by rule` lets decisions.rules decide."
    )
    proposals: list[str] = Field([], description="Which: ids or their beginnings; `3fa94c=48` changes the units.")
    everything: bool = Field(False, description="Approve or reject every open proposal of the plan.")
    release: bool = Field(False, description="Release what is approved, and deliver it.")
    by: str = Field(description="Who decides.", min_length=1)
    reason: str | None = Field(None, description="Why; a rejection needs it.")
    at: datetime | None = Field(
        None,
        description="When it was decided (UTC); for a plan of a past date a moment before its cut-offs. Empty: now.",
    )


def _flow_run_name() -> str:
    return f"approval-{runtime.flow_run.parameters.get('as_of') or 'latest'}"


@flow(name="approval", flow_run_name=_flow_run_name, persist_result=True)
def approval(config: str, as_of: date, overrides: Sequence[str] = (), hours: int = 12) -> str:
    """Wait until a planner has answered, then decide the plan's proposals and release them where asked.

    An answer that cannot be carried out fails the run with what to do; start another one. Nobody answers: the run fails
    after ``hours`` and nothing is decided.

    Args:
        config: A YAML file, or a name in configs/.
        as_of: The night whose plan is decided on.
        overrides: Changed keys, key=value.
        hours: How long to wait for an answer.
    """
    let_rooms_speak()
    settings = load_settings(config, overrides)
    request = Answer.with_initial_data(description=question(settings, as_of), **initial(as_of, datetime.now(UTC)))
    answer = suspend_flow_run(wait_for_input=request, key="approval", timeout=hours * _HOUR_SECONDS)
    if answer is None:  # for the type: Prefect gives what was asked for
        raise InputError("the answer is empty")
    with reported("approval", settings, as_of):
        return carry_out(settings, as_of, answer, pd.Timestamp(datetime.now(UTC)))


def initial(as_of: date, now: datetime) -> dict[str, Any]:
    """Return what the form shows before anybody has answered: nothing is decided, at the plan's own morning where it is over."""
    is_past = now.date() > as_of
    return {"by": "planner", "at": datetime.fromisoformat(f"{as_of}{DECIDED_AT}+00:00") if is_past else None}


def ask(config: str, result: Result, overrides: Sequence[str]) -> str:
    """Start the approval of a night's plan as a run of its own, once, and say so; nothing to ask without proposals."""
    if not result.planned or not result.planned.n_proposals:
        return "There is nothing to approve."
    as_of, version = result.night.as_of, result.planned.run_version
    parts = {"config": config, "as_of": as_of.isoformat(), "overrides": list(overrides)}
    key = f"approval-{result.night.settings.name}-{as_of}-{version}"
    run: Any = run_deployment(DEPLOYMENT, parameters=parts, timeout=0, as_subflow=False, idempotency_key=key)
    return f"Waiting for approval: flow run {run.name}."


def question(settings: Settings, as_of: date) -> str:
    """Return what the planner is asked, as Markdown: the size of the plan and its best proposals."""
    open_ = open_plan(settings, as_of).proposals
    decidable = open_[~open_["is_outlook"].astype(bool) & (open_["status"] == "proposed")]
    rows = top_proposals(decidable, settings)
    lines = [f"{proposals_of(len(decidable))} of the plan of {as_of} wait for a decision."]
    if rows:
        names = list(rows[0])
        lines += ["", "| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
        lines += ["| " + " | ".join(str(row[name]).replace("|", "/") for name in names) + " |" for row in rows]
    return "\n".join(lines)


def carry_out(settings: Settings, as_of: date, answer: Answer, now: pd.Timestamp) -> str:
    """Decide, release and deliver as ``answer`` says, at its own moment or else ``now``, and say what was done.

    Raises ``InputError`` where something chosen cannot be decided so.
    """
    moment = now if answer.at is None else pd.Timestamp(answer.at)
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    act = Act(moment.as_unit("us"), answer.by, answer.reason)
    parts = []
    if answer.decision != "leave":
        verb: Verb = "reject" if answer.decision == "reject" else "approve"
        decided = decide_proposals(settings, as_of, verb, _selection(answer), act)
        parts.append(f"{proposals_of(_decided(decided))} {'rejected' if verb == 'reject' else 'approved'}.")
    if answer.release:
        parts += _released(settings, as_of, act)
    sentence = " ".join(parts) or "Nothing was decided."
    log.info("%s", sentence)
    return sentence


def _decided(decided: Decided) -> int:
    return int(decided.rows["proposal_id"].nunique())


def _selection(answer: Answer) -> Selection:
    from pipeline.decisions import split_units

    if answer.decision == "approve by rule":
        return Selection(is_by_rule=True)
    ids, units = split_units(answer.proposals)
    if ids and answer.everything:
        raise InputError("proposals and everything contradict each other: name proposals, or take everything")
    if not ids and not answer.everything:
        raise InputError("no proposal is named: write ids in proposals, or set everything to take the whole plan")
    return Selection(ids, units, is_all=answer.everything)


def _released(settings: Settings, as_of: date, act: Act) -> list[str]:
    """Close what is over, release what is approved, deliver what is released; return what was done."""
    close_what_is_over(settings, as_of, act)
    proposals = open_plan(settings, as_of).proposals
    approved = tuple(proposals.loc[proposals["status"] == "approved", "proposal_id"])
    parts = []
    if approved:
        released = decide_proposals(settings, as_of, "release", Selection(approved), act)
        parts.append(f"{proposals_of(_decided(released))} released.")
    delivery = deliver_released(settings, act, os.environ.get(settings.decisions.outbox.token_variable))
    if delivery is not None:
        parts.append(f"{proposals_of(delivery.n_lines)} delivered to {settings.decisions.outbox.receiver}.")
        parts += [f"Refused by the receiver: {why}." for why in sorted(set(delivery.refused.values()))]
    return parts
