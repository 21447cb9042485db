"""Raw tables: the content of a CSV file or an Excel sheet as text, before its columns have a meaning.

Here: encodings, delimiters, header rows, sheets, compression. Not here: names, dates, and numbers (``foundation.mapping``).
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from deltalake import DeltaTable

from foundation.errors import listed, shown
from foundation.mapping.dates import read_dates
from foundation.store import files
from foundation.store.table_files import read_delta, read_parquet, refuse_wide
from foundation.validation.input_table import UnreadableError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
DATE_CELL = " (date cell)"
_EXCEL = (".xlsx", ".xlsm")
_OLD_EXCEL = (".xls", ".xlsb", ".ods")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst")


@dataclass(frozen=True)
class Layout:
    """Where the values of a file are.

    Attributes
    ----------
    delimiter : str
        Character between the values of a CSV file.
    encoding : str or None
        Encoding of a CSV file; None: by its first bytes, else UTF-8.
    header_row : int
        Line or row of the column names, from 1.
    sheet : str or None
        Sheet of an Excel file; None: the only one.
    decimal : str
        Decimal separator with which numbers of an Excel column are written that also holds text.
    """

    delimiter: str = ","
    encoding: str | None = None
    header_row: int = 1
    sheet: str | None = None
    decimal: str = "."


def matching_files(pattern: str) -> list[str]:
    """Return the files and Delta folders that a path or a pattern (``*``, ``?``) names, sorted."""
    system, inner = files.filesystem(pattern)
    if not any(sign in inner for sign in "*?["):
        return [pattern] if system.exists(inner) else []
    matches = sorted(str(path) for path in system.glob(inner))
    return [system.unstrip_protocol(path) if files.is_url(pattern) else path for path in matches]


def data_files(folder: str) -> list[str]:
    """Return the files in a folder and the folders right below it that can be tables, sorted; hidden ones are left out."""
    system, inner = files.filesystem(folder)
    result = []
    for path in sorted(str(path) for path in system.find(inner, maxdepth=2)):
        name = path.removeprefix(f"{inner.rstrip('/')}/")
        if not any(part.startswith((".", "~", "_")) for part in name.split("/")) and _may_be_table(name):
            result.append(system.unstrip_protocol(path) if files.is_url(folder) else path)
    return result


def _may_be_table(name: str) -> bool:
    plain = name.lower()
    for ending in _COMPRESSED:
        plain = plain.removesuffix(ending)
    return plain.endswith((".csv", ".txt", ".tsv", ".tab", ".dat", ".parquet", *_EXCEL, *_OLD_EXCEL))


def kind_of(path: str) -> str:
    """Return ``csv``, ``excel``, ``parquet``, or ``delta`` for a file by the end of its name."""
    name = path.lower()
    if name.endswith(_EXCEL):
        return "excel"
    if name.endswith(".parquet"):
        return "parquet"
    system, inner = files.filesystem(path)
    return "delta" if system.isdir(inner) else "csv"


def read_raw(path: str, layout: Layout) -> pa.Table:
    """Return the table in the file at ``path``; values of CSV files, and of Excel columns of several types, are text.

    Raises ``UnreadableError`` with what to change in the mapping.
    """
    name = path.rpartition("/")[2]
    try:
        table = _opened(path, layout)
    except UnreadableError as error:
        raise UnreadableError(f"{error.problem}", error.remedy, error.may_pass) from error
    except PermissionError as error:
        raise UnreadableError(f"cannot be read ({error.strerror or error})", "give the right to read it") from error
    except Exception as error:  # any reader may fail in its own way on a broken file
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
        may_pass = isinstance(error, ConnectionError | TimeoutError)
        raise UnreadableError(
            f"cannot be read as {kind_of(path)} ({first})", f"write {name} again", may_pass
        ) from error
    refuse_wide(table.num_columns)
    return table


def _opened(path: str, layout: Layout) -> pa.Table:
    system, inner = files.filesystem(path)
    kind = kind_of(path)
    if kind == "delta":
        return read_delta(DeltaTable(path))
    _refuse_odd(system, inner)
    if system.size(inner) == 0:
        raise UnreadableError("is an empty file", "write the file again")
    if kind == "parquet":
        return read_parquet(inner, system)
    return _excel(raw_bytes(path), layout) if kind == "excel" else _csv(raw_bytes(path), layout)


def _refuse_odd(system: Any, path: str) -> None:
    """Refuse what is no regular file: a pipe or a device would be waited for without end."""
    if not system.isfile(path):
        raise UnreadableError("is no regular file", "name a file")


def raw_bytes(path: str) -> bytes:
    """Return the content of a file, decompressed. Raises ``UnreadableError`` for what is no regular file."""
    system, inner = files.filesystem(path)
    _refuse_odd(system, inner)
    if path.lower().endswith(_OLD_EXCEL):
        raise UnreadableError("is a spreadsheet in another format", "save it as .xlsx or CSV")
    with system.open(inner, "rb", compression="infer" if path.lower().endswith(_COMPRESSED) else None) as file:
        return bytes(file.read())


def encoding_by_mark(head: bytes) -> str | None:
    """Return the encoding that the first bytes of a file state; None without a byte order mark."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def decoded(content: bytes, encoding: str | None) -> str:
    """Return the text of a file. A byte order mark decides before ``encoding``; raises ``UnreadableError`` where neither fits."""
    stated = encoding_by_mark(content) or encoding or "utf-8"
    try:
        return content.decode(stated)
    except UnicodeDecodeError as error:
        byte = content[error.start : error.start + 1]
        if encoding is not None:
            raise UnreadableError(
                f"is not {encoding} text (byte 0x{byte.hex()} at place {error.start:,})", "correct encoding"
            ) from None
        line = content.count(b"\n", 0, error.start) + 1
        context = content[max(0, error.start - 12) : error.start + 12].decode("cp1252", "replace")
        raise UnreadableError(
            f"is not UTF-8 text (line {line:,}: {shown(context.strip())!r} in Windows-1252)",
            "write encoding: cp1252 if that reads right, else another encoding",
        ) from None


