"""Export form ``erpnext``: Stock Entries of type Material Transfer, as a JSON list for ``/api/resource/Stock Entry``.

Warehouses and items have ERPNext's names: set the columns with them in ``decisions.exports``. A site keeps the ``custom_…``
fields that it defines and ignores the others. Not here: calls of ERPNext's API.
"""

from __future__ import annotations

import json

from dispatch.documents import Document
from dispatch.export_form import UNPLACED, ExportForm, Partner, header, note

PURPOSE = "Material Transfer"


def _write(documents: list[Document], partner: Partner) -> str:
    entries = ",\n".join(json.dumps(_entry(document, partner), ensure_ascii=False) for document in documents)
    return f"[\n{entries}\n]\n" if documents else "[]\n"


def _entry(document: Document, partner: Partner) -> dict[str, object]:
    head = document.header
    company = {"company": partner.exports.erpnext_company} if partner.exports.erpnext_company else {}
    return {
        "doctype": "Stock Entry",
        "stock_entry_type": PURPOSE,
        "purpose": PURPOSE,
        **company,
        "set_posting_time": 1,
        "posting_date": head["ship_date"],
        "from_warehouse": head["origin"],
        "to_warehouse": head["destination"],
        "remarks": note(document, *UNPLACED),
        "custom_document_id": document.document_id,
        "items": [
            {
                "item_code": sku,
                "qty": units,
                "s_warehouse": head["origin"],
                "t_warehouse": head["destination"],
                "custom_proposal_id": proposal_id,
            }
            for proposal_id, sku, units in document.lines
        ],
    }


def _read(text: str) -> list[Document]:
    return [_document(entry) for entry in json.loads(text)]


def _document(entry: dict) -> Document:
    head = header(
        document_id=entry["custom_document_id"], origin=entry["from_warehouse"],
        destination=entry["to_warehouse"], ship_date=entry["posting_date"], **json.loads(entry["remarks"]),
    )  # fmt: skip
    lines = tuple((item["custom_proposal_id"], item["item_code"], int(item["qty"])) for item in entry["items"])
    return Document(head, lines)


STOCK_ENTRY = ExportForm(
    "erpnext", ".json", "ERPNext Stock Entries (Material Transfer).", ("transfer",), _write, _read
)  # fmt: skip
