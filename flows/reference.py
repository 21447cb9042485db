"""The reference page of the commands, rendered from the commands themselves.

``python -m flows.reference`` prints it; ``make reference`` keeps ``docs/commands.md`` equal to it. Not here:
the pages of settings and tables, which the ground floor renders.
"""

from __future__ import annotations

import re

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from flows.cli import app

_OPENING = """\
# Commands

<!-- Rendered from the commands by `make reference`; change their help, not this page. -->

`forestock` is the person's door; [`prefect.yaml`](../prefect.yaml) is the scheduler's. Both call the same flows.

A configuration is a YAML file, or the name of one in `configs/`; [settings.md](settings.md) explains every key and
`--set key=value` changes one for a single run (dotted keys, YAML values, repeatable). Dates are written `2016-05-23`.
`forestock --version` says which release is installed.

| exit code | means |
| --- | --- |
| 0 | done |
| 2 | the input or the configuration is at fault; each fault is one line |
| 3 | a stage failed; which one is said, and the same command resumes there |
| 4 | refused by a gate: forecast and plan are kept, no proposal is written, the reason is said |
| 130, 143 | stopped by Ctrl-C or SIGTERM: what was finished is kept, and the same command goes on with what is missing |
"""
_MARKUP = re.compile(r"\[/?[a-z ]+\]")


def commands_page() -> str:
    """Return ``docs/commands.md``: each command with its purpose, example and options."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)  # noqa: S101 - an app with several commands is a group
    sections = [_section(f"forestock {name}", command) for name, command in _commands(group)]
    return "\n".join([_OPENING, *sections])


def _commands(group: TyperGroup, prefix: str = "") -> list[tuple[str, TyperCommand]]:
    """Return every command with its full name, those of groups after their group's name."""
    found: list[tuple[str, TyperCommand]] = []
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            found += _commands(command, f"{prefix}{name} ")
        elif isinstance(command, TyperCommand):
            found.append((f"{prefix}{name}", command))
    return found


def _section(name: str, command: TyperCommand) -> str:
    purpose, _, example = (command.help or "").partition("Example:")
    rows = [_row(parameter) for parameter in command.params if isinstance(parameter, TyperArgument | TyperOption)]
    table = ["| option | means |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join([f"## {name}", "", _plain(purpose), "", "```", example.strip(), "```", "", *table])


def _row(parameter: TyperArgument | TyperOption) -> str:
    """Return an option's name, what it takes and what it means as a row; required ones say so."""
    if isinstance(parameter, TyperArgument):
        shown = f"`{parameter.metavar or parameter.name}`"
    else:
        taken = "" if parameter.is_flag else f" {parameter.metavar or 'TEXT'}"
        shown = f"`{parameter.opts[0]}{taken}`" + (" (required)" if parameter.required else "")
    given = parameter.default
    default = (
        f" Default: `{given}`." if isinstance(given, int | str) and not isinstance(given, bool) and given != "" else ""
    )
    return f"| {shown} | {_plain(parameter.help or '').replace('|', '&#124;')}{default} |"


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub("", text).split())


if __name__ == "__main__":
    print(commands_page(), end="")
