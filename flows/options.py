"""Options that several commands share. Not here: the commands (``flows.cli``)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer


def as_date(text: str | date) -> date:
    """Return the date an option says; raises ``typer.BadParameter`` for anything else."""
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it as 2016-05-23") from None


Config = Annotated[
    str, typer.Option("--config", "-c", metavar="FILE", help="A YAML file, or a name in configs/ such as m5.yaml.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key, e.g. --set inputs.path=DIR; repeatable."),
]
