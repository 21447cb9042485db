"""``forestock backtest``: its options. Not here: what it does (``flows.backtest``) or prints (``flows.backtest_printing``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from flows.backtest_plan import Challenge, Plan
from flows.options import Config, Overrides, as_date


def backtest(
    config: Config,
    origins: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many past dates to forecast; four or more decide.")
    ],
    end: Annotated[
        date | None,
        typer.Option(parser=as_date, metavar="DATE", help="Last day of demand to score on; default: the last sales."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="DAYS", help="Days between origins.")] = 28,
    challenger: Annotated[
        list[str] | None,
        typer.Option(
            "--challenger",
            metavar="KEY=VALUE|FILE",
            help="A changed key, repeatable, or another configuration: judged on the same origins.",
        ),
    ] = None,
    promote: Annotated[
        bool,
        typer.Option(
            "--promote", help="Make the challenger's model champion where the gate lets it through; exit 4 where not."
        ),
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Given weights and scales by level and series; default: from history known at each origin.",
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Judge the forecast by rolling origins, beside baselines, into MLflow; or two configurations against each other.

    Example:  forestock backtest --config demo.yaml --origins 4 --challenger forecast.num_leaves=63
    """  # fmt: skip
    said = challenger or []
    files = [text for text in said if "=" not in text]
    if promote and not said:
        raise typer.BadParameter("--promote needs a --challenger")
    if len(files) > 1:
        raise typer.BadParameter("one --challenger configuration at most")
    from flows.backtest_printing import judge

    asked = Challenge(tuple(text for text in said if "=" in text), next(iter(files), None), promote, weights)
    judge(config, Plan(origins, every, end), tuple(overrides or ()), asked)