def _csv(content: bytes, layout: Layout) -> pa.Table:
    text = decoded(content, layout.encoding)
    if "\0" in text:
        raise UnreadableError("holds bytes that are no text", "name the right file, or write encoding: utf-16-le")
    skipped = layout.header_row - 1 + text[:20].lower().startswith("sep=")
    lines = text.splitlines(keepends=True) if skipped else []
    if skipped >= len(lines) > 0:
        raise UnreadableError(f"has {len(lines):,} lines", "correct header_row")
    text = "".join(lines[skipped:]) if skipped else text
    names = header_names(text, layout.delimiter)
    if len(names) == 1 and (better := _other_delimiter(names[0])):
        written = "tab" if better == "\t" else f'"{better}"'
        raise UnreadableError(f"has one column ({shown(names[0])})", f"write delimiter: {written}")
    options = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
    )
    bad: list[tuple[int, int, str]] = []

    def note(row: Any) -> str:
        bad.append((row.expected_columns, row.actual_columns, row.text))
        return "skip"

    parse = pa.csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=note)
    table = pa.csv.read_csv(io.BytesIO(text.encode()), convert_options=options, parse_options=parse)
    _refuse_ragged(bad, table, layout.delimiter)
    return _named(table)


def header_names(text: str, delimiter: str) -> list[str]:
    """Return the column names in the first line of a CSV text that is not empty."""
    import csv

    rows = csv.reader(io.StringIO(text[:1_000_000], newline=""), delimiter=delimiter)
    return next((row for row in rows if any(row)), [])


def _refuse_ragged(bad: Sequence[tuple[int, int, str]], table: pa.Table, delimiter: str) -> None:
    if bad:
        expected, actual, row = bad[0]
        more = f" and {len(bad) - 1:,} more such rows" if len(bad) > 1 else ""
        remedy = "remove the rows or put texts with the delimiter in quotes"
        if len(bad) > len(table):
            remedy = "correct header_row or delimiter"
        raise UnreadableError(
            f"has a row of {actual} values under {expected} column names ({shown(row.strip())}){more}", remedy
        )


