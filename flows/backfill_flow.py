"""The backfill as a Prefect flow, for a deployment: past nights, several at a time where wanted.

One run works through all its dates, each night a run of its own beside it; the command ``forestock backfill`` does the same
without it. Not here: what a date needs (``flows.backfill``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from prefect import flow
from prefect.artifacts import create_table_artifact
from pydantic import Field

from flows.artifacts import Progress, let_rooms_speak, parameter
from flows.backfill import NightReport, Span, nights_done, raise_for
from foundation.configuration import load_settings

log = logging.getLogger(__name__)


def _flow_run_name() -> str:
    span = parameter("dates", Dates)
    return f"backfill-{span.start}-{span.end}"


@dataclass(frozen=True)
class Dates:
    """Which nights: first and last (both included), days between them, how many at a time, with which model."""

    start: Annotated[date, Field(description="First night.")]
    end: Annotated[date, Field(description="Last night, included.")]
    every_days: Annotated[int, Field(ge=1, description="Days between nights.")] = 7
    parallel: Annotated[int, Field(ge=1, le=64, description="Nights at the same time.")] = 1
    retrain: Annotated[
        bool, Field(description="Train a model on each night's own day, not on the training date before it.")
    ] = False


@flow(name="backfill", flow_run_name=_flow_run_name, persist_result=False)
def backfill(config: str, dates: Dates, overrides: Sequence[str] = (), force: bool = False) -> list[NightReport]:
    """Plan past nights, each with what was known then; nights that are done under the same inputs are left alone.

    Run again it goes on with what is missing. Raises ``StageError`` naming the nights that failed, ``GateError`` where
    nights were only refused; the others are planned all the same.

    Args:
        config: A YAML file, or a name in configs/.
        dates: First and last night, days between them, nights at the same time, whether each trains a model of its own.
        overrides: Changed keys, key=value.
        force: Plan nights again that are done.
    """
    let_rooms_speak()
    settings = load_settings(config, overrides)
    span = Span(dates.start, dates.end, dates.every_days, dates.parallel, force, dates.retrain)
    nights = span.nights(settings)
    progress = Progress(len(nights))
    reports = []
    for report in nights_done(config, span, overrides, nights):
        log.info("%s %s %s", report.as_of, report.outcome, report.message)
        progress.done(str(report.as_of))
        reports.append(report)
    reports.sort(key=lambda report: report.as_of)
    _show(settings.name, reports)
    raise_for(reports)
    return reports


def _show(pipeline: str, reports: Sequence[NightReport]) -> None:
    rows = [
        {"night": str(one.as_of), "outcome": one.outcome, "proposals": one.n_proposals, "message": one.message}
        for one in reports
    ]
    create_table_artifact(rows, key=f"{pipeline.replace('_', '-')}-backfill", description="The nights of the backfill")
