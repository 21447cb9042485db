"""Commands that run the pipeline: one run, a backfill, the review page, input validation, tidying.

Not here: options (``forestock.cli.main``), what a command does (``pipeline``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from forestock.cli.terminal import Config, Overrides, StageDisplay, print_next_steps, print_steps_after
from foundation.configuration import default_lines
from foundation.errors import InputError
from pipeline.backfill import RunReport, Span, raise_for
from pipeline.configuration import load_settings
from pipeline.environment import set_command_line_defaults

if TYPE_CHECKING:
    from foundation.settings import Settings
    from foundation.wording import Money
    from pipeline.results import Redo, Result, Stage
    from review.input_report import InputReport, TableContents


def run_stages(config: str, as_of: date | None, overrides: Sequence[str], until: Stage, redo: Redo) -> None:
    """Run the nightly flow up to the stage ``until`` and print its summary.

    Faults of the configuration are raised before heavy packages are imported. Raises the ``ForestockError`` of a failed
    stage; a refused plan is printed before its error is raised.
    """
    from foundation.store.files import require_room

    settings = load_settings(config, overrides)
    require_room(settings.warehouse)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.servers import prefect_server
        from pipeline.results import RefusedError, reported

        refused = None
        try:
            with reported("start", settings, as_of), prefect_server():
                from flows.nightly import nightly

                result = nightly(config, as_of, list(overrides), until, redo)
        except RefusedError as error:
            refused, result = error, error.result
        except InputError as error:
            _print_defaults(error.lines, settings, Console(stderr=True, highlight=False))
            raise
    _print(result)
    after = "run" if until == "review" else until
    print_steps_after(settings, "refused" if refused else after, result.context.as_of)
    if refused is not None:
        raise refused


def review_plan(config: str, as_of: date | None, overrides: Sequence[str]) -> None:
    """Refresh the review page of the plan of ``as_of`` (None: the newest) and print its summary.

    Raises ``ConfigurationError`` if the warehouse has no plan of that date.
    """
    from pipeline.run import rewrite_page

    settings = load_settings(config, overrides)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("review")
        result = rewrite_page(settings, as_of)
    _print(result)
    print_steps_after(settings, "review", result.context.as_of)


def _print(result: Result) -> None:
    from forestock.cli.terminal import print_summary
    from pipeline.summary import summarise

    print_summary(summarise(result), Console(soft_wrap=False))


class InvalidInputsError(InputError):
    """A run would stop; ``report`` says why and how to correct it."""

    def __init__(self, report: InputReport) -> None:
        super().__init__(*(str(fault) for fault in report.errors))
        self.report = report


def check_inputs(config: str, as_of: date | None, overrides: Sequence[str], html: str | None = None) -> None:
    """Print the contents of the input tables, their warnings and assumptions; write no table.

    With ``html``, the report is also written to that file. Raises ``InvalidInputsError`` with one line per fault if a run would stop. Inputs without a
    network are checked for forecasting alone.
    """
    from pipeline.reports import input_report, next_steps, write_input_page

    settings = load_settings(config, overrides)
    report = input_report(settings, as_of)
    console = Console(highlight=False)
    if html is not None:
        write_input_page(settings, report, html)
    if report.stops:
        raise InvalidInputsError(report)
    _print_findings(report, console)
    _print_defaults([*report.warnings, *map(str, report.assumptions)], settings, console)
    console.print(_tables(report.tables))
    console.print(report.outcome)
    if report.is_forecast_only:
        console.print("Without a network of hubs and lanes, demand can be forecast but shipments cannot be planned.")
    if html is not None:
        console.print(f"page  {html}", markup=False, soft_wrap=True)
    print_next_steps(next_steps(settings, report), console)


def _print_findings(report: InputReport, console: Console) -> None:
    """Print one line per warning, per assumption with what depends on it, and per setting at its default."""
    for line in report.warnings:
        console.print(f"warning: {line}", markup=False, soft_wrap=True)
    for assumption in report.assumptions:
        share = report.share(assumption)
        depends = f" [{share}]" if share else ""
        console.print(f"assumption: {assumption}{depends}", markup=False, soft_wrap=True)
    for default in report.defaults:
        console.print(f"default: {default.key} is {default.value}: {default.effect}", markup=False, soft_wrap=True)


def print_corrections(error: InvalidInputsError, config: str, overrides: Sequence[str]) -> None:
    """Print the lines of a configuration that correct faults, and what to do next, to standard error."""
    from pipeline.reports import next_steps

    console = Console(stderr=True, highlight=False)
    settings = load_settings(config, overrides)
    _print_defaults(error.lines, settings, console)
    pasted = [fault for fault in error.report.errors if fault.paste]
    for fault in pasted:
        console.print(
            f"To correct {fault.table}.{fault.column}, write in {error.report.configuration}:", soft_wrap=True
        )
        console.print(fault.paste, markup=False, soft_wrap=True)
    print_next_steps(next_steps(settings, error.report), console)


def _print_defaults(lines: Sequence[str], settings: Settings, console: Console) -> None:
    """Print where keys come from that messages name and the configuration does not set."""
    for line in default_lines(lines, settings):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _tables(contents: Sequence[TableContents]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name, justify in (("table", "left"), ("rows", "right"), ("from", "left"), ("to", "left"), ("", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type] # the literals of rich
    for row in contents:
        rows = "–" if row.n_rows is None else f"{row.n_rows:,}"
        without = f"not provided: {row.without}" if row.n_rows is None else ""
        table.add_row(row.name, rows, row.first, row.last, without)
    return table


def tidy(config: Config, overrides: Overrides = None) -> None:
    """Remove old history, snapshots and logs from the warehouse; current rows, decisions and models are kept.

    Example:  forestock tidy --config demo.yaml --set retention.history_days=90
    """
    from foundation.store.tidying import sentence
    from foundation.store.tidying import tidy as tidied

    settings = load_settings(config, tuple(overrides or ()))
    freed = tidied(settings)
    print(sentence(freed.n_table_files, freed.n_snapshots, freed.n_bytes))
    if freed.busy_tables:
        print(f"Skipped because another process writes them: {', '.join(freed.busy_tables)}.")
    print_steps_after(settings, "tidy")


def run_backfill(config: str, span: Span, overrides: Sequence[str]) -> None:
    """Run the dates of ``span`` and print one line per date.

    Raises ``ConfigurationError`` for a span that does not fit the grid, ``StageError`` naming the dates that failed (the
    same command resumes), ``GateError`` if plans were refused and no date failed.
    """
    settings = load_settings(config, overrides)
    dates = span.dates(settings)
    set_command_line_defaults(settings.warehouse)
    from flows.servers import prefect_server
    from foundation.wording import Money

    with prefect_server():
        reports = sorted(_with_progress(config, span, overrides, dates), key=lambda report: report.as_of)
    Console().print(_backfill_table(reports, Money(settings.currency)))
    print_steps_after(settings, "backfill")
    raise_for(reports)


def _with_progress(config: str, span: Span, overrides: Sequence[str], dates: list[date]) -> Iterator[RunReport]:
    from flows.backfill import run_dates

    console = Console(stderr=True)
    columns = (TextColumn("[bold]backfill"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        line = progress.add_task("runs", total=len(dates))
        for report in run_dates(config, span, overrides):
            message = f": {report.message}" if report.message else ""
            console.print(f"{report.as_of} {report.outcome}{message}", markup=False, highlight=False, soft_wrap=True)
            progress.advance(line)
            yield report


def _backfill_table(reports: Sequence[RunReport], money: Money) -> Table:
    from foundation.wording import number

    table = Table(
        box=None,
        pad_edge=False,
        title=f"{len(reports)} {'run' if len(reports) == 1 else 'runs'}",
        title_justify="left",
        title_style="bold",
    )
    for name, justify in (("date", "left"), ("outcome", "left"), ("proposals", "right"), ("saves", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type] # the literals of rich
    for report in reports:
        table.add_row(str(report.as_of), report.outcome, number(report.n_proposals), money(report.saving_eur))
    return table
