"""The lines of ``inputs.tables`` for a proposed mapping, each column with its confidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.new_project.configuration_text import flow, scalar
from pipeline.new_project.proposed_table import Proposal, ProposedTable

_ORDER = (
    "file", "sheet", "header_row", "delimiter", "encoding", "date_format", "shift_days", "decimal", "thousands", "empty",
)  # fmt: skip
_AFTER = ("pad", "scale", "defaults", "where", "where_not", "aggregate", "negative")
_QUOTED = frozenset(("delimiter", "decimal", "thousands"))


def mapping_lines(proposal: Proposal) -> list[str]:
    """Return the lines of the section, indented for ``inputs``."""
    lines = ["  tables:  # how your files are read; docs/mapping.md describes the keys"]
    for table in proposal.tables.values():
        lines += _table_lines(table)
    return lines


def _table_lines(table: ProposedTable) -> Iterator[str]:
    yield f"    {table.table}:"
    for key in _ORDER:
        if key in table.keys:
            yield f"      {key}: {_value(key, table.keys[key])}"
    yield "      columns:"
    width = max((len(f"{scalar(theirs)}: {_names(ours)}") for theirs, ours, _, _ in table.columns), default=0)
    for theirs, ours, confidence, reason in table.columns:
        text = f"{scalar(theirs)}: {_names(ours)}"
        yield f"        {text:<{width}}  # {confidence:.0%}: {reason}"
    for line, reason in table.commented:
        indent = "        " if not line.startswith(("date_format", "decimal")) else "      "
        yield f"{indent}# {line}  # {reason}"
    for key in _AFTER:
        if key in table.keys:
            yield f"      {key}: {_value(key, table.keys[key])}"


def _names(ours: list[str]) -> str:
    return ours[0] if len(ours) == 1 else flow(ours)


def _value(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(name)}: {_value('', item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return flow(value)
    if isinstance(value, float | int):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return f'"{value}"' if key in _QUOTED and value != "tab" else scalar(str(value))
