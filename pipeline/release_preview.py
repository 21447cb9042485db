"""What a release would send: the documents of all approved lines, before anything is released.

Not here: the release (``pipeline.decisions``), the delivery (``pipeline.handover``).
"""

from __future__ import annotations

import hashlib
from datetime import date

import pandas as pd

from dispatch import decide, documents, worth
from dispatch.decide import Signature
from dispatch.export_form import ExportForm, form_named, registered_forms
from dispatch.partner import translated
from foundation.errors import InputError
from foundation.keys import among
from foundation.settings import Settings
from pipeline.decisions import Plan, open_plan, sku_sizes
from pipeline.handover import partner_at
from serve.workspace import ReleasePreview

_LONGEST_TEXT = 200_000


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
