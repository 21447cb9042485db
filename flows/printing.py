"""A night's summary as a person reads it in a terminal of 80 columns.

Not here: what is in it (``flows.summary``), Prefect's pages (``flows.artifacts``).
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.summary import Summary
from review.exceptions import Finding
from review.headline import Headline
from review.wording import number

_NARROW = 80
_FINDINGS_SHOWN = 6
_WARNINGS_SHOWN = 8
_ASSUMPTIONS_SHOWN = 6


def print_summary(summary: Summary, console: Console) -> None:
    """Print the summary: verdict, money by term, best proposals, what needs a person, notes, where to look."""
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
    shown = len(summary.proposals)
    later = f", {summary.n_outlook} more are outlook" if summary.n_outlook else ""
    open_ = " still to decide" if summary.decided else ""
    table = _table(f"The best {shown}{open_} of {summary.n_proposals} proposals{later}")
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
    table = _table("What needs a person")
    table.add_column("finding", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("at stake", justify="right")
    table.add_column("what to do, at the largest", overflow="fold")
    for finding in summary.findings[:_FINDINGS_SHOWN]:
        table.add_row(*_finding_cells(finding, summary))
    if len(summary.findings) > _FINDINGS_SHOWN:
        table.caption = f"{len(summary.findings) - _FINDINGS_SHOWN} more kinds in the table exception"
    return table


def _finding_cells(finding: Finding, summary: Summary) -> tuple[str, str, str, str]:
    action = str(finding.rows["action"].iloc[0])
    return finding.title, number(finding.count), summary.money(finding.eur or None), action


def _assumption_table(summary: Summary) -> Table:
    table = _table("Assumptions where the input is silent")
    table.add_column("where", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("assumed, and its effect", overflow="fold")
    for row in summary.assumptions[:_ASSUMPTIONS_SHOWN]:
        where = f"{row.table}.{row.column}" if row.column else row.table
        stake = f" ({summary.money(row.eur)} at stake)" if row.eur else ""
        table.add_row(where, number(row.rows or None), f"{row.assumed}; {row.effect}{stake}")
    if len(summary.assumptions) > _ASSUMPTIONS_SHOWN:
        table.caption = f"{len(summary.assumptions) - _ASSUMPTIONS_SHOWN} more in the table assumption"
    return table


def _print_places(summary: Summary, console: Console) -> None:
    width = max(map(len, summary.places))
    for what, where in summary.places.items():
        # soft_wrap: a path or a command that is cut in two cannot be copied
        console.print(f"{what:<{width}}  {where}", soft_wrap=True, markup=False, highlight=False)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, width=None)
