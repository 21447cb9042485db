"""The limits of shipments: one object that the subproblem, the search, and the simulation read.

Here: what hubs and suppliers can give, what hubs can receive, sizes of shipments, shipments that are not allowed, and the
capacities that SKUs share. Not here: the rows of a shared constraint (``positioning.inputs.constraints``) and money.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from positioning.inputs.capacity import Shared
from positioning.inputs.catalog import Catalog, carries
from positioning.inputs.network import Lanes, Network


@dataclass(frozen=True)
class Opening:
    """Units before anything is sent.

    Attributes
    ----------
    usable
        Units that can be served or sent, (n_skus, n_hubs); negative where more is reserved than there is.
    held
        Units on the shelf and confirmed arrivals, (n_skus, n_hubs).
    available
        Units that suppliers have, (n_skus, n_suppliers), 0 where a SKU is not offered, infinite without a limit.

    """

    usable: np.ndarray
    held: np.ndarray
    available: np.ndarray


@dataclass(frozen=True)
class SkuLimits:
    """Limits of the shipments of one SKU, over some hubs and shipments.

    Attributes
    ----------
    give, receive
        Units that each hub can give and receive, (n_hubs,), at least 0, inclusive.
    available
        Units that each supplier can give in whole orders, (n_suppliers,), at least 0, inclusive.
    is_supply
        Whether each shipment is an order, (n_shipments,).
    origin, destination
        Position of the hub or supplier each shipment comes from and of the hub it goes to, (n_shipments,).
    most
        Units that each shipment alone may take, (n_shipments,), inclusive; 0 where it is not allowed.
    pack, least
        Pack and smallest size of each shipment in units, (n_shipments,); ``least`` is a multiple of ``pack``.
    uses
        What one unit takes of each shared resource, (n_resources, n_shipments).

    """

    give: np.ndarray
    receive: np.ndarray
    available: np.ndarray
    is_supply: np.ndarray
    origin: np.ndarray
    destination: np.ndarray
    most: np.ndarray
    pack: np.ndarray
    least: np.ndarray
    uses: np.ndarray

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Limits of hubs and suppliers as rows (n, n_shipments) · units ≥ floor (n,), without those that bind nothing."""
        hubs, suppliers = np.arange(len(self.give))[:, None], np.arange(len(self.available))[:, None]
        rows = np.concatenate([
            (self.origin == hubs) & ~self.is_supply, (self.origin == suppliers) & self.is_supply, self.destination == hubs,
        ])  # fmt: skip
        most = np.concatenate([self.give, self.available, self.receive])
        is_binding = rows.any(axis=1) & np.isfinite(most)
        return -rows[is_binding].astype("float64"), -most[is_binding]

    def allow(self, units: np.ndarray) -> bool:
        """Return whether ``units`` (n_shipments,) keep all limits but packs and smallest sizes, up to 1e-9 units."""
        slope, floor = self.rows
        return bool((units <= self.most + 1e-9).all() and (slope @ units >= floor - 1e-9).all())

    def left(self, units: np.ndarray) -> np.ndarray:
        """Return the units that each shipment could take on top of ``units``, both (n_shipments,), as far as its two ends go."""
        same_source = (self.is_supply[:, None] == self.is_supply) & (self.origin[:, None] == self.origin)
        at_source = np.where(
            self.is_supply, np.append(self.available, 0.0)[np.where(self.is_supply, self.origin, -1)], 0.0
        )
        at_source = np.where(
            self.is_supply, at_source, np.append(self.give, 0.0)[np.where(self.is_supply, -1, self.origin)]
        )
        into = (self.destination[:, None] == self.destination) @ units
        return np.asarray(np.minimum(at_source - same_source @ units, self.receive[self.destination] - into))


