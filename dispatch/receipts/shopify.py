"""Execution form ``shopify``: inventory transfers with their shipments, as JSONL of a bulk query.

A bulk query writes one line per transfer, shipment, and line item; ``__parentId`` names the record above. Not here: calls of
Shopify's API (``docs/execution.md`` has the query).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dispatch.execution_form import ExecutionForm, Report, Status, collected, moment


@dataclass(frozen=True)
class _Line:
    """One line of the file."""

    place: str
    text: str


def _read(text: str) -> list[Report]:
    lines = [_Line(f"line {number}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    return collected(lines, lambda line: line.place, _reader())


def _reader() -> Callable[[_Line], list[Report]]:
    """Return the reader of one file; it keeps transfers and shipments for the lines below them."""
    above: dict[str, dict] = {}

    def reports(line: _Line) -> list[Report]:
        record = json.loads(line.text)  # its error is a ValueError
        if not isinstance(record, dict) or "id" not in record:
            raise ValueError("a record of a bulk query with an id is needed")
        above[record["id"]] = record
        if "acceptedQuantity" not in record:
            return []
        shipment = above.get(record.get("__parentId", ""))
        transfer = above.get(shipment.get("__parentId", "")) if shipment else None
        if shipment is None or transfer is None:
            raise ValueError("its shipment and its transfer must come before it")
        return list(_of_item(line.place, record, shipment, transfer))

    return reports


def _of_item(place: str, item: dict, shipment: dict, transfer: dict) -> Iterator[Report]:
    """Yield shipped units, and accepted and rejected ones once every unit of the line has been counted."""
    events: list[tuple[Status, int, str | None]] = [("shipped", item["quantity"], shipment.get("dateShipped"))]
    if not item["unreceivedQuantity"]:
        received_at = shipment.get("dateReceived")
        events += [
            ("received", item["acceptedQuantity"], received_at),
            ("refused", item["rejectedQuantity"], received_at),
        ]
    for status, units, time in events:
        if units and time:
            document_id, sku = transfer.get("referenceName") or "", item["inventoryItem"]["id"]
            if not document_id:
                return  # a transfer that Forestock did not export
            source = f"shopify {shipment['name']}"
            yield Report(place, status, units, moment(time), source, "", document_id, sku)


TRANSFER = ExecutionForm("shopify", "Shopify inventory transfers with shipments, as JSONL of a bulk query.", _read)
