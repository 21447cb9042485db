"""The command ``init``: makes a project folder.

Not here: the use case (``pipeline.new_project``).
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from forestock.cli.terminal import print_next_steps


def init(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Folder of the project; it is made if it does not exist.")
    ],
) -> None:
    """Make a project: a commented configuration, templates of the input tables, and a README.

    Example:  forestock init shop
    """
    from pipeline.new_project.project import new_project

    project = new_project(name)
    console = Console(highlight=False)
    console.print(f"{project.folder}/ is a new project:", markup=False, soft_wrap=True)
    console.print("  forestock.yaml   configuration; lines marked DECIDE need your decision")
    console.print("  data/README.md   tables and units of their columns")
    console.print("  data/templates/  header and three rows of every table")
    steps = {
        "go there": f"cd {project.folder}",
        "check the inputs": "forestock validate",
        "forecast": "forestock forecast",
    }
    print_next_steps(steps, console)


COMMANDS = {"init": init}
