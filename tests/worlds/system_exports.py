"""Small exports in the CSV form of Odoo, ERPNext, Shopify, and frePPLe: their headers, quoting, total rows, and blank cells.

Every system sells the same: 5 SKUs in 3 countries over 90 days from 2 warehouses, of which the first is nearly empty.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

LAST_DAY = date(2024, 6, 2)
DAYS = 90
SKUS = ("A-100", "A-200", "B-100", "007", "C-1")
COUNTRIES = {"Germany": "DE", "Austria": "AT", "Poland": "PL"}
HUBS = ("Berlin", "Vienna")
_GROUPS = ("Toys", "Toys", "Games", "Games", "Books")


def orders() -> Iterator[tuple[date, int, str, list[tuple[str, int]]]]:
    """Yield day, number, country, and lines (SKU, units) of the orders; the last line of some is a return of one unit."""
    draw = np.random.default_rng(4)
    number = 1000
    for ago in range(DAYS, 0, -1):
        for country in COUNTRIES:
            number += 1
            lines = [(sku, int(units)) for sku, units in zip(SKUS, draw.poisson(4, len(SKUS)) + 1, strict=True)]
            if number % 40 == 0:
                lines.append((SKUS[0], -1))
            yield LAST_DAY - timedelta(days=ago - 1), number, country, lines


def sold() -> dict[str, int]:
    """Return the units sold by SKU, returns not subtracted."""
    result = dict.fromkeys(SKUS, 0)
    for _, _, _, lines in orders():
        for sku, units in lines:
            result[sku] += max(units, 0)
    return result


def _stock() -> Iterator[tuple[str, str, int]]:
    for hub, units in zip(HUBS, (3, 400), strict=True):
        yield from ((hub, sku, units) for sku in SKUS)


def _write(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], quoting: int = csv.QUOTE_MINIMAL
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=quoting)
        writer.writerows([header, *rows])


def odoo(folder: Path) -> None:
    """Write exports of Odoo: every cell in quotes, times of day, display names, quotations beside orders."""
    lines: list[tuple[object, ...]] = []
    for day, number, country, items in orders():
        for sku, units in items:
            lines.append(
                (f"S{number}", f"{day} 09:15:00", country, f"[{sku}] Item {sku}", sku, f"{units}.00", "Sales Order")
            )
    lines.append(("S9999", "2024-06-01 10:00:00", "Germany", "[A-100] Item A-100", "A-100", "500.00", "Quotation"))
    lines.append(("S1001", "2024-03-05 09:15:00", "Germany", "Down payment", "", "1.00", "Sales Order"))
    header = (
        "Order Reference", "Order Reference/Order Date", "Order Reference/Delivery Address/Country", "Product",
        "Product/Internal Reference", "Quantity", "Order Status",
    )  # fmt: skip
    _write(folder / "sale_order_line.csv", header, lines, csv.QUOTE_ALL)
    products = [
        (f"Item {sku}", sku, f"All / {group}", "5.00", "10.00", "0.50", "0.002")
        for sku, group in zip(SKUS, _GROUPS, strict=True)
    ]
    header = ("Name", "Internal Reference", "Product Category", "Cost", "Sales Price", "Weight", "Volume")
    _write(folder / "product_product.csv", header, products, csv.QUOTE_ALL)
    quants = [
        (f"{hub[:2]}/Stock", hub, f"[{sku}] Item {sku}", sku, f"{units / 2:.2f}", "0.00")
        for hub, sku, units in _stock()
        for _ in (1, 2)
        if units % 2 == 0
    ]
    quants += [
        (f"{hub[:2]}/Stock", hub, f"[{sku}] Item {sku}", sku, f"{units}.00", "1.00")
        for hub, sku, units in _stock()
        if units % 2
    ]
    quants.append(("Partners/Customers", "", "[A-100] Item A-100", "A-100", "-7.00", "0.00"))
    header = ("Location", "Warehouse", "Product", "Product/Internal Reference", "Quantity", "Reserved Quantity")
    _write(folder / "stock_quant.csv", header, quants, csv.QUOTE_ALL)
    moves = [
        ("BE/IN/00012", "Berlin", "Receipt", "A-100", "6.00", "2024-06-05 08:00:00", "Acme", "Available"),
        ("BE/IN/00012", "Berlin", "Receipt", "A-200", "4.00", "2024-06-05 08:00:00", "Acme", "Available"),
        ("BE/OUT/00099", "Berlin", "Delivery", "A-100", "1.00", "2024-06-03 08:00:00", "Jo", "Available"),
        ("BE/IN/00001", "Berlin", "Receipt", "A-100", "9.00", "2024-05-01 08:00:00", "Acme", "Done"),
    ]
    header = (
        "Reference", "Operation Type/Warehouse", "Operation Type/Type of Operation", "Product/Internal Reference", "Demand",
        "Date Scheduled", "Transfer/Contact", "Status",
    )  # fmt: skip
    _write(folder / "stock_move.csv", header, moves, csv.QUOTE_ALL)


def erpnext(folder: Path) -> None:
    """Write exports of ERPNext: reports that end in a row of totals, and the item list."""
    rows: list[tuple[object, ...]] = []
    for day, number, country, items in orders():
        for sku, units in items:
            group = _GROUPS[SKUS.index(sku)]
            rows.append(
                (
                    sku,
                    f"Item {sku}",
                    group,
                    "",
                    f"SINV-{number}",
                    day,
                    "Commercial",
                    "Shop",
                    "Shop",
                    country,
                    "Shop Inc",
                    units,
                    "Nos",
                    10.0,
                    10.0 * units,
                )
            )
    total = (
        "Total",
        *[""] * 10,
        sum(int(str(row[11])) for row in rows),
        "",
        "",
        sum(float(str(row[14])) for row in rows),
    )
    header = (
        "Item Code", "Item Name", "Item Group", "Description", "Invoice", "Posting Date", "Customer Group", "Customer", "Customer Name",
        "Territory", "Company", "Stock Qty", "Stock UOM", "Rate", "Amount",
    )  # fmt: skip
    _write(folder / "item_wise_sales_register.csv", header, [*rows, total])
    items = [
        (sku, sku, f"Item {sku}", group, "Nos", 0, 5.0, 10.0, 0.5) for sku, group in zip(SKUS, _GROUPS, strict=True)
    ]
    header = (
        "ID",
        "Item Code",
        "Item Name",
        "Item Group",
        "Default Unit of Measure",
        "Disabled",
        "Valuation Rate",
        "Standard Selling Rate",
        "Weight Per Unit",
    )
    _write(folder / "item.csv", header, items)
    balances = [
        (sku, f"Item {sku}", "Toys", f"{hub} - S", "Nos", float(units), 5.0 * units) for hub, sku, units in _stock()
    ]
    header = ("Item", "Item Name", "Item Group", "Warehouse", "Stock UOM", "Balance Qty", "Balance Value")
    _write(
        folder / "stock_balance.csv",
        header,
        [*balances, ("Total", "", "", "", "", sum(row[5] for row in balances), "")],
    )
    header = (
        "Date", "Required By", "Purchase Order", "Status", "Supplier", "Item Code", "Qty", "Received Qty", "Pending Qty", "Warehouse",
        "Company",
    )  # fmt: skip
    purchases = [
        (
            "2024-05-20",
            "2024-06-05",
            "PO-1",
            "To Receive and Bill",
            "Acme",
            "A-100",
            10.0,
            4.0,
            6.0,
            "Berlin - S",
            "Shop Inc",
        ),
        ("2024-05-01", "2024-05-10", "PO-0", "To Bill", "Acme", "A-100", 10.0, 10.0, 0.0, "Berlin - S", "Shop Inc"),
        ("Total", "", "", "", "", "", 20.0, 14.0, 6.0, "", ""),
    ]
    _write(folder / "purchase_order_analysis.csv", header, purchases)


def shopify(folder: Path) -> None:
    """Write exports of Shopify: order fields only in the first line of an order, canceled orders, images beside variants."""
    rows: list[tuple[object, ...]] = []
    for day, number, country, items in orders():
        for place, (sku, units) in enumerate(line for line in items if line[1] > 0):
            first = (
                ("jo@example.com", "paid", f"{day} 09:50:26 +0200", COUNTRIES[country], "")
                if place == 0
                else ("jo@example.com", "", f"{day} 09:50:26 +0200", "", "")
            )
            rows.append((f"#{number}", *first, units, f"Item {sku}", "10.00", sku))
    rows.append(
        (
            "#9998",
            "jo@example.com",
            "refunded",
            "2024-06-01 10:00:00 +0200",
            "DE",
            "2024-06-01 11:00:00 +0200",
            500,
            "Item A-100",
            "10.00",
            "A-100",
        )
    )
    rows.append(
        ("#9998", "jo@example.com", "", "2024-06-01 10:00:00 +0200", "", "", 500, "Item A-200", "10.00", "A-200")
    )
    rows.append(("#9999", "jo@example.com", "paid", "2024-06-01 10:00:00 +0200", "", "", 9, "Gift card", "10.00", ""))
    header = (
        "Name", "Email", "Financial Status", "Created at", "Shipping Country", "Cancelled at", "Lineitem quantity", "Lineitem name",
        "Lineitem price", "Lineitem sku",
    )  # fmt: skip
    _write(folder / "orders_export.csv", header, rows)
    products: list[tuple[object, ...]] = []
    for group in dict.fromkeys(_GROUPS):
        skus = [sku for sku, of in zip(SKUS, _GROUPS, strict=True) if of == group]
        for place, sku in enumerate(skus):
            products.append(
                (
                    group.lower(),
                    group if place == 0 else "",
                    group if place == 0 else "",
                    sku,
                    "500.0",
                    "10.00",
                    "5.00",
                    "",
                )
            )
        products.append((group.lower(), "", "", "", "", "", "", "https://cdn.example.com/image.png"))
    header = ("Handle", "Title", "Type", "Variant SKU", "Variant Grams", "Variant Price", "Cost per item", "Image Src")
    _write(folder / "products_export.csv", header, products)
    stock: list[tuple[object, ...]] = [
        ("x", "Item", sku, hub, 0, 0, units % 2, units - units % 2, units, "") for hub, sku, units in _stock()
    ]
    stock.append(("x", "Item", "A-100", "Pop-up", "", "", "", "not stocked", "not stocked", ""))
    header = (
        "Handle", "Title", "SKU", "Location", "Incoming (not editable)", "Unavailable (not editable)", "Committed (not editable)",
        "Available (not editable)", "On hand (current)", "On hand (new)",
    )  # fmt: skip
    _write(folder / "inventory_export.csv", header, stock)


def frepple(folder: Path) -> None:
    """Write exports of frePPLe: labels in small letters, eight decimals, open orders beside closed ones."""
    rows: list[tuple[object, ...]] = []
    for day, number, country, items in orders():
        for place, (sku, units) in enumerate(line for line in items if line[1] > 0):
            rows.append(
                (f"SO {number}.{place}", sku, "Berlin", country, "closed", f"{day} 00:00:00", f"{units}.00000000", 10)
            )
    rows.append(("SO 9999", "A-100", "Berlin", "Germany", "open", "2024-06-09 00:00:00", "500.00000000", 10))
    _write(
        folder / "demand.csv", ("name", "item", "location", "customer", "status", "due", "quantity", "priority"), rows
    )
    items = [
        (sku, f"Item {sku}", group, "5.00000000", "0.50000000", "2.00000000")
        for sku, group in zip(SKUS, _GROUPS, strict=True)
    ]
    _write(folder / "item.csv", ("name", "description", "category", "cost", "weight", "volume"), items)
    buffers = [(f"{sku} @ {hub}", sku, hub, f"{units}.00000000") for hub, sku, units in _stock()]
    _write(folder / "buffer.csv", ("name", "item", "location", "onhand"), buffers)
    header = ("reference", "item", "location", "supplier", "quantity", "ordering date", "receipt date", "status")
    purchases = [
        ("PO 1", "A-100", "Berlin", "Acme", "6.00000000", "2024-05-20 00:00:00", "2024-06-05 00:00:00", "confirmed"),
        ("PO 2", "A-100", "Berlin", "Acme", "60.00000000", "2024-06-09 00:00:00", "2024-06-20 00:00:00", "proposed"),
    ]
    _write(folder / "purchaseorder.csv", header, purchases)
    offers = [("Acme", sku, "", "14 00:00:00", "1.00000000", "1.00000000", "5.00000000") for sku in SKUS]
    _write(
        folder / "itemsupplier.csv",
        ("supplier", "item", "location", "lead time", "size minimum", "size multiple", "cost"),
        offers,
    )


SYSTEMS = {"odoo": odoo, "erpnext": erpnext, "shopify": shopify, "frepple": frepple}
