"""A source that reads some tables through mappings of the configuration and the others as they are.

This is the only place where mappings are applied, before input validation. It also states which column and file of the source a fault comes
from, and what to write in the configuration. Not here: the conversion (``foundation.mapping.conversion``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foundation.assumptions import Assumption
from foundation.errors import Fault, shown
from foundation.mapping.conversion import Converted, converted, form_lines, is_text, listed_all, returns_from
from foundation.mapping.dates import ISO, read_dates
from foundation.mapping.numbers import read_numbers
from foundation.mapping.section import AFTER_LAST_SALE, TableMapping
from foundation.periods import Frequency
from foundation.settings import Settings
from foundation.store import files
from foundation.store.databases import open_database
from foundation.store.raw_tables import Layout, matching_files, read_raw
from foundation.tables import Kind, Table, tables_in_use
from foundation.validation.input_table import Reader, UnreadableError
from foundation.validation.normalize import WrongTypeError, normalize
from foundation.visibility import default_as_of

_MOST_WORDS = 50_000


class QuerySource(Protocol):
    """A database: gives the result of a query."""

    def query(self, sql: str) -> pa.Table:
        """Return the result of ``sql``. Raises ``UnreadableError``."""


class MappedSource:
    """Tables of ``inputs.tables`` by their mappings; the others from ``main``, or None where that is not there.

    ``assumptions`` are what the mappings of the tables that were read did with rows.
    """

    def __init__(self, main: Reader | None, settings: Settings) -> None:
        self.main = main
        self.assumptions: list[Assumption] = []
        self._mappings = settings.inputs.tables
        self._grid: Frequency = settings.grid
        self._definitions: dict[str, Table] = {table.name: table for table in tables_in_use(settings)}
        self._raw: dict[str, pa.Table] = {}
        self._results: dict[str, Converted] = {}

    def marks(self) -> list[tuple[str, int, int]] | None:
        """Return (name, bytes, time of change) of every file; None if one is not of this machine."""
        main = [] if self.main is None else getattr(self.main, "marks", lambda: None)()
        if main is None:
            return None
        result = list(main)
        for mapping in self._mappings.values():
            if mapping.file is None or files.is_url(mapping.file):
                return None
            for name in matching_files(mapping.file):
                parts = [Path(name), *(Path(name).rglob("*") if Path(name).is_dir() else ())]
                result += [
                    (str(part), part.stat().st_size, part.stat().st_mtime_ns) for part in parts if part.is_file()
                ]
        return result

    def has(self, table: str) -> bool:
        """Return whether the table is mapped, made by another mapping, or in the main source."""
        return table in self._mappings or self._is_returned(table) or (self.main is not None and self.main.has(table))

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return the table as its mapping gives it. Raises ``UnreadableError``."""
        if self._is_returned(table):
            return self._returned(table)
        if table in self._mappings:
            return self._converted(table).table
        if self.main is None:
            raise UnreadableError("missing", "add it to inputs.path or inputs.tables")
        return self.main.read(table, as_text)

    def located(self, fault: Fault) -> Fault:
        """Return ``fault`` with the column and file that it comes from, and a remedy in terms of the mapping."""
        mapping = self._mappings.get("sales" if self._is_returned(fault.table) else fault.table)
        if mapping is None:
            place = getattr(self.main, "place", lambda _: "")(fault.table)
            return replace(fault, origin=place) if place else fault
        name = "sales" if self._is_returned(fault.table) else fault.table
        remedy = remedy_for(fault, mapping, f"inputs.tables.{name}", self._raw.get(name))
        return replace(fault, origin=_origin(fault.column, mapping), remedy=remedy or fault.remedy)

    def _is_returned(self, table: str) -> bool:
        sales = self._mappings.get("sales")
        return table == "returns" and sales is not None and sales.negative == "returns"

    def _returned(self, table: str) -> pa.Table:
        if table in self._mappings or (self.main is not None and self.main.has(table)):
            raise UnreadableError(
                "is provided, and inputs.tables.sales makes it too", "write negative: drop under inputs.tables.sales"
            )
        result = self._converted("sales")
        return returns_from(result.table.slice(0, 0) if result.negative is None else result.negative)

    def _converted(self, table: str) -> Converted:
        if table not in self._results:
            mapping, definition = self._mappings[table], self._definitions[table]
            try:
                raw = self._read(mapping)
                self._raw[table] = raw
                result = converted(raw, definition, mapping, self._grid)
                result.table = self._with_dates(result.table, definition, mapping)
            except UnreadableError as error:
                raise _of_mapping(error, table) from error
            self._results[table] = result
            self.assumptions += _assumptions(table, result, mapping)
        return self._results[table]

    def _read(self, mapping: TableMapping) -> pa.Table:
        if mapping.file is None:
            return self._queried(mapping)
        names = matching_files(mapping.file)
        if not names:
            raise UnreadableError("is not there", "correct file, or put the file there")
        layout = Layout(
            mapping.separator, mapping.encoding, mapping.header_row, mapping.sheet, decimal=mapping.decimal or "."
        )
        tables = [read_raw(name, layout) for name in names]
        return tables[0] if len(tables) == 1 else _joined(names, tables, mapping)

    def _queried(self, mapping: TableMapping) -> pa.Table:
        source = self.main
        if mapping.database is not None or not hasattr(source, "query"):
            if mapping.database is None:
                raise UnreadableError("needs a database", "write database: URL, or set inputs.path to the database")
            source = open_database(mapping.database)
        if mapping.query is not None:
            return source.query(mapping.query)  # type: ignore[union-attr] # a database, by the lines above
        if not source.has(str(mapping.table)):  # type: ignore[union-attr] # a database, by the lines above
            raise UnreadableError("is not in the database", "correct table")
        return source.read(str(mapping.table), ())  # type: ignore[union-attr] # a database, by the lines above

    def _with_dates(self, data: pa.Table, definition: Table, mapping: TableMapping) -> pa.Table:
        """Put the period after the last sales where a default names it."""
        for name, value in mapping.defaults.items():
            if value == AFTER_LAST_SALE and name in definition.names and definition[name].kind is Kind.DATE:
                day = str(self._after_last_sale())
                data = data.set_column(data.column_names.index(name), name, pa.array([day] * len(data), pa.string()))
        return data

    def _after_last_sale(self) -> object:
        if not self.has("sales"):
            raise UnreadableError("has no date, and there are no sales", "write its date under defaults")
        try:
            days, _ = normalize(self.read("sales", ("date",)).column("date"), Kind.DATE)
        except (KeyError, WrongTypeError):
            days = pd.Series(dtype="datetime64[us]")
        day = default_as_of(pd.DataFrame({"date": days}), self._grid)
        if day is None:
            raise UnreadableError("has no date, and neither have the sales", "write its date under defaults")
        return day


