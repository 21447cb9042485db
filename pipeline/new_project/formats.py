"""Formats of a file that a mapping must state: its dates, times of day, and numbers. What its values leave open becomes a question.

Not here: the formats themselves (``foundation.mapping``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import pyarrow.compute as pc

from foundation.errors import listed
from foundation.mapping.conversion import form_lines
from foundation.mapping.dates import DateForm
from foundation.mapping.numbers import parse_number, read_numbers
from foundation.store.raw_tables import DATE_CELL
from pipeline.new_project.header_words import WEEK_END_WORDS, normalized
from pipeline.new_project.profile import ColumnProfile
from pipeline.new_project.proposed_table import Proposal, ProposedTable
from pipeline.new_project.recognition import NUMBERS, Recognized


def put_dates(table: ProposedTable, group: list[Recognized], result: Proposal) -> None:
    """State the format of the dates of a file, or ask."""
    names = [name for name in ("date", "arrival_date", "launch_date", "delist_date") if name in group[0].matches]
    formats: set[str] = set()
    for name in names:
        columns = [option.matches[name].column for option in group if name in option.matches]
        options = _common_formats(columns)
        header = columns[0].name
        place = f"inputs.tables.{table.table}"
        if any(DATE_CELL in word for column in columns for word in column.words):
            result.questions.append(
                f"{table.table}: {header} of {table.file.name} has dates in some cells and texts in others, so a spreadsheet may have swapped days and months. Export it as CSV, or make all cells dates"
            )
        elif not options:
            example = next((word for column in columns for word in column.dates.odd or column.words), "")
            result.questions.append(
                f"{table.table}: {header} of {table.file.name} has dates of several forms or of an unknown one, such as {example!r}. Correct the file, or write date_format below {place}"
            )
        elif len(options) > 1 and (certain := _by_context(columns, options, result)):
            formats.add(certain)
            result.notes.append(
                f"{table.table}: {header} is read as {certain}, because the other reading is far from the sales"
            )
        elif len(options) > 1:
            either = " or ".join(f"date_format: {text}" for text in options)
            example = next((column.dates.example for column in columns if column.dates.example), columns[0].words[0])
            result.questions.append(
                f"{table.table}: {header} can be several days ({example!r}). Write {either} below {place}"
            )
            table.commented.append((f"date_format: {options[0]}", f"or {options[1]}: decide"))
        else:
            formats.add(options[0])
        if WEEK_END_WORDS & set(normalized(header).split()) and table.table == "sales":
            table.keys["shift_days"] = -6
            result.notes.append(
                f"sales: {header} is the last day of a week, so its dates are moved to the first day (shift_days: -6)"
            )
    formats -= {"", "yyyy-mm-dd"}
    if len(formats) == 1:
        table.keys["date_format"] = formats.pop()
    elif formats:
        result.questions.append(
            f"{table.table}: its dates have several forms ({listed(sorted(formats))}); map the main one and leave out the others"
        )
    _put_times(table, group, result)


def _common_formats(columns: Sequence[ColumnProfile]) -> list[str]:
    """Return the formats that fit all files of a table."""
    kept = list(columns[0].dates.formats)
    for column in columns[1:]:
        kept = [text for text in kept if text in column.dates.formats]
    return kept


def _by_context(columns: Sequence[ColumnProfile], options: list[str], result: Proposal) -> str:
    """Return the format of a stock list that puts its dates close to the end of the sales; empty where that is not certain."""
    sales = result.tables.get("sales")
    last = last_date(sales) if sales is not None else None
    if last is None:
        return ""
    near = []
    for text in options:
        days = [parsed[0] for column in columns for word in column.ids if (parsed := DateForm(text).parse(word))]
        if days and all(-7 <= (day - last).days <= 14 for day in days):
            near.append(text)
    return near[0] if len(near) == 1 else ""


def last_date(table: ProposedTable) -> date | None:
    """Return the last date in the column ``date`` of the first file of a mapping; None if it is not known."""
    column = next((one for one in table.file.columns if one.name == table.header("date")), None)
    if column is None:
        return None
    if not column.words and not pc.all(pc.is_null(column.values)).as_py() and "date_format" not in table.keys:
        value = pc.max(column.values).as_py()
        return value.date() if hasattr(value, "date") else value if isinstance(value, date) else None
    form = DateForm(table.keys.get("date_format", "yyyy-mm-dd"))
    days = [parsed[0] for word in column.ids if (parsed := form.parse(word))]
    return max(days) if days else None


def _put_times(table: ProposedTable, group: list[Recognized], result: Proposal) -> None:
    """Say what to do with times of day where rows are not added up."""
    name = "date" if "date" in group[0].matches else "arrival_date"
    if name not in group[0].matches or table.table == "sales":
        return
    column = group[0].matches[name].column
    form = DateForm(table.keys.get("date_format", "yyyy-mm-dd"))
    timed = [word for word in column.words if (parsed := form.parse(word)) and parsed[1]]
    late = [word for word in timed if re.search(r"[T ,](?:1[2-9]|2\d):|[Pp]\.?[Mm]", word)]
    if timed and table.table == "stock" and late:
        result.questions.append(
            f"stock: {column.name} has times after noon ({late[0]!r}). A snapshot is dated by the morning; if this one was taken in the evening, correct its date"
        )
    elif timed:
        table.keys["date_format"] = f"{form.text} hh:mm"


def put_numbers(table: ProposedTable, group: list[Recognized], result: Proposal) -> None:
    """Find the one form of numbers of all number columns of a file; other columns help where the mapped ones leave it open."""
    mapped = [option.matches[name].column for option in group for name in option.matches if name in NUMBERS]
    others = [column for option in group for column in option.file.columns if column.is_number]
    words = [word for column in mapped for word in column.words]
    if not words:
        return
    reading = read_numbers(words)
    if not reading.is_certain and reading.forms:
        more = read_numbers([*words, *(word for column in others for word in column.words if not column.is_date)])
        reading = more if more.is_certain else reading
    place = f"inputs.tables.{table.table}"
    if reading.is_certain:
        decimal, thousands = reading.forms[0]
        is_open = any(len(column.numbers.forms) > 1 for column in mapped)
        if decimal != "." or thousands or is_open or not all(_is_plain(word) for word in words):
            table.keys["decimal"] = decimal
        if thousands:
            table.keys["thousands"] = thousands
    elif reading.forms:
        either = " or ".join(form_lines(form) for form in reading.forms)
        result.questions.append(
            f"{table.table}: {reading.example!r} in {table.file.name} can be several numbers. Write {either} below {place}"
        )
        table.commented.append((form_lines(reading.forms[0]), "or " + form_lines(reading.forms[1]) + ": decide"))
    else:
        columns = listed([column.name for column in mapped])
        result.questions.append(
            f"{table.table}: the numbers of {table.file.name} ({columns}) have several forms. Correct the file, or leave out a column"
        )


def _is_plain(word: str) -> bool:
    """Return whether a text is a number without a mapping that states its form, or none at all."""
    return bool(re.fullmatch(r"[+-]?\d*\.?\d*", word)) or parse_number(word) is None
