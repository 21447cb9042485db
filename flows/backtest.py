"""The backtest as a Prefect flow, with one task per forecast origin.

Deployed by ``prefect.yaml`` and called by the CLI. Not here: what a backtest computes and records (``pipeline.backtest``).
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import let_packages_log, parameter
from pipeline.backtest import (
    BacktestResult,
    Challenge,
    challenger_settings,
    compare,
    read_weights,
    record_backtest,
    run_origins,
    score_origin,
)
from pipeline.configuration import load_settings
from pipeline.forecast_origin import Origins

_BACKTEST_SECONDS = 24 * 3600
origin_task = task(task_run_name="origin-{origin}", cache_policy=NO_CACHE, persist_result=False)(score_origin)


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
