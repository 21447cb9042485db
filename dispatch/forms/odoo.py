"""Export forms ``odoo`` and ``odoo-purchase``: internal transfers and purchase orders as CSV for Odoo's import and ``load``.

The first row of a record holds its header, which is empty on the rows of its other lines. Every warehouse has its own
operation types, so they are named ``WAREHOUSE: Internal Transfers`` and ``WAREHOUSE: Receipts``. External ids are
``forestock_`` and the id of the document or the proposal: a second import updates the same records. Odoo finds locations,
vendors, and products by name: set the columns with its names in ``decisions.exports``. Not here: calls of Odoo's API.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator

from dispatch.documents import EXTERNAL_ID_PREFIX, Document
from dispatch.export_form import UNPLACED, ExportForm, header, note
from dispatch.partner import Partner
from foundation.errors import InputError

TRANSFER_TYPE, RECEIPT_TYPE = "Internal Transfers", "Receipts"
HEADER_FIELDS = ("id", "picking_type_id", "location_id", "location_dest_id", "scheduled_date", "origin", "note")
MOVE_FIELDS = ("move_ids/id", "move_ids/product_id", "move_ids/product_uom_qty", "move_ids/origin")
# Required up to version 18; version 19 has no such field.
MOVE_NAME = "move_ids/name"
ORDER_FIELDS = ("id", "partner_id", "picking_type_id", "date_order", "date_planned", "origin")
LINE_FIELDS = ("order_line/id", "order_line/product_id", "order_line/product_qty", "order_line/date_planned")
# Name of the terms of a purchase order by version.
ORDER_NOTE = {17: "notes", 18: "notes", 19: "note"}

Row = dict[str, str]


def _write_pickings(documents: list[Document], partner: Partner) -> str:
    name = (MOVE_NAME,) if partner.exports.odoo_version < 19 else ()
    return _csv(
        (*HEADER_FIELDS, *MOVE_FIELDS, *name), (row for document in documents for row in _picking(document, partner))
    )


def _picking(document: Document, partner: Partner) -> Iterator[Row]:
    head = document.header
    picking = {
        "id": f"{EXTERNAL_ID_PREFIX}{document.document_id}", "picking_type_id": _operation(head["origin"], TRANSFER_TYPE, partner),
        "location_id": head["origin"], "location_dest_id": head["destination"], "scheduled_date": _midnight(head["ship_date"]),
        "origin": document.document_id, "note": note(document, *UNPLACED),
    }  # fmt: skip
    for number, (proposal_id, sku, units) in enumerate(document.lines):
        move = {
            "move_ids/id": f"{EXTERNAL_ID_PREFIX}{proposal_id}", "move_ids/product_id": sku, "move_ids/product_uom_qty": str(units),
            "move_ids/origin": proposal_id, MOVE_NAME: sku,
        }  # fmt: skip
        yield move if number else picking | move


def _write_orders(documents: list[Document], partner: Partner) -> str:
    terms = ORDER_NOTE[partner.exports.odoo_version]
    rows = (row for document in documents for row in _order(document, partner, terms))
    return _csv((*ORDER_FIELDS, terms, *LINE_FIELDS), rows)


def _order(document: Document, partner: Partner, terms: str) -> Iterator[Row]:
    head = document.header
    arrival = _midnight(head["arrival_date"])
    order = {
        "id": f"{EXTERNAL_ID_PREFIX}{document.document_id}", "partner_id": head["origin"],
        "picking_type_id": _operation(head["destination"], RECEIPT_TYPE, partner),
        "date_order": _midnight(head["ship_date"]), "date_planned": arrival, "origin": document.document_id,
        terms: note(document, "departure_id", "destination", "kind", "lane"),
    }  # fmt: skip
    for number, (proposal_id, sku, units) in enumerate(document.lines):
        line = {
            "order_line/id": f"{EXTERNAL_ID_PREFIX}{proposal_id}", "order_line/product_id": sku, "order_line/product_qty": str(units),
            "order_line/date_planned": arrival,
        }  # fmt: skip
        yield line if number else order | line


def _operation(hub: str, kind: str, partner: Partner) -> str:
    """Return the name of an operation type as Odoo shows and finds it."""
    return f"{partner.warehouses.get(hub, hub)}: {kind}"


def _midnight(day: str) -> str:
    return f"{day} 00:00:00"


def _csv(names: tuple[str, ...], rows: Iterator[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _records(text: str, required: tuple[str, ...]) -> Iterator[list[Row]]:
    """Yield the rows of each record; the first one has an id."""
    rows = csv.DictReader(io.StringIO(text))
    if missing := [name for name in required if name not in (rows.fieldnames or ())]:
        raise InputError(f"the first line must name the columns {', '.join(required)}; {missing[0]} is missing")
    record: list[Row] = []
    for row in rows:
        if row["id"] and record:
            yield record
            record = []
        record.append(row)
    if record:
        yield record


def _read_pickings(text: str) -> list[Document]:
    return [_document(rows, _picking_header, MOVE_FIELDS) for rows in _records(text, (*HEADER_FIELDS, *MOVE_FIELDS))]


def _read_orders(text: str) -> list[Document]:
    return [_document(rows, _order_header, LINE_FIELDS) for rows in _records(text, (*ORDER_FIELDS, *LINE_FIELDS))]


def _document(rows: list[Row], read_header: Callable[[Row], dict[str, str]], names: tuple[str, ...]) -> Document:
    line_id, product, units = names[:3]
    lines = tuple((row[line_id].removeprefix(EXTERNAL_ID_PREFIX), row[product], int(row[units])) for row in rows)
    return Document(read_header(rows[0]), lines)


def _picking_header(row: Row) -> dict[str, str]:
    return header(
        document_id=row["origin"], origin=row["location_id"], destination=row["location_dest_id"],
        ship_date=row["scheduled_date"][:10], **json.loads(row["note"]),
    )  # fmt: skip


def _order_header(row: Row) -> dict[str, str]:
    terms = next(name for name in ("note", "notes") if name in row)
    return header(
        document_id=row["origin"], origin=row["partner_id"], ship_date=row["date_order"][:10],
        arrival_date=row["date_planned"][:10], **json.loads(row[terms]),
    )  # fmt: skip


PICKING = ExportForm("odoo", ".csv", "Odoo internal transfers.", ("transfer",), _write_pickings, _read_pickings)
PURCHASE_ORDER = ExportForm(
    "odoo-purchase", ".csv", "Odoo purchase orders.", ("supply",), _write_orders, _read_orders
)  # fmt: skip
