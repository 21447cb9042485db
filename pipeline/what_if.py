"""What-ifs: a date planned again with changed inputs and compared with its plan of record.

Inputs, forecast and decisions are those of the plan of record; only what the what-if names is different.
Not here: what a change does (``positioning.what_if``), how plans are compared (``review.what_if``),
Prefect (``flows.what_if``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from foundation.commands import command
from foundation.configuration import section
from foundation.errors import ConfigurationError, nearest
from foundation.periods import as_timestamp
from foundation.settings import Settings, WhatIf
from foundation.store import files, snapshot
from foundation.store.locks import locked
from foundation.store.warehouse import Warehouse
from pipeline.artifacts import recorded
from pipeline.completed import FORECAST_TABLES, decided_before, decisions_hash, planned_run
from pipeline.identity import run_identity
from pipeline.results import RunContext
from positioning.plan import gate, plan
from positioning.what_if import Inputs, changed, kept_total_eur
from review.what_if import WhatIfPage, line_differences, place_differences, what_if_page, what_if_summary

log = logging.getLogger(__name__)

TABLES = ("what_if", "what_if_line", "what_if_place")
_RECORD_TABLES = ("plan", "transfer", "position", "service")
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class WhatIfComparison:
    """Written what-ifs: the date, the plan row of record, the rows of table ``what_if``, the page's place, the figures as Markdown."""

    settings: Settings
    as_of: date
    plan: pd.DataFrame
    what_if: pd.DataFrame
    page: str
    notes: tuple[str, ...] = ()
    summary: str = ""


def compare_with_record(settings: Settings, changes: Sequence[WhatIf], as_of: date) -> WhatIfComparison:
    """Plan ``as_of`` under each of ``changes``, write the tables and the page, and return the comparison.

    The plan of record does not change. What-ifs of other names are kept if they were compared with the same plan of
    record. Raises ``ConfigurationError`` for names that are not in the inputs of that date.
    """
    built, notes = built_what_ifs(settings, changes, as_of)
    _write(settings, built, as_of)
    return _page(settings, as_of, notes)


def built_what_ifs(settings: Settings, changes: Sequence[WhatIf], as_of: date) -> tuple[Frames, tuple[str, ...]]:
    """Return the rows of the tables of what-ifs and notes for the reader; write no table.

    Raises ``ConfigurationError`` for names that are not in the inputs of that date.
    """
    context = planned_run(settings, as_of).context
    inputs, record = _inputs(context), _record(settings, as_of)
    others = [changed(inputs, change, as_of) for change in changes]
    built: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    notes = [_staleness(inputs, context.inputs.fingerprint, record, as_of)]
    for change, other in zip(changes, others, strict=True):
        log.info("what if %s", change.name)
        frames = plan(other.tables, other.forecasts, other.settings, as_of)
        notes += [f"{change.name}: the plan gate would refuse this plan: {text}." for text in gate(frames, other.settings)]  # fmt: skip
        row = frames["plan"].assign(
            changes=_changes_json(change), plan_id_of_record=record["plan"]["plan_id"].iloc[-1],
            kept_total_eur=kept_total_eur(other, record["transfer"], as_of),
        )  # fmt: skip
        parts = (row, line_differences(record, frames), place_differences(record, frames))
        for name, part in zip(TABLES, parts, strict=True):
            built[name].append(part.assign(what_if=change.name, as_of=as_timestamp(as_of)))
    frames_of = {name: pd.concat(parts, ignore_index=True) for name, parts in built.items()}
    return frames_of, tuple(note for note in notes if note)


def _inputs(context: RunContext) -> Inputs:
    settings, as_of = context.settings, context.as_of
    warehouse = Warehouse(settings)
    tables = snapshot.read(context.inputs.folder)
    tables["earlier"] = decided_before(warehouse, tables["hubs"], as_of)
    forecasts = {name: warehouse.read(name, as_of) for name in FORECAST_TABLES}
    return Inputs(tables, forecasts, settings)


def _record(settings: Settings, as_of: date) -> Frames:
    warehouse = Warehouse(settings)
    return {name: warehouse.read(name, as_of) for name in _RECORD_TABLES}