def _other_delimiter(header: str) -> str:
    return max(";\t|,", key=header.count) if any(sign in header for sign in ";\t|,") else ""


def _named(table: pa.Table) -> pa.Table:
    """Return the table without columns that have neither a name nor values, and without rows that have no value."""
    kept = [
        place
        for place, name in enumerate(table.column_names)
        if name.strip() or table.column(place).null_count < len(table)
    ]
    table = table.select(kept)
    is_empty = np.logical_and.reduce([np.asarray(column.is_null()) for column in table.columns] or [np.zeros(0, bool)])
    return table.filter(pa.array(~is_empty)) if is_empty.any() else table


def _excel(content: bytes, layout: Layout) -> pa.Table:
    rows = list(sheet_rows(content, layout.sheet))[layout.header_row - 1 :]
    rows = [row for row in rows if any(value is not None for value in row)]
    if not rows:
        raise UnreadableError("has no values", "correct sheet or header_row")
    header = ["" if value is None else " ".join(str(value).split()) for value in rows[0]]
    arrays, names = [], []
    for place, name in enumerate(header):
        values = [row[place] if place < len(row) else None for row in rows[1:]]
        if name or any(value is not None for value in values):
            arrays.append(_cells(values, layout.decimal))
            names.append(name)
    return pa.table(arrays, names=names)


def sheet_names(content: bytes) -> list[str]:
    """Return the names of the visible sheets of an Excel file."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    return [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]


def sheet_rows(content: bytes, sheet: str | None, n_rows: int | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield the values of the first rows of a sheet; all of them if ``n_rows`` is None."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    names = [part.title for part in book.worksheets if part.sheet_state == "visible"]
    if sheet is None and len(names) > 1:
        raise UnreadableError(f"has {len(names)} sheets: {listed(names)}", f"write sheet: {names[0]} or another")
    if sheet is not None and sheet not in book.sheetnames:
        raise UnreadableError(f"has no sheet {shown(sheet)!r}", f"correct sheet: its sheets are {listed(names)}")
    for row in book[sheet or names[0]].iter_rows(max_row=n_rows):
        yield tuple(_cell(cell) for cell in row)


def _cell(cell: Any) -> Any:
    """Return the value of a cell; a number that the sheet shows with leading zeros is text."""
    value = cell.value
    if isinstance(value, int) and not isinstance(value, bool):
        shape = str(getattr(cell, "number_format", "") or "")
        if len(shape) > 1 and set(shape) == {"0"}:
            return str(value).zfill(len(shape))
    return None if isinstance(value, str) and not value.strip() else value


def _cells(values: Sequence[Any], decimal: str) -> pa.Array:
    """Return a column: dates, whole numbers, numbers, or text where the types differ."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, datetime | date) for value in present):
        return pa.array(
            [
                value if isinstance(value, datetime) or value is None else datetime(*value.timetuple()[:3])
                for value in values
            ],
            pa.timestamp("us"),
        )
    numbers = [value for value in present if isinstance(value, int | float) and not isinstance(value, bool)]
    if present and len(numbers) == len(present):
        is_whole = all(float(value).is_integer() and abs(value) < 2**53 for value in numbers)
        return pa.array([None if value is None else (int(value) if is_whole else float(value)) for value in values])
    mark = DATE_CELL if _are_dates_mixed(present) else ""
    return pa.array([None if value is None else _cell_text(value, decimal, mark) for value in values], pa.string())


def _are_dates_mixed(values: Sequence[Any]) -> bool:
    """Return whether some cells are dates and others are texts of dates: a spreadsheet may have swapped days and months."""
    if not any(isinstance(value, datetime | date) for value in values):
        return False
    return bool(read_dates({value for value in values if isinstance(value, str)}).formats)


def _cell_text(value: Any, decimal: str, mark: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00") + mark
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value).replace(".", decimal)
    return value.strftime("%H:%M") if isinstance(value, time) else str(value)
