"""Export forms ``csv`` and ``json``: the canonical record, with every field under its name in the warehouse.

The CSV form neutralizes text that a spreadsheet would evaluate as a formula (``foundation.store.table_exports``). JSON leaves text unchanged.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import groupby

from dispatch.documents import HEADER_COLUMNS, LINE_COLUMNS, Document
from dispatch.export_form import ExportForm
from dispatch.partner import Partner
from foundation.errors import InputError
from foundation.store.table_exports import as_text, as_written

_KINDS = ("transfer", "supply")


def _write_csv(documents: list[Document], partner: Partner) -> str:
    rows: list[list[str | int]] = [list(LINE_COLUMNS)]
    for document in documents:
        header = [document.header[name] for name in HEADER_COLUMNS]
        for line in document.lines:
            values: list[str | int] = [*header, *line]
            rows.append([as_text(value) for value in values])
    return "".join(map(_row, rows))


def _row(values: list[str | int]) -> str:
    """Return one row with its line feed; a carriage return in a text is quoted, which Python does only for its own line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _read_csv(text: str) -> list[Document]:
    rows = ([as_written(value) for value in row] for row in csv.reader(io.StringIO(text, newline="")))
    if tuple(next(rows, ())) != LINE_COLUMNS:
        raise InputError(f"the first line must be {','.join(LINE_COLUMNS)}")
    width = len(HEADER_COLUMNS)
    return [
        Document(
            dict(zip(HEADER_COLUMNS, header, strict=True)),
            tuple((row[width], row[width + 1], int(row[width + 2])) for row in lines),
        )
        for header, lines in groupby(rows, key=lambda row: tuple(row[:width]))
    ]


def _write_json(documents: list[Document], partner: Partner) -> str:
    body = ",\n".join(document.to_json() for document in documents)
    return f'{{"documents":[\n{body}\n]}}\n' if documents else '{"documents":[]}\n'


def _read_json(text: str) -> list[Document]:
    return [document_of(record) for record in json.loads(text)["documents"]]


def document_of(record: dict) -> Document:
    """Return the document of a record as ``Document.record`` gives it; raises ``KeyError`` for a missing field."""
    lines = tuple((line["proposal_id"], line["sku"], int(line["units"])) for line in record["lines"])
    return Document({name: record[name] for name in HEADER_COLUMNS}, lines)


CSV = ExportForm("csv", ".csv", "One row per line, the columns of the warehouse.", _KINDS, _write_csv, _read_csv)
JSON = ExportForm("json", ".json", "One object per document with its lines.", _KINDS, _write_json, _read_json)
