"""Route orders by the value of a unit: the rule of order-routing.md, to copy into an order management system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Order = tuple[str, str, str, int]  # order id, region, SKU, units


def route(
    orders: Iterable[Order],
    stock: dict[tuple[str, str], int],
    delivery_eur: Mapping[tuple[str, str, str], float],
    value_eur: Mapping[tuple[str, str], float],
) -> list[tuple[str, str, int]]:
    """Return (order id, hub, units) of every shipment; units that no hub can ship are left out.

    ``stock`` has units by (hub, SKU) and is reduced. ``delivery_eur`` is the cost of a unit by (hub, region, SKU), lateness
    included. ``value_eur`` is the table ``unit_value`` by (hub, SKU).
    """
    shipments = []
    for order_id, region, sku, units in orders:
        hubs = [hub for hub, to, item in delivery_eur if (to, item) == (region, sku)]
        hubs.sort(key=lambda hub: (delivery_eur[hub, region, sku] + value_eur.get((hub, sku), 0.0), hub))
        for hub in hubs:
            shipped = min(units, stock.get((hub, sku), 0))
            if shipped > 0:
                shipments.append((order_id, hub, shipped))
                stock[hub, sku] -= shipped
                units -= shipped
    return shipments


if __name__ == "__main__":
    from foundation.store import Warehouse

    rows = Warehouse("warehouse/demo").read("unit_value")
    newest = rows[rows["as_of"] == rows["as_of"].max()]
    print(dict(zip(zip(newest["hub"], newest["sku"], strict=True), newest["value_eur"], strict=True)))
