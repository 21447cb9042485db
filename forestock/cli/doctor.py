"""The command ``doctor``: what a configuration needs, and what is missing.

Not here: the checks (``pipeline.doctor``, ``flows.health``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console

from forestock.cli.terminal import Config, Overrides, print_next_steps
from foundation.commands import command
from pipeline.configuration import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from foundation.settings import Settings
    from pipeline.doctor import Check

_MISSING = 2


def doctor(config: Config, overrides: Overrides = None) -> None:
    """Check Python, packages, inputs, stores, MLflow, Prefect, and databases; exit with 2 if something is missing.

    Stores are checked by writing and deleting a file.

    Example:  forestock doctor --config demo.yaml
    """
    console = Console(highlight=False)
    settings = load_settings(config, tuple(overrides or ()))
    n_missing = 0
    for check in _checks(settings):
        _print(check, console)
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
        from flows.health import prefect_check
    except ImportError as error:
        yield Check("Prefect", f"cannot be imported: {error}", "run make setup, or pip install --upgrade forestock")
    else:
        yield prefect_check()


def _print(check: Check, console: Console) -> None:
    state, style = ("ok     ", "green") if check.is_ok else ("missing", "bold red")
    console.print(f"[{style}]{state}[/]  {check.name:<10} ", end=" ")
    # soft_wrap: a path that is cut in two cannot be copied
    console.print(check.detail, markup=False, soft_wrap=True)
    if check.fix:
        console.print(f"{'':<20} fix: {check.fix}", markup=False, soft_wrap=True)


COMMANDS = {"doctor": doctor}
