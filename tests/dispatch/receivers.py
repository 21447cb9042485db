"""Field lists of Odoo, ERPNext, and Shopify, transcribed from their sources and reference pages.

Odoo: models ``stock.picking``, ``stock.move``, ``purchase.order``, ``purchase.order.line`` of versions 17, 18, and 19, and the
renamed fields in OpenUpgrade 19.0. ERPNext: doctypes Material Request and Material Request Item of version 15. Shopify:
``InventoryTransferCreateInput`` and ``InventoryTransferLineItemInput`` of the GraphQL Admin API.
"""

from __future__ import annotations

ODOO_PICKING = frozenset(
    {
        "id",
        "picking_type_id",
        "location_id",
        "location_dest_id",
        "scheduled_date",
        "origin",
        "note",
        "partner_id",
        "move_ids",
    }
)
ODOO_MOVE = {
    17: frozenset({"id", "product_id", "product_uom_qty", "name", "origin", "description_picking", "product_uom"}),
    18: frozenset({"id", "product_id", "product_uom_qty", "name", "origin", "description_picking", "product_uom"}),
    19: frozenset({"id", "product_id", "product_uom_qty", "origin", "description_picking", "product_uom"}),
}  # fmt: skip
ODOO_MOVE_REQUIRED = {
    17: frozenset({"name", "product_id"}),
    18: frozenset({"name", "product_id"}),
    19: frozenset({"product_id"}),
}
_ORDER = frozenset(
    {"id", "partner_id", "partner_ref", "picking_type_id", "date_order", "date_planned", "origin", "order_line"}
)
ODOO_ORDER = {17: _ORDER | {"notes"}, 18: _ORDER | {"notes"}, 19: _ORDER | {"note"}}
ODOO_ORDER_LINE = frozenset({"id", "product_id", "product_qty", "date_planned", "name", "price_unit"})

ERPNEXT_REQUEST = frozenset({
    "doctype", "naming_series", "title", "material_request_type", "customer", "company", "transaction_date", "schedule_date",
    "buying_price_list", "amended_from", "scan_barcode", "set_from_warehouse", "set_warehouse", "items", "tc_name", "terms",
    "status", "per_ordered", "transfer_status", "per_received", "letter_head", "job_card", "work_order",
})  # fmt: skip
ERPNEXT_REQUEST_REQUIRED = frozenset({"material_request_type", "transaction_date", "items"})
ERPNEXT_TYPES = frozenset({"Purchase", "Material Transfer", "Material Issue", "Manufacture", "Customer Provided"})
ERPNEXT_ITEM = frozenset({
    "item_code", "item_name", "schedule_date", "description", "item_group", "brand", "qty", "uom", "conversion_factor",
    "stock_uom", "stock_qty", "from_warehouse", "warehouse", "rate", "price_list_rate", "amount", "cost_center", "project",
})  # fmt: skip
ERPNEXT_ITEM_REQUIRED = frozenset({"item_code", "qty", "uom", "conversion_factor", "schedule_date"})

SHOPIFY_TRANSFER = frozenset(
    {"dateCreated", "destinationLocationId", "lineItems", "note", "originLocationId", "referenceName", "tags"}
)
SHOPIFY_TRANSFER_2026_07 = SHOPIFY_TRANSFER | {"metafields"}
SHOPIFY_LINE = frozenset({"inventoryItemId", "quantity"})
SHOPIFY_METAFIELD = frozenset({"namespace", "key", "value", "type"})
