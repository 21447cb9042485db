"""The backfill as a Prefect flow: the nightly flow for past dates, one after another or several at a time.

A date whose results exist for the same inputs, settings and code is skipped, so an interrupted backfill resumes.
Not here: what a run does (``flows.nightly``).
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

from flows.artifacts import Progress, artifact_key, let_packages_log, parameter
from foundation.errors import ForestockError
from pipeline.backfill import Outcome, RunReport, Span, raise_for
from pipeline.configuration import load_settings

if TYPE_CHECKING:
    from pipeline.results import Result

log = logging.getLogger(__name__)


def run_past_date(config: str, as_of: date, overrides: Sequence[str], is_forced: bool) -> RunReport:
    """Run the nightly flow for one date unless its results exist, and report; only an interruption is raised."""
    from pipeline.completed import completed_run_by_mark
    from pipeline.results import RefusedError

    try:
        if not is_forced and (completed := completed_run_by_mark(load_settings(config, overrides), as_of)):
            return _report(completed)
        from flows.nightly import nightly

        result = nightly(config, as_of, list(overrides), "review", "everything" if is_forced else "nothing")
    except RefusedError as error:
        return RunReport(as_of, "refused", message="; ".join(error.lines))
    except ForestockError as error:
        return RunReport(as_of, "failed", message="; ".join(error.lines))
    except Exception as error:
        return RunReport(as_of, "failed", message=f"{type(error).__name__}: {error}")
    return _report(result)


def _report(result: Result) -> RunReport:
    from foundation.store.warehouse import Warehouse

    context = result.context
    plan = Warehouse(context.settings).read("plan", context.as_of).iloc[-1]
    outcome: Outcome = "planned" if result.forecasted else "refused" if result.refusals else "done before"
    saving = float(plan["total_eur_before"] - plan["total_eur"])
    return RunReport(context.as_of, outcome, int(plan["n_proposals"]), saving, "; ".join(result.refusals))


def run_dates(config: str, span: Span, overrides: Sequence[str]) -> Iterator[RunReport]:
    """Run every date of ``span`` and yield a report of each as it completes; ``span.parallel`` at a time, in worker processes."""
    settings = load_settings(config, overrides)
    as_ofs = span.dates(settings)
    overrides = [*overrides, *span.overrides(settings)]
    if span.parallel == 1:
        for as_of in as_ofs:
            yield run_past_date(config, as_of, overrides, span.is_forced)
        return
    cores = {
        "forecast.threads": max(settings.forecast.threads // span.parallel, 1),
        "positioning.processes": max(settings.positioning.processes // span.parallel, 1),
    }
    if settings.cluster.workers:
        cores["cluster.workers"] = max(settings.cluster.workers // span.parallel, 1)
    shared = [*overrides, *(f"{key}={value}" for key, value in cores.items())]
    with ProcessPoolExecutor(span.parallel, multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(run_past_date, config, as_of, shared, span.is_forced): as_of for as_of in as_ofs}
        try:
            for future in as_completed(futures):
                error = future.exception()
                yield RunReport(futures[future], "failed", message=str(error)) if error else future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _flow_run_name() -> str:
    dates = parameter("dates", Dates)
    return f"backfill-{dates.start}-{dates.end}"


@dataclass(frozen=True)
class Dates:
    """Which dates to run, how many at a time, and with which model."""

    start: Annotated[date, Field(description="First planning date.")]
    end: Annotated[date, Field(description="Last planning date, included.")]
    every_days: Annotated[int, Field(ge=1, description="Days between planning dates.")] = 7
    parallel: Annotated[int, Field(ge=1, le=64, description="Number of dates to run at the same time.")] = 1
    retrain: Annotated[
        bool, Field(description="Train a model on every planning date instead of using that of its training date.")
    ] = False


@flow(name="backfill", flow_run_name=_flow_run_name, persist_result=False)
def backfill(config: str, dates: Dates, overrides: Sequence[str] = (), force: bool = False) -> list[RunReport]:
    """Run the pipeline for past dates, each with what was known then; dates whose results exist are skipped.

    Run it again to resume. Raises ``StageError`` naming the dates that failed, or ``GateError`` if plans were refused and
    no date failed; all other dates are planned.

    Args:
        config: A YAML file, or the name of a file in configs/.
        dates: First and last date, days between dates, dates at the same time, whether every date trains a model.
        overrides: Changed settings, key=value.
        force: Recompute dates whose results exist.
    """
    let_packages_log()
    settings = load_settings(config, overrides)
    span = Span(dates.start, dates.end, dates.every_days, dates.parallel, force, dates.retrain)
    progress = Progress(len(span.dates(settings)))
    reports = []
    for report in run_dates(config, span, overrides):
        log.info("%s %s %s", report.as_of, report.outcome, report.message)
        progress.done(str(report.as_of))
        reports.append(report)
    reports.sort(key=lambda report: report.as_of)
    rows = [
        {"as_of": str(one.as_of), "outcome": one.outcome, "proposals": one.n_proposals, "message": one.message}
        for one in reports
    ]
    create_table_artifact(rows, key=artifact_key(settings.name, "backfill"), description="Runs of the backfill")
    raise_for(reports)
    return reports
