"""Past dates as Prefect flows: a backtest with one task per forecast origin, and a replay of past decisions with baselines and a bound.

``prefect.yaml`` deploys the backtest; the CLI calls both. Not here: what they compute and record (``pipeline.backtest``, ``pipeline.replay``),
printing (``forestock.cli.judge``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import let_packages_log, parameter
from foundation.errors import StageError
from pipeline.backtest import (
    BacktestResult,
    Challenge,
    challenger_settings,
    compare,
    read_weights,
    run_origins,
    score_origin,
)
from pipeline.backtest_report import record_backtest
from pipeline.configuration import load_settings
from pipeline.forecast_origin import Origins
from pipeline.replay import Simulation, Span, record_simulation, run_simulation, write_page, write_simulation
from pipeline.results import reported

_BACKTEST_SECONDS = 24 * 3600
origin_task = task(task_run_name="origin-{origin}", cache_policy=NO_CACHE, persist_result=False)(score_origin)
log = logging.getLogger(__name__)


def _flow_run_name() -> str:
    origins = parameter("origins", Origins)
    return f"backtest-{origins.count}-origins-{origins.end or 'latest'}"


@flow(name="backtest", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=_BACKTEST_SECONDS)
def backtest(
    config: str, origins: Origins, overrides: Sequence[str] = (), challenge: Challenge | None = None
) -> BacktestResult:
    """Score the forecast of a configuration at past dates, and that of a challenger at the same dates if there is one.

    Raises ``ConfigurationError`` and ``InputError`` before anything is computed, and ``GateError`` if a promotion was
    requested and is refused; both backtests are recorded in that case.

    Args:
        config: A YAML file, or the name of a file in configs/.
        origins: How many forecast origins, how many days apart, up to which day.
        overrides: Changed settings, key=value.
        challenge: A second configuration to compare with, and whether to promote its model.
    """
    let_packages_log()
    request = challenge or Challenge()
    settings = load_settings(config, overrides)
    given = None if request.weights is None else read_weights(request.weights)
    tags = {"prefect.flow_run_id": str(runtime.flow_run.id)}
    label = "champion" if request.has_challenger else ""
    champion = record_backtest(run_origins(settings, origins, given, label, origin_task), tags)
    if not request.has_challenger:
        return BacktestResult(champion)
    other = challenger_settings(config, overrides, request)
    return compare(champion, run_origins(other, origins, given, "challenger", origin_task), request, tags)


def _replay_run_name() -> str:
    span = runtime.flow_run.parameters["span"]
    return f"simulate-{span.start}-{span.end}"


@flow(name="simulate", flow_run_name=_replay_run_name, persist_result=False, validate_parameters=False)
def simulate(config: str, span: Span, overrides: Sequence[str] = ()) -> Simulation:
    """Replay the decisions of ``span`` against actual demand and keep the result.

    ``config`` is a YAML file or the name of a file in ``configs/``; ``overrides`` are ``key=value``. Raises
    ``ForestockError``, which carries an exit code.
    """
    settings = load_settings(config, overrides)
    with reported("simulate", settings, span.start):
        done = run_simulation(settings, span)
        write_simulation(done)
        page = write_page(done)
    return replace(done, notes=(*done.notes, f"Page: {page}", _recorded(done)))


def _recorded(done: Simulation) -> str:
    """Record the replay in MLflow and return a sentence about it, also if MLflow cannot be reached."""
    try:
        return f"MLflow: run {record_simulation(done)} in the experiment {done.settings.name}-simulation."
    except StageError as error:
        log.warning("the replay was not recorded: %s", error)
        return f"MLflow could not be reached ({error}); the result is in the warehouse."
