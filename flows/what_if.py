"""What-ifs as a Prefect flow: a night planned again on changed inputs, beside its plan of record.

Not here: what it does (``flows.what_if_plan``) or how it is printed (``flows.what_if_printing``).
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow, runtime

from flows.stages import reported
from flows.what_if_asked import Asked, night_of_record, wanted
from flows.what_if_plan import Compared, compared
from foundation.configuration import load_settings


def _flow_run_name() -> str:
    said = runtime.flow_run.parameters["asked"]  # a mapping where a deployment gave it
    asked = said if isinstance(said, Asked) else Asked(**said)
    return f"what-if-{asked.as_of or 'latest'}"


@flow(name="what-if", flow_run_name=_flow_run_name, persist_result=False)
def what_if(config: str, asked: Asked, overrides: Sequence[str] = ()) -> Compared:
    """Plan the night of a plan of record again under changed inputs and compare the two line by line.

    ``config`` is a YAML file or a name in ``configs/``; ``overrides`` are ``key=value``. Raises
    ``ForestockError``s, each with its exit code.
    """
    settings = load_settings(config, overrides)
    changes = wanted(settings, asked)
    as_of = night_of_record(settings, asked.as_of)
    with reported("what-if", settings, as_of):
        return compared(settings, changes, as_of)
