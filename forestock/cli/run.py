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

from forestock.cli.terminal import Config, Overrides, StageDisplay
from foundation.errors import Fault, InputError
from foundation.tables import INPUTS
from pipeline.backfill import RunReport, Span, raise_for
from pipeline.configuration import load_settings
from pipeline.environment import set_command_line_defaults

if TYPE_CHECKING:
    import pandas as pd

    from foundation.validation.validate import ValidationResult
    from foundation.wording import Money
    from pipeline.results import Redo, Result, Stage


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
    _print(result)
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


def _print(result: Result) -> None:
    from forestock.cli.terminal import print_summary
    from pipeline.summary import summarise

    print_summary(summarise(result), Console(soft_wrap=False))


# Inputs without any of these tables have no network and can only be forecast.
_NETWORK = {name for name, table in INPUTS.items() if table.needed_for == ("rebalance",)}


def check_inputs(config: str, as_of: date | None, overrides: Sequence[str]) -> None:
    """Print the contents of the input tables, their warnings and assumptions; write no table.

    Raises ``InputError`` with one line per fault if a run would stop. Inputs without a network are checked for forecasting
    alone.
    """
    from foundation.store.snapshot import validate_inputs

    settings = load_settings(config, overrides)
    validation = validate_inputs(settings, as_of, "rebalance")
    is_forecast_only = {fault.table for fault in validation.faults} >= _NETWORK and not _NETWORK & set(
        validation.tables
    )
    if is_forecast_only:
        validation = validate_inputs(settings, as_of, "forecast")
    console = Console()
    if validation.faults and console.is_terminal:
        console.print(_fault_table(validation.faults))
    if validation.stops:
        raise InputError(*(str(fault) for fault in validation.faults))
    if settings.inputs.on_warning == "stop" and validation.incomplete:
        raise InputError(*(str(fault) for fault in validation.incomplete))
    for line in (*map(str, validation.faults), *validation.warnings):
        console.print(f"warning: {line}", markup=False, highlight=False, soft_wrap=True)
    for assumption in validation.assumptions:
        console.print(f"assumption: {assumption}", markup=False, highlight=False, soft_wrap=True)
    _print_tables(console, validation)
    if is_forecast_only:
        console.print(
            "Without hubs, lanes and stock, demand can be forecast but shipments cannot be planned.", highlight=False
        )


def _fault_table(faults: Sequence[Fault]) -> Table:
    table = Table(title=f"{len(faults)} faults", title_justify="left", box=None, pad_edge=False)
    for name in ("table", "column", "rows", "fault", "what to do"):
        table.add_column(name, justify="right" if name == "rows" else "left", overflow="fold")
    for fault in faults:
        rows = f"{fault.n_rows:,}" if fault.n_rows else ""
        first = f" ({fault.first_keys[0]})" if fault.first_keys else ""
        table.add_row(fault.table, fault.column, rows, f"{fault.problem}{first}", fault.remedy)
    return table


def _print_tables(console: Console, validation: ValidationResult) -> None:
    from foundation.tables import INPUTS
    from foundation.validation.assumptions import WITHOUT

    table = Table(box=None, pad_edge=False)
    for name, justify in (("table", "left"), ("rows", "right"), ("from", "left"), ("to", "left"), ("", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type] # the literals of rich
    for name in dict.fromkeys((*INPUTS, *validation.tables)):
        frame = validation.tables.get(name)
        if frame is None:
            table.add_row(name, "–", "", "", f"not provided: {WITHOUT[name]}")
            continue
        table.add_row(name, f"{len(frame):,}", *_ends(frame), "")
    console.print(table)
    n_warnings = len(validation.faults) + len(validation.warnings)
    suffix = f", with {n_warnings} {'warning' if n_warnings == 1 else 'warnings'}" if n_warnings else ""
    console.print(f"The inputs are valid for {validation.as_of}{suffix}.", highlight=False)


def _ends(frame: pd.DataFrame) -> tuple[str, str]:
    """Return the first and last date of a dated table, else two empty texts."""
    if "date" not in frame or frame["date"].dtype.kind != "M" or frame["date"].isna().all():
        return "", ""
    return f"{frame['date'].min():%Y-%m-%d}", f"{frame['date'].max():%Y-%m-%d}"


def tidy(config: Config, overrides: Overrides = None) -> None:
    """Remove old history, snapshots and logs from the warehouse; current rows, decisions and models are kept.

    Example:  forestock tidy --config demo.yaml --set retention.history_days=90
    """
    from foundation.store.tidying import sentence
    from foundation.store.tidying import tidy as tidied

    freed = tidied(load_settings(config, tuple(overrides or ())))
    print(sentence(freed.n_table_files, freed.n_snapshots, freed.n_bytes))
    if freed.busy_tables:
        print(f"Skipped because another process writes them: {', '.join(freed.busy_tables)}.")


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
