"""Planners' decisions on a plan's proposals, written to the ledger, one command at a time.

Not here: options and the clock (``forestock.cli.decide``), printing (``forestock.cli.decide_terminal``), delivery and
exports (``pipeline.handover``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandas as pd

from dispatch import decide, worth
from dispatch.decide import Outcome, Signature
from dispatch.ledger import with_status
from dispatch.selection import Filter, by_filter, by_id, by_rules, current, rule_reason, with_units
from foundation.commands import DECIDED_AT, command
from foundation.errors import ConfigurationError, InputError
from foundation.keys import among
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.locks import locked
from foundation.store.warehouse import Warehouse
from pipeline.artifacts import kept_inputs

Verb = Literal["approve", "reject", "withdraw", "release"]
_NO_SUPPLY = pd.DataFrame({"supplier": [], "sku": []}, dtype="str")
_EARLIEST_DECISION = pd.Timedelta(days=7)  # a plan for Monday may be decided on Saturday
_NO_CHANGE_REASONS: dict[Verb, tuple[str, ...]] = {
    "approve": ("is approved already", "is released", "is executed"),
    "reject": ("is rejected already", "is released", "is executed", "is superseded"),
    "withdraw": ("is undecided",),
    "release": ("is released", "is executed"),
}


@dataclass(frozen=True)
class Selection:
    """Selected proposals: by ``ids`` (with changed ``units``), by conditions, by the configured rules, or all."""

    ids: tuple[str, ...] = ()
    units: Mapping[str, int] = field(default_factory=dict)
    conditions: Filter = field(default_factory=Filter)
    is_all: bool = False
    is_by_rule: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no proposal is selected."""
        return not (self.ids or self.is_all or self.is_by_rule or self.conditions != Filter())


@dataclass(frozen=True)
class Plan:
    """A plan to decide on: proposals with their status, and the ledger."""

    settings: Settings
    as_of: date
    proposals: pd.DataFrame
    decisions: pd.DataFrame

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse of the plan."""
        return Warehouse(self.settings)

    def position(self) -> pd.DataFrame:
        """Return the rows of ``position``."""
        return self.warehouse.read("position", self.as_of)

    def supply(self) -> pd.DataFrame:
        """Return the suppliers' offers that the plan was made with."""
        return plan_inputs(self, "supply").get("supply", _NO_SUPPLY)


@dataclass(frozen=True)
class DecisionResult:
    """The outcome of a decision command.

    Attributes
    ----------
    as_of
        Planning date of the plan.
    rows
        Rows written to the ledger.
    lines
        The decided proposals with their current status.
    skipped
        Proposals without a decision, and why.
    losing
        Departures of the decided proposals whose loads cost more than the remaining lines save.
    """

    as_of: date
    rows: pd.DataFrame
    lines: pd.DataFrame
    skipped: pd.DataFrame
    losing: pd.DataFrame


def open_plan(settings: Settings, as_of: date | None) -> Plan:
    """Return the plan of ``as_of`` (None: the newest) with the statuses from the ledger.

    Raises ``ConfigurationError`` if the warehouse has no plan of that date.
    """
    warehouse = Warehouse(settings)
    dates = warehouse.dates("plan")
    if not dates or as_of not in (None, *dates):
        known = f"; there are plans of {dates[0]} … {dates[-1]}" if dates else ""
        raise ConfigurationError(
            f"{settings.warehouse} has no plan of {as_of or 'any date'}{known}; run {command(settings, 'run')}"
        )
    day = as_of or dates[-1]
    decisions = warehouse.read("decision")
    return Plan(settings, day, current(warehouse.read("transfer", day), decisions), decisions)


def decide_proposals(
    settings: Settings, as_of: date | None, verb: Verb, selection: Selection, signature: Signature
) -> DecisionResult:
    """Decide the selected proposals, one command at a time, and update the tables that depend on the ledger.

    Raises ``InputError``, and writes no row, if a proposal, its units or a reason is invalid, if the decision is dated
    long before the plan, or if no selected proposal can be decided.
    """
    with exclusive(settings):
        plan = open_plan(settings, as_of)
        refuse_before(plan, signature)
        chosen = _chosen(plan, selection)
        outcome = decided(plan, verb, chosen, selection, signature)
        if outcome.rows.empty:
            _refuse_in_vain(outcome, plan, verb)
        else:
            plan.warehouse.append("decision", outcome.rows)
        now = refresh(settings, plan.as_of) if len(outcome.rows) else plan
    lines = now.proposals[among(now.proposals["proposal_id"], outcome.rows["proposal_id"])]
    departure = plan.warehouse.read("departure", plan.as_of)
    travelling = now.proposals
    if (
        verb == "release"
    ):  # an undecided proposal may not ship, so only released and approved lines can pay for the load
        travelling = travelling.assign(status=travelling["status"].replace("proposed", "rejected"))
    losing = worth.losing(worth.departure_values(travelling, departure, sku_sizes(plan)))
    losing = losing[among(losing["departure_id"], lines["departure_id"])]
    return DecisionResult(plan.as_of, outcome.rows, lines, outcome.skipped, losing)


def refresh(settings: Settings, as_of: date) -> Plan:
    """Update ``transfer.status`` and the exceptions about departures of a plan from the ledger."""
    plan = open_plan(settings, as_of)
    warehouse = plan.warehouse
    transfer = warehouse.read("transfer", as_of)
    current = with_status(transfer, plan.decisions)
    if not current["status"].equals(transfer["status"]):
        warehouse.write("transfer", current, as_of)
    known = warehouse.read("exception", as_of)
    rows = worth.findings(plan.proposals, warehouse.read("departure", as_of), sku_sizes(plan))
    result = with_findings(known, rows)
    if len(result) != len(known) or (known["kind"] == worth.KIND).any():
        warehouse.write("exception", result, as_of)
    return plan


