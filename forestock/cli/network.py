"""The command ``network``: builds hubs, regions, and lanes from places and a tariff.

Not here: the use case (``pipeline.network``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from forestock.cli.terminal import Config, Overrides, print_next_steps
from foundation.commands import command
from pipeline.configuration import load_settings

if TYPE_CHECKING:
    from foundation.settings import Settings
    from pipeline.network import NetworkFiles


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
    _print(settings, result, Console(highlight=False))


def _print(settings: Settings, result: NetworkFiles, console: Console) -> None:
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


COMMANDS = {"network": network}
