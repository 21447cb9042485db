"""Recognition: which input table a file is, and which of its columns is which, by headers, types, and values.

Not here: the words (``header_words``), the text of the mapping (``from_files``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from foundation.store.raw_tables import DATE_CELL
from pipeline.new_project.header_words import (
    FILE_WORDS,
    MONEY_WORDS,
    PACK_UNITS,
    UNIT_UNITS,
    match,
    normalized,
    stated_unit,
)
from pipeline.new_project.profile import ColumnProfile, FileProfile

_DATES = ("date", "arrival_date", "launch_date", "delist_date")
_UNITS = ("units_sold", "units_on_hand", "units_reserved", "units_on_hold", "units")
NUMBERS = (
    *_UNITS,
    "unit_cost_eur",
    "unit_price_eur",
    "mass_kg",
    "volume_l",
    "pack_units",
    "shelf_life_days",
    "latitude",
    "longitude",
)
_GROUPS = ("subcategory", "category", "department")
SKU_OVERLAP = 0.9
LEAST_CONFIDENCE = 0.55


@dataclass(frozen=True)
class Kind:
    """What a file must and can have to be a table.

    Attributes
    ----------
    required, optional : tuple of str
        Fields in the order in which columns are assigned.
    unique : str
        Field whose values identify a row; empty for none.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    unique: str = ""


KINDS: dict[str, Kind] = {
    "sales": Kind(("date", "sku", "units_sold"), ("region", "hub", "status", "type")),
    "inbound": Kind(("arrival_date", "sku", "units"), ("inbound_id", "line_number", "hub", "supplier", "status")),
    "stock": Kind(("sku", "units_on_hand"), ("hub", "date", "units_reserved", "units_on_hold")),
    "prices": Kind(("date", "sku", "unit_price_eur"), ("region",)),
    "skus": Kind(
        ("sku",),
        ("unit_cost_eur", "unit_price_eur", "mass_kg", "volume_l", "pack_units", "shelf_life_days", "launch_date", "delist_date", *_GROUPS, "name"),
        "sku",
    ),
    "hubs": Kind(("hub",), ("latitude", "longitude", "postal_code", "country"), "hub"),
    "regions": Kind(("region",), ("latitude", "longitude", "postal_code", "country"), "region"),
}  # fmt: skip


@dataclass(frozen=True)
class Match:
    """A column of the source and the field that it is.

    Attributes
    ----------
    column : ColumnProfile
        The column.
    name : str
        The field.
    confidence : float
        From 0 to 1.
    reason : str
        What speaks for it.
    """

    column: ColumnProfile
    name: str
    confidence: float
    reason: str


@dataclass
class Recognized:
    """A file that was recognized as a table.

    Attributes
    ----------
    table : str
        Name of the input table.
    file : FileProfile
        The file.
    matches : dict of str to Match
        Columns by field.
    missing : tuple of str
        Required fields without a column.
    also : dict of str to list of str
        Headers of other columns that match a field, by field.
    refused : dict of str to str
        Headers that match a field and cannot be read without a decision, with the reason.
    score : float
        How well the file fits the table.
    """

    table: str
    file: FileProfile
    matches: dict[str, Match]
    missing: tuple[str, ...] = ()
    also: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    score: float = 0.0


def recognized(files: Sequence[FileProfile]) -> tuple[list[Recognized], list[FileProfile]]:
    """Return the tables that files are, and the files that are none; a file is one table."""
    tables: list[Recognized] = []
    others: list[FileProfile] = []
    for file in files:
        options = [_as_table(name, file) for name in KINDS]
        best = max(options, key=lambda option: (not option.missing, option.score))
        whole = not best.missing and best.score >= LEAST_CONFIDENCE
        if whole or (len(best.missing) == 1 and len(best.matches) >= 2):
            tables.append(best)
        else:
            others.append(file)
    if not any(table.table == "sales" for table in tables):
        guesses = [file for file in others if _may_be_sales(file)]
        if len(guesses) == 1:
            others.remove(guesses[0])
            tables.insert(0, _as_table("sales", guesses[0]))
    for name, master in (("sku", "skus"), ("region", "regions"), ("hub", "hubs")):
        known = _known_ids(tables, name, master)
        tables = [_with_known_ids(table, name, known) for table in tables] if known else tables
    return tables, others


