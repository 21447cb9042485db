"""The nightly run as a Prefect flow: validate, train if due, forecast, rebalance, write the review page.

Deployed by ``prefect.yaml`` and called by the CLI; a backfill is this flow for past dates. Tasks pass references, never
frames; a task retries only if its failure can be temporary. Not here: what a stage does (``pipeline.run``).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.tasks import exponential_backoff

from flows.approval import request_approval
from flows.artifacts import Progress, let_packages_log, name_run, show_plan
from foundation.errors import ForestockError
from foundation.settings import Settings
from foundation.validation.validate import Needs
from pipeline import run as stages
from pipeline.completed import completed_run
from pipeline.configuration import load_settings
from pipeline.reports import write_forecast_page
from pipeline.results import (
    STAGES,
    ForecastResult,
    PlanResult,
    Redo,
    RefusedError,
    Result,
    RunContext,
    Stage,
    TrainingResult,
    reported,
)
from pipeline.runs import TOPIC, record_plan

log = logging.getLogger(__name__)

_RUN_SECONDS = 6 * 3600  # a later plan has missed the first cut-off; the results of finished stages are kept
_TO_MLFLOW: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "retries": 1,
    "retry_delay_seconds": 2,
    "retry_jitter_factor": 0.5,
    "timeout_seconds": 900,  # only the summary waits for MLflow
}
_RETRY_SECONDS = exponential_backoff(4)  # 4, 8, 16, 32: a restarting server is back within a minute


def _flow_run_name() -> str:
    return f"nightly-{runtime.flow_run.parameters.get('as_of') or 'latest'}"


@flow(name="nightly", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=_RUN_SECONDS)
def nightly(
    config: str,
    as_of: date | None = None,
    overrides: Sequence[str] = (),
    until: Stage = "review",
    redo: Redo = "page",
    needs_approval: bool = False,
) -> Result:
    """Plan one date: decide which units should be at which hub before the demand arrives.

    Raises ``ForestockError``, which carries an exit code.

    Args:
        config: A YAML file, or the name of a file in configs/.
        as_of: Planning date; None is the period after the last sales row.
        overrides: Changed settings, key=value.
        until: The last stage.
        redo: What is recomputed although it exists for the same inputs, settings and code; a model never is.
        needs_approval: Start a run that waits for a planner's decision (deployment approval/approval).
    """
    let_packages_log()
    settings = load_settings(config, overrides)
    requested = STAGES[: STAGES.index(until) + 1]
    progress = Progress(len(requested))

    context = validate(settings, as_of, "rebalance" if "rebalance" in requested else "forecast")
    name_run(settings.name, context.as_of)
    progress.done("validate")
    if redo == "nothing" and (done := completed_run(context)):
        return done

    trained = train(context)
    recording = record.submit(context, trained, _run_tags(context))  # in parallel: no stage depends on MLflow
    result = Result(context, trained, notes=(*context.notes, *trained.notes))
    progress.done("train")

    if "forecast" in requested:
        forecasted = forecast(context, trained, redo == "everything")
        result = result.with_(forecasted=forecasted, notes=(*result.notes, *forecasted.notes))
        progress.done("forecast")
    if "rebalance" in requested:
        planned = rebalance(context, forecasted, redo == "everything")
        result = result.with_(planned=planned, notes=(*result.notes, *_kept_note(planned)))
        progress.done("rebalance")
    if "review" in requested or result.refusals:  # a refused plan must not keep the page of another plan
        result = result.with_(page=review(context))
    if "review" in requested:
        progress.done("review")

    result = result.with_(
        notes=(*result.notes, _recorded(recording, "the model is in the warehouse and a later run records it"))
    )
    if result.page:
        page_recording = record_page.submit(
            context, _run_tags(context)
        )  # after the training's record: both may have to create MLflow's database
        result = result.with_(notes=(*result.notes, _recorded(page_recording, "the page is in the warehouse")))
    if result.planned:
        show_plan(result)
    elif result.forecasted:
        result = result.with_(page=forecast_page(context, result.notes))
    if needs_approval:
        result = result.with_(notes=(*result.notes, request_approval(config, result, overrides)))
    stages.release(context)
    if result.refusals:
        raise RefusedError(result, *result.refusals)
    return result


def waiting_may_help(_task: object, _run: object, state: State[Any]) -> bool:
    """Return whether a retry can help: a server or network may answer later, but a fault in the input stays."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, ForestockError) or isinstance(error.__cause__, ConnectionError | TimeoutError)


