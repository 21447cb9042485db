"""Closing expired proposals; previewing, delivering, and exporting released ones; scoring shadow mode.

Not here: deciding (``pipeline.decisions``), forms and receivers (``dispatch``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from dispatch import decide, documents, outbox, worth
from dispatch.decide import Signature, closing_rows
from dispatch.documents import Document
from dispatch.execution_form import export_receiver
from dispatch.export_form import ExportForm, form_named, registered_forms
from dispatch.ledger import states
from dispatch.outbox import open_receiver
from dispatch.partner import Partner, partner_of, tables_needed, translated
from dispatch.x12 import transaction_sets
from foundation.commands import command
from foundation.errors import InputError
from foundation.keys import among
from foundation.settings import Settings
from foundation.store.snapshot import validate_inputs
from foundation.store.warehouse import Warehouse
from monitoring.follow_up import ShadowScore, moves_since, shadow_score
from pipeline.decisions import Plan, exclusive, open_plan, plan_inputs, refresh, sku_sizes
from serve.workspace import ReleasePreview

_LONGEST_TEXT = 200_000


def close_expired(settings: Settings, as_of: date, signature: Signature) -> pd.DataFrame:
    """Record proposals as executed or superseded according to the inputs known at ``as_of``; return the rows.

    Approved proposals of the plan of ``as_of`` itself stay open; the planner decides whether they are late. The inputs are
    read only if a proposal is open.
    """
    with exclusive(settings):
        warehouse = Warehouse(settings)
        decisions = warehouse.read("decision")
        if not states(decisions)["status"].isin(["approved", "released"]).any():
            return decisions.iloc[:0]
        tables = validate_inputs(settings, as_of, "rebalance").tables
        stock, inbound = tables.get("stock"), tables.get("inbound", pd.DataFrame())
        seen_on = stock["date"].max() if stock is not None and len(stock) else None
        rows = closing_rows(decisions, inbound, seen_on, signature)
        rows = rows[(rows["status"] != "superseded") | (rows["as_of"] != pd.Timestamp(as_of))]
        if len(rows):
            warehouse.append("decision", rows)
            for as_of in sorted({day.date() for day in rows["as_of"].dropna()}):
                refresh(settings, as_of)
    return rows


def deliver_released(settings: Settings, signature: Signature, token: str | None) -> outbox.Delivery | None:
    """Deliver every released, undelivered proposal to the configured receiver; return None without a receiver.

    Raises ``StageError`` if the receiver cannot be reached; calling it again resumes.
    """
    to = settings.decisions.outbox
    if to.target is None:
        return None
    with exclusive(settings, "outbox"):
        warehouse = Warehouse(settings)
        handover = warehouse.read("handover")
        lines = outbox.undelivered(released_of(warehouse), handover, to.receiver)
        selected = set(handover.loc[handover["receiver"] == to.receiver, "document_id"])

        def record(taken: list[Document]) -> None:
            rows = [(name, document.document_id) for document in taken for name in document.proposal_ids]
            frame = pd.DataFrame(rows, columns=["proposal_id", "document_id"])
            warehouse.append("handover", frame.assign(receiver=to.receiver, at=signature.time))

        receiver = open_receiver(to, selected, token)
        return outbox.deliver(documents.documents(lines), receiver, record, outbox.RetryPolicy.of(to))


@dataclass(frozen=True)
class Exported:
    """An export: its text, the counts of documents and lines, and the number of released lines the form cannot hold."""

    form: ExportForm
    text: str
    n_documents: int
    n_lines: int
    n_left_out: int


def export_released(settings: Settings, as_of: date | None, form: str) -> Exported:
    """Return the released proposals of a plan in a form.

    Raises ``InputError`` if no released proposal of that plan fits the form.
    """
    chosen = form_named(form)
    plan = open_plan(settings, as_of)
    lines = released_of(plan.warehouse)
    selected = plan.decisions.loc[plan.decisions["as_of"] == pd.Timestamp(plan.as_of), "proposal_id"]
    lines = lines[among(lines["proposal_id"], pd.concat([selected, plan.proposals["proposal_id"]]))]
    fitting = lines[among(lines["kind"], pd.Series(chosen.kinds))]
    if fitting.empty:
        left = f" that form {form} can hold (lines of kind {lines['kind'].iloc[0]} do not fit)" if len(lines) else ""
        raise InputError(
            f"the plan of {plan.as_of} has no released proposals{left}; run {command(settings, 'release', plan.as_of)}"
        )
    partner = _partner(plan, fitting)
    result = list(documents.documents(translated(fitting, partner)))
    text = chosen.write(result, partner)
    if chosen.name.startswith("x12-"):
        _record_export(plan.warehouse, chosen.name, text, result, partner.moment)
    return Exported(chosen, text, len(result), len(fitting), len(lines) - len(fitting))


def _record_export(warehouse: Warehouse, form: str, text: str, result: list[Document], moment: datetime) -> None:
    """Record the control numbers of an exported interchange in ``handover``, so that its 997 finds the documents."""
    rows = [
        (export_receiver(form, part.control[1], part.control[2].lstrip("0")), name, document.document_id)
        for part, document in zip(transaction_sets(text), result, strict=True)
        for name in document.proposal_ids
    ]
    frame = pd.DataFrame(rows, columns=["receiver", "proposal_id", "document_id"])
    known = warehouse.read("handover")["receiver"]
    new = frame[~among(frame["receiver"], known)]
    if len(new):
        warehouse.append("handover", new.assign(at=pd.Timestamp(moment).as_unit("us")))


def score_shadow(settings: Settings, as_of: date | None, seen: date | None) -> ShadowScore:
    """Return the plan's proposals beside the order lines that appeared in ``inbound`` until ``seen``.

    ``seen`` None: one period after the plan.
    """
    plan = open_plan(settings, as_of)
    later = seen or settings.grid.step(plan.as_of, 1)
    before, after = (_inbound(settings, day) for day in (plan.as_of, later))
    return shadow_score(plan.proposals, moves_since(before, after))


def _inbound(settings: Settings, day: date) -> pd.DataFrame:
    """Return the order lines known on ``day``; raises ``InputError`` if they do not tell what planners shipped."""
    validation = validate_inputs(settings, day, "rebalance")
    if validation.stops or validation.as_of is None:
        raise InputError(*(str(fault) for fault in validation.faults))
    inbound = validation.tables.get("inbound")
    if inbound is None:
        raise InputError("inbound: the table is not provided, and shadow mode reads from it what planners shipped")
    if "origin" not in inbound:
        raise InputError(
            "inbound.origin: the column is not provided; without it, a transfer cannot be told from an order"
        )
    return inbound


def released_of(warehouse: Warehouse) -> pd.DataFrame:
    """Return all released lines; proposals are read only if the ledger does not contain the line."""
    decisions = warehouse.read("decision")
    nowhere = warehouse.read("transfer", date.min)
    if documents.unaddressed(decisions, nowhere):
        return documents.released_lines(decisions, warehouse.read("transfer"))
    return documents.released_lines(decisions, nowhere)


def _partner(plan: Plan, lines: pd.DataFrame) -> Partner:
    moments = plan.decisions.loc[among(plan.decisions["proposal_id"], lines["proposal_id"]), "at"]
    return partner_at(plan, moments.max())


def partner_at(plan: Plan, moment: pd.Timestamp) -> Partner:
    """Return the receiver of documents of a plan whose last line was released at ``moment``."""
    exports = plan.settings.decisions.exports
    names = tables_needed(exports)
    tables = plan_inputs(plan, *names) if names else {}
    return partner_of(exports, tables, moment.to_pydatetime())


def preview_release(settings: Settings, as_of: date, form: str | None, now: pd.Timestamp) -> ReleasePreview:
    """Return the documents that a release of the plan's approved lines would write now, and the text of one form."""
    plan = open_plan(settings, as_of)
    chosen = plan.proposals[plan.proposals["status"] == "approved"]
    outcome = decide.release(chosen, Signature(now, "preview"))
    lines = documents.released_lines(outcome.rows, plan.proposals)
    values = worth.departure_values(_shipping(plan.proposals), plan.warehouse.read("departure", as_of), sku_sizes(plan))
    losing = worth.losing(values)
    losing = losing[among(losing["departure_id"], lines["departure_id"])]
    names = ["document_id", "departure_id", "lane", "kind", "origin", "destination", "ship_date", "arrival_date"]
    summary = lines.groupby(names, as_index=False).agg(lines=("sku", "size"), units=("units", "sum"))
    shown = form_named(form) if form else None
    text, fault = _text(shown, lines, plan, now) if shown and len(lines) else ("", "")
    return ReleasePreview(
        token=_token(outcome.rows),
        documents=summary.sort_values(["ship_date", "departure_id"], ignore_index=True),
        lines=lines,
        skipped=tuple(zip(outcome.skipped["proposal_id"], outcome.skipped["why"], strict=True)),
        losing=tuple(zip(losing["departure_id"], losing["value_eur"].astype(float), strict=True)),
        forms=tuple((name, one.text) for name, one in registered_forms().items()),
        text=text[:_LONGEST_TEXT],
        fault=fault,
    )


def _shipping(proposals: pd.DataFrame) -> pd.DataFrame:
    """Return proposals as they would ship: an undecided one may not, so only approved and released ones pay for the load."""
    return proposals.assign(status=proposals["status"].replace("proposed", "rejected"))


def _text(form: ExportForm, lines: pd.DataFrame, plan: Plan, now: pd.Timestamp) -> tuple[str, str]:
    """Return the text of the lines that fit a form; the second value says why there is none."""
    fitting = lines[among(lines["kind"], pd.Series(form.kinds))]
    if fitting.empty:
        return "", f"No line of kind {lines['kind'].iloc[0]} fits this form."
    try:
        partner = partner_at(plan, now)
        written = form.write(list(documents.documents(translated(fitting, partner))), partner)
    except InputError as error:
        return "", str(error)
    return written if isinstance(written, str) else "This form is not a text.", ""


def _token(rows: pd.DataFrame) -> str:
    """Return a hash of what would be released, so that a release is exactly what was previewed."""
    ordered = rows.sort_values("proposal_id")
    text = "|".join(f"{name}={units}" for name, units in zip(ordered["proposal_id"], ordered["units"], strict=True))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