def _may_be_sales(file: FileProfile) -> bool:
    """Return whether a file whose headers say nothing has a column of dates, one of numbers, and one more."""
    has_dates = any(column.is_date for column in file.columns)
    return (
        has_dates and any(column.is_number and not column.is_date for column in file.columns) and len(file.columns) > 2
    )


def is_money(column: ColumnProfile) -> bool:
    """Return whether a header names an amount of money, or what may be one."""
    return normalized(column.name) in MONEY_WORDS


def _is_flag(column: ColumnProfile) -> bool:
    words = {word.lower() for word in column.ids}
    return words <= {"true", "false", "yes", "no", "y", "n", "0", "1", "t", "f"}


def guess(table: Recognized, name: str, others: Iterable[str] = ()) -> ColumnProfile | None:
    """Return the only column whose values can be those of a required field, for a question; None if there is none or several.

    ``others`` are headers that are guesses already.
    """
    used = {*(one.column.name for one in table.matches.values()), *others}
    free = [column for column in table.file.columns if column.name not in used]
    if name in _DATES:
        options = [column for column in free if column.is_date]
    elif name in NUMBERS:
        options = [column for column in free if column.is_number and not column.is_date and not is_money(column)]
    else:
        options = [column for column in free if not column.is_number and not column.is_date and not _is_flag(column)]
    return options[0] if len(options) == 1 else None


def _as_table(name: str, file: FileProfile) -> Recognized:
    kind = KINDS[name]
    result = Recognized(name, file, {})
    for name_of_field in (*kind.required, *kind.optional):
        _assign(result, name_of_field, name_of_field == kind.unique)
    result.missing = tuple(one for one in kind.required if one not in result.matches)
    if kind.unique and not result.missing and not _is_unique(result, kind):
        result.missing = (kind.unique,)
        result.matches.pop(kind.unique)
    if name == "stock" and not result.missing and _is_any_quantity(result):
        result.missing = ("units_on_hand",)
    if name == "prices" and any(match(column.name, "units_sold") > 0.85 for column in file.columns):
        result.missing = ("unit_price_eur",)  # a price of an order line
    result.score = _score(result, kind)
    return result


def _is_any_quantity(result: Recognized) -> bool:
    """Return whether neither the quantity nor the file is named after stock: a list of sales has a quantity too."""
    header = normalized(result.matches["units_on_hand"].column.name)
    return match(header, "units_sold") > LEAST_CONFIDENCE and _file_words(result) <= 0


def _assign(result: Recognized, name: str, is_key: bool) -> None:
    """Assign the best of the columns that match a field by header and fit it by values; a key identifies rows."""
    used = {one.column.name for one in result.matches.values()}
    options = []
    for column in result.file.columns:
        header = match(column.name, name)
        if column.name in used or header < LEAST_CONFIDENCE:
            continue
        if reason := _obstacle(column, name):
            result.refused.setdefault(column.name, reason)
        elif fits(column, name, result.file.n_rows) and (not is_key or _identifies(column, result.file.n_rows)):
            options.append((header, column))
    if not options:
        return
    options.sort(key=lambda option: -option[0])
    header, best = options[0]
    reason = "its name" if header > 0.85 else "a part of its name"
    result.matches[name] = Match(best, name, round(min(header, 0.99), 2), reason)
    result.also[name] = [column.name for other, column in options[1:] if other > 0.85 and column.name != best.name]


def _obstacle(column: ColumnProfile, name: str) -> str:
    """Return why a column whose header matches must not be read without a decision; empty for no reason."""
    unit = stated_unit(column.name)
    if name in _UNITS and unit in PACK_UNITS - UNIT_UNITS:
        return f"is in {unit}, not in units"
    return ""


