"""What a mapping needs beyond names: formats of dates and numbers, rows to leave out, units, and the columns that a table must have.

What the values of a file leave open becomes a question. Not here: the formats themselves (``foundation.mapping``), what all rows say (``trial``).
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
from foundation.mapping.section import AFTER_LAST_SALE
from foundation.store.raw_tables import DATE_CELL
from pipeline.new_project.configuration_text import scalar
from pipeline.new_project.header_words import (
    CANCEL_WORDS,
    MASS_UNITS,
    RETURN_WORDS,
    VOLUME_UNITS,
    WEEK_END_WORDS,
    normalized,
    stated_unit,
)
from pipeline.new_project.profile import ColumnProfile
from pipeline.new_project.proposed_table import Proposal, ProposedTable
from pipeline.new_project.recognition import NUMBERS, Recognized, guess

_GROUPS = ("subcategory", "category", "department")


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


def put_special_rows(table: ProposedTable, group: list[Recognized], result: Proposal) -> None:
    """Leave out rows of totals and canceled lines, and name texts that stand for no value."""
    used = [match.column for option in group for match in option.matches.values()]
    empty = sorted({word for column in used for word in column.empty_words})
    if empty:
        table.keys["empty"] = empty
        result.notes.append(f"{table.table}: {listed([repr(word) for word in empty])} stand for no value")
    for column in [column for option in group for column in option.file.columns]:
        if column.total_words:
            table.keys.setdefault("where_not", {})[column.name] = list(column.total_words)
            result.notes.append(f"{table.table}: rows whose {column.name} is {listed(column.total_words)} are left out")
    for name in ("status", "type"):
        if (one := group[0].matches.get(name)) is None:
            continue
        canceled = [word for word in one.column.words if CANCEL_WORDS & set(normalized(word).split())]
        returned = [
            word
            for word in one.column.words
            if RETURN_WORDS & set(normalized(word).split()) or normalized(word) in RETURN_WORDS
        ]
        if canceled:
            table.keys.setdefault("where_not", {}).setdefault(one.column.name, []).extend(canceled)
            result.notes.append(f"{table.table}: rows whose {one.column.name} is {listed(canceled)} are left out")
        if returned and table.table == "sales" and name == "type":
            table.keys["_returns"] = (one.column.name, returned)
        elif returned and table.table == "sales":
            result.notes.append(
                f"sales: rows whose {one.column.name} is {listed(returned)} are read: what came back had been demand"
            )


def put_units(table: ProposedTable, first: Recognized, result: Proposal) -> None:
    """Convert masses and volumes by the unit that the header states; without one, ask."""
    for name, units in (("mass_kg", MASS_UNITS), ("volume_l", VOLUME_UNITS)):
        one = first.matches.get(name)
        if one is None:
            continue
        unit = stated_unit(one.column.name)
        if unit not in units:
            table.columns = [column for column in table.columns if column[1] != [name]]
            table.commented.append(
                (f"{one.column.name}: {name}", f"in which unit? For grams or milliliters, add scale: {{{name}: 0.001}}")
            )
            result.notes.append(
                f"{table.table}: {one.column.name} states no unit and is not read; forestock.yaml has the line to complete"
            )
        elif units[unit] != 1.0:
            table.keys.setdefault("scale", {})[name] = units[unit]
            result.notes.append(f"{table.table}: {one.column.name} is converted to {name}: × {units[unit]:g}")


def _finish_sales(table: ProposedTable, first: Recognized, result: Proposal) -> None:
    if "region" in first.matches:
        return
    if first.missing:  # headers that say nothing: the region is one of them
        only = guess(first, "region", table.guesses.values())
        if only is not None:
            table.propose(only.name, "region")
        theirs = "THEIRS" if only is None else scalar(only.name)
        result.questions.append(
            f"sales: write {theirs}: region below columns of inputs.tables.sales, or defaults: {{region: all}} if there is none"
        )
        return
    hub = first.matches.get("hub")
    if hub is not None:
        table.columns.append((hub.column.name, ["region"], 0.6, "the sales have no region"))
        result.notes.append(
            f"sales: there is no region, so {hub.column.name} is taken as the region where demand arises"
        )
    else:
        table.keys.setdefault("defaults", {})["region"] = "all"
        result.notes.append("sales: there is no region, so all demand arises in one region, all")


def _finish_stock(table: ProposedTable, first: Recognized, result: Proposal) -> None:
    if "hub" not in first.matches:
        table.keys.setdefault("defaults", {})["hub"] = "main"
        result.notes.append("stock: there is no warehouse, so all stock is at one hub, main")
    if "date" in first.matches:
        return
    named = _date_in(first.file.name)
    table.keys.setdefault("defaults", {})["date"] = named or AFTER_LAST_SALE
    reason = (
        f"{named}, from the name of the file"
        if named
        else "the morning after the last sales: right if both were exported together"
    )
    result.notes.append(f"stock: {first.file.name} has no date; it is taken as of {reason}")


def _date_in(name: str) -> str:
    named = re.search(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)", name)
    if named is None:
        return ""
    try:
        return str(date(*(int(part) for part in named.groups())))
    except ValueError:
        return ""


def _finish_skus(table: ProposedTable, first: Recognized, result: Proposal) -> None:
    del result
    for name in _GROUPS:
        if name in first.matches and first.matches[name].column.n_distinct < 2:
            table.columns = [column for column in table.columns if column[1] != [name]]


def _finish_inbound(table: ProposedTable, first: Recognized, result: Proposal) -> None:
    header, line = first.matches.get("inbound_id"), first.matches.get("line_number")
    parts = [one.column.name for one in (header, line) if one is not None]
    n_rows = first.file.n_rows
    if header is None or (line is None and header.column.n_distinct < n_rows):
        parts.append(first.matches["sku"].column.name)
        result.notes.append(f"inbound: {' and '.join(parts)} together identify a line")
    table.columns = [column for column in table.columns if column[1] != ["inbound_id"]]
    for part in parts:
        same = next((column for column in table.columns if column[0] == part), None)
        if same is not None:
            same[1].append("inbound_id")
        else:
            table.columns.append((part, ["inbound_id"], 0.8, "it identifies a line"))
    if "hub" not in first.matches:
        table.keys.setdefault("defaults", {})["hub"] = "main"
        result.notes.append("inbound: there is no warehouse, so all goods arrive at one hub, main")


FINISH = {"sales": _finish_sales, "stock": _finish_stock, "skus": _finish_skus, "inbound": _finish_inbound}
