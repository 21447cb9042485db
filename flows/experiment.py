"""Runs compared on one page: read them back from MLflow, write the page into the warehouse and beside the newest run.

Not here: the page (``review.experiment``), recording runs (``flows.backtest_record``, ``flows.simulation``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store import files
from models.runs import Run, Runs
from review.experiment import BacktestRun, ExperimentPage, ReplayRun, experiment_page

log = logging.getLogger(__name__)


def compared_runs(settings: Settings, count: int) -> str:
    """Write the page of the ``count`` newest backtests and replays and return where it is.

    It is kept beside the newest of the backtests and of the replays too. Raises ``ConfigurationError`` where neither is recorded and
    ``StageError`` where MLflow cannot be reached.
    """
    stores = {topic: Runs(settings, topic) for topic in ("backtest", "simulation")}
    found = {topic: store.latest(count) for topic, store in stores.items()}
    if not any(found.values()):
        raise ConfigurationError(
            f"no backtest or replay of {settings.name} is recorded; use forestock backtest or simulate first"
        )
    backtests = [_backtest(stores["backtest"], run) for run in found["backtest"]]
    replays = [_replay(stores["simulation"], run) for run in found["simulation"]]
    text = experiment_page(ExperimentPage(settings.name, settings.currency, backtests, replays))
    for topic, runs in found.items():
        if runs:
            stores[topic].keep_text(runs[0], text, "runs.html")
    log.info("%d backtests and %d replays compared", len(backtests), len(replays))
    return files.write_text(files.joined(settings.warehouse, "pages", "runs.html"), text)


def compare_runs(config: str, count: int, overrides: Sequence[str]) -> None:
    """Write the page and say where it is."""
    from rich.console import Console

    from flows.display import StageDisplay
    from flows.failures import reported

    settings = load_settings(config, overrides)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("experiment")
        with reported("experiment", settings, None):
            page = compared_runs(settings, count)
    Console().print(f"page  {page}", markup=False, highlight=False, soft_wrap=True)


def _backtest(store: Runs, run: Run) -> BacktestRun:
    tables = [store.table(run, f"tables/{name}.json") for name in ("levels", "segments", "coverage")]
    return BacktestRun(run.name, run.params, run.metrics, *tables)


def _replay(store: Runs, run: Run) -> ReplayRun:
    policies, days = (store.table(run, f"{name}.json") for name in ("policies", "days"))
    return ReplayRun(run.name, run.params, run.metrics.get("bound_eur", float("nan")), policies, days)
