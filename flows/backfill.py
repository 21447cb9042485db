"""Past nights: the nightly flow with one date after another, or several at a time.

A night that is done under the same inputs, settings and code is left alone, so an interrupted backfill
goes on where it stopped. Not here: what a night does (``flows.nightly``).
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

from prefect import flow
from prefect.artifacts import create_table_artifact
from pydantic import Field

from flows.artifacts import Progress, let_rooms_speak, parameter
from foundation.errors import ForestockError
from pipeline.backfill import NightReport, Outcome, Span, raise_for
from pipeline.configuration import load_settings

if TYPE_CHECKING:
    from pipeline.results import Result


def plan_past_night(config: str, as_of: date, overrides: Sequence[str], is_forced: bool) -> NightReport:
    """Run the nightly flow for one date, unless it is done, and report; only an interruption is raised."""
    from pipeline.results import RefusedError
    from pipeline.run import done_by_mark

    try:
        if not is_forced and (done := done_by_mark(load_settings(config, overrides), as_of)):
            return _report(done)
        from flows.nightly import nightly

        result = nightly(config, as_of, list(overrides), "review", "everything" if is_forced else "nothing")
    except RefusedError as error:
        return NightReport(as_of, "refused", message="; ".join(error.lines))
    except ForestockError as error:
        return NightReport(as_of, "failed", message="; ".join(error.lines))
    except Exception as error:
        return NightReport(as_of, "failed", message=f"{type(error).__name__}: {error}")
    return _report(result)


def _report(result: Result) -> NightReport:
    from foundation.store.warehouse import Warehouse

    night = result.night
    plan = Warehouse(night.settings).read("plan", night.as_of).iloc[-1]
    outcome: Outcome = "planned" if result.forecasted else "refused" if result.refusals else "done before"
    saving = float(plan["total_eur_before"] - plan["total_eur"])
    return NightReport(night.as_of, outcome, int(plan["n_proposals"]), saving, "; ".join(result.refusals))


def nights_done(config: str, span: Span, overrides: Sequence[str], nights: list[date]) -> Iterator[NightReport]:
    """Plan ``nights`` and yield a report of each as it is done; ``span.parallel`` at a time, in processes of their own."""
    settings = load_settings(config, overrides)
    overrides = [*overrides, *span.overrides(settings)]
    if span.parallel == 1:
        for as_of in nights:
            yield plan_past_night(config, as_of, overrides, span.is_forced)
        return
    hands = {
        "forecast.threads": max(settings.forecast.threads // span.parallel, 1),
        "positioning.processes": max(settings.positioning.processes // span.parallel, 1),
    }
    shared = [*overrides, *(f"{key}={value}" for key, value in hands.items())]
    workers = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(span.parallel, workers) as pool:
        request = {pool.submit(plan_past_night, config, as_of, shared, span.is_forced): as_of for as_of in nights}
        try:
            for future in as_completed(request):
                error = future.exception()
                yield NightReport(request[future], "failed", message=str(error)) if error else future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