def _joined(names: list[str], tables: list[pa.Table], mapping: TableMapping) -> pa.Table:
    """Put the files of a pattern together; raises ``UnreadableError`` for one without a column that is read."""
    filled = [name for group, names in mapping.fill_down.items() for name in (group, *names)]
    used = [*mapping.columns, *mapping.where, *mapping.where_not, *filled] or tables[0].column_names
    for name, table in zip(names, tables, strict=True):
        if missing := [column for column in used if column not in table.column_names]:
            raise UnreadableError(
                f"has no column {shown(missing[0])!r} in {name.rpartition('/')[2]}", "give all files the same columns"
            )
    parts = [table.select(list(dict.fromkeys(used))) for table in tables]
    if len({part.schema for part in parts}) > 1:
        parts = [pa.table([column.cast(pa.string()) for column in part.columns], part.column_names) for part in parts]
    return pa.concat_tables(parts)


def _of_mapping(error: UnreadableError, table: str) -> UnreadableError:
    place = f"{error.remedy} (under inputs.tables.{table})"
    return UnreadableError(error.problem, place, error.may_pass)


def _origin(column: str, mapping: TableMapping) -> str:
    """Return where the column comes from, or the columns of a key, which are separated by commas."""
    if not mapping.columns or not column:
        return mapping.origin
    theirs = {name: other for other, names in mapping.columns.items() for name in names}
    names = column.split(", ")
    read = [shown(theirs[name]) for name in names if name in theirs]
    if not read:
        return "from its defaults" if names[0] in mapping.defaults else f"no column of {mapping.origin}"
    return f"{'column' if len(read) == 1 else 'columns'} {', '.join(read)} of {mapping.origin}"


_NOTES = {
    "filtered": ("rows that its conditions exclude are left out", "they count for nothing"),
    "returned": ("negative quantities are returns", "they do not reduce demand"),
    "dropped": ("negative quantities are left out", "they count for nothing"),
    "added_up": ("rows with the same key are put together", "each counts once in their sum"),
}


