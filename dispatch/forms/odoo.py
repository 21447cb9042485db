"""Export form ``odoo``: pickings as CSV for the import of ``stock.picking`` and for ``load`` in the external API.

The first row of a picking holds its header, which is empty on the rows of its other moves. Odoo finds locations and products by
name: set the columns with its names in ``decisions.exports``. Not here: calls of Odoo's API.
"""

from __future__ import annotations

import csv
import io
import json

from dispatch.documents import Document
from dispatch.export_form import UNPLACED, ExportForm, Partner, header, note
from foundation.errors import InputError

PICKING_TYPES = {"transfer": "Internal Transfers", "supply": "Receipts"}
HEADER_FIELDS = ("id", "picking_type_id", "location_id", "location_dest_id", "scheduled_date", "origin", "note")
MOVE_FIELDS = ("move_ids/product_id", "move_ids/product_uom_qty", "move_ids/name", "move_ids/origin")
_PREFIX = "forestock_"


def _write(documents: list[Document], partner: Partner) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*HEADER_FIELDS, *MOVE_FIELDS])
    empty = [""] * len(HEADER_FIELDS)
    for document in documents:
        head = _head(document)
        for number, (proposal_id, sku, units) in enumerate(document.lines):
            rows.writerow([*(empty if number else head), sku, units, sku, proposal_id])
    return text.getvalue()


def _head(document: Document) -> list[str]:
    fields = document.header
    return [
        f"{_PREFIX}{document.document_id}", PICKING_TYPES[fields["kind"]], fields["origin"], fields["destination"],
        f"{fields['ship_date']} 00:00:00", document.document_id, note(document, *UNPLACED),
    ]  # fmt: skip


def _read(text: str) -> list[Document]:
    rows = csv.reader(io.StringIO(text))
    if tuple(next(rows, ())) != (*HEADER_FIELDS, *MOVE_FIELDS):
        raise InputError(f"the first line must be {','.join((*HEADER_FIELDS, *MOVE_FIELDS))}")
    width = len(HEADER_FIELDS)
    result: list[tuple[dict[str, str], list[tuple[str, str, int]]]] = []
    for row in rows:
        if row[0]:
            result.append((_header(dict(zip(HEADER_FIELDS, row, strict=False))), []))
        sku, units, _, proposal_id = row[width:]
        result[-1][1].append((proposal_id, sku, int(units)))
    return [Document(head, tuple(lines)) for head, lines in result]


def _header(row: dict[str, str]) -> dict[str, str]:
    return header(
        document_id=row["origin"], origin=row["location_id"], destination=row["location_dest_id"],
        ship_date=row["scheduled_date"][:10], **json.loads(row["note"]),
    )  # fmt: skip


PICKING = ExportForm(
    "odoo", ".csv", "Odoo pickings (internal transfers and receipts).", ("transfer", "supply"), _write, _read
)
