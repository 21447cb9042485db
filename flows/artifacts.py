"""Prefect artifacts of a run: progress, summary, best proposals.

Not here: the contents of a summary (``pipeline.summary``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TypeVar, cast
from uuid import UUID

import httpx
from prefect import runtime
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException

from foundation.store.warehouse import Warehouse
from pipeline.artifacts import input_warnings
from pipeline.results import Result
from pipeline.run import LOGGED_PACKAGES
from review import plan_summary
from review.plan.summary import escaped, top_proposals

log = logging.getLogger(__name__)

T = TypeVar("T")


def let_packages_log() -> None:
    """Show the packages' log lines in Prefect's UI, except for packages whose log level is set."""
    for package in LOGGED_PACKAGES:
        if logging.getLogger(package).level == logging.NOTSET:
            logging.getLogger(package).setLevel(logging.INFO)


def parameter(name: str, kind: type[T]) -> T:
    """Return a parameter of the running flow run as ``kind``: deployments pass a mapping; without one, it is ``kind()``."""
    parts = runtime.flow_run.parameters.get(name) or {}
    return parts if isinstance(parts, kind) else kind(**parts)


@contextmanager
def _ignoring_unavailable_server() -> Iterator[None]:
    """Log a warning if Prefect's server is unavailable: an artifact that cannot be shown must not fail the run."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("Prefect's server did not accept an artifact: %s", error or type(error).__name__)


class Progress:
    """A progress artifact of the running flow run."""

    def __init__(self, n_stages: int) -> None:
        self._share = 100 / n_stages
        self._percent = 0.0
        self._artifact: UUID | None = None
        with _ignoring_unavailable_server():
            self._artifact = cast("UUID", create_progress_artifact(0.0, description="Stages of the run"))

    def done(self, stage: str) -> None:
        """Advance the progress by one stage."""
        self._percent = min(self._percent + self._share, 100.0)
        if self._artifact is not None:
            with _ignoring_unavailable_server():
                update_progress_artifact(self._artifact, self._percent, description=f"{stage} completed")


def artifact_key(pipeline: str, topic: str) -> str:
    """Return the key of a pipeline's artifact; Prefect allows lower-case letters, digits and hyphens."""
    return f"{pipeline.replace('_', '-')}-{topic}"


def show_plan(result: Result) -> None:
    """Publish the plan's summary as a Markdown artifact and its best proposals as a table artifact."""
    settings, as_of = result.context.settings, result.context.as_of
    warehouse = Warehouse(settings)
    outputs = {name: warehouse.read(name, as_of) for name in ("plan", "service", "exception", "assumption", "transfer")}
    refused = (f"refused by the plan gate: {reason}" for reason in result.refusals)
    warned = (f"warning: {warning}" for warning in input_warnings(settings, as_of))
    notes = [*refused, *warned, *result.notes, f"page: {result.page}"]
    text = plan_summary(outputs, settings, as_of) + "\n## Notes\n\n" + "\n".join(f"* {escaped(note)}" for note in notes)
    rows = top_proposals(outputs["transfer"], settings)
    with _ignoring_unavailable_server():
        create_markdown_artifact(text, key=artifact_key(settings.name, "summary"), description=f"Plan of {as_of}")
        create_link_artifact(
            settings.serve.address(f"/?as_of={as_of}"),
            f"Plan of {as_of} in the workspace",
            key=artifact_key(settings.name, "page"),
            description="Opens where forestock serve runs; MLflow has the review page",
        )
        if rows:
            create_table_artifact(
                rows, key=artifact_key(settings.name, "proposals"), description="Best proposals of the plan"
            )


def show_text(pipeline: str, topic: str, text: str, description: str) -> None:
    """Publish Markdown text as an artifact of the pipeline."""
    with _ignoring_unavailable_server():
        create_markdown_artifact(text, key=artifact_key(pipeline, topic), description=description)


def name_run(pipeline: str, as_of: date) -> None:
    """Name and tag the running flow run with its planning date, which is unknown before the inputs are read."""
    tags = sorted({pipeline, as_of.isoformat(), *(runtime.flow_run.tags or ())})
    with _ignoring_unavailable_server(), get_client(sync_client=True) as client:
        client.update_flow_run(runtime.flow_run.id, name=f"nightly-{as_of}", tags=tags)
