"""Reading of table files: CSV, Parquet and Delta, with limits on their size and a diagnosis of files that are not UTF-8 text separated by commas.

A Parquet file of a few kilobytes can contain millions of equal rows or very long texts. Texts are therefore read as codes, so memory
is proportional to the size of the files, and files whose rows must repeat a key are refused unread on their metadata. Not here: the
location of files (``sources``) and the types of columns (``foundation.validation``).
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
from deltalake import DeltaTable
from pyarrow.dataset import ParquetFileFormat, ParquetReadOptions

from foundation.errors import repeated_remedy, shown
from foundation.tables import EXTERNAL_INPUTS, INPUTS
from foundation.validation.input_table import UnreadableError

MOST_COLUMNS = 2_000
_MANY_ROWS = 1_000_000
_BATCH_ROWS = 1_000_000
_HEAD_BYTES = 65_536
_CHUNK_BYTES = 1 << 20
_SEPARATORS = ";\t|"
_WIDE = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_COUNTS = re.compile(r"Expected (\d+) columns, got (\d+)(?:: (.*))?", re.DOTALL)


def read_parquet(path: str, system: Any) -> pa.Table:
    """Return the Parquet file or folder at ``path`` of an fsspec file system; raises ``UnreadableError`` beyond a limit."""
    schema = pa.dataset.dataset(path, filesystem=system, format="parquet", partitioning=None).schema
    coded = _coded(schema, ())
    data = pa.dataset.dataset(path, filesystem=system, format=_format(coded), partitioning=None)
    return _rows(data, Path(path).stem)


def read_delta(table: DeltaTable) -> pa.Table:
    """Return the newest version of a Delta table; raises ``UnreadableError`` beyond a limit or for a reader it does not know."""
    protocol, described = table.protocol(), table.metadata()
    if protocol.min_reader_version > 1 and "delta.columnMapping.mode" in described.configuration:
        raise UnreadableError(
            "is a Delta table with mapped columns, which cannot be read", "write it without column mapping"
        )
    schema = pa.schema(table.schema().to_arrow())
    data = table.to_pyarrow_dataset(parquet_read_options=_options(_coded(schema, described.partition_columns)))
    return _rows(data, Path(table.table_uri.rstrip("/")).name)


def refuse_wide(n_columns: int) -> None:
    """Raise ``UnreadableError`` for more columns than ``MOST_COLUMNS``."""
    if n_columns > MOST_COLUMNS:
        raise UnreadableError(
            f"has {n_columns:,} columns; at most {MOST_COLUMNS:,} are read", "leave out the columns that are not needed"
        )


def is_panic(error: BaseException) -> bool:
    """Return whether ``error`` is a panic of a library's native code, which is no ordinary exception."""
    return type(error).__name__ == "PanicException"


def _rows(data: pa.dataset.Dataset, table: str) -> pa.Table:
    refuse_wide(len(data.schema))
    n_rows = data.count_rows()
    if n_rows > _MANY_ROWS:
        _refuse_repeated(data, table, n_rows)
    return data.to_table()


def _refuse_repeated(data: pa.dataset.Dataset, table: str, n_rows: int) -> None:
    """Refuse more rows than the values of the key columns can make different keys."""
    definition = {**INPUTS, **EXTERNAL_INPUTS}.get(table)
    grain = definition.grain if definition else ()
    if definition is None or not set(definition.required) & set(grain) <= set(data.schema.names):
        return
    most = math.prod(_distinct(data, name) for name in grain if name in data.schema.names)
    if n_rows > most:
        label = f"{n_rows:,} rows, of which at least {n_rows - most:,} repeat a key: {', '.join(grain)} have {most:,} keys at most"
        raise UnreadableError(f"has {label}", repeated_remedy(table, grain))


