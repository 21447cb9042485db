"""Receivers that answer an exported document: they ship or receive all units but two of the first line.

Each reads the exported text as its system would, by the grammar or field names of the receiver, and returns the file that
the system sends or exports. Not here: reading the answers (the product).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from tests.dispatch.x12_grammar import Parsed, parse

MISSING = 2
DAY = "2016-05-25"
PLAIN_DAY = DAY.replace("-", "")


def interchange(set_id: str, group: str, bodies: list[list[str]], number: int = 7) -> str:
    """Return an interchange of the partner with other delimiters than the product writes."""
    isa = ["ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{'WAREHOUSE':<15}", "ZZ", f"{'FORESTOCK':<15}",
           "160525", "1430", "U", "00401", f"{number:09d}", "0", "P", ">"]  # fmt: skip
    lines = ["|".join(isa), f"GS|{group}|WAREHOUSE|FORESTOCK|{PLAIN_DAY}|1430|{number}|X|004010"]
    for place, body in enumerate(bodies, 1):
        lines += [f"ST|{set_id}|{place:04d}", *body, f"SE|{len(body) + 2}|{place:04d}"]
    return "\n".join([*lines, f"GE|{len(bodies)}|{number}", f"IEA|1|{number:09d}"]) + "\n"


def shipped_945(text: str, echoes: bool = True) -> str:
    """Return the 945 of a warehouse that received the 940; it ships two units less of the first line."""
    return interchange("945", "SW", [_body_945(order, echoes, not n) for n, order in enumerate(parse(text))])


def _body_945(order: Parsed, echoes: bool, is_first: bool) -> list[str]:
    (head,) = order.all("W05")
    body = [f"W06|F|{head[1]}|{PLAIN_DAY}|SHP1", "N1|SF|WAREHOUSE", f"G62|11|{PLAIN_DAY}", "W27|M|ABFS"]
    ids = [values[1] for values in order.all("N9", "LI")]
    n_units = 0
    for place, (item, name) in enumerate(zip(order.all("W01"), ids, strict=True)):
        ordered = int(item[0])
        shipped = ordered - (MISSING if is_first and place == 0 else 0)
        n_units += shipped
        code = "CC" if shipped == ordered else "CP"
        body += [f"LX|{place + 1}", f"W12|{code}|{ordered}|{shipped}|{ordered - shipped}|EA||SK|{item[4]}"]
        body += [f"N9|LI|{name}"] if echoes else []
    return [*body, f"W03|{n_units}"]


def received_944(text: str) -> str:
    """Return the 944 of a hub that received the 943 or the goods of the 850; two units of the first line are rejected."""
    return interchange("944", "RE", [_body_944(advice, not n) for n, advice in enumerate(parse(text))])


def _body_944(advice: Parsed, is_first: bool) -> list[str]:
    is_order = advice.set_id == "850"
    document = advice.all("BEG")[0][2] if is_order else advice.all("W06")[0][1]
    body = [f"W17|F|{PLAIN_DAY}|RCPT1|{document}", "N1|WH|HUB"]
    items = (
        [(values[1], values[6]) for values in advice.all("PO1")]
        if is_order
        else [(v[0], v[4]) for v in advice.all("W04")]
    )
    for place, (units, sku) in enumerate(items):
        body += [f"W07|{units}|EA||SK|{sku}"] + ([f"W13|{MISSING}|EA|08"] if is_first and place == 0 else [])
    return [*body, f"W14|{sum(int(units) for units, _ in items)}"]


def refused_997(text: str) -> str:
    """Return the 997 of a receiver that rejects the first document and accepts the others."""
    sets = parse(text)
    group, control = sets[0].group, text.split("\n")[1].split("*")[6]
    body = [f"AK1|{group}|{control}"]
    for place, part in enumerate(sets, 1):
        body += [f"AK2|{part.set_id}|{place:04d}", f"AK5|{'R' if place == 1 else 'A'}"]
    return interchange("997", "FA", [[*body, f"AK9|P|{len(sets)}|{len(sets)}|{len(sets) - 1}"]])


def odoo_pickings(text: str) -> str:
    """Return the export of the pickings after they were done; Odoo prefixes imported ids with ``__import__``."""
    names = ["id", "name", "state", "scheduled_date", "date_done", "move_ids/origin", "move_ids/purchase_line_id/id",
             "move_ids/product_id", "move_ids/product_uom_qty", "move_ids/quantity"]  # fmt: skip
    rows = []
    for place, row in enumerate(csv.DictReader(io.StringIO(text))):
        is_order = "order_line/id" in row
        ordered = int(row["order_line/product_qty" if is_order else "move_ids/product_uom_qty"])
        head = [f"__export__.picking_{place}", f"WH/X/{place:05d}", "done", f"{DAY} 00:00:00", f"{DAY} 09:30:00"]
        line = [f"__import__.{row['order_line/id']}", ""][::-1] if is_order else [row["move_ids/origin"], ""]
        done = ordered - (MISSING if place == 0 else 0)
        rows.append([*(head if row["id"] else [""] * 5), *line, "x", f"{ordered}.0", f"{done}.0"])
    return _csv(names, rows)


def erpnext_items(text: str) -> str:
    """Return the report view of the documents that fulfill the requests; two units of the first item are rejected."""
    names = ["ID", "Document Status", "Posting Date", "Item Code (Items)", "Accepted Quantity (Items)", "Rejected Quantity (Items)", "Proposal Id (Items)"]  # fmt: skip
    rows = []
    for request in json.loads(text):
        for item in request["items"]:
            refused = MISSING if not rows else 0
            name = f"MAT-STE-{request['custom_document_id'][:4]}"
            rows.append([name, "Submitted", DAY, item["item_code"], str(item["qty"] - refused), str(refused), item["custom_proposal_id"]])  # fmt: skip
    rows.append(["MAT-STE-0001", "2", DAY, "tea", "5", "0", "none"])
    return _csv(names, rows)


def shopify_shipments(text: str) -> str:
    """Return the bulk query's lines after every transfer was shipped and counted; two units of the first are rejected."""
    lines: list[dict[str, object]] = []
    for place, given in enumerate(json.loads(line)["input"] for line in text.splitlines()):
        transfer, shipment = f"gid://shopify/InventoryTransfer/{place}", f"gid://shopify/InventoryShipment/{place}"
        lines.append({"id": transfer, "name": f"#T{place}", "referenceName": given["referenceName"]})
        lines.append({"id": shipment, "name": f"#T{place}-1", "dateShipped": "2016-05-23T10:00:00Z", "dateReceived": f"{DAY}T09:00:00Z", "__parentId": transfer})  # fmt: skip
        for number, item in enumerate(given["lineItems"]):
            refused = MISSING if place == number == 0 else 0
            counts = {"quantity": item["quantity"], "acceptedQuantity": item["quantity"] - refused, "rejectedQuantity": refused, "unreceivedQuantity": 0}  # fmt: skip
            lines.append({"id": f"gid://shopify/InventoryShipmentLineItem/{place}{number}", "inventoryItem": {"id": item["inventoryItemId"]}, "__parentId": shipment} | counts)  # fmt: skip
    return "".join(json.dumps(line) + "\n" for line in lines)


