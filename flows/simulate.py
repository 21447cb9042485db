"""The replay as a Prefect flow: how past decisions would have done, beside baselines and the bound.

Not here: what it does (``flows.simulation``) or how it is printed (``flows.simulation_report``).
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow, runtime

from flows.simulation import Simulation, Span, simulated, write_simulation
from flows.stages import reported
from foundation.configuration import load_settings


def _flow_run_name() -> str:
    span = runtime.flow_run.parameters["span"]
    return f"simulate-{span.start}-{span.end}"


@flow(name="simulate", flow_run_name=_flow_run_name, persist_result=False, validate_parameters=False)
def simulate(config: str, span: Span, overrides: Sequence[str] = ()) -> Simulation:
    """Replay the decisions of ``span`` against what was then demanded, and keep the result.

    ``config`` is a YAML file or a name in ``configs/``; ``overrides`` are ``key=value``. Raises
    ``ForestockError``s, each with its exit code.
    """
    settings = load_settings(config, overrides)
    with reported("simulate", settings, span.start):
        done = simulated(settings, span)
        write_simulation(done)
    return done
