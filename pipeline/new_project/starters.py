"""Starters: mappings of the CSV exports of Odoo, ERPNext, Shopify, and frePPLe to the input tables.

``docs/how-to/start-from-another-system.md`` describes every field. Nothing is written to these systems. Not here: mappings that are proposed for
unknown files (``from_files``).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.new_project.configuration_text import Choices
from pipeline.new_project.project import NewProject, new_project, pipeline_name, refuse_existing


@dataclass(frozen=True)
class Starter:
    """The mapping of one system.

    Attributes
    ----------
    title : str
        Name of the system.
    exports : dict of str to str
        File in ``exports/`` → where the system exports it.
    hierarchy : tuple of str
        Columns of ``skus`` that group SKUs.
    mapping : str
        Lines of ``inputs.tables``, indented.
    """

    title: str
    exports: dict[str, str]
    hierarchy: tuple[str, ...]
    mapping: str


_ODOO = Starter(
    "Odoo",
    {
        "sale_order_line.csv": "order lines: model sale.order.line, list view, Export (not import-compatible)",
        "product_product.csv": "products: Inventory, Products, Product Variants, Export",
        "stock_quant.csv": "stock: Inventory, Reporting, Stock, Locations, Export",
        "stock_move.csv": "receipts on their way: Inventory, Reporting, Moves Analysis (model stock.move), Export",
    },
    ("category",),
    """\
  tables:  # Odoo 17 to 19; docs/how-to/start-from-another-system.md describes the fields
    sales:
      file: exports/sale_order_line.csv
      date_format: yyyy-mm-dd hh:mm:ss
      columns:
        Order Reference/Order Date: date
        Order Reference/Delivery Address/Country: region
        Product/Internal Reference: sku
        Quantity: units_sold
      where: {Order Status: [Sales Order, Locked]}
      where_not: {Product/Internal Reference: [""], Order Reference/Delivery Address/Country: [""]}
      aggregate: sum
      negative: returns
    skus:
      file: exports/product_product.csv
      columns:
        Internal Reference: sku
        Product Category: category
        Cost: unit_cost_eur
        Sales Price: unit_price_eur
        Weight: mass_kg
        Volume: volume_l
      scale: {volume_l: 1000}  # Odoo measures in cubic meters
      where_not: {Internal Reference: [""]}
    regions:
      file: exports/sale_order_line.csv
      columns: {Order Reference/Delivery Address/Country: [region, country]}
      where: {Order Status: [Sales Order, Locked]}
      where_not: {Order Reference/Delivery Address/Country: [""]}
      aggregate: distinct
    stock:
      file: exports/stock_quant.csv
      columns:
        Warehouse: hub
        Product/Internal Reference: sku
        Quantity: units_on_hand
        Reserved Quantity: units_reserved
      where_not: {Warehouse: [""], Product/Internal Reference: [""]}
      aggregate: sum
      defaults: {date: after_last_sale}
    inbound:
      file: exports/stock_move.csv
      date_format: yyyy-mm-dd hh:mm:ss
      columns:
        Reference: inbound_id
        Operation Type/Warehouse: hub
        Product/Internal Reference: [inbound_id, sku]
        Demand: units
        Date Scheduled: arrival_date
        Transfer/Contact: origin
      where: {Operation Type/Type of Operation: [Receipt], Status: [Waiting, Waiting Another Move, Partially Available, Available]}
      aggregate: sum
""",
)
_ERPNEXT = Starter(
    "ERPNext",
    {
        "item_wise_sales_register.csv": "sales: report Item-wise Sales Register, without grouping, Export as CSV",
        "item.csv": "items: Item list, Menu, Export (CSV, no child tables)",
        "stock_balance.csv": "stock: report Stock Balance, Export as CSV",
        "purchase_order_analysis.csv": "orders to suppliers: report Purchase Order Analysis, Export as CSV",
    },
    ("category",),
    """\
  tables:  # ERPNext 14 to 16; docs/how-to/start-from-another-system.md describes the fields
    sales:
      file: exports/item_wise_sales_register.csv
      # date_format: dd-mm-yyyy  # if the dates are not written as 2024-05-31 (System Settings, Date Format)
      columns:
        Posting Date: date
        Territory: region
        Item Code: sku
        Stock Qty: units_sold
      where_not: {Item Code: ["", Total]}
      aggregate: sum
      negative: returns
    skus:
      file: exports/item.csv
      columns:
        Item Code: sku
        Item Group: category
        Valuation Rate: unit_cost_eur
        Standard Selling Rate: unit_price_eur
        Weight Per Unit: mass_kg
    regions:
      file: exports/item_wise_sales_register.csv
      columns: {Territory: [region, country]}
      where_not: {Item Code: ["", Total]}
      aggregate: distinct
    stock:
      file: exports/stock_balance.csv
      columns:
        Warehouse: hub
        Item: sku
        Balance Qty: units_on_hand
      where_not: {Item: ["", Total]}
      aggregate: sum
      defaults: {date: after_last_sale}
    inbound:
      file: exports/purchase_order_analysis.csv
      columns:
        Purchase Order: inbound_id
        Item Code: [inbound_id, sku]
        Warehouse: hub
        Pending Qty: units
        Required By: arrival_date
        Supplier: origin
      where: {Status: [To Receive and Bill, To Receive]}
      aggregate: sum
