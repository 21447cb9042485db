"""Commands that set up a project: ``init``, ``network``, ``doctor``.

Not here: the use cases (``pipeline.new_project``, ``pipeline.network``, ``pipeline.doctor``).
"""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forestock.cli.terminal import Config, Overrides, print_next_steps
from foundation.commands import command
from pipeline.configuration import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foundation.settings import Settings
    from pipeline.doctor import Check
    from pipeline.network import NetworkFiles
    from pipeline.new_project.from_files import MappedProject
    from pipeline.new_project.proposed_table import Proposal, ProposedTable

_MISSING = 2


def init(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Folder of the project; it is made if it does not exist.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DIR|SYSTEM",
            help="Folder of exports of another system, which the configuration then reads; or a system: odoo, erpnext, shopify, frepple.",
        ),
    ] = None,
) -> None:
    """Make a project: a commented configuration, templates of the input tables, and a README.

    With --from, the files of a folder are recognized by the names, types, and values of their columns (English, German, French,
    Spanish, Dutch), and the configuration reads them as they are. What only you can know is asked, never guessed. With --from and a
    system, the configuration reads that system's own exports.

    Example:  forestock init shop --from exports
    """
    console = Console(highlight=False)
    if source is None:
        _init_empty(name, console)
        return
    from pipeline.new_project.from_files import project_from_files
    from pipeline.new_project.starters import STARTERS

    if source.lower() in STARTERS:
        _init_starter(name, source.lower(), console)
        return

    _print_mapped(project_from_files(name, source), console)


def _init_empty(name: str, console: Console) -> None:
    from pipeline.new_project.project import new_project

    project = new_project(name)
    console.print(f"{project.folder}/ is a new project:", markup=False, soft_wrap=True)
    console.print("  forestock.yaml   configuration; lines marked DECIDE need your decision")
    console.print("  data/README.md   tables and units of their columns")
    console.print("  data/templates/  header and three rows of every table")
    print_next_steps(
        {
            "go there": f"cd {shlex.quote(project.folder)}",
            "check the inputs": "forestock validate",
            "forecast": "forestock forecast",
        },
        console,
    )


def _init_starter(name: str, system: str, console: Console) -> None:
    from pipeline.new_project.starters import STARTERS, project_from_system

    project = project_from_system(name, system)
    starter = STARTERS[system]
    console.print(
        f"{project.folder}/ reads exports of {starter.title}. Put these files into it:", markup=False, soft_wrap=True
    )
    width = max(map(len, starter.exports))
    for file, where in starter.exports.items():
        console.print(f"  exports/{file:<{width}}  {where}", markup=False, soft_wrap=True)
    print_next_steps(
        {
            "go there": f"cd {shlex.quote(project.folder)}",
            "check the inputs": "forestock validate",
            "forecast": "forestock forecast",
            "build the network": "forestock network",
            "plan": "forestock run",
        },
        console,
    )


def _print_mapped(result: MappedProject, console: Console) -> None:
    proposal = result.proposal
    for table in proposal.tables.values():
        console.print(_column_table(table))
    _print_list("Concluded from your files", proposal.notes, console)
    _print_list("Not read", [f"{file}: {reason}" for file, reason in proposal.unused], console)
    _print_list("Not found", _not_found(proposal), console)
    _print_list("Questions, to be answered in forestock.yaml", proposal.questions, console)
    folder = result.project.folder
    console.print(f"{folder}/forestock.yaml reads your files as shown above.", markup=False, soft_wrap=True)
    steps = {
        "go there": f"cd {shlex.quote(folder)}",
        "check the inputs": "forestock validate",
        "forecast": "forestock forecast",
    }
    if "stock" in proposal.tables:
        steps |= {"build the network": "forestock network", "plan": "forestock run"}
    print_next_steps(steps, console)


