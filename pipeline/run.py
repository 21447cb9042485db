"""The stages of a run as plain functions: read, call one domain package, write, return a reference.

They run and are tested without Prefect. Not here: their order, retries and artifacts (``flows.nightly``), or any
computation (the domain packages).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from dispatch.ledger import with_status
from features.matrix import training_set
from features.panel_builder import build_panel
from features.reads import read_hashes
from foundation.assumptions import assumption_frame, assumptions_of, collected
from foundation.checkpoint import Checkpoints
from foundation.cluster import LostClusterError, connected
from foundation.commands import command
from foundation.errors import ConfigurationError, StageError
from foundation.settings import COMBINED, Settings
from foundation.store import files, snapshot
from foundation.store.code_version import code_version
from foundation.store.warehouse import Warehouse
from foundation.validation.time import is_too_short
from foundation.validation.validate import Needs
from models.backtest.promotion import BaselineComparison
from models.demand_model import DemandModel
from models.predict import forecast, shift_note, stop_note
from models.tracking.registry import Origin, Registry
from models.training import train
from monitoring.findings import KINDS
from pipeline.artifacts import ModelStore, forget, input_warnings, kept_checkpoints, record, recorded
from pipeline.completed import FORECAST_TABLES, PLAN_TABLES, decided_before, decisions_hash, kept_plan, planned_run
from pipeline.fallback import Segments, fallback_segments, with_baseline
from pipeline.identity import forecast_identity, run_identity, training_identity
from pipeline.predicted_matrix import predicted_matrix
from pipeline.results import ForecastResult, PlanResult, Result, RunContext, Snapshot, TrainingResult
from pipeline.summary import page_inputs
from positioning.plan import gate, plan
from review import plan_page


def with_monitored(warehouse: Warehouse, exception: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return a plan's exceptions with those that monitoring wrote for that date, which planning again must keep."""
    kept = warehouse.read("exception", as_of)
    return _joined(warehouse, exception, kept[kept["kind"].isin(KINDS)])


