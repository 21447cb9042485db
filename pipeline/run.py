"""The stages of a night as plain functions: read, call one room, write, pass on a reference.

They can be called and tested without Prefect. Not here: their order, retries and artifacts
(``flows.nightly``), or how anything is computed (the rooms).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

import positioning
from dispatch.ledger import earlier_proposals, ready_moment, with_status
from features import ReadHashes, build_panel, forecast_matrix, read_hashes, training_set
from foundation.assumptions import assumption_frame, assumptions_of, collected
from foundation.checkpoint import Checkpoints
from foundation.commands import command
from foundation.errors import ConfigurationError, StageError
from foundation.feasibility import is_too_short
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.code_version import code_version
from foundation.store.warehouse import Warehouse
from foundation.validation.validate import Needs
from models import DemandModel, forecast, train
from models.backtest.gate import Verdict
from models.predict import shift_note, stop_note
from models.tracking.registry import Origin, Registry
from monitoring.findings import KINDS
from pipeline.artifacts import ModelStore, forget, input_warnings, kept_checkpoints, record, recorded
from pipeline.fallback import Segments, fallback_segments, with_baseline
from pipeline.identity import forecast_identity, run_identity, training_identity
from pipeline.results import ForecastResult, PlanResult, Result, RunContext, Snapshot, TrainingResult
from review import plan_page

_NIGHT = ("position", "service", "transfer", "departure", "exception", "assumption", "plan", "forecast")
_LOOKED_BACK_DAYS = 7


def page_inputs(warehouse: Warehouse, as_of: date) -> dict[str, pd.DataFrame]:
    """Return the frames of ``review.plan_page`` for the night of ``as_of``.

    The night before is the last one planned within seven days; so is the last look back. Proposals of the night
    before carry the status they have by now.
    """
    result = {name: warehouse.read(name, as_of) for name in _NIGHT}
    looked_back = _last(warehouse, "accuracy", as_of, is_same_day=True)
    if looked_back:
        result["accuracy"] = warehouse.read("accuracy", looked_back)
    before = _last(warehouse, "plan", as_of, is_same_day=False)
    if before:
        result["plan_before"] = warehouse.read("plan", before)
        result["transfer_before"] = with_status(warehouse.read("transfer", before), warehouse.read("decision"))
    return result


def _last(warehouse: Warehouse, table: str, as_of: date, is_same_day: bool) -> date | None:
    """Return the last date of ``table`` before ``as_of``, or on it, within a week; None where there is none."""
    first = as_of - timedelta(days=_LOOKED_BACK_DAYS)
    days = [day for day in warehouse.dates(table) if first <= day < as_of or (is_same_day and day == as_of)]
    return days[-1] if days else None


def decided_before(warehouse: Warehouse, hubs: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the proposals of earlier nights with a decision effective at ``as_of``, one row each, by id.

    Columns of ``transfer`` with ``status`` and ``units`` as decided, and ``decided_on``, the day of the
    decision. Effective is what was decided before the night is ready (``positioning.ready_at``) at the
    last of ``hubs``. Proposals nobody decided on are left out: a night's rows must not depend on which
    nights ran before it.
    """
    decisions = warehouse.read("decision")
    zones = hubs["timezone"] if "timezone" in hubs else pd.Series(dtype="str")
    ready = ready_moment(as_of, warehouse.settings.positioning.ready_at, zones.astype("str"))
    has_line = decisions.groupby("proposal_id")["sku"].transform("count") > 0
    transfer = warehouse.read("transfer", as_of=date.min if has_line.all() else None)
    return earlier_proposals(decisions, transfer, as_of, ready)


