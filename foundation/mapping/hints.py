"""Hints: the line of a mapping that resolves a fault of a table that is read through it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import Fault, shown
from foundation.mapping.conversion import form_lines, is_text, listed_all
from foundation.mapping.dates import ISO, read_dates
from foundation.mapping.numbers import read_numbers
from foundation.mapping.section import TableMapping

_MOST_WORDS = 50_000


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
