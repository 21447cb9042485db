"""What-ifs as a Prefect flow: a night planned again on changed inputs, beside its plan of record.

Deployed by ``prefect.yaml`` and called by the command line. Not here: what it does (``pipeline.what_if``) or how it
is printed (``forestock.cli.ask``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from prefect import flow

from flows.artifacts import let_rooms_speak, parameter, show_answer
from foundation.errors import StageError
from pipeline.configuration import load_settings
from pipeline.results import reported
from pipeline.runs import TOPIC, record_what_ifs
from pipeline.what_if import Asked, Compared, compared, night_of_record, wanted

log = logging.getLogger(__name__)


def _flow_run_name() -> str:
    return f"what-if-{parameter('asked', Asked).as_of or 'latest'}"


@flow(name="what-if", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=6 * 3600)
def what_if(config: str, asked: Asked = Asked(), overrides: Sequence[str] = ()) -> Compared:  # noqa: B008 - frozen
    """Plan the night of a plan of record again under changed inputs and compare the two line by line.

    Raises ``ForestockError``s, each with its exit code.

    Args:
        config: A YAML file, or a name in configs/.
        asked: The night (as_of; none means the newest plan) and what is different: what-ifs of the configuration by
            names, or changes such as closed_hubs=[ONT] under one name; none of both means all of the configuration.
        overrides: Changed keys, key=value.
    """
    let_rooms_speak()
    settings = load_settings(config, overrides)
    changes = wanted(settings, asked)
    as_of = night_of_record(settings, asked.as_of)
    with reported("what-if", settings, as_of):
        done = compared(settings, changes, as_of)
    done = replace(done, notes=(*done.notes, _recorded(done, [change.name for change in changes])))
    text = done.summary + "\n" + "\n".join(f"* {parts}" for parts in (*done.notes, f"page: {done.page}"))
    show_answer(settings.name, "what-if", text, f"What-ifs of the night of {as_of}")
    return done


def _recorded(done: Compared, names: Sequence[str]) -> str:
    """Record the what-ifs in MLflow and say so; where MLflow is away, say that."""
    settings = done.settings
    try:
        run_id = record_what_ifs(settings, done.as_of, done.page, names)
    except StageError as error:
        log.warning("the what-ifs were not recorded: %s", error)
        return f"MLflow could not be used ({error}); the warehouse has the result."
    return f"MLflow: below run {run_id} of the experiment {settings.name}-{TOPIC}."
