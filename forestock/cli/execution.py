"""Commands about what happened to released proposals: ``receive``, ``realized``.

Not here: the use cases (``pipeline.execution``), the forms of files (``dispatch.receipts``).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from forestock.cli.decide import By, DecisionTime
from forestock.cli.terminal import Config, Overrides, as_date, print_steps_after

if TYPE_CHECKING:
    from pipeline.execution import Group


class Grouping(StrEnum):
    """Groups of the report."""

    planner = "planner"
    lane = "lane"
    month = "month"
    proposal = "proposal"


def receive(
    config: Config,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The receiver's file.")],
    form: Annotated[
        str,
        typer.Option("--form", metavar="FORM", help="Form of the file; docs/execution.md lists the forms."),
    ] = "csv",
    by: By = None,
    received_at: DecisionTime = None,
    overrides: Overrides = None,
) -> None:
    """Record what a receiver reports on released proposals: units shipped, short, received, and refused.

    The same file twice adds nothing. If a line of the file cannot be used, no line is recorded.

    Example:  forestock receive --config demo.yaml --form x12-945 shipped.x12
    """
    from forestock.cli.decide import signature_of
    from pipeline.configuration import load_settings
    from pipeline.execution import receive_file

    settings = load_settings(config, tuple(overrides or ()))
    received = receive_file(settings, form, file, signature_of(received_at, by, None))
    counts = received.rows.groupby("status")["units"].agg(["size", "sum"])
    for status, row in counts.iterrows():
        print(f"{status}: {row['sum']:,} units of {row['size']:,} lines")
    print(f"Recorded {len(received.rows):,} rows; {received.n_known:,} were on record.")
    if received.superseded:
        print(f"Refused in full and superseded: {', '.join(received.superseded)}.")
    print_steps_after(settings, "receive")


def realized(
    config: Config,
    group: Annotated[Grouping, typer.Option("--by", help="Group of the report.")] = Grouping.lane,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of", parser=as_date, metavar="DATE", help="Use demand before this date; default: all known sales."
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Value executed proposals in hindsight and report planned and realized benefit by planner, lane, or month.

    Example:  forestock realized --config demo.yaml --by planner
    """
    from rich.console import Console

    from forestock.cli.decide_terminal import report_table
    from foundation.wording import number
    from pipeline.configuration import load_settings
    from pipeline.execution import realized_report, update_realized

    settings = load_settings(config, tuple(overrides or ()))
    result = update_realized(settings, as_of)
    console = Console()
    report = realized_report(settings, cast("Group", group.value))
    if len(report):
        console.print(report_table(report, settings.currency, group.value))
    else:
        print("No executed proposal has been valued yet.")
    if result.open_plans:
        first = result.open_plans[0]
        print(
            f"{number(len(result.open_plans))} plans are not valued yet, the first of {first}: sales do not cover them."
        )
    print_steps_after(settings, "realized")


COMMANDS = {"receive": receive, "realized": realized}