def with_planned(warehouse: Warehouse, exception: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return monitoring's exceptions with those of the plan of that date."""
    kept = warehouse.read("exception", as_of)
    return _joined(warehouse, exception, kept[~kept["kind"].isin(KINDS)])


def _joined(warehouse: Warehouse, one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return both as one frame, without `as_of`, in the dtypes of the table."""
    dtypes = {column.name: column.kind.value for column in warehouse.definition("exception").columns}
    del dtypes["as_of"]
    return pd.concat([frame[list(dtypes)].astype(dtypes) for frame in (one, other)], ignore_index=True)


log = logging.getLogger(__name__)

_PROPOSAL_TABLES = ("transfer", "departure")


def validate_stage(settings: Settings, as_of: date | None, needs: Needs, is_strict: bool = True) -> RunContext:
    """Validate the inputs and keep what is known at ``as_of`` and on the training date before it.

    Parameters
    ----------
    settings
        The settings of the run.
    as_of
        Planning date; None is the period after the last sales row.
    needs
        ``"forecast"`` if no network is needed, else ``"rebalance"``.
    is_strict
        Whether ``inputs.on_warning: stop`` applies; if false, warnings never stop the run.

    Raises
    ------
    InputError
        With one line per fault, before anything is written.
    ConfigurationError
        For a date between two periods, or if a worker of the cluster has other versions.
    StageError
        If the cluster cannot be reached.
    """
    _require_cluster(settings)
    mark = snapshot.source_mark(settings)  # before the tables are read, so that a later change is another state
    accepted = accepted_inputs(settings, as_of, needs, is_strict)
    day = accepted.as_of
    inputs = snapshot_of(accepted)
    known = sum(accepted.n_rows.values())
    log.info("%s rows of %d tables are known on %s", f"{known:,}", len(accepted.n_rows), day)
    notes: list[str] = []
    for warning in accepted.warnings:
        log.warning("%s", warning)
    for assumption in accepted.assumptions:
        log.info("assumption: %s", assumption)
    if len(accepted.quarantined) or Warehouse(settings).has("quarantine", day):
        Warehouse(settings).write("quarantine", accepted.quarantined, day)
    if len(accepted.quarantined):
        notes.append(f"{len(accepted.quarantined)} faulty input rows were set aside (table quarantine).")
    training = _training_snapshot(settings, inputs, accepted.first_sale)
    return RunContext(settings, inputs, training, tuple(notes), mark, accepted.warnings, accepted.assumptions)


def _require_cluster(settings: Settings) -> None:
    """Connect to the cluster at an address, so that a wrong one or a worker of another version is reported before any work."""
    if settings.cluster.address is not None:
        try:
            connected(settings.cluster)
        except LostClusterError as error:
            raise StageError("validate", str(error)) from error


def _training_snapshot(settings: Settings, inputs: Snapshot, first_sale: date) -> Snapshot:
    """Return what was known on the training date, or on the planning date if the history before the former is too short."""
    day = settings.training_date(inputs.as_of)
    if day == inputs.as_of or is_too_short(first_sale, day, settings):
        return inputs
    return snapshot_of(accepted_inputs(settings, day, "forecast"))


def accepted_inputs(settings: Settings, as_of: date | None, needs: Needs, is_strict: bool = False) -> snapshot.Accepted:
    """Return the inputs known at ``as_of`` as a snapshot, with hashes of the parts that a forecast reads."""
    accept = snapshot.accept_for_run if is_strict else snapshot.accept
    return accept(settings, as_of, needs, derive=lambda tables, day: read_hashes(tables, settings, day))


def snapshot_of(accepted: snapshot.Accepted) -> Snapshot:
    """Return the reference to accepted inputs that stages pass on."""
    return Snapshot(accepted.as_of, accepted.reference, accepted.fingerprint, accepted.derived)


def train_stage(context: RunContext) -> TrainingResult:
    """Return the model of the run's training date; train it if the warehouse does not have it."""
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
    log.info("model %s %s", model.version, "trained" if is_new else "already exists")
    return TrainingResult(identity, model.version, is_new, _model_notes(model))


def _checkpoints(settings: Settings) -> str:
    return files.joined(settings.warehouse, "_checkpoints")


def _train(settings: Settings, known: Snapshot, checkpoints: Checkpoints) -> DemandModel:
    panel = build_panel(snapshot.read(known.folder), settings, known.as_of)
    return train(training_set(panel, settings), settings, known.as_of, checkpoints)


def _model_notes(model: DemandModel) -> tuple[str, ...]:
    given_up = [f"CPU budget: {sentence}." for sentence in model.facts["given_up"]]
    comparison = BaselineComparison.of(model)
    shares = ", ".join(
        f"{name} {share:.0%}" for name, share in model.facts.get("unit_shares", {}).items() if share >= 0.005
    )
    sentence = f"Share of forecast units by method: {shares}." if shares else ""
    return (
        f"Model {model.version}: {comparison.sentence} {sentence}".rstrip(),
        *given_up,
        *model.facts.get("unknown_features", ()),
    )


def record_stage(context: RunContext, trained: TrainingResult, tags: Mapping[str, str]) -> str:
    """Record the run's training in MLflow unless it is recorded, and return a sentence about the model's status.

    ``tags`` are set on the MLflow run. Raises ``StageError`` if MLflow cannot be reached; no other stage depends on it,
    and the next run that uses the model records it.
    """
    model = _model(context, trained)
    sales = snapshot.read(context.training.folder)["sales"]
    head = sales.head(1000).astype(dict.fromkeys(sales.select_dtypes("category"), "str"))
    code = {"code_version": code_version("features", "foundation", "models")}
    known = context.training
    origin = Origin(trained.identity, known.fingerprint, known.folder, head, {**code, **tags})
    published = Registry(context.settings).publish(model, origin)
    status = "is champion." if published.is_champion else f"is not champion: {published.reason}"
    return f"MLflow: {context.settings.name} version {published.version} {status}"


def forecast_stage(context: RunContext, trained: TrainingResult, is_forced: bool = False) -> ForecastResult:
    """Write the forecast tables; an existing forecast of the same identity is kept unless ``is_forced``."""
    settings, as_of = context.settings, context.as_of
    segments = _fallback_segments(context)
    identity = forecast_identity(settings, as_of, context.inputs.forecast_reads, trained.model_version, segments)
    result = recorded(settings, as_of, "forecast")
    is_there = result.get("identity") == identity and all(
        Warehouse(settings).has(name, as_of) for name in FORECAST_TABLES
    )
    if is_there and not is_forced:
        log.info("the forecast of %s already exists", as_of)
        return ForecastResult(
            identity, trained.model_version, result["n_series"], False, tuple(result.get("notes", ()))
        )
    panel = build_panel(snapshot.read(context.inputs.folder), settings, as_of)
    model = _model(context, trained)
    matrix = predicted_matrix(panel, model, settings)
    frames = forecast(model, matrix, settings, as_of)
    frames = with_baseline(frames, panel, matrix, settings, segments)
    forget(settings, as_of, "forecast", "plan")
    _write(settings, frames, FORECAST_TABLES, as_of)
    findings = (shift_note, stop_note) if settings.forecast.model == COMBINED else (stop_note,)
    notes = tuple(filter(None, [note(matrix, settings.grid.days) for note in findings]))
    n_series = len(frames["forecast"][["region", "sku"]].drop_duplicates())
    record(settings, as_of, "forecast", {"identity": identity, "n_series": n_series, "notes": notes})
    log.info("forecast of %s series over %d periods written", f"{n_series:,}", settings.horizon)
    return ForecastResult(identity, trained.model_version, n_series, True, notes)


def rebalance_stage(context: RunContext, forecasted: ForecastResult, is_forced: bool = False) -> PlanResult:
    """Write the plan for the forecast; a plan that the plan gate refuses is written without proposals.

    A plan that exists for the same forecast, inputs, decisions, settings and code is kept unless ``is_forced``; only the
    status of its proposals is renewed.
    """
    settings, as_of = context.settings, context.as_of
    warehouse = Warehouse(settings)
    tables = snapshot.read(context.inputs.folder)
    tables["earlier"] = decided_before(warehouse, tables["hubs"], as_of)
    run_version = run_identity(
        settings, forecasted.identity, context.inputs.fingerprint, decisions_hash(tables["earlier"])
    )
    if not is_forced and (kept := kept_plan(context, run_version)):
        log.info("the plan of %s already exists", as_of)
        return kept
    forecasts = {name: warehouse.read(name, as_of) for name in FORECAST_TABLES}
    with kept_checkpoints(_checkpoints(settings), run_version) as checkpoints:
        frames = plan(tables, forecasts, settings, as_of, checkpoints)
        frames["plan"] = frames["plan"].assign(run_version=run_version, model_version=forecasted.model_version)
        refusals = tuple(gate(frames, settings))
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
    later = f", {n_later} more to be decided by later runs" if n_later else ""
    log.info("plan with %d proposals written%s", n_proposals - n_later, later)
    return PlanResult(run_version, n_proposals, refusals)


def _origin(context: RunContext, hubs: pd.DataFrame) -> dict[str, Any]:
    """Return what a plan depends on, for its record: enough to tell, without the inputs, that a rerun would equal it."""
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
    """Write the review page of the run's plan and return its place."""
    settings, as_of = context.settings, context.as_of
    outputs = page_inputs(Warehouse(settings), as_of)
    outputs["warning"] = pd.DataFrame({"warning": pd.Series(input_warnings(settings, as_of), dtype="str")})
    page = plan_page(snapshot.read(context.inputs.folder), outputs, settings, as_of)
    return files.write_text(context.page, page)


def release(context: RunContext) -> None:
    """Release the run's input snapshots, so that newer ones may replace them."""
    for reference in {context.inputs.folder, context.training.folder}:
        snapshot.release(reference)


def _fallback_segments(context: RunContext) -> Segments:
    hubs = snapshot.read(context.inputs.folder, ("hubs",)).get("hubs")
    return fallback_segments(context.settings, hubs, context.as_of)


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
    """Refresh the page of the plan of ``as_of`` (None: the newest), without planning, and return its run.

    Raises ``ConfigurationError`` if the warehouse has no plan of that date.
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
