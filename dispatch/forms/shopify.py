"""Export form ``shopify``: inventory transfers, one line of JSON per document with the variables of ``inventoryTransferCreate``.

The fields are those of ``InventoryTransferCreateInput`` of the GraphQL Admin API (2025-10 and later);
``bulkOperationRunMutation`` accepts the file. Locations and inventory items are Shopify's ids: set the columns with them in
``decisions.exports``. Not here: calls of Shopify's API.
"""

from __future__ import annotations

import json

from dispatch.documents import Document
from dispatch.export_form import UNPLACED, ExportForm, Partner, header, note


def _write(documents: list[Document], partner: Partner) -> str:
    return "".join(f"{json.dumps(_variables(document), ensure_ascii=False)}\n" for document in documents)


def _variables(document: Document) -> dict[str, object]:
    head = document.header
    items = [{"inventoryItemId": sku, "quantity": units} for _, sku, units in document.lines]
    variables = {
        "referenceName": document.document_id,
        "originLocationId": head["origin"],
        "destinationLocationId": head["destination"],
        "note": note(document, *UNPLACED, "ship_date"),
        "tags": ["forestock", f"lane:{head['lane']}"],
        "lineItems": items,
    }
    return {"input": variables, "idempotencyKey": document.document_id}


def _read(text: str) -> list[Document]:
    return [_document(json.loads(line)["input"]) for line in text.splitlines() if line.strip()]


def _document(variables: dict) -> Document:
    head = header(
        document_id=variables["referenceName"], origin=variables["originLocationId"],
        destination=variables["destinationLocationId"], **json.loads(variables["note"]),
    )  # fmt: skip
    return Document(head, tuple(("", item["inventoryItemId"], item["quantity"]) for item in variables["lineItems"]))


TRANSFER = ExportForm(
    "shopify", ".jsonl", "Shopify inventory transfers, one per document.", ("transfer",), _write, _read,
    lost=("proposal_id",),
)  # fmt: skip