def plain_csv(text: str) -> str:
    """Return the generic CSV of a system that read the form ``csv``."""
    rows = [
        [row["proposal_id"], "received", str(int(row["units"]) - (MISSING if place == 0 else 0)), DAY]
        for place, row in enumerate(csv.DictReader(io.StringIO(text)))
    ]
    return _csv(["proposal_id", "status", "units", "at"], rows)


def plain_csv_of_json(text: str) -> str:
    """Return the generic CSV of a system that read the form ``json``."""
    lines = [line for document in json.loads(text)["documents"] for line in document["lines"]]
    rows = [[line["proposal_id"], "Received", f"{line['units'] - (MISSING if place == 0 else 0)}", f"{DAY}T09:00+02:00"] for place, line in enumerate(lines)]  # fmt: skip
    return _csv(["Proposal_ID", "Status", "Units", "At"], rows)


def _csv(names: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows])
    return text.getvalue()


# By export form: the execution form of the answer, and the receiver.
ANSWERS: dict[str, tuple[str, Callable[[str], str]]] = {
    "csv": ("csv", plain_csv),
    "json": ("csv", plain_csv_of_json),
    "x12-940": ("x12-945", shipped_945),
    "x12-943": ("x12-944", received_944),
    "x12-850": ("x12-944", received_944),
    "odoo": ("odoo", odoo_pickings),
    "odoo-purchase": ("odoo", odoo_pickings),
    "erpnext": ("erpnext", erpnext_items),
    "shopify": ("shopify", shopify_shipments),
}
