"""Which results of a run exist: for the same inputs, decisions, settings and code they would be computed to the same rows.

Not here: the stages that compute them (``pipeline.run``), what an identity covers (``pipeline.identity``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from dispatch.ledger import earlier_proposals, ready_moment, with_status
from features.reads import ReadHashes
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.warehouse import Warehouse
from pipeline.artifacts import ModelStore, recorded
from pipeline.fallback import fallback_segments
from pipeline.identity import forecast_identity, run_identity, training_identity
from pipeline.results import PlanResult, Result, RunContext, Snapshot, TrainingResult

FORECAST_TABLES = ("forecast", "forecast_window", "forecast_dependence")
PLAN_TABLES = ("position", "unit_value", "service", "transfer", "departure", "exception", "assumption", "plan")


def decided_before(warehouse: Warehouse, hubs: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the proposals of earlier plans with a decision effective at ``as_of``, one row each, by id.

    Columns of ``transfer`` with ``status`` and ``units`` as decided, and ``decided_on``, the day of the decision. A
    decision is effective if it was made before the run is ready (``positioning.ready_at``) at the last of ``hubs``.
    Undecided proposals are not included, because the rows of a run must not depend on which runs came before it.
    """
    decisions = warehouse.read("decision")
    zones = hubs["timezone"] if "timezone" in hubs else pd.Series(dtype="str")
    ready = ready_moment(as_of, warehouse.settings.positioning.ready_at, zones.astype("str"))
    has_line = decisions.groupby("proposal_id")["sku"].transform("count") > 0
    transfer = warehouse.read("transfer", as_of=date.min if has_line.all() else None)
    return earlier_proposals(decisions, transfer, as_of, ready)


def decisions_hash(earlier: pd.DataFrame) -> str:
    """Return the hash of the decisions that a run knows; it is part of the run version."""
    return snapshot.content_hash({"earlier": earlier})


def kept_plan(context: RunContext, run_version: str) -> PlanResult | None:
    """Return the plan of this run version with the status of its proposals renewed; None where it is not in the warehouse."""
    settings, as_of = context.settings, context.as_of
    warehouse = Warehouse(settings)
    parts = recorded(settings, as_of, "plan")
    if parts.get("run_version") != run_version or not all(warehouse.has(name) for name in PLAN_TABLES):
        return None
    transfer = warehouse.read("transfer", as_of)
    if not warehouse.has("plan", as_of) or len(transfer) != parts["n_proposals"]:
        return None
    renewed = with_status(transfer, warehouse.read("decision"))
    if not renewed["status"].equals(transfer["status"]):
        warehouse.write("transfer", renewed, as_of)
    return PlanResult(run_version, parts["n_proposals"], tuple(parts["refusals"]), is_new=False)


def completed_run_by_mark(settings: Settings, as_of: date) -> Result | None:
    """Return the completed run of ``as_of`` if its source files are unchanged, without reading them; else None."""
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
    return _completed(RunContext(settings, inputs, training), hubs)


def completed_run(context: RunContext) -> Result | None:
    """Return the run if its plan and page exist for the same inputs, settings and code, else None."""
    return _completed(context, snapshot.read(context.inputs.folder, ("hubs",))["hubs"])


def _completed(context: RunContext, hubs: pd.DataFrame) -> Result | None:
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
    """Return the run of a plan in the warehouse, without planning.

    Its inputs are read again if their snapshot no longer exists or is damaged.
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
