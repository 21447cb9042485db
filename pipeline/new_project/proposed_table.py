"""A proposed mapping of one table, and the proposal for all of them.

Not here: how they come about (``from_files``, ``table_rules``, ``trial``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from foundation.mapping.dates import DateForm
from foundation.mapping.numbers import parse_number
from foundation.tables import INPUTS, Kind
from pipeline.new_project.configuration_text import scalar
from pipeline.new_project.profile import FileProfile


@dataclass
class ProposedTable:
    """A mapping of one table.

    Attributes
    ----------
    table : str
        Name of the input table.
    file : FileProfile
        The file, or the first of several with the same columns.
    keys : dict of str to Any
        Keys of the mapping except ``columns``.
    columns : list of (str, list of str, float, str)
        Header, Forestock's columns, confidence from 0 to 1, and reason.
    commented : list of (str, str)
        Lines of ``columns`` that need a decision, and why.
    guesses : dict of str to str
        Headers that may be a column, by the column, for a question.
    """

    table: str
    file: FileProfile
    keys: dict[str, Any] = field(default_factory=dict)
    columns: list[tuple[str, list[str], float, str]] = field(default_factory=list)
    commented: list[tuple[str, str]] = field(default_factory=list)
    guesses: dict[str, str] = field(default_factory=dict)

    def propose(self, header: str, name: str) -> None:
        """Add a line of ``columns`` that a person must confirm."""
        self.guesses[name] = header
        self.commented.append((f"{scalar(header)}: {name}", "the only column whose values fit: is it?"))

    def example(self, header: str, names: list[str]) -> str:
        """Return a value of a column, and how it is read where that differs."""
        text = self.file.example(header)
        kinds = {INPUTS[self.table][name].kind for name in names if name in INPUTS[self.table].names}
        read: object = None
        if Kind.DATE in kinds and "date_format" in self.keys:
            parsed = DateForm(self.keys["date_format"]).parse(text)
            read = parsed[0] if parsed else None
        elif kinds & {Kind.NUMBER, Kind.WHOLE}:
            value = parse_number(text, self.keys.get("decimal", "."), self.keys.get("thousands", ""))
            factor = self.keys.get("scale", {}).get(names[0], 1.0)
            read = None if value is None else f"{value * factor:g}"
        return text if read is None or str(read) == text else f"{text} = {read}"

    def header(self, name: str) -> str:
        """Return the header that is read as the column ``name``; empty for none."""
        return next((theirs for theirs, ours, _, _ in self.columns if name in ours), "")


@dataclass
class Proposal:
    """Proposed mappings.

    Attributes
    ----------
    tables : dict of str to ProposedTable
        Mappings by table.
    notes : list of str
        What was concluded from the values.
    questions : list of str
        What only a person can decide, each with the line to write.
    unused : list of (str, str)
        Files that are not read, and why.
    written : dict of str to str
        Small tables that the project gets, by their place in it.
    """

    tables: dict[str, ProposedTable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    unused: list[tuple[str, str]] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
