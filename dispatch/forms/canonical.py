"""The canonical record as CSV and JSON: every field under the name it has in the warehouse.

Not here: other systems' forms.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import groupby

from dispatch.documents import HEADER_COLUMNS, LINE_COLUMNS, Document
from dispatch.forms.form import Form, Partner
from foundation.errors import InputError

_KINDS = ("transfer", "supply")


def _write_csv(documents: list[Document], partner: Partner) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(LINE_COLUMNS)
    for document in documents:
        header = [document.header[name] for name in HEADER_COLUMNS]
        rows.writerows([*header, *line] for line in document.lines)
    return text.getvalue()


def _read_csv(text: str) -> list[Document]:
    rows = csv.reader(io.StringIO(text))
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


CSV = Form("csv", ".csv", "One row per line, the columns of the warehouse.", _KINDS, _write_csv, _read_csv)
JSON = Form("json", ".json", "One object per document with its lines.", _KINDS, _write_json, _read_json)