def _staleness(inputs: Inputs, known: str, record: Frames, as_of: date) -> str:
    """Return a warning if the plan of record has another forecast, other settings or other code than the what-ifs."""
    forecast = recorded(inputs.settings, as_of, "forecast").get("identity", "")
    now = run_identity(inputs.settings, forecast, known, decisions_hash(inputs.tables["earlier"]))
    if str(record["plan"]["run_version"].iloc[-1]) == now:
        return ""
    return (
        "The plan of record was computed with another forecast, other settings or another version of the code than the what-ifs; "
        "plan the date again, so that they differ by the change alone."
    )


def _changes_json(change: WhatIf) -> str:
    """Return what ``change`` changes as JSON: the keys that differ from their defaults."""
    parts = change.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
    return json.dumps(parts, sort_keys=True)


def _write(settings: Settings, built: Frames, as_of: date) -> None:
    """Write the rows of the what-ifs and keep those of other names with the same plan of record."""
    warehouse = Warehouse(settings)
    record = built["what_if"]["plan_id_of_record"].iloc[0]
    with locked(files.joined(settings.warehouse, "_nights", ".what-if.lock")):
        before = warehouse.read("what_if", as_of)
        is_kept = (before["plan_id_of_record"] == record) & ~before["what_if"].isin(built["what_if"]["what_if"])
        kept = before.loc[is_kept, "what_if"]
        for name in reversed(TABLES):
            old = warehouse.read(name, as_of)
            old = old[old["what_if"].isin(kept)]
            warehouse.write(name, pd.concat([old, built[name]]) if len(old) else built[name], as_of)


def _page(settings: Settings, as_of: date, notes: tuple[str, ...]) -> WhatIfComparison:
    warehouse = Warehouse(settings)
    plan, (what_if, lines, places) = warehouse.read("plan", as_of), (warehouse.read(name, as_of) for name in TABLES)
    shown = WhatIfPage(as_of, plan, what_if, lines, places, notes)
    text = what_if_page(shown, settings)
    place = files.write_text(files.joined(settings.warehouse, "pages", f"what-if-{as_of}.html"), text)
    return WhatIfComparison(settings, as_of, plan, what_if, place, notes, what_if_summary(shown, settings))


@dataclass(frozen=True)
class WhatIfRequest:
    """Which what-ifs to compute.

    Attributes
    ----------
    as_of
        Planning date of the plan of record; None is the newest plan.
    names
        What-ifs of the configuration; empty means all, unless there are ``changes``.
    changes
        One what-if outside the configuration, ``key=value``.
    """

    as_of: date | None = None
    names: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


def requested_changes(settings: Settings, request: WhatIfRequest) -> tuple[WhatIf, ...]:
    """Return the requested what-ifs; raises ``ConfigurationError`` for an unknown name."""
    if request.changes:
        name = request.names[0] if request.names else "ad-hoc"
        change = section(WhatIf, [f"name={json.dumps(name)}", *request.changes], "--change")
        try:
            settings.under(change)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        return (change,)
    known = {change.name: change for change in settings.what_if}
    if not known:
        raise ConfigurationError(
            "the configuration has no what_if; use --change, for example --change closed_hubs=[ONT]"
        )
    faults = [
        f"there is no what-if {name!r}{nearest(name, list(known))}" for name in request.names if name not in known
    ]
    if faults:
        raise ConfigurationError(*faults)
    return tuple(known[name] for name in request.names) or settings.what_if


def date_of_record(settings: Settings, as_of: date | None) -> date:
    """Return ``as_of``, or the newest planned date for None; raises ``ConfigurationError`` if it has no plan."""
    from foundation.store.warehouse import Warehouse

    dates = Warehouse(settings).dates("plan")
    if not dates or as_of not in (None, *dates):
        known = f"; there are plans of {dates[0]} … {dates[-1]}" if dates else ""
        raise ConfigurationError(
            f"{settings.warehouse} has no plan of {as_of or 'any date'}{known}; run {command(settings, 'run')}"
        )
    return as_of or dates[-1]