def _assumptions(table: str, result: Converted, mapping: TableMapping) -> list[Assumption]:
    rows = [
        Assumption(f"mapping_{table}_{name}", table, "", result.counts[name], *_NOTES[name])
        for name in _NOTES
        if result.counts.get(name) and not (name == "added_up" and mapping.aggregate == "distinct")
    ]
    for name, value in mapping.defaults.items():
        shown_value = "the period after the last sales" if value == AFTER_LAST_SALE else shown(value)
        rows.append(
            Assumption(
                f"mapping_{table}_{name}",
                table,
                name,
                len(result.table),
                f"it is {shown_value} in every row",
                f"{mapping.origin} has no such column",
            )
        )
    return rows


def remedy_for(fault: Fault, mapping: TableMapping, path: str, raw: pa.Table | None) -> str:
    """Return what to write in the mapping at the key ``path``; empty where the fault is not about the mapping.

    ``raw`` is the source as it was read, None if it could not be read.
    """
    under = f"under {path} in the configuration"
    if "required column missing" in fault.problem:
        known = f"; its columns are {listed_all(raw.column_names)}" if raw is not None else ""
        return f"write THEIRS: {fault.column} below columns, or a value below defaults, {under}{known}"
    if fault.table == "sales" and fault.column == "units_sold" and fault.problem == "negative":
        if raw is not None and fault.n_rows > 0.5 * len(raw):
            return f"if the source counts sales as negative, write scale: {{units_sold: -1}} {under}; else correct them"
        return f"if they are returns, write negative: returns {under}; else correct them"
    if fault.table == "stock" and fault.column == "units_on_hand" and fault.problem == "negative":
        return f"if they count as none, write negative: drop {under}; else correct them"
    if "repeat" in fault.problem or "duplicate" in fault.problem:
        return f"if the rows are order lines or stock by bin, write aggregate: sum {under}; {fault.remedy}"
    words = _words(fault.column, mapping, raw)
    if words and ("not a date" in fault.problem or "not dates" in fault.problem):
        return date_hint(words, mapping, under) or fault.remedy
    if words and (
        "text in a number" in fault.problem or "not numbers" in fault.problem or "not whole" in fault.problem
    ):
        return number_hint(words, mapping, under) or fault.remedy
    return ""


def _words(column: str, mapping: TableMapping, raw: pa.Table | None) -> list[str]:
    """Return the distinct texts of the source's column that is read as ``column``."""
    if raw is None:
        return []
    theirs = next((name for name, ours in mapping.columns.items() if column in ours), column)
    if raw.column_names.count(theirs) != 1 or not is_text(raw.column(theirs).type):
        return []
    words = pc.unique(raw.column(theirs).drop_null()).to_pylist()[:_MOST_WORDS]
    return [word for word in words if word.strip() and word.strip() not in mapping.empty]


def date_hint(words: list[str], mapping: TableMapping, under: str) -> str:
    """Return the line that reads ``words`` as dates; both lines where two formats fit; the odd values where the format is right."""
    reading = read_dates(words)
    odd = f"; {shown(reading.odd[0])!r} is no date: {_odd_remedy(reading.odd[0], under)}" if reading.odd else ""
    if reading.is_certain:
        current = mapping.date_format or ISO
        return (
            (odd or f"; {shown(words[0])!r} has a time of day")[2:]
            if reading.formats[0] == current
            else f"write date_format: {reading.formats[0]} {under}{odd}"
        )
    if reading.formats:
        either = " or ".join(f"date_format: {text}" for text in reading.formats)
        return f"{shown(reading.example)!r} can be several days: write {either} {under}{odd}"
    return ""


def _odd_remedy(word: str, under: str) -> str:
    return f"remove the row, or write empty: [{word!r}] {under}" if len(word) < 20 else "remove the row"


def number_hint(words: list[str], mapping: TableMapping, under: str) -> str:
    """Return the lines that read ``words`` as numbers; both where two forms fit; the odd values where the form is right."""
    reading = read_numbers(words)
    odd = f"; {shown(reading.odd[0])!r} is no number: {_odd_remedy(reading.odd[0], under)}" if reading.odd else ""
    if reading.is_certain:
        form = reading.forms[0]
        is_current = form == (mapping.decimal or ".", mapping.thousands or "")
        return odd[2:] if is_current else f"write {form_lines(form)} {under}{odd}"
    if reading.forms:
        either = " or ".join(form_lines(form) for form in reading.forms)
        return f"{shown(reading.example)!r} can be several numbers: write {either} {under}{odd}"
    return ""