@dataclass(frozen=True)
class Limits:
    """Limits of the next departures of all shipments, after stock and confirmed arrivals.

    A plan keeps all of them. In a replay, the admission rule cuts the requests of every policy to them.

    Attributes
    ----------
    is_supply
        Whether each shipment is an order, (n_shipments,).
    origin, destination
        Position of the hub or supplier each shipment comes from and of the hub it goes to, (n_shipments,).
    is_allowed
        Whether each shipment may take the SKU at all, (n_skus, n_shipments).
    give, receive
        Units that each hub can give and receive, (n_skus, n_hubs), at least 0, inclusive.
    available
        Units that each supplier can give in whole orders, (n_skus, n_suppliers), at least 0, inclusive.
    pack_units
        Pack of transfers, (n_skus,).
    order_pack_units, order_min_units
        Pack and smallest order of each supplier, (n_skus, n_suppliers).
    shared
        Capacities and loads that SKUs share.
    min_move_units
        Smallest transfer in units.

    """

    is_supply: np.ndarray
    origin: np.ndarray
    destination: np.ndarray
    is_allowed: np.ndarray
    give: np.ndarray
    receive: np.ndarray
    available: np.ndarray
    pack_units: np.ndarray
    order_pack_units: np.ndarray
    order_min_units: np.ndarray
    shared: Shared
    min_move_units: float = 0.0

    def sizes(self, skus: np.ndarray | int, shipments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pack and smallest size in units, each (n,).

        Parameters
        ----------
        skus
            Position of the SKU, one for all or (n,).
        shipments
            Positions of shipments, (n,).

        """
        is_supply = self.is_supply[shipments]
        pack, least = (
            np.broadcast_to(self.pack_units[skus], is_supply.shape),
            np.full(len(is_supply), self.min_move_units),
        )
        if self.available.shape[1]:
            supplier = np.where(is_supply, self.origin[shipments], 0)
            pack = np.where(is_supply, self.order_pack_units[skus, supplier], pack)
            least = np.where(is_supply, self.order_min_units[skus, supplier], least)
        return pack, np.maximum(np.ceil(least / pack), 1.0) * pack

    def most(self, sku: int) -> np.ndarray:
        """Return the units that each shipment alone may take of the SKU, (n_shipments,), in whole packs; 0 where not allowed."""
        give = np.floor(self.give[sku] / self.pack_units[sku]) * self.pack_units[sku]
        give = np.where(give < self.min_move_units, 0.0, give)
        offered = np.append(self.available[sku], 0.0)[np.where(self.is_supply, self.origin, -1)]
        most = np.where(self.is_supply, offered, give[np.where(self.is_supply, 0, self.origin)])
        return np.where(self.is_allowed[sku], most, 0.0)

    def of_sku(self, sku: int, hubs: np.ndarray, shipments: np.ndarray) -> SkuLimits:
        """Return the limits of one SKU between ``hubs`` on ``shipments``, both ascending positions; hubs become positions in ``hubs``."""
        position = np.full(self.give.shape[1], -1, dtype="int64")
        position[hubs] = np.arange(len(hubs))
        is_supply, origin = self.is_supply[shipments], self.origin[shipments]
        pack, least = self.sizes(sku, shipments)
        use = np.array([row.use[sku] for row in self.shared.resources])
        return SkuLimits(
            give=self.give[sku][hubs], receive=self.receive[sku][hubs], available=self.available[sku], is_supply=is_supply,
            origin=np.where(is_supply, origin, position[np.where(is_supply, 0, origin)]),
            destination=position[self.destination[shipments]], most=self.most(sku)[shipments], pack=pack, least=least,
            uses=self.shared.binds[:, shipments] * use.reshape(-1, 1),
        )  # fmt: skip


def build_limits(
    network: Network, catalog: Catalog, opening: Opening, is_allowed: np.ndarray, shared: Shared
) -> Limits:
    """Return the limits of the shipments of ``network``; a smallest transfer is left to the caller."""
    lanes = network.shipments
    return Limits(
        is_supply=lanes.is_supply, origin=lanes.origin, destination=lanes.destination, is_allowed=is_allowed,
        give=np.maximum(opening.usable - catalog.min_units, 0.0),
        receive=np.maximum(catalog.max_units - opening.held, 0.0),
        available=whole_orders(catalog, opening.available), pack_units=catalog.pack_units,
        order_pack_units=catalog.order_pack_units, order_min_units=catalog.order_min_units, shared=shared,
    )  # fmt: skip


def whole_orders(catalog: Catalog, available: np.ndarray) -> np.ndarray:
    """Return units in whole packs, (n_skus, n_suppliers): 0 where that is below the smallest order.

    Parameters
    ----------
    catalog
        Packs and smallest orders.
    available
        Units that suppliers have, (n_skus, n_suppliers); infinite without a limit.

    """
    pack, is_unlimited = catalog.order_pack_units, np.isinf(available)
    units = np.where(is_unlimited, np.inf, np.floor(np.where(is_unlimited, 0.0, available) / pack) * pack)
    return np.where(units < catalog.order_min_units, 0.0, units)


def may_travel(network: Network, catalog: Catalog) -> np.ndarray:
    """Return whether each shipment may ever carry each SKU, (n_skus, n_shipments), whatever the day and the stock.

    It may not against the handling classes of the lane and of both hubs, to a hub that does not stock the SKU, where the
    lead time is the shelf life or longer, and where no load could leave.
    """
    lanes, names = network.shipments, np.array(catalog.handling_class, dtype=object)
    to, origin = lanes.destination, np.where(lanes.is_supply, 0, lanes.origin)
    may_carry = np.zeros((len(names), len(to)), dtype=bool)
    for handling_class in sorted(set(catalog.handling_class)):
        at_hub = carries(network.hub_classes, handling_class)
        may_carry[names == handling_class] = (
            carries(lanes.classes, handling_class) & at_hub[to] & (lanes.is_supply | at_hub[origin])
        )
    return np.asarray(
        may_carry & catalog.is_stocked[:, to] & (lanes.lead_days < catalog.shelf_life_days[:, None]) & (lanes.loads_most >= 1.0)
    )  # fmt: skip


def hubs_are_open(lanes: Lanes, is_open: np.ndarray, ship_days: np.ndarray, arrival_days: np.ndarray) -> np.ndarray:
    """Return whether the hubs of each shipment work on its days, (n_shipments,); suppliers always do.

    Parameters
    ----------
    lanes
        The shipments.
    is_open
        Whether each hub works, (n_hubs, n_days).
    ship_days, arrival_days
        Days on which each shipment leaves and arrives, (n_shipments,), counted from the first of ``is_open``.

    """
    origin = np.where(lanes.is_supply, 0, lanes.origin)
    return np.asarray(is_open[lanes.destination, arrival_days] & (lanes.is_supply | is_open[origin, ship_days]))


def is_thawed(lanes: Lanes, frozen_until_day: np.ndarray, ship_days: np.ndarray) -> np.ndarray:
    """Return whether each SKU's stock may leave on each shipment's day, (n_skus, n_shipments); a supplier's always may.

    Parameters
    ----------
    lanes
        The shipments.
    frozen_until_day
        First day on which the stock may leave, (n_skus, n_hubs).
    ship_days
        Day on which each shipment leaves, (n_shipments,), counted from the same day.

    """
    return np.asarray(lanes.is_supply | (ship_days >= frozen_until_day[:, np.where(lanes.is_supply, 0, lanes.origin)]))
