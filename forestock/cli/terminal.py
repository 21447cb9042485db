"""Terminal output that commands share: a line per stage on standard error, the summary of a run, common options.

The stage display listens to the packages' log lines. Not here: the contents of the summary (``pipeline.summary``).
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from foundation.periods import parse_day

if TYPE_CHECKING:
    from foundation.settings import Settings
    from pipeline.summary import Summary
    from review.plan.attention import Finding
    from review.plan.summary import Headline


class StageDisplay(logging.Handler):
    """A live line per stage on a terminal, plain lines elsewhere; a context manager."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._line: TaskID | None = None
        self._stage = ""
        self._levels: dict[str, int] = {}

    def begin(self, stage: str) -> None:
        """Close the previous stage's line and open one for ``stage``, unless it is open."""
        if stage == self._stage:
            return
        self._close()
        self._stage = stage
        if not self._console.is_terminal:
            self._console.print(f"{stage} …", style="bold", highlight=False)
        self._line = self._progress.add_task(f"[bold]{stage}", total=1)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log line with its stage; a record with the attribute ``stage`` opens that stage."""
        if hasattr(record, "stage"):
            self.begin(record.stage)
            return
        message = escape(record.getMessage())
        if record.levelno >= logging.WARNING:
            self._console.print(f"[yellow]{message}")
        elif not self._console.is_terminal:
            self._console.print(f"  {message}", highlight=False)
        if self._line is not None:
            self._progress.update(self._line, description=f"[bold]{self._stage:<10}[/] {message}")

    def __enter__(self) -> StageDisplay:
        """Start listening to the packages' log lines."""
        from pipeline.run import LOGGED_PACKAGES

        for package in LOGGED_PACKAGES:
            logger = logging.getLogger(package)
            self._levels[package] = logger.level
            logger.setLevel(logging.INFO)
            logger.addHandler(self)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and leave the last state of each line on the screen."""
        if kind is None:
            self._close()
        self._progress.stop()
        for package, level in self._levels.items():
            logging.getLogger(package).removeHandler(self)
            logging.getLogger(package).setLevel(level)

    def _close(self) -> None:
        if self._line is not None:
            self._progress.update(self._line, completed=1)
            self._line = None


_NARROW = 80
_FINDINGS_SHOWN = 6
_WARNINGS_SHOWN = 8
_ASSUMPTIONS_SHOWN = 6


def print_summary(summary: Summary, console: Console) -> None:
    """Print the summary: outcome, cost by term, best proposals, exceptions, assumptions, notes, places."""
    console.print()
    console.rule(f"[bold]{summary.title}")
    console.print(Text(summary.verdict, style="bold red" if summary.refusals else "bold green"))
    if summary.figures is not None:
        console.print(Text(summary.proof))
        console.print(_money_table(summary, summary.figures))
    for warning in summary.warnings[:_WARNINGS_SHOWN]:
        console.print(Text(f"warning: {warning}", style="yellow"))
    if len(summary.warnings) > _WARNINGS_SHOWN:
        console.print(Text(f"{len(summary.warnings) - _WARNINGS_SHOWN} more warnings on the page", style="yellow"))
    if len(summary.proposals):
        console.print(_proposal_table(summary))
    if summary.findings:
        console.print(_finding_table(summary))
    if summary.assumptions:
        console.print(_assumption_table(summary))
    for note in summary.notes:
        console.print(Text(f"· {note}"))
    _print_places(summary, console)


def _money_table(summary: Summary, figures: Headline) -> Table:
    from foundation.wording import number

    table = _table(f"Expected cost in {summary.money.currency}")
    table.add_column("")
    for name in ("without plan", "with plan", "change"):
        table.add_column(name, justify="right")
    for term in figures.terms:
        table.add_row(term.text, *(number(value) for value in (term.before_eur, term.after_eur, term.change_eur)))
    total = figures.total
    table.add_section()
    values = (number(value) for value in (total.before_eur, total.after_eur, total.change_eur))
    table.add_row(total.text, *values, style="bold")
    return table


def _proposal_table(summary: Summary) -> Table:
    from foundation.wording import number

    shown = len(summary.proposals)
    later = f", {summary.n_outlook} more are outlook" if summary.n_outlook else ""
    undecided = " still to decide" if summary.decided else ""
    table = _table(f"The best {shown}{undecided} of {summary.n_proposals} proposals{later}")
    table.add_column("sku", overflow="ellipsis", no_wrap=True, max_width=20)
    table.add_column("from → to", overflow="ellipsis", no_wrap=True, max_width=21)
    for name in ("units", "ships", "arrives", "saves"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in summary.proposals.to_dict("records"):
        route = f"{row['origin']} → {row['destination']}"
        days = (f"{row['ship_date']:%m-%d}", f"{row['arrival_date']:%m-%d}")
        table.add_row(row["sku"], route, number(row["units"]), *days, summary.money(row["benefit_eur"]))
    return table


def _finding_table(summary: Summary) -> Table:
    table = _table("Exceptions that need a person")
    table.add_column("exception", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("at stake", justify="right")
    table.add_column("what to do about the largest", overflow="fold")
    for finding in summary.findings[:_FINDINGS_SHOWN]:
        table.add_row(*_finding_cells(finding, summary))
    if len(summary.findings) > _FINDINGS_SHOWN:
        table.caption = f"{len(summary.findings) - _FINDINGS_SHOWN} more kinds in the table exception"
    return table


def _finding_cells(finding: Finding, summary: Summary) -> tuple[str, str, str, str]:
    from foundation.wording import number

    action = str(finding.rows["action"].iloc[0])
    return finding.title, number(finding.count), summary.money(finding.eur or None), action


def _assumption_table(summary: Summary) -> Table:
    from foundation.wording import number

    table = _table("Assumptions for data that was not provided")
    table.add_column("data", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("assumption and effect", overflow="fold")
    for row in summary.assumptions[:_ASSUMPTIONS_SHOWN]:
        where = f"{row.table}.{row.column}" if row.column else row.table
        stake = f" ({summary.money(row.eur)} at stake)" if row.eur else ""
        table.add_row(where, number(row.rows or None), f"{row.assumed}; {row.effect}{stake}")
    if len(summary.assumptions) > _ASSUMPTIONS_SHOWN:
        table.caption = f"{len(summary.assumptions) - _ASSUMPTIONS_SHOWN} more in the table assumption"
    return table


def _print_places(summary: Summary, console: Console) -> None:
    width = max(map(len, summary.places))
    for label, where in summary.places.items():
        # soft_wrap: a path or a command that is cut in two cannot be copied
        console.print(f"{label:<{width}}  {in_this_folder(where)}", soft_wrap=True, markup=False, highlight=False)


@dataclass(frozen=True)
class Step:
    """A command that may follow: its purpose, its verb, further options, and whether it names the planning date."""

    purpose: str
    verb: str
    more: str = ""
    is_dated: bool = False


_PLAN = Step("plan", "run")
_LIST = Step("list proposals to decide", "approve", is_dated=True)
_RELEASE = Step("release what is approved", "release", is_dated=True)
_BROWSER = Step("decide in the browser", "serve")
_SHEET = Step("open in a spreadsheet", "export", "--table transfer --format xlsx", is_dated=True)
_FOLLOW_UP = Step("follow up forecasts and plans", "monitor")
_COMPARE = Step("compare recorded runs", "experiment")
_SCORE = Step("score the forecast on past dates", "backtest", "--origins 4")

STEPS: dict[str, tuple[Step, ...]] = {
    "train": (Step("forecast", "forecast", is_dated=True), _SCORE),
    "forecast": (Step("open in a spreadsheet", "export", "--table forecast --format xlsx", is_dated=True), _SCORE, _PLAN),
    "rebalance": (Step("write the review page", "review", is_dated=True), _LIST),
    "run": (_LIST, _RELEASE, _BROWSER, _SHEET),
    "refused": (Step("check the inputs", "validate"), Step("plan again", "rebalance", is_dated=True)),
    "review": (_LIST, _RELEASE, _BROWSER),
    "backfill": (_FOLLOW_UP, _COMPARE),
    "tidy": (_PLAN,),
    "backtest": (_COMPARE, _PLAN),
    "simulate": (_COMPARE, _PLAN),
    "experiment": (_SCORE, _PLAN),
    "monitor": (Step("find the causes", "why"), _PLAN),
    "what-if": (_LIST, Step("renew the plan of record", "run", is_dated=True)),
    "why": (_FOLLOW_UP, _PLAN),
    "explain": (_SCORE, _PLAN),
    "approve": (_RELEASE, _LIST),
    "reject": (_LIST, _RELEASE),
    "withdraw": (_LIST, _RELEASE),
    "release": (Step("write a file of what is released", "export", "--form csv", is_dated=True), _FOLLOW_UP),
    "export": (_FOLLOW_UP,),
    "export-table": (Step("export what is released", "export", "--form csv"), _FOLLOW_UP),
    "fall-back": (_PLAN,),
    "receive": (Step("value executed proposals", "realized"), _FOLLOW_UP),
    "realized": (_FOLLOW_UP,),
}  # fmt: skip


def next_steps(settings: Settings, after: str, as_of: date | None = None) -> dict[str, str]:
    """Return what may follow a command, as purpose and command to paste.

    Parameters
    ----------
    settings : Settings
        The settings of the command.
    after : str
        A key of ``STEPS``.
    as_of : date or None
        The planning date that dated steps name.
    """
    from foundation.commands import command

    return {
        step.purpose: " ".join(
            filter(None, (command(settings, step.verb, as_of if step.is_dated else None), step.more))
        )
        for step in STEPS[after]
    }


def print_next_steps(steps: Mapping[str, str], console: Console) -> None:
    """Print what to do next, the commands never cropped or wrapped, so that they can be pasted."""
    console.print(Text("Next steps", style="bold"))
    width = max(map(len, steps))
    for purpose, step in steps.items():
        console.print(f"  {purpose:<{width}}  {in_this_folder(step)}", soft_wrap=True, markup=False, highlight=False)


def print_steps_after(settings: Settings, verb: str, as_of: date | None = None, console: Console | None = None) -> None:
    """Print what may follow the command ``verb``, a key of ``STEPS``."""
    print_next_steps(next_steps(settings, verb, as_of), console or Console())


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, width=None)


def as_date(text: str | date) -> date:
    """Return the date of an option; raises ``typer.BadParameter`` for anything else."""
    try:
        return parse_day(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


PROJECT_CONFIGURATION = "forestock.yaml"


def in_this_folder(text: str) -> str:
    """Return a text whose commands leave out ``--config`` where it names the project of the working directory."""
    configuration = shlex.quote(str(Path.cwd().resolve() / PROJECT_CONFIGURATION))
    return text.replace(f" --config {configuration}", "")


def _project_configuration() -> str:
    """Return the configuration of the project in the working directory; raises ``typer.BadParameter`` where there is none."""
    from foundation.store.files import exists

    if not exists(PROJECT_CONFIGURATION):
        raise typer.BadParameter(
            f"this folder has no {PROJECT_CONFIGURATION}. Name a configuration with --config FILE, or make a project with: forestock init NAME"
        )
    return PROJECT_CONFIGURATION


Config = Annotated[
    str,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        default_factory=_project_configuration,
        show_default="./forestock.yaml",
        help="A YAML file, or the name of a file in configs/, e.g. m5.yaml.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting, e.g. inputs.path=DIR (relative to the working directory); repeatable.",
    ),
]
