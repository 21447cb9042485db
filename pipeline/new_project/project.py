"""``forestock init``: makes the folder of a project. It never replaces a file."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from foundation.errors import ConfigurationError
from foundation.sections import LONGEST_NAME
from foundation.store import files
from foundation.tables import INPUTS
from pipeline.new_project.configuration_text import Choices, configuration_text
from pipeline.new_project.templates import template, units_page

CONFIGURATION = "forestock.yaml"
_README = """# {name}

A Forestock project. `forestock.yaml` is its configuration; the lines marked DECIDE need your decision. Inside this folder, commands need no `--config`.

1. {first}
2. `forestock validate`: reports what is missing, what is assumed, and what to write.
3. `forestock forecast`, then `forestock network` (hubs and lanes from places and a tariff) and `forestock run` (a plan).
"""
_FILL = "Fill `data/`: `data/README.md` describes the tables, `data/templates/` has three rows of each."
_MAPPED = "Check the mapping of your files in `forestock.yaml`, and answer the questions there."


@dataclass(frozen=True)
class NewProject:
    """A project that was made.

    Attributes
    ----------
    folder : str
        Its folder, as given.
    written : tuple of str
        Names of the files below it.
    """

    folder: str
    written: tuple[str, ...]


def new_project(name: str, choices: Choices | None = None, first: str = "") -> NewProject:
    """Make a project in the folder ``name`` with templates of all tables, or with the mapping in ``choices``.

    ``first`` is the first step that its README names; by default, to fill the tables or to check the mapping.

    Raises ``ConfigurationError`` if the folder holds a project or is a file.
    """
    refuse_existing(name)
    choices = choices or Choices(pipeline_name(name))
    contents = {
        CONFIGURATION: configuration_text(choices),
        "README.md": _README.format(name=choices.name, first=first or (_MAPPED if choices.mapping else _FILL)),
        "data/README.md": units_page(),
        ".gitignore": "warehouse/\n",
        **{f"data/templates/{table.name}.csv": template(table) for table in INPUTS.values()},
    }
    written = []
    for path, text in contents.items():
        place = files.joined(name, path)
        if not files.exists(place):
            files.write_text(place, text)
            written.append(path)
    return NewProject(name, tuple(written))


def refuse_existing(name: str) -> None:
    """Raise ``ConfigurationError`` if the folder ``name`` holds a project or is a file."""
    if files.exists(files.joined(name, CONFIGURATION)):
        raise ConfigurationError(
            f"{name} is a project: {name}/{CONFIGURATION} exists; choose another name or remove it"
        )
    if files.exists(name) and not files.is_folder(name):
        raise ConfigurationError(f"{name} is a file; choose another name")


def pipeline_name(folder: str) -> str:
    """Return the name of a pipeline for a folder: its last part in small letters, digits, - and _.

    >>> pipeline_name("../Été 2026")
    'ete-2026'
    """
    last = Path(folder).resolve().name
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode().lower()
    named = re.sub(r"[^a-z0-9_]+", "-", plain).lstrip("-0123456789_").rstrip("-")[:LONGEST_NAME]
    return named or "shop"