def _column_table(proposed: ProposedTable) -> Table:
    table = Table(
        title=f"{proposed.table} from {escape(_source(proposed))}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for name in ("your column", "read as", "confidence", "for example"):
        table.add_column(name, justify="right" if name == "confidence" else "left", overflow="fold")
    for theirs, ours, confidence, reason in proposed.columns:
        example = proposed.example(theirs, ours)
        shown_reason = "" if reason == "its name" else f" ({reason})"
        table.add_row(escape(theirs), ", ".join(ours), f"{confidence:.0%}", escape(f"{example}{shown_reason}"))
    for name, value in proposed.keys.get("defaults", {}).items():
        table.add_row("–", name, "", escape(f"{value} (there is no such column)"))
    return table


def _source(proposed: ProposedTable) -> str:
    """Return the name of the file, or the pattern of several, with the sheet."""
    sheet = f", sheet {proposed.keys['sheet']}" if "sheet" in proposed.keys else ""
    return str(proposed.keys["file"]).rpartition("/")[2] + sheet


_NEEDED = {
    "sales": "a forecast needs them: a file with a date, an item, and a quantity sold",
    "stock": "a plan needs it: a file with a warehouse, an item, and units on hand",
    "lanes": "a plan needs them: forestock network builds hubs and lanes from places and a tariff",
}


def _not_found(proposal: Proposal) -> list[str]:
    return [f"{name}: {text}" for name, text in _NEEDED.items() if name not in proposal.tables]


def _print_list(title: str, lines: list[str], console: Console) -> None:
    if lines:
        console.print(f"[bold]{title}[/]")
        for line in lines:
            wrapped = textwrap.fill(line, max(40, console.width - 4), subsequent_indent="    ", break_on_hyphens=False)
            console.print(f"  · {wrapped}", markup=False)


def network(
    config: Config,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace lanes, and complete hubs and regions, where they exist."),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="Folder of the new tables; default: the folder of the inputs."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Build hubs, regions, and lanes from places and the tariff of the section network.

    Places are coordinates, postal codes, or countries, in the tables hubs and regions or in the configuration. Tables that exist are
    not changed without --force.

    Example:  forestock network --config demo.yaml --out tables --set network.detour_factor=1.2
    """
    from pipeline.network import UnknownPlacesError, build_network

    settings = load_settings(config, tuple(overrides or ()))
    try:
        result = build_network(settings, out, force)
    except UnknownPlacesError as error:
        print(error.lines_to_add)
        raise
    _print_network(settings, result, Console(highlight=False))


def _print_network(settings: Settings, result: NetworkFiles, console: Console) -> None:
    lanes = len(result.network.lanes)
    for name, path in result.written.items():
        console.print(f"{name:<8}{path}", soft_wrap=True, markup=False)
    for name in result.kept:
        console.print(f"{name:<8}used as it is, not changed", markup=False)
    console.print(_lane_table(settings, result))
    console.print("Assumptions, and where to change them", style="bold")
    for assumed, where in result.network.assumptions:
        console.print(f"  · {assumed}", markup=False)
        console.print(f"    change: {where}", markup=False, style="dim", soft_wrap=True)
    console.print(f"All {lanes:,} lanes can also be edited by hand in {result.written['lanes']}.", soft_wrap=True)
    print_next_steps({"check the inputs": command(settings, "validate"), "plan": command(settings, "run")}, console)


def _lane_table(settings: Settings, result: NetworkFiles) -> Table:
    from positioning.network_builder.build import lane_figures

    table = Table(box=None, pad_edge=False)
    for name in ("kind", "lanes", "km", f"{settings.currency} per unit", "days"):
        table.add_column(name, justify="left" if name == "kind" else "right", no_wrap=True)
    for kind, row in lane_figures(result.network.lanes).iterrows():
        spans = (
            _span(row["km_min"], row["km_max"], ",.0f"),
            _span(row["eur_per_unit_min"], row["eur_per_unit_max"], ",.2f"),
            _span(row["days_min"], row["days_max"], ",.0f"),
        )
        table.add_row(str(kind), f"{row['n_lanes']:,.0f}", *spans)
    return table


def _span(low: float, high: float, form: str) -> str:
    if low != low:
        return "–"
    first, last = f"{low:{form}}", f"{high:{form}}"
    return first if first == last else f"{first} … {last}"


def doctor(config: Config, overrides: Overrides = None) -> None:
    """Check Python, packages, inputs, stores, MLflow, Prefect, and databases; exit with 2 if something is missing.

    Stores are checked by writing and deleting a file.

    Example:  forestock doctor --config demo.yaml
    """
    console = Console(highlight=False)
    settings = load_settings(config, tuple(overrides or ()))
    n_missing = 0
    for check in _checks(settings):
        _print_check(check, console)
        n_missing += not check.is_ok
    if n_missing:
        console.print(f"{n_missing} missing. Repeat the command after each fix.", style="bold red")
        raise typer.Exit(_MISSING)
    print_next_steps({"check the inputs": command(settings, "validate"), "plan": command(settings, "run")}, console)


def _checks(settings: Settings) -> Iterator[Check]:
    from pipeline.doctor import Check, configuration_checks, environment_checks

    yield from environment_checks()
    yield from configuration_checks(settings)
    try:
        from flows.servers import prefect_check
    except ImportError as error:
        yield Check("Prefect", f"cannot be imported: {error}", "run make setup, or pip install --upgrade forestock")
    else:
        yield prefect_check()


def _print_check(check: Check, console: Console) -> None:
    state, style = ("ok     ", "green") if check.is_ok else ("missing", "bold red")
    console.print(f"[{style}]{state}[/]  {check.name:<10} ", end=" ")
    # soft_wrap: a path that is cut in two cannot be copied
    console.print(check.detail, markup=False, soft_wrap=True)
    if check.fix:
        console.print(f"{'':<20} fix: {check.fix}", markup=False, soft_wrap=True)


COMMANDS = {"init": init, "network": network, "doctor": doctor}
