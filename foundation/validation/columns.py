"""The columns of one table: present, of the right type, about no person, and with each id written in one way.

Here: from an Arrow table as it was read to an ``InputTable`` in the dtypes of its definition, and ids that differ only in capitals
and blanks: "A " and "A" are read as one id, "a" and "A" as two. Not here: removing blanks around ids (``normalize``), rules about
values (``rows``) or about time (``time``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import KEYS_SHOWN, Fault, InputWarning, counted_noun, nearest, shown, structural
from foundation.settings import Settings
from foundation.tables import Kind, Table
from foundation.validation.arrow_types import plain
from foundation.validation.input_table import Finding, InputTable, Spelling
from foundation.validation.normalize import Misfit, WrongTypeError, extra, normalize

# Long tables: their keys are held as categoricals, one small number a row instead of a text.
CODED_TABLES = ("sales", "prices", "regional", "returns", "deliveries", "external_forecast")
PERSON_TABLES = ("sales", "returns", "deliveries")
_PERSON_WORDS = frozenset(
    [
        "address",
        "birthdate",
        "birthday",
        "customer",
        "customername",
        "dob",
        "email",
        "firstname",
        "forename",
        "fullname",
        "iban",
        "lastname",
        "mail",
        "mobile",
        "phone",
        "recipient",
        "street",
        "surname",
        "telephone",
    ]
)
_NAME_OWNERS = frozenset(
    ["buyer", "client", "consignee", "contact", "customer", "first", "full", "last", "person", "recipient", "user"]
)
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_NOUNS = {
    Kind.TEXT: "text", Kind.DATE: "dates", Kind.TIMESTAMP: "moments", Kind.NUMBER: "numbers",
    Kind.WHOLE: "whole numbers", Kind.FLAG: "true or false",
}  # fmt: skip
ID_COLUMNS = ("sku", "region", "hub", "supplier", "lane")
_DEFINED_IN = {"skus": "sku", "regions": "region", "hubs": "hub", "supply": "supplier", "lanes": "lane"}


def text_columns(table: Table, settings: Settings) -> list[str]:
    """Return the columns of ``table`` a reader must not guess the type of: defined ones and the hierarchy."""
    hierarchy = settings.series.hierarchy if table.name == "skus" else ()
    return [*table.names, *hierarchy]


def without_dropped(data: pa.Table, table: str, dropped: Collection[str]) -> pa.Table:
    """Return ``data`` without the columns of ``inputs.drop_columns`` (``name`` or ``table.name``) and pandas' index."""

    def stays(name: str) -> bool:
        return name not in dropped and f"{table}.{name}" not in dropped and not _PANDAS_INDEX.fullmatch(name)

    return data.select([place for place, name in enumerate(data.column_names) if stays(name)])


def column_faults(data: pa.Table, table: Table, settings: Settings) -> list[Fault]:
    """Return the structural faults of the columns' names: missing, twice, unknown to the configuration, of persons."""
    names = data.column_names
    faults = [_missing(table, name, names) for name in table.required if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [structural(table.name, name, "stands twice", "give one column of this name") for name in twice]
    faults += [
        structural(
            table.name,
            shown(name),
            f"stands {count} times but for blanks and signs that are not shown",
            "give one column of this name",
        )
        for name, count in _alike(set(names)).items()
    ]
    faults += [
        structural(table.name, shown(name), "a column name with control characters", "rename the column")
        for name in dict.fromkeys(names)
        if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name)
    ]
    if table.name in PERSON_TABLES:
        faults += [_person(table, name) for name in names if name not in table.names and is_personal(name)]
    return faults


def _alike(names: set[str]) -> dict[str, int]:
    """Return how many of ``names`` are the same once blanks around them and signs that are not shown are gone, where several are."""
    cleaned = ["".join(sign for sign in name if sign.isprintable() and sign != "\u00a0").strip() for name in names]
    return {name: cleaned.count(name) for name in sorted(set(cleaned)) if cleaned.count(name) > 1}


def configured_faults(columns: dict[str, list[str]], settings: Settings) -> list[Fault]:
    """Return a fault for each column the configuration names that its table lacks.

    ``columns`` holds the column names of the tables that could be read.
    """
    series = settings.series
    requested = [
        ("series.hierarchy", "skus", series.hierarchy),
        ("series.known_in_advance", "regional", series.known_in_advance),
    ]
    faults = [
        _unconfigured(key, table, name, columns[table])
        for key, table, names in requested
        for name in names
        if table in columns and name not in columns[table]
    ]
    if "regional" not in columns and series.known_in_advance:
        faults.append(
            structural(
                "regional", "", "missing, but series.known_in_advance names its columns", "give it or clear the key"
            )
        )
    anywhere = [name for table in ("skus", "regions", "sales") for name in columns.get(table, [])]
    lacking = [name for name in series.features if name not in anywhere]
    return faults + [_unconfigured("series.features", "skus", name, anywhere) for name in lacking if anywhere]


def converted(data: pa.Table, definition: Table, settings: Settings) -> tuple[InputTable, list[Fault]]:
    """Return ``data`` in the dtypes of ``definition`` with the rows that do not fit, and the faults of whole columns.

    A column of a wrong type is left out of the table, so that the other rules still run.
    """
    columns: dict[str, pd.Series] = {}
    table = InputTable(definition, pd.DataFrame(index=pd.RangeIndex(len(data))))
    faults: list[Fault] = []
    first = {name: position for position, name in reversed(list(enumerate(data.column_names)))}
    for name in dict.fromkeys(data.column_names):
        values = data.column(first[name])
        try:
            if name in ID_COLUMNS and name in definition.names:
                values = encoded(values)
                table.spellings[name] = spellings(values)
            columns[name], misfits = _column(values, name, definition, settings)
            table.findings += [_finding(name, misfit, values) for misfit in misfits]
        except WrongTypeError as error:
            faults.append(_wrong_type(definition, name, settings, str(error)))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):  # a type no rule was written for
            faults.append(_wrong_type(definition, name, settings, str(values.type)))
    table.frame = pd.DataFrame(columns, index=table.frame.index)
    return table, faults


