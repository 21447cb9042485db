"""The columns of one table: present, of the right type, about no person.

Here: from an Arrow table as it was read to an ``InputTable`` in the dtypes of its definition. Not here: rules
about values (``rows``, ``network``) or about time (``time``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa

from foundation.errors import KEYS_SHOWN, Fault, nearest, shown, structural
from foundation.settings import Settings
from foundation.tables import Kind, Table
from foundation.validation.input_table import Finding, InputTable
from foundation.validation.normalize import Misfit, WrongTypeError, extra, normalize
from foundation.validation.spellings import ID_COLUMNS, encoded, spellings

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
