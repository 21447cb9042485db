"""``forestock explain``: its options. Not here: what it does (``flows.explaining``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from flows.options import Config, Overrides, as_date


def explain(
    config: Config,
    sku: Annotated[str, typer.Option("--sku", metavar="SKU", help="The article.")],
    region: Annotated[str, typer.Option("--region", metavar="REGION", help="Where it is demanded.")],
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=as_date, metavar="DATE", help="The night; default: after the last sales."),
    ] = None,
    before: Annotated[
        date | None,
        typer.Option(
            "--before",
            parser=as_date,
            metavar="DATE",
            help="The earlier night to compare with; default: a week before.",
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Say what drives the forecast of one article in one region, in units, and why it moved since an earlier night.

    Example:  forestock explain --config demo.yaml --sku FOODS_3_586 --region TX_2 --as-of 2016-05-23
    """  # fmt: skip
    from flows.explaining import Question, explain_series

    explain_series(config, Question(sku, region, as_of, before), tuple(overrides or ()))