def is_personal(name: str) -> bool:
    """Say whether a column's name speaks of a person: email, phone, address, a customer's name or number."""
    words = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    return name.lower() == "name" or bool(words & _PERSON_WORDS) or ("name" in words and bool(words & _NAME_OWNERS))


def _kind(name: str, table: Table, settings: Settings) -> Kind | None:
    if name in table.names:
        return table[name].kind
    if table.name == "skus" and name in settings.series.hierarchy:
        return Kind.TEXT
    is_number = table.name == "regional" or (
        name in settings.series.features and table.name in ("skus", "regions", "sales")
    )
    return Kind.NUMBER if is_number else None


def _column(values: pa.ChunkedArray, name: str, table: Table, settings: Settings) -> tuple[pd.Series, list[Misfit]]:
    kind = _kind(name, table, settings)
    if kind is None:
        return extra(values)
    if kind is Kind.NUMBER and name not in table.names and pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return normalize(values, kind, is_coded=table.name in CODED_TABLES and name in table.references)


def _finding(name: str, misfit: Misfit, values: pa.ChunkedArray) -> Finding:
    first = np.flatnonzero(misfit.rows)[:KEYS_SHOWN]
    return Finding(name, misfit.problem, misfit.remedy, misfit.rows, tuple(_given(values[int(row)]) for row in first))


def _given(value: pa.Scalar) -> str:
    """Return a value as a message shows it; a moment Python has no date for is shown as its count of units."""
    try:
        return shown(value.as_py())
    except (ValueError, OverflowError, NotImplementedError):
        return shown(getattr(value, "value", "(cannot be shown)"))


def _missing(table: Table, name: str, names: list[str]) -> Fault:
    alike = [other for other in names if other.strip().lower() == name]
    hint = f" (did you mean {shown(alike[0])!r}?)" if alike else nearest(name, [shown(other) for other in names])
    return structural(table.name, name, f"required column missing{hint}", "add it")


def _person(table: Table, name: str) -> Fault:
    remedy = f"remove it, or leave it out with inputs.drop_columns=[{table.name}.{shown(name)}]"
    return structural(table.name, shown(name), "is about a person, which has no place here", remedy)


def _unconfigured(key: str, table: str, name: str, names: list[str]) -> Fault:
    problem = f"named in {key}, but there is no such column{nearest(name, names)}"
    return structural(table, shown(name), problem, f"add the column or correct {key}")


def _wrong_type(table: Table, name: str, settings: Settings, holds: str) -> Fault:
    kind = _kind(name, table, settings)
    if kind is None:
        return structural(
            table.name,
            shown(name),
            f"holds {holds}, which cannot be kept",
            f"drop it: inputs.drop_columns=[{shown(name)}]",
        )
    return structural(table.name, name, f"wrong type: holds {holds}, not {_NOUNS[kind]}", f"give {_NOUNS[kind]}")


def encoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ``values`` in a simple type, text dictionary-encoded so that its distinct words are at hand."""
    values = plain(values)
    return pc.dictionary_encode(values) if _is_text(values.type) else values


def spellings(values: pa.ChunkedArray) -> tuple[Spelling, ...]:
    """Return the ids among ``values`` that differ only in capitals and blanks; none unless dictionary-encoded text."""
    if not pa.types.is_dictionary(values.type) or not _is_text(values.type.value_type):
        return ()
    words = {word for chunk in values.chunks for word in chunk.dictionary.drop_null().to_pylist()}
    groups = _groups(words)
    if not groups:
        return ()
    present = set(pc.unique(values.cast(values.type.value_type)).to_pylist())
    kept = [tuple(word for word in group if word in present) for group in groups]
    return tuple(Spelling(group, len({word.strip() for word in group}) == 1) for group in kept if len(group) > 1)


def _groups(words: set[str]) -> list[list[str]]:
    """Return the groups of ``words`` that differ only in capitals and blanks, in order."""
    if len({_folded(word) for word in words}) == len(words):
        return []
    groups: dict[str, list[str]] = {}
    for word in sorted(words):
        groups.setdefault(_folded(word), []).append(word)
    return [group for key, group in sorted(groups.items()) if key and len(group) > 1]


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def spelling_warnings(table: InputTable) -> Iterator[InputWarning]:
    """Yield the ids of ``table`` that are written in several ways.

    Ids that are read as two are named in the table that defines them; elsewhere they are refused as unknown.
    """
    for column, groups in table.spellings.items():
        merged = [group for group in groups if group.is_one_id]
        distinct = [group for group in groups if not group.is_one_id]
        if merged:
            count = counted_noun(len(merged), "id")
            problem = f"{count} written with and without blanks, first: {merged[0]}; each is read as one id"
            yield InputWarning(table.name, column, problem, "write each id in one way")
        if distinct and _DEFINED_IN.get(table.name) == column:
            count = counted_noun(len(distinct), "id")
            problem = f"{count} written in several ways, first: {distinct[0]}; each way is read as an id of its own"
            yield InputWarning(
                table.name, column, problem, "write each id in one way, unless they are different things"
            )


def other_spelling(unknown: Sequence[str], ids: pd.Series) -> str:
    """Return the id, in quotes, that one of ``unknown`` differs from only in capitals and blanks; empty for none."""
    known = {_folded(str(name)): str(name) for name in ids}
    return next((f"'{shown(known[_folded(name)])}'" for name in unknown if _folded(name) in known), "")


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
