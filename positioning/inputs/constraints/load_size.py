"""Size of loads: what travels on a departure fits into the loads that go, by volume and by mass."""

from __future__ import annotations

import numpy as np

from positioning.inputs.capacity import CapacityInputs, Resource, SharedConstraint, lanes_with_loads


def volume_rows(inputs: CapacityInputs) -> list[Resource]:
    """Return load_volume[lane,day]: liters on a departure ≤ loads × liters of one load."""
    return _rows(inputs, "load_volume", "liters", inputs.network.shipments.load_l)


def mass_rows(inputs: CapacityInputs) -> list[Resource]:
    """Return load_mass[lane,day]: kilograms on a departure ≤ loads × kilograms of one load."""
    return _rows(inputs, "load_mass", "kilograms", inputs.network.shipments.load_kg)


def _rows(inputs: CapacityInputs, kind: str, measure: str, size: np.ndarray) -> list[Resource]:
    rows, network = [], inputs.network
    for shipment in lanes_with_loads(network.shipments):
        if np.isfinite(size[shipment]):
            place = network.shipments.lane[shipment]
            row_name = inputs.row_name(kind, place, float(network.ship_days[shipment]))
            members = (int(shipment),)
            rows.append(Resource(row_name, kind, place, members, inputs.use(measure), size[shipment], int(shipment)))
    return rows


LOAD_VOLUME = SharedConstraint("load_volume", "load volume", volume_rows)
LOAD_MASS = SharedConstraint("load_mass", "load mass", mass_rows)