def fits(column: ColumnProfile, name: str, n_rows: int) -> bool:
    """Return whether the values of a column can be those of a field."""
    if name in _DATES:
        return column.is_date or (column.is_week and column.n_distinct > 0) or _is_mixed_date(column)
    if name in NUMBERS:
        return column.is_number and not (column.is_date and not column.words)
    if name in ("region", "hub", "country", "supplier", *_GROUPS, "status", "type"):
        return 0 < column.n_distinct <= max(10, 0.9 * n_rows) or n_rows < 20
    return column.n_distinct > 0


def _is_mixed_date(column: ColumnProfile) -> bool:
    """Return whether most values are dates, of more than one form."""
    if any(DATE_CELL in word for word in column.words):
        return True
    return bool(column.words) and not column.is_number and len(column.dates.odd) <= 0.1 * column.n_distinct


def _identifies(column: ColumnProfile, n_rows: int) -> bool:
    return column.n_distinct >= 0.95 * (n_rows - column.values.null_count)


def _is_unique(result: Recognized, kind: Kind) -> bool:
    """Return whether the key identifies rows: no more than a few repeat it, and the columns beside it describe it."""
    column = result.matches[kind.unique].column
    has_more = any(name in result.matches for name in kind.optional)
    is_key = _identifies(column, result.file.n_rows)
    has_transactions = any(
        match(other.name, "units_sold") > 0.85 or match(other.name, "units_on_hand") > 0.85
        for other in result.file.columns
    )
    is_other_key = kind.unique != "sku" and any(match(other.name, "sku") > 0.85 for other in result.file.columns)
    return is_key and has_more and not is_other_key and not (has_transactions and kind.unique == "sku" and not is_key)


def _score(result: Recognized, kind: Kind) -> float:
    present = [result.matches[name].confidence for name in kind.required if name in result.matches]
    base = sum(present) / len(kind.required)
    more = sum(result.matches[name].confidence for name in kind.optional if name in result.matches)
    return base + 0.05 * more + 0.12 * (len(kind.required) - 1) + _file_words(result)


def _file_words(result: Recognized) -> float:
    """Return 0.4 if the name of the file or sheet names the table, -0.2 if it names another."""
    text = f" {normalized(result.file.path.rpartition('/')[2].partition('.')[0])} {normalized(result.file.layout.sheet or '')} "
    named = {table for table, words in FILE_WORDS.items() if any(f" {word} " in text for word in words)}
    if not named:  # compounds: Lagerbestand_Mai
        named = {table for table, words in FILE_WORDS.items() if any(len(word) > 4 and word in text for word in words)}
    return 0.4 if result.table in named else -0.2 if named else 0.0


def _known_ids(tables: Iterable[Recognized], name: str, master: str) -> list[ColumnProfile]:
    """Return the columns of a master table that can be its id, the chosen one first."""
    for table in tables:
        if table.table == master and name in table.matches:
            chosen = table.matches[name].column
            others = (column for column in table.file.columns if column.n_distinct == chosen.n_distinct)
            return [chosen, *(column for column in others if column is not chosen)]
    return []


def overlap(column: ColumnProfile, known: frozenset[str]) -> float:
    """Return the share of a column's distinct values that are known."""
    return len(column.ids & known) / len(column.ids) if column.ids else 0.0


def _with_known_ids(table: Recognized, name: str, known: Sequence[ColumnProfile]) -> Recognized:
    """Let the values decide which column is an id where the master table knows those of another column, not of the chosen one."""
    if table.table in ("skus", "regions", "hubs") or name not in (
        *KINDS[table.table].required,
        *KINDS[table.table].optional,
    ):
        return table
    ids = known[0].ids
    chosen = table.matches.get(name)
    if chosen is not None and overlap(chosen.column, ids) >= 0.5:
        return table
    used = {one.column.name for field_name, one in table.matches.items() if field_name != name}
    options = [
        column
        for column in table.file.columns
        if column.name not in used and overlap(column, ids) >= SKU_OVERLAP and column.n_distinct > 1
    ]
    if options:
        table.matches[name] = Match(options[0], name, 0.85, f"its values are in {known[0].name} of the master table")
        table.missing = tuple(one for one in table.missing if one != name)
    return table
