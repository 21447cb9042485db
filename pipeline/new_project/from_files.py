"""``forestock init NAME --from DIR``: a project whose configuration reads the files of a folder.

Here: the proposed mapping with its confidence, its notes, and the questions that only a person can answer; and its text. Not here: recognizing
files and columns (``recognition``), formats and rules of tables (``table_rules``), what all rows say (``trial``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foundation.errors import ConfigurationError, counted_noun, listed
from foundation.mapping.dates import read_dates
from foundation.store import files
from foundation.store.raw_tables import matching_files
from pipeline.new_project.configuration_text import Choices, flow, scalar
from pipeline.new_project.profile import FileProfile, Unread, profiles
from pipeline.new_project.project import NewProject, new_project, pipeline_name, refuse_existing
from pipeline.new_project.proposed_table import Proposal, ProposedTable
from pipeline.new_project.recognition import KINDS, Match, Recognized, guess, is_money, recognized
from pipeline.new_project.table_rules import FINISH, put_dates, put_numbers, put_special_rows, put_units
from pipeline.new_project.trial import tried

_CONTEXT_ONLY = ("name", "line_number", "status", "type")
_MOST_PARENTS = 3
_ORDER = (
    "file", "sheet", "header_row", "delimiter", "encoding", "date_format", "shift_days", "decimal", "thousands", "empty",
)  # fmt: skip
_AFTER = ("pad", "scale", "defaults", "where", "where_not", "aggregate", "negative")
_QUOTED = frozenset(("delimiter", "decimal", "thousands"))


def proposal_for(files: Sequence[FileProfile], unread: Sequence[Unread]) -> Proposal:
    """Return the mapping for the files of a folder."""
    result = Proposal()
    result.unused += [(_base(one.path), f"{one.problem}; {one.remedy}") for one in unread]
    tables, others = recognized(files)
    result.unused += [(file.name, _unused_reason(file)) for file in others]
    for name in ("sales", *(name for name in KINDS if name != "sales")):
        options = [table for table in tables if table.table == name]
        for group in _chosen(options, result):
            result.tables[name] = _proposed(group, result)
    _add_derived(result)
    return result


def _unused_reason(file: FileProfile) -> str:
    if file.n_rows == 0:
        return "it has no rows"
    if sum(bool(read_dates([column.name]).formats) for column in file.columns) > 2:
        return "it has dates in its header; export one row per date"
    return "its columns are those of no input table"


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _chosen(options: list[Recognized], result: Proposal) -> list[list[Recognized]]:
    """Return the files of a table: the ones with the same columns together; of different ones the best, with a question."""
    whole = [option for option in options if not option.missing]
    for option in options:
        if option.missing and (whole or len(options) > 1):
            result.unused.append(
                (option.file.name, f"looks like {option.table}, but has no column for {listed(option.missing)}")
            )
    kept = whole or options[:1]
    if not kept:
        return []
    groups: dict[tuple[Any, ...], list[Recognized]] = {}
    for option in kept:
        layout = option.file.layout
        headers = tuple(column.name for column in option.file.columns)
        key = (headers, layout.delimiter, layout.encoding, layout.header_row, layout.sheet)
        groups.setdefault(key, []).append(option)
    ranked = sorted(groups.values(), key=lambda group: -max(option.score for option in group))
    for group in ranked[1:]:
        for option in group:
            result.unused.append(
                (option.file.name, f"also looks like {option.table}; {ranked[0][0].file.name} is read")
            )
    if len(ranked) > 1 and ranked[1][0].score > ranked[0][0].score - 0.15:
        names = " and ".join(group[0].file.name for group in ranked[:2])
        result.questions.append(
            f"{names} both look like {options[0].table}. {ranked[0][0].file.name} is read: change file of inputs.tables.{options[0].table} if the other is right"
        )
    return [_without_copies(ranked[0], result)]


def _without_copies(group: list[Recognized], result: Proposal) -> list[Recognized]:
    """Leave out files most of whose rows are in an earlier one: the same sales must not count twice."""
    kept: list[Recognized] = []
    seen: list[np.ndarray] = []
    for option in group:
        rows = option.file.row_hashes() if len(group) > 1 else np.zeros(0, dtype="uint64")
        copied = next((place for place, other in enumerate(seen) if np.isin(rows, other).mean() > 0.5), None)
        if len(group) > 1 and copied is not None:
            first = kept[copied].file.name
            result.unused.append((option.file.name, f"most of its rows are also in {first}"))
            result.questions.append(
                f"{option.table}: most rows of {option.file.name} are also in {first}, so it is not read. Remove one of the two from the folder, or write file of inputs.tables.{option.table} as a pattern if both count"
            )
            continue
        kept.append(option)
        seen.append(rows)
    return kept


def _proposed(group: list[Recognized], result: Proposal) -> ProposedTable:
    first = group[0]
    table = ProposedTable(first.table, first.file)
    table.keys["file"] = _pattern([option.file.path for option in group], result)
    _put_layout(table)
    for name, one in first.matches.items():
        _put_column(table, name, one)
    _put_incomplete(table, first, result)
    put_dates(table, group, result)
    put_numbers(table, group, result)
    put_special_rows(table, group, result)
    put_units(table, first, result)
    FINISH.get(first.table, lambda *_: None)(table, first, result)
    for name, headers in first.also.items():
        if headers and name in first.matches and name not in _CONTEXT_ONLY:
            result.notes.append(
                f"{table.table}: {first.matches[name].column.name} is read as {name}; {listed(headers)} would fit too"
            )
    return table


def _pattern(paths: list[str], result: Proposal) -> str:
    """Return the path of one file, or a pattern that matches several and no other."""
    if len(paths) == 1:
        return paths[0]
    folder = paths[0].rpartition("/")[0]
    names = [_base(path) for path in paths]
    start = _common(names)
    end = _common([name[len(start) :][::-1] for name in names])[::-1]
    pattern = f"{folder}/{start.rstrip('0123456789')}*{end.lstrip('0123456789')}"
    if matching_files(pattern) != sorted(paths):
        result.questions.append(
            f"{listed(names)} have the same columns, but other files have similar names, so only {names[0]} is read. Put the files into a folder of their own and write its file as FOLDER/*"
        )
        return paths[0]
    result.notes.append(f"{counted_noun(len(paths), 'file')} with the same columns are read together: {listed(names)}")
    return pattern


def _common(names: list[str]) -> str:
    shortest = min(names, key=len)
    n_common = next(
        (place for place, sign in enumerate(shortest) if any(name[place] != sign for name in names)), len(shortest)
    )
    return shortest[:n_common]


def _put_layout(table: ProposedTable) -> None:
    layout = table.file.layout
    if table.file.n_sheets > 1:
        table.keys["sheet"] = layout.sheet
    if layout.header_row > 1:
        table.keys["header_row"] = layout.header_row
    if layout.delimiter != "," and layout.sheet is None:
        table.keys["delimiter"] = "tab" if layout.delimiter == "\t" else layout.delimiter
    if layout.encoding is not None:
        table.keys["encoding"] = layout.encoding


def _put_column(table: ProposedTable, name: str, one: Match) -> None:
    ours = name
    if name in _CONTEXT_ONLY or (name == "hub" and table.table == "sales"):
        return
    if name == "supplier" and table.table == "inbound":
        ours = "origin"
    if name == "unit_price_eur" and table.table == "sales":
        return
    table.columns.append((one.column.name, [ours], one.confidence, one.reason))


def _put_incomplete(table: ProposedTable, first: Recognized, result: Proposal) -> None:
    """Write a question for every required field without a column."""
    place = f"inputs.tables.{table.table}"
    columns = f"; its columns are {', '.join(column.name for column in first.file.columns)}"
    for name in first.missing:
        reasons = [f"{header} {reason}" for header, reason in first.refused.items()]
        money = [column for column in first.file.columns if is_money(column)]
        if name in ("units_sold", "units"):
            reasons += [f"{column.name} may be money" for column in money]
        why = f" ({listed(reasons)})" if reasons else ""
        for header, reason in first.refused.items():
            table.commented.append((f"{scalar(header)}: {name}", reason))
        only = (
            None
            if first.refused or (money and name != "date" and name != "sku")
            else guess(first, name, table.guesses.values())
        )
        if only is not None:
            table.propose(only.name, name)
        theirs = "THEIRS" if only is None else scalar(only.name)
        result.questions.append(
            f"{table.table}: no column of {first.file.name} is {name} for certain{why}. Write {theirs}: {name} below columns of {place}{columns}"
        )
        columns = ""
        if first.refused and any("not in units" in reason for reason in first.refused.values()):
            result.questions[-1] += f", and scale: {{{name}: UNITS PER PACK}}"


def _add_derived(result: Proposal) -> None:
    """Take SKUs and regions from the sales where no file has them."""
    sales = result.tables.get("sales")
    if sales is None:
        return
    for name, column in (("skus", "sku"), ("regions", "region")):
        if name in result.tables:
            continue
        theirs = sales.header(column) or sales.guesses.get(column, "")
        layout = {
            key: value
            for key, value in sales.keys.items()
            if key in ("file", "sheet", "header_row", "delimiter", "encoding", "where_not", "empty")
        }
        if not theirs and column not in sales.keys.get("defaults", {}):
            continue
        if not theirs:
            result.written[f"data/{name}.csv"] = f"{column}\n{sales.keys.get('defaults', {}).get(column, 'all')}\n"
            continue
        table = ProposedTable(name, sales.file, {**layout, "aggregate": "distinct"})
        table.columns.append((theirs, [column], 0.9, f"the different values in {_base(str(sales.keys['file']))}"))
        result.tables[name] = table
        result.notes.append(f"{name}: no file has them, so they are the different values of {theirs} in the sales")


@dataclass(frozen=True)
class MappedProject:
    """A project that reads the files of a folder.

    Attributes
    ----------
    project : NewProject
        Its folder and files.
    proposal : Proposal
        What was recognized and concluded, and the open questions.
    choices : Choices
        What the configuration says.
    """

    project: NewProject
    proposal: Proposal
    choices: Choices


def project_from_files(name: str, folder: str) -> MappedProject:
    """Make a project in the folder ``name`` whose configuration reads the files in ``folder``.

    Raises ``ConfigurationError`` if there is no such folder, or no file in it that can be a table.
    """
    refuse_existing(name)
    if not files.is_folder(folder):
        raise ConfigurationError(f"--from {folder}: is not a folder; name the folder of your exports")
    place = folder.rstrip("/") if files.is_url(folder) else str(Path(folder).resolve())
    read, unread = profiles(place)
    proposal = proposal_for(read, unread)
    if not proposal.tables:
        reasons = [f"{file}: {reason}" for file, reason in proposal.unused]
        raise ConfigurationError(f"--from {folder}: no file was recognized as a table", *reasons)
    choices = tried(proposal, Choices(pipeline_name(name)))
    for table in proposal.tables.values():
        table.keys["file"] = _relative(str(table.keys["file"]), name)
    choices = replace(choices, mapping="\n".join(mapping_lines(proposal)), questions=tuple(proposal.questions))
    project = new_project(name, choices)
    for path, text in proposal.written.items():
        files.write_text(files.joined(name, path), text)
    return MappedProject(project, proposal, choices)


def _relative(path: str, name: str) -> str:
    """Return the path from the project's folder, or as it is if that is far away."""
    if files.is_url(path):
        return path
    relative = Path(os.path.relpath(path, Path(name).resolve())).as_posix()
    return path if relative.count("../") > _MOST_PARENTS else relative


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
