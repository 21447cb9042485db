"""Throughput of a hub in units per period: what arrives (inbound) and what leaves for other hubs (outbound)."""

from __future__ import annotations

import numpy as np

from positioning.inputs.capacity import CapacityInputs, Resource, SharedConstraint


def inbound_rows(inputs: CapacityInputs) -> list[Resource]:
    """Return inbound[hub,day]: units that arrive in a period ≤ capacity − confirmed arrivals of that period."""
    network = inputs.network
    return _rows(inputs, "inbound", network.shipments.destination, network.arrival_days)


def outbound_rows(inputs: CapacityInputs) -> list[Resource]:
    """Return outbound[hub,day]: units that leave for other hubs in a period ≤ capacity."""
    lanes = inputs.network.shipments
    return _rows(inputs, "outbound", np.where(lanes.is_supply, -1, lanes.origin), inputs.network.ship_days)


def _rows(inputs: CapacityInputs, kind: str, hub_of: np.ndarray, days: np.ndarray) -> list[Resource]:
    """Return the rows of ``kind``; ``hub_of`` and ``days`` are the hub and the day that a shipment counts at, (L,)."""
    period_days, hub_capacity, held = inputs.buckets.period_days, inputs.hub_capacity, inputs.held
    period = days // period_days
    rows = []
    for hub, name in enumerate(inputs.network.hubs):
        for now in np.unique(period[hub_of == hub]):
            members = tuple(int(shipment) for shipment in np.flatnonzero((hub_of == hub) & (period == now)))
            start = float(now * period_days)
            for handling_class in hub_capacity.classes(hub):
                limit = hub_capacity.on(f"{kind}_units_per_period", hub, handling_class, start)
                if not np.isfinite(limit):
                    continue
                selected = (held.hub == hub) & (held.day // period_days == now) & held.of_class(handling_class)
                confirmed = float(held.units[selected].sum()) if kind == "inbound" else 0.0
                row_name = inputs.row_name(kind, name, start, handling_class)
                use = inputs.use("units", handling_class)
                rows.append(Resource(row_name, kind, name, members, use, max(0.0, limit - confirmed)))
    return rows


INBOUND = SharedConstraint("inbound", "inbound handling", inbound_rows, is_reported_full=True)
OUTBOUND = SharedConstraint("outbound", "outbound handling", outbound_rows)
