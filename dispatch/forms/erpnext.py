"""Export form ``erpnext``: Material Requests as a JSON list for ``/api/resource/Material Request``.

A Material Request asks for a transfer or a purchase by a date and moves no stock; the Stock Entry or the Purchase Order that
fulfills it does. Warehouses and items have ERPNext's names: set the columns with them in ``decisions.exports``. A site keeps
the ``custom_…`` fields that it defines and ignores the others; ``CUSTOM_FIELDS`` has their definitions, and the unique one
refuses a second posting of a document. Not here: calls of ERPNext's API.
"""

from __future__ import annotations

import json

from dispatch.documents import Document
from dispatch.export_form import ExportForm, header
from dispatch.partner import Partner

TYPES = {"transfer": "Material Transfer", "supply": "Purchase"}
HEAD_FIELDS = ("document_id", "departure_id", "lane", "ship_date")
_DATA: dict[str, int | str] = {"fieldtype": "Data", "read_only": 1}
_OF_REQUEST: dict[str, int | str] = _DATA | {"dt": "Material Request", "no_copy": 1}
_ITEMS = ("Material Request Item", "Stock Entry Detail", "Purchase Order Item", "Purchase Receipt Item")
CUSTOM_FIELDS = (
    *(
        _OF_REQUEST | {"fieldname": f"custom_{name}", "label": name.replace("_", " ").title(), "unique": int(name == "document_id")}
        for name in (*HEAD_FIELDS, "supplier")
    ),
    *(_DATA | {"dt": name, "fieldname": "custom_proposal_id", "label": "Proposal Id"} for name in _ITEMS),
)  # fmt: skip


def _write(documents: list[Document], partner: Partner) -> str:
    requests = ",\n".join(json.dumps(_request(document, partner), ensure_ascii=False) for document in documents)
    return f"[\n{requests}\n]\n" if documents else "[]\n"


def _request(document: Document, partner: Partner) -> dict[str, object]:
    head = document.header
    is_transfer = head["kind"] == "transfer"
    company = {"company": partner.exports.erpnext_company} if partner.exports.erpnext_company else {}
    origin = {"set_from_warehouse": head["origin"]} if is_transfer else {"custom_supplier": head["origin"]}
    return {
        "doctype": "Material Request",
        "material_request_type": TYPES[head["kind"]],
        **company,
        "transaction_date": min(f"{partner.moment:%Y-%m-%d}", head["arrival_date"]),
        "schedule_date": head["arrival_date"],
        **origin,
        "set_warehouse": head["destination"],
        **{f"custom_{name}": head[name] for name in HEAD_FIELDS},
        "items": [_item(line, document, partner) for line in document.lines],
    }


def _item(line: tuple[str, str, int], document: Document, partner: Partner) -> dict[str, object]:
    head = document.header
    proposal_id, sku, units = line
    return {
        "item_code": sku,
        "qty": units,
        "uom": partner.exports.erpnext_uom,
        "conversion_factor": 1,
        "schedule_date": head["arrival_date"],
        **({"from_warehouse": head["origin"]} if head["kind"] == "transfer" else {}),
        "warehouse": head["destination"],
        "custom_proposal_id": proposal_id,
    }


def _read(text: str) -> list[Document]:
    return [_document(request) for request in json.loads(text)]


def _document(request: dict) -> Document:
    kind = next(kind for kind, name in TYPES.items() if name == request["material_request_type"])
    head = header(
        kind=kind, origin=request["set_from_warehouse" if kind == "transfer" else "custom_supplier"],
        destination=request["set_warehouse"], arrival_date=request["schedule_date"],
        **{name: request[f"custom_{name}"] for name in HEAD_FIELDS},
    )  # fmt: skip
    lines = tuple((item["custom_proposal_id"], item["item_code"], int(item["qty"])) for item in request["items"])
    return Document(head, lines)


MATERIAL_REQUEST = ExportForm(
    "erpnext", ".json", "ERPNext Material Requests (Material Transfer, Purchase).", ("transfer", "supply"), _write, _read
)  # fmt: skip
