"""``forestock why``: its options. Not here: what it does (``flows.why``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from flows.options import Config, Overrides, as_date


def why(
    config: Config,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of", parser=as_date, metavar="DATE", help="The night; default: the last one with sales after it."
        ),
    ] = None,
    until: Annotated[
        date | None,
        typer.Option(
            parser=as_date, metavar="DATE", help="Look at what happened before this day; default: all that is known."
        ),
    ] = None,
    hub: Annotated[str | None, typer.Option(metavar="HUB", help="Show stock-outs of this hub only.")] = None,
    sku: Annotated[str | None, typer.Option(metavar="SKU", help="Show stock-outs of this sku only.")] = None,
    overrides: Overrides = None,
) -> None:
    """Say why hubs ran out, parcels came late and goods came back after a night, in shares of causes.

    Example:  forestock why --config demo.yaml --as-of 2016-05-09 --hub MKE
    """
    from flows.why import Question, ask_why

    ask_why(config, Question(as_of, until), (hub, sku), tuple(overrides or ()))
