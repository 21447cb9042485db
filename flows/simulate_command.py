"""``forestock simulate``: its options. Not here: what it does (``flows.simulation``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from flows.options import Config, Overrides, as_date


def simulate(
    config: Config,
    start: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="First day; stock is read there only.")],
    end: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="Last day, included.")],
    nights: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Decide on the first N nights only; default: all.")
    ] = None,
    kinds: Annotated[
        str | None, typer.Option(metavar="KINDS", help="What may be shipped: transfer,supply; default: as configured.")
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Days between nights; default: one period.")
    ] = None,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Lift the capacities that articles share.")] = False,
    foresight: Annotated[
        bool, typer.Option("--foresight", help="Let this plan play with demand known beforehand, too.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Replay decisions against what was then demanded, beside baselines and a bound.

    Example:  forestock simulate --config demo.yaml --start 2016-04-25 --end 2016-05-08 --nights 1
    """
    from flows.simulation_report import replay_span
    from flows.simulation_span import Span

    said = list(overrides or ())
    if kinds is not None:
        said.append(f"positioning.kinds=[{kinds}]")
    replay_span(config, Span(start, end, nights, every, unlimited, foresight), said)
