"""``forestock backfill`` on a terminal: a progress bar, one line per run, a table at the end.

Not here: options (``forestock.cli.main``) or what a run does (``flows.backfill``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.backfill import NightReport, Span, raise_for
from pipeline.configuration import load_settings
from pipeline.environment import set_command_line_defaults
from review.wording import Money, number


def backfill_nights(config: str, span: Span, overrides: Sequence[str]) -> None:
    """Plan the nights of ``span`` and print one line per night.

    Raises ``ConfigurationError`` for a span that does not fit, ``StageError`` naming the nights that
    failed (the same command goes on with them), ``GateError`` where nights were only refused.
    """
    settings = load_settings(config, overrides)
    nights = span.nights(settings)
    set_command_line_defaults(settings.warehouse)
    from flows.servers import prefect_server

    with prefect_server():
        reports = sorted(_with_progress(config, span, overrides, nights), key=lambda report: report.as_of)
    Console().print(_table(reports, Money(settings.currency)))
    raise_for(reports)


def _with_progress(config: str, span: Span, overrides: Sequence[str], nights: list[date]) -> Iterator[NightReport]:
    from flows.backfill import nights_done

    console = Console(stderr=True)
    columns = (TextColumn("[bold]backfill"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        line = progress.add_task("nights", total=len(nights))
        for report in nights_done(config, span, overrides, nights):
            message = f": {report.message}" if report.message else ""
            console.print(f"{report.as_of} {report.outcome}{message}", markup=False, highlight=False, soft_wrap=True)
            progress.advance(line)
            yield report


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
