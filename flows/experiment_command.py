"""``forestock experiment``: its options. Not here: what it does (``flows.experiment``)."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.options import Config, Overrides


def experiment(
    config: Config,
    last: Annotated[
        int, typer.Option("--last", min=1, max=8, metavar="N", help="How many of the newest runs of each kind.")
    ] = 4,
    overrides: Overrides = None,
) -> None:
    """Compare the newest backtests and replays of a pipeline on one page.

    Example:  forestock experiment --config demo.yaml --last 3
    """
    from flows.experiment import compare_runs

    compare_runs(config, last, tuple(overrides or ()))
