"""The replay as a Prefect flow: past decisions simulated against actual demand, with baselines and a bound.

Not here: the use case (``pipeline.replay``), printing (``forestock.cli.judge``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from prefect import flow, runtime

from foundation.errors import StageError
from pipeline.configuration import load_settings
from pipeline.replay import Simulation, Span, record_simulation, run_simulation, write_page, write_simulation
from pipeline.results import reported

log = logging.getLogger(__name__)


def _flow_run_name() -> str:
    span = runtime.flow_run.parameters["span"]
    return f"simulate-{span.start}-{span.end}"


@flow(name="simulate", flow_run_name=_flow_run_name, persist_result=False, validate_parameters=False)
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
