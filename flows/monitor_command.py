"""``forestock monitor``: its options and what it prints. Not here: what it does (``flows.monitor``)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from flows.options import Config, Overrides, as_date

if TYPE_CHECKING:
    from flows.monitor import Monitored

_Day = Annotated[
    date | None,
    typer.Option("--as-of", parser=as_date, metavar="DATE", help="Demand before this day is known; default: after the last sales."),
]  # fmt: skip
_Today = Annotated[
    date | None,
    typer.Option("--today", parser=as_date, metavar="DATE", help="The day freshness is judged by; default: --as-of."),
]


def monitor(config: Config, as_of: _Day = None, today: _Today = None, overrides: Overrides = None) -> None:
    """Look back: score earlier forecasts, watch inputs for drift, follow plans, service and parcels up.

    Example:  forestock monitor --config demo.yaml --as-of 2016-05-23
    """
    from rich.console import Console

    from flows.display import StageDisplay
    from flows.environment import set_command_line_defaults
    from foundation.configuration import load_settings

    settings = load_settings(config, overrides or ())
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.failures import reported
        from flows.server import prefect_server

        with reported("start", settings, as_of), prefect_server():
            from flows.monitor import monitor as look_back

            done = look_back(config, as_of, list(overrides or ()), today)
    _print(done)


def _print(done: Monitored) -> None:
    from rich.console import Console

    from flows.monitor import verdict_of

    console = Console(soft_wrap=True, highlight=False)
    seen = done.seen
    console.rule(f"[bold]{done.settings.name} · looking back from {seen.as_of}")
    console.print(verdict_of(seen), markup=False)
    for finding in seen.findings:
        place = " ".join(part for part in (finding.hub, finding.region) if part)
        console.print(f"  {finding.kind.replace('_', ' ')} {place}: {finding.action}", markup=False)
    if not seen.findings:
        console.print("Nothing needs a person.")
    for note in (*done.notes, f"tables: {done.settings.warehouse}"):
        console.print(note, markup=False)
