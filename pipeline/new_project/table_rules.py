"""What a mapping needs beyond names and formats: rows to leave out, units, and the columns that a table must have.

Not here: what all rows say (``trial``).
"""

from __future__ import annotations

import re
from datetime import date

from foundation.errors import listed
from foundation.mapping.section import AFTER_LAST_SALE
from pipeline.new_project.configuration_text import scalar
from pipeline.new_project.header_words import (
    CANCEL_WORDS,
    MASS_UNITS,
    RETURN_WORDS,
    VOLUME_UNITS,
    normalized,
    stated_unit,
)
from pipeline.new_project.proposed_table import Proposal, ProposedTable
from pipeline.new_project.recognition import Recognized, guess

_GROUPS = ("subcategory", "category", "department")


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