""",
)
_SHOPIFY = Starter(
    "Shopify",
    {
        "orders_export.csv": "orders: Orders, Export, All orders, plain CSV file",
        "products_export.csv": "products: Products, Export, All products, plain CSV file",
        "inventory_export.csv": "stock: Products, Inventory, All locations, Export, All states, plain CSV file",
    },
    ("category",),
    """\
  tables:  # Shopify admin, 2026; docs/how-to/start-from-another-system.md describes the fields
    sales:
      file: exports/orders_export.csv
      date_format: yyyy-mm-dd hh:mm:ss
      columns:
        Created at: date
        Shipping Country: region
        Lineitem sku: sku
        Lineitem quantity: units_sold
      fill_down: {Name: [Created at, Shipping Country, Cancelled at]}  # only the first line of an order has them
      where: {Cancelled at: [""]}
      where_not: {Lineitem sku: [""], Shipping Country: [""]}
      aggregate: sum
    skus:
      file: exports/products_export.csv
      columns:
        Variant SKU: sku
        Type: category
        Cost per item: unit_cost_eur
        Variant Price: unit_price_eur
        Variant Grams: mass_kg
      fill_down: {Handle: [Type]}
      scale: {mass_kg: 0.001}
      where_not: {Variant SKU: [""]}
    regions:
      file: exports/orders_export.csv
      columns: {Shipping Country: [region, country]}
      fill_down: {Name: [Shipping Country, Cancelled at]}
      where: {Cancelled at: [""]}
      where_not: {Lineitem sku: [""], Shipping Country: [""]}
      aggregate: distinct
    stock:
      file: exports/inventory_export.csv
      columns:
        Location: hub
        SKU: sku
        On hand (current): units_on_hand
        Committed (not editable): units_reserved
        Unavailable (not editable): units_on_hold
      where_not: {SKU: [""], On hand (current): ["", not stocked]}
      defaults: {date: after_last_sale}
""",
)
_FREPPLE = Starter(
    "frePPLe",
    {
        "demand.csv": "closed sales orders: Sales, Sales orders, Export as CSV",
        "item.csv": "items: Sales, Items, Export as CSV",
        "buffer.csv": "stock: Inventory, Buffers, Export as CSV",
        "purchaseorder.csv": "orders to suppliers: Purchasing, Purchase orders, Export as CSV",
        "itemsupplier.csv": "offers: Purchasing, Item suppliers, Export as CSV",
    },
    ("category",),
    """\
  tables:  # frePPLe 8 and 9; docs/how-to/start-from-another-system.md describes the fields
    sales:
      file: exports/demand.csv
      date_format: yyyy-mm-dd hh:mm:ss
      columns: {due: date, customer: region, item: sku, quantity: units_sold}
      where: {status: [closed]}
      aggregate: sum
    skus:
      file: exports/item.csv
      columns: {name: sku, category: category, cost: unit_cost_eur, weight: mass_kg, volume: volume_l}
      defaults: {lost_sale_eur: 5}  # DECIDE: what the loss of one unit of sales costs; frePPLe has no sales price
    regions:
      file: exports/demand.csv
      columns: {customer: region}
      where: {status: [closed]}
      aggregate: distinct
    stock:
      file: exports/buffer.csv
      columns: {location: hub, item: sku, onhand: units_on_hand}
      aggregate: sum
      defaults: {date: after_last_sale}
    inbound:
      file: exports/purchaseorder.csv
      date_format: yyyy-mm-dd hh:mm:ss
      columns: {reference: inbound_id, location: hub, item: sku, quantity: units, receipt date: arrival_date, supplier: origin}
      where: {status: [approved, confirmed]}
    supply:
      file: exports/itemsupplier.csv
      columns: {supplier: supplier, item: sku, size minimum: min_order_units, size multiple: pack_units, cost: unit_cost_eur}
      aggregate: distinct
""",
)
STARTERS: dict[str, Starter] = {"odoo": _ODOO, "erpnext": _ERPNEXT, "shopify": _SHOPIFY, "frepple": _FREPPLE}


def project_from_system(name: str, system: str) -> NewProject:
    """Make a project in the folder ``name`` whose configuration reads the exports of a system, a key of ``STARTERS``.

    Raises ``ConfigurationError`` if the folder holds a project or is a file.
    """
    refuse_existing(name)
    starter = STARTERS[system]
    choices = Choices(
        pipeline_name(name), hierarchy=starter.hierarchy, mapping=starter.mapping, decided=frozenset({"hierarchy"})
    )
    files = "\n".join(f"* `exports/{file}`: {where}" for file, where in starter.exports.items())
    first = f"Export these files from {starter.title} and put them into `exports/`:\n\n{files}\n"
    return new_project(name, choices, first)
