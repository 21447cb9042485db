"""Reading of Parquet files and Delta tables, with limits that are checked on their metadata before rows are read.

A file of a few kilobytes can contain millions of equal rows or very long texts. Texts are therefore read as codes, so memory is
proportional to the size of the files, and files whose rows must repeat a key are refused unread. Not here: the location of files (``sources``).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from deltalake import DeltaTable
from pyarrow.dataset import ParquetFileFormat, ParquetReadOptions

from foundation.errors import repeated_remedy
from foundation.tables import EXTERNAL_INPUTS, INPUTS
from foundation.validation.input_table import UnreadableError

MOST_COLUMNS = 2_000
_MANY_ROWS = 1_000_000
_BATCH_ROWS = 1_000_000


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
