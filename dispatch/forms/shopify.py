"""Export form ``shopify``: inventory transfers, one line of JSON per document with the variables of ``inventoryTransferCreate``.

The mutation creates a transfer with status `DRAFT`. ``inventoryTransferCreateAsReadyToShip`` takes the same variables, and
``inventoryTransferMarkAsReadyToShip`` takes the id of the transfer. The fields are those of ``InventoryTransferCreateInput`` of the
GraphQL Admin API (2025-10 and later); ``bulkOperationRunMutation`` accepts the file. Locations and inventory items are
Shopify's ids: set the columns with them in ``decisions.exports``. Not here: calls of Shopify's API.
"""

from __future__ import annotations

import json

from dispatch.documents import Document
from dispatch.export_form import UNPLACED, ExportForm, header, note
from dispatch.partner import Partner

NAMESPACE, KEY = "forestock", "proposals"
# First version in which inventoryTransferCreate takes metafields.
METAFIELDS_FROM = "2026-07"


def _write(documents: list[Document], partner: Partner) -> str:
    return "".join(f"{json.dumps(_variables(document, partner), ensure_ascii=False)}\n" for document in documents)


def _variables(document: Document, partner: Partner) -> dict[str, object]:
    head = document.header
    variables = {
        "referenceName": document.document_id,
        "originLocationId": head["origin"],
        "destinationLocationId": head["destination"],
        "note": note(document, *UNPLACED, "ship_date"),
        "tags": ["forestock", f"lane:{head['lane']}"],
        "lineItems": [{"inventoryItemId": sku, "quantity": units} for _, sku, units in document.lines],
    }
    if partner.exports.shopify_version >= METAFIELDS_FROM:
        variables["metafields"] = [_metafield(document)]
    return {"input": variables, "idempotencyKey": document.document_id}


def _metafield(document: Document) -> dict[str, str]:
    """Return the metafield with the ids of the proposals in the order of ``lineItems``; a line item has no field for them."""
    value = json.dumps(document.proposal_ids, ensure_ascii=False)
    return {"namespace": NAMESPACE, "key": KEY, "type": "json", "value": value}


def _read(text: str) -> list[Document]:
    return [_document(json.loads(line)["input"]) for line in text.splitlines() if line.strip()]


def _document(variables: dict) -> Document:
    head = header(
        document_id=variables["referenceName"], origin=variables["originLocationId"],
        destination=variables["destinationLocationId"], **json.loads(variables["note"]),
    )  # fmt: skip
    items = variables["lineItems"]
    known = [field["value"] for field in variables.get("metafields", ()) if field["key"] == KEY]
    ids = json.loads(known[0]) if known else [""] * len(items)
    return Document(
        head,
        tuple(
            (name, item["inventoryItemId"], item["quantity"]) for name, item in zip(ids, items, strict=True)
        ),
    )  # fmt: skip


TRANSFER = ExportForm(
    "shopify", ".jsonl", "Shopify inventory transfers with status `DRAFT`, one per document.", ("transfer",), _write, _read
)  # fmt: skip
