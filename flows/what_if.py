"""What-ifs as a Prefect flow: a date planned again with changed inputs, compared with its plan of record.

Deployed by ``prefect.yaml`` and called by the CLI. Not here: the use case (``pipeline.what_if``), printing
(``forestock.cli.explore``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from prefect import flow

from flows.artifacts import let_packages_log, parameter, show_text
from foundation.errors import StageError
from pipeline.configuration import load_settings
from pipeline.results import reported
from pipeline.runs import TOPIC, record_what_if_runs
from pipeline.what_if import (
    WhatIfComparison,
    WhatIfRequest,
    compare_with_record,
    date_of_record,
    requested_changes,
)

log = logging.getLogger(__name__)


def _flow_run_name() -> str:
    return f"what-if-{parameter('request', WhatIfRequest).as_of or 'latest'}"


@flow(name="what-if", flow_run_name=_flow_run_name, persist_result=False, timeout_seconds=6 * 3600)
def what_if(
    config: str,
    request: WhatIfRequest = WhatIfRequest(),  # noqa: B008 - frozen
    overrides: Sequence[str] = (),
) -> WhatIfComparison:
    """Plan a date again with changed inputs and compare the result with the plan of record, line by line.

    Raises ``ForestockError``, which carries an exit code.

    Args:
        config: A YAML file, or the name of a file in configs/.
        request: The plan's date (as_of; None is the newest plan) and what changes: what-ifs of the configuration by
            name, or changes such as closed_hubs=[ONT]; without either, all what-ifs of the configuration.
        overrides: Changed settings, key=value.
    """
    let_packages_log()
    settings = load_settings(config, overrides)
    changes = requested_changes(settings, request)
    as_of = date_of_record(settings, request.as_of)
    with reported("what-if", settings, as_of):
        comparison = compare_with_record(settings, changes, as_of)
    recorded = _record(comparison, [change.name for change in changes])
    comparison = replace(comparison, notes=(*comparison.notes, recorded))
    notes = (*comparison.notes, f"page: {comparison.page}")
    text = comparison.summary + "\n" + "\n".join(f"* {note}" for note in notes)
    show_text(settings.name, "what-if", text, f"What-ifs for the plan of {as_of}")
    return comparison


def _record(comparison: WhatIfComparison, names: Sequence[str]) -> str:
    """Record the what-ifs in MLflow and return a sentence about it, also if MLflow cannot be reached."""
    settings = comparison.settings
    try:
        run_id = record_what_if_runs(settings, comparison.as_of, comparison.page, names)
    except StageError as error:
        log.warning("the what-ifs were not recorded: %s", error)
        return f"MLflow could not be reached ({error}); the result is in the warehouse."
    return f"MLflow: children of run {run_id} in the experiment {settings.name}-{TOPIC}."
