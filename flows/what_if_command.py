"""``forestock what-if``: its options. Not here: what it does (``flows.what_if_plan``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from flows.options import Config, Overrides, as_date


def what_if(
    config: Config,
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=as_date, metavar="DATE", help="The night of the plan; default: the newest."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A what-if of the configuration, repeatable; default: all."),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--change", metavar="KEY=VALUE", help="One what-if of its own, e.g. closed_hubs=[ONT]; repeatable."
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Plan a night again on changed inputs and compare it with the plan of record, line by line.

    Example:  forestock what-if --config demo.yaml --change closed_hubs=[ONT]
    """
    from flows.what_if_asked import Asked
    from flows.what_if_printing import compare_plans

    if change and len(name or ()) > 1:
        raise typer.BadParameter("one --name at most beside --change: it names that what-if")
    compare_plans(config, Asked(as_of, tuple(name or ()), tuple(change or ())), tuple(overrides or ()))