@task(
    task_run_name="validate",
    cache_policy=NO_CACHE,
    retries=4,
    retry_delay_seconds=_RETRY_SECONDS,
    retry_jitter_factor=0.5,
    retry_condition_fn=waiting_may_help,
)
def validate(settings: Settings, as_of: date | None, needs: Needs) -> RunContext:
    """Validate the inputs and keep what is known at the planning date."""
    with reported("validate", settings, as_of):
        return stages.validate_stage(settings, as_of, needs)


@task(task_run_name="train-{context.training.as_of}", cache_policy=NO_CACHE)
def train(context: RunContext) -> TrainingResult:
    """Train the model of the run's training date unless it exists."""
    with reported("train", context.settings, context.as_of):
        return stages.train_stage(context)


@task(task_run_name="record-{context.training.as_of}", **_TO_MLFLOW)
def record(context: RunContext, trained: TrainingResult, tags: Mapping[str, str]) -> str:
    """Record the training in MLflow and return a sentence about it."""
    return stages.record_stage(context, trained, tags)


@task(task_run_name="forecast-{context.as_of}", cache_policy=NO_CACHE)
def forecast(context: RunContext, trained: TrainingResult, is_forced: bool) -> ForecastResult:
    """Write the forecast tables."""
    with reported("forecast", context.settings, context.as_of):
        return stages.forecast_stage(context, trained, is_forced)


@task(task_run_name="forecast-page-{context.as_of}", cache_policy=NO_CACHE)
def forecast_page(context: RunContext, notes: tuple[str, ...]) -> str:
    """Write the page of the forecast."""
    with reported("forecast", context.settings, context.as_of):
        return write_forecast_page(context, notes)


@task(task_run_name="rebalance-{context.as_of}", cache_policy=NO_CACHE)
def rebalance(context: RunContext, forecasted: ForecastResult, is_forced: bool) -> PlanResult:
    """Write the plan."""
    with reported("rebalance", context.settings, context.as_of):
        return stages.rebalance_stage(context, forecasted, is_forced)


@task(task_run_name="review-{context.as_of}", cache_policy=NO_CACHE)
def review(context: RunContext) -> str:
    """Write the review page."""
    with reported("review", context.settings, context.as_of):
        return stages.review_stage(context)


@task(task_run_name="record-page-{context.as_of}", **_TO_MLFLOW)
def record_page(context: RunContext, tags: Mapping[str, str]) -> str:
    """Record the plan and its page in MLflow and return a sentence about it."""
    return f"MLflow: run {record_plan(context.settings, context.as_of, tags)} of the experiment {context.settings.name}-{TOPIC} has the page."


def _kept_note(planned: PlanResult) -> tuple[str, ...]:
    """Return the sentence for the summary where the plan existed, else nothing."""
    if planned.is_new:
        return ()
    return (
        "Inputs, decisions, settings, and code are those of the plan in the warehouse, which was kept (--force plans again).",
    )


def _run_tags(context: RunContext) -> dict[str, str]:
    return {
        "prefect.flow_run_id": str(runtime.flow_run.id),
        "prefect.flow_run_name": f"nightly-{context.as_of}",
    }


def _recorded(recording: PrefectFuture[str], instead: str) -> str:
    """Wait for a recording task and return its sentence; if MLflow cannot be reached, one with the alternative ``instead``."""
    recording.wait()
    outcome = recording.state.result(raise_on_failure=False)
    if recording.state.is_completed():
        return str(outcome)
    log.warning("MLflow did not accept the record: %s", outcome)
    return f"MLflow could not be reached; {instead} ({outcome})."
