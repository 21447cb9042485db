"""Options that several commands share. Not here: the commands (``flows.cli``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from foundation.periods import parse_day


def as_date(text: str | date) -> date:
    """Return the date of an option; raises ``typer.BadParameter`` for anything else."""
    try:
        return parse_day(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Config = Annotated[
    str, typer.Option("--config", "-c", metavar="FILE", help="A YAML file, or a name in configs/ such as m5.yaml.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key, e.g. --set inputs.path=DIR (from the working directory); repeatable.",
    ),
]