def with_monitored(warehouse: Warehouse, exception: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return a plan's findings with those monitoring has written for that day, which planning again must not lose."""
    kept = warehouse.read("exception", as_of)
    return _joined(warehouse, exception, kept[kept["kind"].isin(KINDS)])


def with_planned(warehouse: Warehouse, exception: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return monitoring's findings with those of the plan of that day."""
    kept = warehouse.read("exception", as_of)
    return _joined(warehouse, exception, kept[~kept["kind"].isin(KINDS)])


def _joined(warehouse: Warehouse, one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return both as one frame, without `as_of`, in the dtypes of the table."""
    dtypes = {column.name: column.kind.value for column in warehouse.definition("exception").columns}
    del dtypes["as_of"]
    return pd.concat([frame[list(dtypes)].astype(dtypes) for frame in (one, other)], ignore_index=True)


log = logging.getLogger(__name__)

FORECAST_TABLES = ("forecast", "forecast_window", "forecast_dependence")
PLAN_TABLES = ("position", "service", "transfer", "departure", "exception", "assumption", "plan")
_PROPOSAL_TABLES = ("transfer", "departure")


def validate_stage(settings: Settings, as_of: date | None, needs: Needs, is_strict: bool = True) -> RunContext:
    """Check the inputs and keep what is known at ``as_of`` and on the training date before it.

    ``as_of`` None means the period after the last sales row. Raises ``InputError`` with one line
    per fault before anything is written, ``ConfigurationError`` for a date between two periods. ``is_strict`` false: warnings
    never stop it, whatever ``inputs.on_warning`` says.
    """
    mark = snapshot.source_mark(settings)  # before the tables are read: what changes meanwhile is then another state
    accepted = accepted_inputs(settings, as_of, needs, is_strict)
    day = accepted.as_of
    inputs = snapshot_of(accepted)
    known = sum(accepted.n_rows.values())
    log.info("%s rows of %d tables are known on %s", f"{known:,}", len(accepted.n_rows), day)
    notes: list[str] = []
    for warning in accepted.warnings:
        log.warning("%s", warning)
    for assumption in accepted.assumptions:
        log.info("assumed: %s", assumption)
    if len(accepted.quarantined) or Warehouse(settings).has("quarantine", day):
        Warehouse(settings).write("quarantine", accepted.quarantined, day)
    if len(accepted.quarantined):
        notes.append(f"{len(accepted.quarantined)} faulty input rows were set aside (table quarantine).")
    training = _training_snapshot(settings, inputs, accepted.first_sale)
    return RunContext(settings, inputs, training, tuple(notes), mark, accepted.warnings, accepted.assumptions)


def _training_snapshot(settings: Settings, inputs: Snapshot, first_sale: date) -> Snapshot:
    """Return what was known on the training date; the run's own date where the history before it is too short."""
    day = settings.training_date(inputs.as_of)
    if day == inputs.as_of or is_too_short(first_sale, day, settings):
        return inputs
    return snapshot_of(accepted_inputs(settings, day, "forecast"))


def accepted_inputs(settings: Settings, as_of: date | None, needs: Needs, is_strict: bool = False) -> snapshot.Accepted:
    """Return the inputs known at ``as_of`` as a snapshot, with the hashes of what a forecast reads of them."""
    accept = snapshot.accept_for_run if is_strict else snapshot.accept
    return accept(settings, as_of, needs, derive=lambda tables, day: read_hashes(tables, settings, day))


def snapshot_of(accepted: snapshot.Accepted) -> Snapshot:
    """Return the reference to accepted inputs that stages hand on."""
    return Snapshot(accepted.as_of, accepted.reference, accepted.fingerprint, accepted.derived)


def train_stage(context: RunContext) -> TrainingResult:
    """Return the model of the night's training date, training it where the warehouse has none."""
    settings, known = context.settings, context.training
    identity = training_identity(settings, known.as_of, known.training_reads)
    store = ModelStore(settings.warehouse)
    with store.turn(identity):
        model = store.find(identity)
        is_new = model is None
        if model is None:
            log.info("training on what was known on %s", known.as_of)
            with kept_checkpoints(_checkpoints(settings), identity) as checkpoints:
                model = _train(settings, known, checkpoints)
                store.keep(identity, model)
    log.info("model %s %s", model.version, "trained" if is_new else "is there already")
    return TrainingResult(identity, model.version, is_new, _model_notes(model))


def _checkpoints(settings: Settings) -> str:
    return files.joined(settings.warehouse, "_checkpoints")


def _train(settings: Settings, known: Snapshot, checkpoints: Checkpoints) -> DemandModel:
    panel = build_panel(snapshot.read(known.folder), settings, known.as_of)
    return train(training_set(panel, settings), settings, known.as_of, checkpoints)


def _model_notes(model: DemandModel) -> tuple[str, ...]:
    given_up = [f"The CPU budget: {sentence}." for sentence in model.facts["given_up"]]
    verdict = Verdict.of(model)
    shares = ", ".join(
        f"{name} {share:.0%}" for name, share in model.facts.get("unit_shares", {}).items() if share >= 0.005
    )
    sentence = f"Forecast by, in shares of units: {shares}." if shares else ""
    return (
        f"Model {model.version}: {verdict.sentence} {sentence}".rstrip(),
        *given_up,
        *model.facts.get("unknown_features", ()),
    )


def record_stage(context: RunContext, trained: TrainingResult, tags: Mapping[str, str]) -> str:
    """Record the night's training in MLflow where it is not yet, and say where it stands.

    ``tags`` go on the run. Raises ``StageError`` where MLflow cannot be reached: nothing else
    depends on it, and the next night that uses the model records it.
    """
    model = _model(context, trained)
    sales = snapshot.read(context.training.folder)["sales"]
    head = sales.head(1000).astype(dict.fromkeys(sales.select_dtypes("category"), "str"))
    code = {"code_version": code_version("features", "foundation", "models")}
    known = context.training
    origin = Origin(trained.identity, known.fingerprint, known.folder, head, {**code, **tags})
    published = Registry(context.settings).publish(model, origin)
    standing = "is champion." if published.is_champion else f"is not champion: {published.reason}"
    return f"MLflow: {context.settings.name} version {published.version} {standing}"


def forecast_stage(context: RunContext, trained: TrainingResult, is_forced: bool = False) -> ForecastResult:
    """Write the night's forecast tables; what is there already under the same identity stays, unless forced."""
    settings, as_of = context.settings, context.as_of
    segments = _fallback_segments(context)
    identity = forecast_identity(settings, as_of, context.inputs.forecast_reads, trained.model_version, segments)
    result = recorded(settings, as_of, "forecast")
    is_there = result.get("identity") == identity and all(
        Warehouse(settings).has(name, as_of) for name in FORECAST_TABLES
    )
    if is_there and not is_forced:
        log.info("the forecast of %s is there already", as_of)
        return ForecastResult(
            identity, trained.model_version, result["n_series"], False, tuple(result.get("notes", ()))
        )
    panel = build_panel(snapshot.read(context.inputs.folder), settings, as_of)
    matrix = forecast_matrix(panel, settings)
    frames = forecast(_model(context, trained), matrix, settings, as_of)
    frames = with_baseline(frames, panel, matrix, settings, segments)
    forget(settings, as_of, "forecast", "plan")
    _write(settings, frames, FORECAST_TABLES, as_of)
    notes = tuple(filter(None, [note(matrix, settings.grid.days) for note in (shift_note, stop_note)]))
    n_series = len(frames["forecast"][["region", "sku"]].drop_duplicates())
    record(settings, as_of, "forecast", {"identity": identity, "n_series": n_series, "notes": notes})
    log.info("forecast of %s series over %d periods written", f"{n_series:,}", settings.horizon)
    return ForecastResult(identity, trained.model_version, n_series, True, notes)


def rebalance_stage(context: RunContext, forecasted: ForecastResult) -> PlanResult:
    """Write the night's plan on its forecast; a plan the gate refuses is kept without proposals."""
    settings, as_of = context.settings, context.as_of
    warehouse = Warehouse(settings)
    tables = snapshot.read(context.inputs.folder)
    tables["earlier"] = decided_before(warehouse, tables["hubs"], as_of)
    run_version = run_identity(
        settings, forecasted.identity, context.inputs.fingerprint, decisions_hash(tables["earlier"])
    )
    forecasts = {name: warehouse.read(name, as_of) for name in FORECAST_TABLES}
    with kept_checkpoints(_checkpoints(settings), run_version) as checkpoints:
        frames = positioning.plan(tables, forecasts, settings, as_of, checkpoints)
        frames["plan"] = frames["plan"].assign(run_version=run_version, model_version=forecasted.model_version)
        refusals = tuple(positioning.gate(frames, settings))
        if refusals:
            frames |= {name: frames[name].iloc[:0] for name in _PROPOSAL_TABLES}
        frames["transfer"] = with_status(frames["transfer"], warehouse.read("decision"))
        frames["exception"] = with_monitored(warehouse, frames["exception"], as_of)
        taken = collected(context.assumptions, assumptions_of(frames["assumption"]))
        frames["assumption"] = assumption_frame(taken, as_of)
        forget(settings, as_of, "plan")
        _write(settings, frames, PLAN_TABLES, as_of)
    n_proposals = len(frames["transfer"])
    parts = {"run_version": run_version, "n_proposals": n_proposals, "refusals": refusals, "warnings": context.warnings}
    record(settings, as_of, "plan", parts | _origin(context, tables["hubs"]))
    n_later = int(frames["transfer"]["is_outlook"].astype(bool).sum())
    later = f", {n_later} more for later nights to decide" if n_later else ""
    log.info("plan with %d proposals written%s", n_proposals - n_later, later)
    return PlanResult(run_version, n_proposals, refusals)


def _origin(context: RunContext, hubs: pd.DataFrame) -> dict[str, Any]:
    """Return what a plan was made on, for its note: enough to tell that it would be the same again, without the inputs."""
    training = context.training
    return {
        "inputs": context.inputs.folder,
        "fingerprint": context.inputs.fingerprint,
        "source_mark": context.source_mark,
        "reads": _reads(context.inputs),
        "training": [training.as_of.isoformat(), training.folder, training.fingerprint, _reads(training)],
        "timezones": sorted(set(hubs["timezone"].astype("str"))) if "timezone" in hubs else [],
    }


def _reads(known: Snapshot) -> list[str]:
    return [known.training_reads, known.forecast_reads]


def review_stage(context: RunContext) -> str:
    """Write the review page of the night's plan and return where it is."""
    settings, as_of = context.settings, context.as_of
    outputs = page_inputs(Warehouse(settings), as_of)
    outputs["warning"] = pd.DataFrame({"warning": pd.Series(input_warnings(settings, as_of), dtype="str")})
    page = plan_page(snapshot.read(context.inputs.folder), outputs, settings, as_of)
    return files.write_text(context.page, page)


def completed_run_by_mark(settings: Settings, as_of: date) -> Result | None:
    """Return the night where it is done and the files of its source have not changed since, without reading them; else None."""
    parts = recorded(settings, as_of, "plan")
    mark = parts.get("source_mark")
    if mark is None or mark != snapshot.source_mark(settings) or "reads" not in parts:
        return None
    day, folder, fingerprint, reads = parts["training"]
    if day != settings.training_date(as_of).isoformat():
        return None
    inputs = Snapshot(as_of, parts["inputs"], parts["fingerprint"], ReadHashes(*parts["reads"]))
    training = Snapshot(date.fromisoformat(day), folder, fingerprint, ReadHashes(*reads))
    hubs = pd.DataFrame({"timezone": pd.Series(parts["timezones"], dtype="str")})
    return _done(RunContext(settings, inputs, training), hubs)


def completed_run(context: RunContext) -> Result | None:
    """Return the night where its plan and page are there under the same inputs, settings and code, else None."""
    return _done(context, snapshot.read(context.inputs.folder, ("hubs",))["hubs"])


def _done(context: RunContext, hubs: pd.DataFrame) -> Result | None:
    settings, as_of = context.settings, context.as_of
    parts = recorded(settings, as_of, "plan")
    identity = training_identity(settings, context.training.as_of, context.training.training_reads)
    model = ModelStore(settings.warehouse).find(identity)
    if not parts or model is None or not files.exists(context.page):
        return None
    segments = fallback_segments(settings, hubs, as_of)
    forecast = forecast_identity(settings, as_of, context.inputs.forecast_reads, model.version, segments)
    earlier = decided_before(Warehouse(settings), hubs, as_of)
    if recorded(settings, as_of, "forecast").get("identity") != forecast:
        return None
    if parts["run_version"] != run_identity(settings, forecast, context.inputs.fingerprint, decisions_hash(earlier)):
        return None
    planned = PlanResult(parts["run_version"], parts["n_proposals"], tuple(parts["refusals"]))
    return Result(context, TrainingResult(identity, model.version, False), planned=planned, page=context.page)


def planned_run(settings: Settings, as_of: date) -> Result:
    """Return the night of a plan in the warehouse as it was planned, without planning anything.

    Its inputs are accepted anew where their snapshot is no longer kept, or not whole.
    """
    parts = recorded(settings, as_of, "plan")
    if parts and snapshot.is_kept(parts["inputs"]):
        inputs = Snapshot(as_of, parts["inputs"], parts["fingerprint"])
    else:
        accepted = snapshot.accept(settings, as_of, "rebalance")
        inputs = Snapshot(as_of, accepted.reference, accepted.fingerprint)
    row = Warehouse(settings).read("plan", as_of).iloc[-1]
    trained = TrainingResult("", row["model_version"], False)
    planned = PlanResult(row["run_version"], int(row["n_proposals"]), tuple(parts.get("refusals", ())))
    return Result(RunContext(settings, inputs, inputs), trained, planned=planned)


def release(context: RunContext) -> None:
    """Let the night's input snapshots be removed when newer ones come."""
    for reference in {context.inputs.folder, context.training.folder}:
        snapshot.release(reference)


def _fallback_segments(context: RunContext) -> Segments:
    hubs = snapshot.read(context.inputs.folder, ("hubs",)).get("hubs")
    return fallback_segments(context.settings, hubs, context.as_of)


def decisions_hash(earlier: pd.DataFrame) -> str:
    """Return the hash of the decisions a night knows, as its run version covers it."""
    return snapshot.content_hash({"earlier": earlier})


def _model(context: RunContext, trained: TrainingResult) -> DemandModel:
    model = ModelStore(context.settings.warehouse).find(trained.identity)
    if model is None:
        raise StageError("forecast", f"model {trained.model_version} is no longer in the warehouse; run again")
    return model


def _write(settings: Settings, frames: Mapping[str, pd.DataFrame], names: tuple[str, ...], as_of: date) -> None:
    warehouse = Warehouse(settings)
    for name in names:
        warehouse.write(name, frames[name], as_of)


LOGGED_PACKAGES = ("features", "flows", "foundation", "models", "monitoring", "pipeline", "positioning", "review")


def rewrite_page(settings: Settings, as_of: date | None) -> Result:
    """Write the page of the plan of ``as_of`` (None: the newest) again, without planning anything; returns its night.

    Raises ``ConfigurationError`` where the warehouse has no plan of that date.
    """
    from foundation.store.warehouse import Warehouse
    from pipeline.results import reported

    dates = Warehouse(settings).dates("plan")
    if not dates or as_of not in (None, *dates):
        known = f"; there are plans of {dates[0]} … {dates[-1]}" if dates else ""
        raise ConfigurationError(
            f"{settings.warehouse} has no plan of {as_of or 'any date'}{known}; run {command(settings, 'run')}"
        )
    with reported("review", settings, as_of):
        result = planned_run(settings, as_of or dates[-1])
        return result.with_(page=review_stage(result.context))