def _distinct(data: pa.dataset.Dataset, name: str) -> int:
    """Return how many values the column has, counted batch by batch; null is one."""
    result: set[Any] = set()
    for batch in data.scanner(columns=[name], batch_size=_BATCH_ROWS).to_batches():
        words = pc.unique(batch.column(0))
        words = words.dictionary_decode() if pa.types.is_dictionary(words.type) else words
        result.update(words.cast(pa.string()).to_pylist())
    return max(len(result), 1)


def _coded(schema: pa.Schema, others: list[str] | tuple[str, ...]) -> set[str]:
    is_text = (pa.types.is_string, pa.types.is_large_string)
    return {field.name for field in schema if field.name not in others and any(check(field.type) for check in is_text)}


def _format(coded: set[str]) -> ParquetFileFormat:
    return ParquetFileFormat(read_options=_options(coded))


def _options(coded: set[str]) -> ParquetReadOptions:
    return ParquetReadOptions(dictionary_columns=coded)


def read_csv(file: Any, as_text: Collection[str]) -> pa.Table:
    """Return the table in the open binary ``file``; a text that is empty is null.

    ``as_text`` names the columns whose type is not guessed. Raises ``UnreadableError`` with the separator, the encoding or the
    row that is in the way, ``pyarrow.ArrowInvalid`` for anything else.
    """
    head = file.read(_HEAD_BYTES)
    _refuse_utf16(head)
    _refuse_separator(head.decode("utf-8-sig", "replace").split("\n", 1)[0], as_text)
    file.seek(0)
    options = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(as_text, pa.string()), null_values=[""], strings_can_be_null=True
    )
    try:
        table = pa.csv.read_csv(
            file, convert_options=options, parse_options=pa.csv.ParseOptions(newlines_in_values=True)
        )
    except pa.ArrowInvalid as error:
        if b"\0" not in head:
            _refuse_encoding(file)
            _refuse_count(str(error))
        raise
    refuse_wide(table.num_columns)
    if any(pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type) for field in table.schema):
        _refuse_encoding(file)
    return table


def _refuse_utf16(head: bytes) -> None:
    encoding = _WIDE.get(
        head[:2],
        "UTF-16" if b"\0" in head[:200] and len(head[:200].replace(b"\0", b"")) <= len(head[:200]) * 0.6 else "",
    )
    if encoding:
        raise UnreadableError(f"is {encoding} text", "save it as UTF-8 (in a spreadsheet: CSV UTF-8)")


def _refuse_separator(header: str, known: Collection[str]) -> None:
    """Refuse a file whose header another separator than the comma takes apart."""
    if not header.replace("\t", "").strip().isprintable():
        return
    by_comma = _n_known(header, ",", known)
    for separator in _SEPARATORS:
        is_better = _n_known(header, separator, known) > by_comma
        if is_better or ("," not in header and separator in header):
            raise UnreadableError(
                f"is not separated by commas ({shown(header.strip())})", "write it with commas and decimal points"
            )


def _n_known(header: str, separator: str, known: Collection[str]) -> int:
    names = next(csv.reader([header.strip()], delimiter=separator), [])
    return len({name.strip().lower() for name in names} & set(known))


def _refuse_encoding(file: Any) -> None:
    """Refuse a file that is not UTF-8; a file that is says nothing."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk := file.read(_CHUNK_BYTES):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            label = f"is not UTF-8 text (byte 0x{byte:02x}, {bytes([byte]).decode('cp1252', 'replace')!r} in Latin-1 or Windows-1252)"
            raise UnreadableError(label, "save it as UTF-8 (in a spreadsheet: CSV UTF-8)") from None


def _refuse_count(message: str) -> None:
    """Refuse a row that has more or fewer values than there are columns, and show it."""
    if result := _COUNTS.search(message):
        columns, values, row = result.groups()
        label = f"has a row of {values} values under {columns} column names ({shown((row or '').strip())})"
        remedy = "put texts with commas in quotes and write numbers with a decimal point and no thousands separators"
        raise UnreadableError(label, remedy)
