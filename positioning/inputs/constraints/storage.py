"""Storage of a hub in liters: what arrives by a day, stock and confirmed arrivals fit."""

from __future__ import annotations

import numpy as np

from positioning.inputs.capacity import CapacityInputs, Resource, SharedConstraint


def storage_rows(inputs: CapacityInputs) -> list[Resource]:
    """Return storage[hub,day]: liters added by a day ≤ storage − stock − confirmed arrivals by then.

    One row for each stretch of days between two changes of the hub's capacity, and for each handling class with one.
    """
    network, hub_capacity, held = inputs.network, inputs.hub_capacity, inputs.held
    rows = []
    for hub, name in enumerate(network.hubs):
        into = np.flatnonzero(network.shipments.destination == hub)
        starts = [0.0, *hub_capacity.steps(hub, inputs.buckets.days[-1])]
        for handling_class in hub_capacity.classes(hub):
            for start, stop in zip(starts, [*starts[1:], np.inf], strict=True):
                limit = hub_capacity.on("storage_l", hub, handling_class, start)
                members = tuple(into[network.arrival_days[into] < stop])
                if np.isfinite(limit) and members:
                    selected = (held.hub == hub) & (held.day < stop) & held.of_class(handling_class)
                    row_name = inputs.row_name("storage", name, start, handling_class)
                    left = max(0.0, limit - float(held.liters[selected].sum()))
                    rows.append(
                        Resource(row_name, "storage", name, members, inputs.use("liters", handling_class), left)
                    )
    return rows


STORAGE = SharedConstraint("storage", "storage room", storage_rows, is_reported_full=True)
