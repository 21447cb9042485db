"""Order routing by the value of a unit: the hub with the least delivery cost plus value of the unit serves an order.

A unit that is scarce where it stands costs more than its delivery. Not here: the values (``positioning.explain.tables``), the
rule for an order management system (``docs/route_orders.py``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from positioning.simulation.engine import DecisionPoint
from positioning.simulation.planned import Planned, requested_lines
from positioning.simulation.world import Network, codes


class ValueRouting:
    """A plan's shipments, with orders routed by the plan's ``unit_value`` until the next plan."""

    def __init__(self, name: str, planned: Planned) -> None:
        """Plan as ``planned`` does."""
        self.name = name
        self._planned = planned
        self._value: pd.DataFrame | None = None

    def decide(self, point: DecisionPoint) -> pd.DataFrame:
        """Return the plan's lines and keep its values."""
        frames = self._planned.frames(point)
        self._value = frames["unit_value"]
        return requested_lines(frames)

    def preference(self, network: Network) -> np.ndarray:
        """Return hubs by delivery cost, lateness, and value of the unit, (K, R, H); ties by hub."""
        return network.delivery.preference if self._value is None else preference_by_value(network, self._value)


def preference_by_value(network: Network, unit_value: pd.DataFrame) -> np.ndarray:
    """Return hubs by delivery cost plus lateness plus ``value_eur`` of the unit, (K, R, H); -1 past the last lane.

    A hub and SKU without a row have the value 0.
    """
    delivery = network.delivery
    value = np.zeros((len(network.skus.index), len(network.hubs.index)))
    sku, hub = codes(network.skus.index, unit_value["sku"]), codes(network.hubs.index, unit_value["hub"])
    is_known = (sku >= 0) & (hub >= 0)
    value[sku[is_known], hub[is_known]] = unit_value["value_eur"].to_numpy()[is_known]
    cost = np.swapaxes(delivery.cost_eur + delivery.late_eur + value[:, :, None], 1, 2)
    order = np.argsort(cost, axis=2, kind="stable")
    has_lane = np.isfinite(np.take_along_axis(cost, order, axis=2))
    return np.where(has_lane, order, -1).astype(np.int64)
