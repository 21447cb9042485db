"""What a night shows in Prefect's pages: how far it is, its summary, its best proposals.

Not here: what a summary holds (``pipeline.summary``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
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

from foundation.store import files
from foundation.store.warehouse import Warehouse
from pipeline.artifacts import input_warnings
from pipeline.results import Result
from pipeline.run import ROOMS
from review import plan_summary
from review.plan.summary import escaped, top_proposals

log = logging.getLogger(__name__)

T = TypeVar("T")


def let_rooms_speak() -> None:
    """Let what the rooms say while they work reach Prefect's pages, unless somebody has chosen their levels."""
    for room in ROOMS:
        if logging.getLogger(room).level == logging.NOTSET:
            logging.getLogger(room).setLevel(logging.INFO)


def parameter(name: str, kind: type[T]) -> T:
    """Return a parameter of the running flow run, which is a mapping where a deployment gave it; ``kind()`` where nobody did."""
    parts = runtime.flow_run.parameters.get(name) or {}
    return parts if isinstance(parts, kind) else kind(**parts)


@contextmanager
def _unless_away() -> Iterator[None]:
    """Show where the server answers; what is only shown must not cost a night whose server restarts."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("Prefect's server did not take what was to be shown: %s", error or type(error).__name__)


class Progress:
    """A progress artifact of the running flow run."""

    def __init__(self, n_stages: int) -> None:
        self._share = 100 / n_stages
        self._percent = 0.0
        self._artifact: UUID | None = None
        with _unless_away():
            self._artifact = cast("UUID", create_progress_artifact(0.0, description="Stages of the night"))

    def done(self, stage: str) -> None:
        """Show that ``stage`` is done."""
        self._percent = min(self._percent + self._share, 100.0)
        if self._artifact is not None:
            with _unless_away():
                update_progress_artifact(self._artifact, self._percent, description=f"{stage} is done")


def show_plan(result: Result) -> None:
    """Keep the plan's summary as Markdown and its best proposals as a table, under keys with the pipeline's name."""
    settings, as_of = result.night.settings, result.night.as_of
    warehouse = Warehouse(settings)
    outputs = {name: warehouse.read(name, as_of) for name in ("plan", "service", "exception", "assumption", "transfer")}
    refused = (f"refused by the gate: {reason}" for reason in result.refusals)
    warned = (f"warning: {warning}" for warning in input_warnings(settings, as_of))
    notes = [*refused, *warned, *result.notes, f"page: {result.page}"]
    text = plan_summary(outputs, settings, as_of) + "\n## Notes\n\n" + "\n".join(f"* {escaped(note)}" for note in notes)
    name = settings.name.replace("_", "-")
    rows = top_proposals(outputs["transfer"], settings)
    with _unless_away():
        create_markdown_artifact(text, key=f"{name}-summary", description=f"Plan of {as_of}")
        if result.page:
            create_link_artifact(
                _address(result.page),
                f"Review page of {as_of}",
                key=f"{name}-page",
                description="Opens where the warehouse is; MLflow has a copy",
            )
        if rows:
            create_table_artifact(rows, key=f"{name}-proposals", description="The best proposals of the night")


def show_answer(pipeline: str, topic: str, text: str, description: str) -> None:
    """Keep the answer to somebody's question as Markdown under a key with the pipeline's name."""
    with _unless_away():
        create_markdown_artifact(text, key=f"{pipeline.replace('_', '-')}-{topic}", description=description)


def _address(page: str) -> str:
    """Return where a page is as an address a link can have."""
    return page if files.is_url(page) else Path(page).absolute().as_uri()


def name_run(pipeline: str, as_of: date) -> None:
    """Give the running flow run its date, which a run without one does not know at its start, and tags."""
    tags = sorted({pipeline, as_of.isoformat(), *(runtime.flow_run.tags or ())})
    with _unless_away(), get_client(sync_client=True) as client:
        client.update_flow_run(runtime.flow_run.id, name=f"nightly-{as_of}", tags=tags)