def with_findings(exception: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Return a plan's exceptions (without as_of) with ``findings`` instead of earlier ones of their kind."""
    others = exception[exception["kind"] != worth.KIND].drop(columns="as_of")
    if findings.empty:
        return others
    return pd.concat([others, findings[others.columns].astype({"units": "Int64"})])


def proposals_text(count: int) -> str:
    """Return ``1 proposal``, ``1,200 proposals``."""
    return f"{count:,} proposal{'' if count == 1 else 's'}"


@contextmanager
def exclusive(settings: Settings, label: str = "decisions") -> Iterator[None]:
    """Lock decisions (or deliveries), so that each command sees what the previous one has written."""
    with locked(files.joined(Warehouse(settings).path, "_locks", f"{label}.lock")):
        yield


def _chosen(plan: Plan, selection: Selection) -> pd.DataFrame:
    proposals = plan.proposals
    if selection.ids:
        return by_id(proposals, selection.ids)
    return by_filter(proposals, selection.conditions)


def decided(plan: Plan, verb: Verb, chosen: pd.DataFrame, selection: Selection, signature: Signature) -> Outcome:
    """Return the ledger rows of a decision on ``chosen`` proposals of a plan, and the proposals without a decision.

    Raises ``InputError`` for units or a reason that are invalid.
    """
    if selection.is_by_rule:
        return _by_rules(plan, verb, chosen, signature)
    if verb == "release":
        return decide.release(
            chosen, Signature(decide.unused_time(plan.decisions, signature.time), signature.by, signature.reason)
        )
    if verb == "reject":
        return decide.reject(chosen, signature)
    if verb == "withdraw":
        return decide.withdraw(chosen, signature)
    if selection.units:
        request = {by_id(chosen, [name])["proposal_id"].iloc[0]: units for name, units in selection.units.items()}
        supply = plan.supply() if (chosen["kind"] == "supply").any() else _NO_SUPPLY
        chosen = with_units(chosen, request, plan.position(), supply)
    return decide.approve(chosen, signature)


def _by_rules(plan: Plan, verb: Verb, chosen: pd.DataFrame, signature: Signature) -> Outcome:
    """Apply the configured rules to undecided proposals."""
    ruled = by_rules(
        chosen[(chosen["status"] == "proposed") & ~chosen["is_outlook"].astype(bool)],
        plan.position(),
        plan.settings.decisions.rules,
    )
    outcomes = []
    for rule in plan.settings.decisions.rules:
        selected = ruled[ruled["rule"] == rule.name]
        if rule.action == verb and len(selected):
            one = decide.approve if verb == "approve" else decide.reject
            outcomes.append(one(selected, Signature(signature.time, signature.by, rule_reason(rule))))
    if not outcomes:
        return Outcome(plan.decisions.iloc[:0], pd.DataFrame({"proposal_id": [], "why": []}, dtype="str"))
    return Outcome(
        pd.concat([outcome.rows for outcome in outcomes], ignore_index=True),
        pd.concat([outcome.skipped for outcome in outcomes], ignore_index=True),
    )


def refuse_before(plan: Plan, signature: Signature) -> None:
    """Raise ``InputError`` if the decision is dated more than a week before the planning date."""
    if signature.time < as_timestamp(plan.as_of).tz_localize("UTC") - _EARLIEST_DECISION:
        raise InputError(
            f"the decision is dated {signature.time:%Y-%m-%d %H:%M} UTC, but the plan is of {plan.as_of}; use another --at"
        )


def _refuse_in_vain(outcome: Outcome, plan: Plan, verb: Verb) -> None:
    """Raise ``InputError`` if no proposal could be decided, unless all of them already have that decision."""
    reasons = outcome.skipped["why"].value_counts()
    if reasons.index.isin(_NO_CHANGE_REASONS[verb]).all():
        return
    lines = [f"{proposals_text(count)}: {why}" for why, count in reasons.items()]
    if reasons.index.str.contains("cut-off").any():
        lines.append(
            f"the plan is of {plan.as_of}; to decide as of then, add for example --at {plan.as_of}{DECIDED_AT}"
        )
    if reasons.index.str.contains("not approved").any():
        lines.append(f"approve them first: {command(plan.settings, 'approve', plan.as_of)}")
    raise InputError(*lines)


def sku_sizes(plan: Plan) -> pd.DataFrame | None:
    """Return the plan's table ``skus`` for volumes and masses; None if its inputs no longer exist."""
    folder = kept_inputs(plan.settings, plan.as_of)
    return None if folder is None else snapshot.read(folder, ("skus",))["skus"]


def plan_inputs(plan: Plan, *names: str) -> dict[str, pd.DataFrame]:
    """Return the tables ``names`` of the plan's inputs."""
    from pipeline.run import planned_run

    return snapshot.read(planned_run(plan.settings, plan.as_of).context.inputs.folder, names)


def split_units(ids: list[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the ids and, for those with ``=UNITS``, the units by id; raises ``InputError`` if units are not a whole number."""
    parts = [text.partition("=") for text in ids]
    units: dict[str, int] = {}
    for name, equals, request in parts:
        if equals:
            if not request.strip().lstrip("-").isdigit():
                raise InputError(f"{name}={request}: units are a whole number, for example {name}=48")
            units[name] = int(request)
    return tuple(name for name, _, _ in parts), units
