"""Reading of CSV files, and diagnosis of files that are not UTF-8 text separated by commas.

Not here: the location of files (``sources``) and the types of columns (``foundation.validation``).
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.csv

from foundation.errors import shown
from foundation.store.columnar import refuse_wide
from foundation.validation.input_table import UnreadableError

_HEAD_BYTES = 65_536
_CHUNK_BYTES = 1 << 20
_SEPARATORS = ";\t|"
_WIDE = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_COUNTS = re.compile(r"Expected (\d+) columns, got (\d+)(?:: (.*))?", re.DOTALL)


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
