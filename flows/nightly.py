"""The night as a Prefect flow: validate, train if due, forecast, rebalance, write the review page.

Deployed by ``prefect.yaml`` and called by the command line; a backfill is this flow with other
dates. Tasks hand on references; retries only where waiting can help. Not here: what a stage does
(``pipeline.run``).
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

from flows.approval import ask
from flows.artifacts import Progress, let_rooms_speak, name_run, show_plan
from foundation.errors import ForestockError
from foundation.settings import Settings
from foundation.validation.validate import Needs
from pipeline import run
from pipeline.configuration import load_settings
from pipeline.results import STAGES, Forecasted, Night, Planned, Redo, RefusedError, Result, Stage, Trained, reported
from pipeline.runs import TOPIC, record_plan

log = logging.getLogger(__name__)

_NIGHT_SECONDS = 6 * 3600  # a plan later than this has missed the first cut-off; what is done is kept
_TO_MLFLOW: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "retries": 1,
    "retry_delay_seconds": 2,
    "retry_jitter_factor": 0.5,
    "timeout_seconds": 900,  # nothing waits for MLflow but the summary
}
_WAITS_SECONDS = exponential_backoff(4)  # 4, 8, 16, 32: a server that restarts is back within a minute


def _flow_run_name() -> str:
    return f"nightly-{runtime.flow_run.parameters.get('as_of') or 'latest'}"


@flow(name="nightly", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=_NIGHT_SECONDS)
def nightly(
    config: str,
    as_of: date | None = None,
    overrides: Sequence[str] = (),
    until: Stage = "review",
    redo: Redo = "plan",
    ask_for_approval: bool = False,
) -> Result:
    """Plan one night: decide which units should stand in which hub before the demand arrives.

    Raises ``ForestockError``s, each with its exit code.

    Args:
        config: A YAML file, or a name in configs/.
        as_of: The night; none means the period after the last sales row.
        overrides: Changed keys, key=value.
        until: The last stage.
        redo: What is made anew though it is there under the same inputs, settings and code; a model never is.
        ask_for_approval: Start a run that waits for a planner's answer (deployment approval/approval).
    """
    let_rooms_speak()
    settings = load_settings(config, overrides)
    requested = STAGES[: STAGES.index(until) + 1]
    progress = Progress(len(requested))

    night = validate(settings, as_of, "rebalance" if "rebalance" in requested else "forecast")
    name_run(settings.name, night.as_of)
    progress.done("validate")
    if redo == "nothing" and (done := run.done_before(night)):
        return done

    trained = train(night)
    recording = record.submit(night, trained, _run_tags(night))  # beside the rest: nothing depends on MLflow
    result = Result(night, trained, notes=(*night.notes, *trained.notes))
    progress.done("train")

    if "forecast" in requested:
        forecasted = forecast(night, trained, redo == "everything")
        result = result.with_(forecasted=forecasted, notes=(*result.notes, *forecasted.notes))
        progress.done("forecast")
    if "rebalance" in requested:
        result = result.with_(planned=rebalance(night, forecasted))
        progress.done("rebalance")
    if "review" in requested or result.refusals:  # no page of another plan stays beside a refused one
        result = result.with_(page=review(night))
    if "review" in requested:
        progress.done("review")

    result = result.with_(
        notes=(*result.notes, _recorded(recording, "the model is kept in the warehouse and a later night records it"))
    )
    if result.page:
        keeping = keep.submit(night, _run_tags(night))  # after the training's: both may have to make MLflow's database
        result = result.with_(notes=(*result.notes, _recorded(keeping, "the page is in the warehouse")))
    if result.planned:
        show_plan(result)
    if ask_for_approval:
        result = result.with_(notes=(*result.notes, ask(config, result, overrides)))
    run.release(night)
    if result.refusals:
        raise RefusedError(result, *result.refusals)
    return result


def waiting_may_help(_task: object, _run: object, state: State[Any]) -> bool:
    """Say whether to try again: where a server or a network did not answer, never where a person must mend something."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, ForestockError) or isinstance(error.__cause__, ConnectionError | TimeoutError)


@task(
    task_run_name="validate",
    cache_policy=NO_CACHE,
    retries=4,
    retry_delay_seconds=_WAITS_SECONDS,
    retry_jitter_factor=0.5,
    retry_condition_fn=waiting_may_help,
)
def validate(settings: Settings, as_of: date | None, needs: Needs) -> Night:
    """Check the inputs and keep what is known."""
    with reported("validate", settings, as_of):
        return run.validate_stage(settings, as_of, needs)


@task(task_run_name="train-{night.training.as_of}", cache_policy=NO_CACHE)
def train(night: Night) -> Trained:
    """Train the model of the night's training date, where there is none."""
    with reported("train", night.settings, night.as_of):
        return run.train_stage(night)


@task(task_run_name="record-{night.training.as_of}", **_TO_MLFLOW)
def record(night: Night, trained: Trained, tags: Mapping[str, str]) -> str:
    """Record the training in MLflow; returns what to say about it."""
    return run.record_stage(night, trained, tags)


@task(task_run_name="forecast-{night.as_of}", cache_policy=NO_CACHE)
def forecast(night: Night, trained: Trained, is_forced: bool) -> Forecasted:
    """Write the night's forecast tables."""
    with reported("forecast", night.settings, night.as_of):
        return run.forecast_stage(night, trained, is_forced)


@task(task_run_name="rebalance-{night.as_of}", cache_policy=NO_CACHE)
def rebalance(night: Night, forecasted: Forecasted) -> Planned:
    """Write the night's plan."""
    with reported("rebalance", night.settings, night.as_of):
        return run.rebalance_stage(night, forecasted)


@task(task_run_name="review-{night.as_of}", cache_policy=NO_CACHE)
def review(night: Night) -> str:
    """Write the page a planner reads."""
    with reported("review", night.settings, night.as_of):
        return run.review_stage(night)


@task(task_run_name="keep-{night.as_of}", **_TO_MLFLOW)
def keep(night: Night, tags: Mapping[str, str]) -> str:
    """Record the plan and its page in MLflow; returns what to say about it."""
    return f"MLflow: run {record_plan(night.settings, night.as_of, tags)} of the experiment {night.settings.name}-{TOPIC} has the page."


def _run_tags(night: Night) -> dict[str, str]:
    return {
        "prefect.flow_run_id": str(runtime.flow_run.id),
        "prefect.flow_run_name": f"nightly-{night.as_of}",
    }


def _recorded(recording: PrefectFuture[str], instead: str) -> str:
    """Wait for a record and say where it stands; where MLflow is away, say that and what is there ``instead``."""
    recording.wait()
    parts = recording.state.result(raise_on_failure=False)
    if recording.state.is_completed():
        return str(parts)
    log.warning("MLflow did not take the record: %s", parts)
    return f"MLflow could not be used; {instead} ({parts})."
