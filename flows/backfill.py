"""Past nights: the nightly flow with one date after another, or several at a time.

A night that is done under the same inputs, settings and code is left alone, so an interrupted backfill
goes on where it stopped. Not here: what a night does (``flows.nightly``).
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from flows.environment import set_command_line_defaults
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError, ForestockError, GateError, StageError
from foundation.settings import Settings
from review.wording import Money, number

if TYPE_CHECKING:
    from flows.night import Result

Outcome = Literal["planned", "done before", "refused", "failed"]


@dataclass(frozen=True)
class Span:
    """Which nights: ``start`` to ``end`` (both included) ``every`` days, ``parallel`` at a time.

    Each uses the model it would have used then, that of the last training date, or one trained on its own day where
    ``is_retrained``.
    """

    start: date
    end: date
    every: int = 7
    parallel: int = 1
    is_forced: bool = False
    is_retrained: bool = False

    def overrides(self, settings: Settings) -> list[str]:
        """Return the changed keys its nights run under: where models are retrained, every period is a training date."""
        return [f"forecast.train_every_days={settings.grid.days}"] if self.is_retrained else []

    def nights(self, settings: Settings) -> list[date]:
        """Return the nights, ascending; raises ``ConfigurationError`` where they do not fit the grid of periods."""
        grid = settings.grid
        if self.end < self.start:
            raise ConfigurationError(f"--end {self.end} lies before --start {self.start}")
        if self.every % grid.days:
            raise ConfigurationError(f"--every {self.every}: periods of {grid.code} are {grid.days} days long")
        if not grid.holds(self.start):
            raise ConfigurationError(f"--start {self.start} is not the first day of a period of {grid.code}")
        return [self.start + timedelta(days=day) for day in range(0, (self.end - self.start).days + 1, self.every)]


@dataclass(frozen=True)
class NightReport:
    """How one night went; ``saving_eur`` is the expected saving of its plan, ``message`` why it failed."""

    as_of: date
    outcome: Outcome
    n_proposals: int = 0
    saving_eur: float | None = None
    message: str = ""


def backfill_nights(config: str, span: Span, overrides: Sequence[str]) -> None:
    """Plan the nights of ``span`` and print one line per night.

    Raises ``ConfigurationError`` for a span that does not fit, ``StageError`` naming the nights that
    failed (the same command goes on with them), ``GateError`` where nights were only refused.
    """
    settings = load_settings(config, overrides)
    nights = span.nights(settings)
    set_command_line_defaults(settings.warehouse)
    from flows.server import prefect_server

    with prefect_server():
        reports = sorted(_with_progress(config, span, overrides, nights), key=lambda report: report.as_of)
    Console().print(_table(reports, Money(settings.currency)))
    raise_for(reports)


def plan_past_night(config: str, as_of: date, overrides: Sequence[str], is_forced: bool) -> NightReport:
    """Run the nightly flow for one date, unless it is done, and report; only an interruption is raised."""
    from flows.night import RefusedError
    from flows.stages import done_by_mark

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


def _with_progress(config: str, span: Span, overrides: Sequence[str], nights: list[date]) -> Iterator[NightReport]:
    console = Console(stderr=True)
    columns = (TextColumn("[bold]backfill"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        line = progress.add_task("nights", total=len(nights))
        for report in nights_done(config, span, overrides, nights):
            message = f": {report.message}" if report.message else ""
            console.print(f"{report.as_of} {report.outcome}{message}", markup=False, highlight=False, soft_wrap=True)
            progress.advance(line)
            yield report


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
        asked = {pool.submit(plan_past_night, config, as_of, shared, span.is_forced): as_of for as_of in nights}
        try:
            for future in as_completed(asked):
                error = future.exception()
                yield NightReport(asked[future], "failed", message=str(error)) if error else future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _table(reports: Sequence[NightReport], money: Money) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        title=f"{len(reports)} {'night' if len(reports) == 1 else 'nights'}",
        title_justify="left",
        title_style="bold",
    )
    for name, justify in (("night", "left"), ("outcome", "left"), ("proposals", "right"), ("saves", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type] # the literals of rich
    for report in reports:
        table.add_row(str(report.as_of), report.outcome, number(report.n_proposals), money(report.saving_eur))
    return table


def raise_for(reports: Sequence[NightReport]) -> None:
    """Raise ``StageError`` naming the nights that failed, else ``GateError`` where nights were refused."""
    failed = [report for report in reports if report.outcome == "failed"]
    refused = [report for report in reports if report.outcome == "refused"]
    if failed:
        names = ", ".join(str(report.as_of) for report in failed)
        raise StageError("backfill", f"{len(failed)} of {len(reports)} nights failed: {names}; run it again to go on")
    if refused:
        raise GateError(*(f"{report.as_of}: {report.message}" for report in refused))
