"""The problem of one sku: only the hubs, regions and lanes it can use, as small arrays.

Here: which shipments and deliveries are allowed and what a unit on each costs. Not here: solving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.inputs.catalog import carries
from positioning.inputs.costs import (
    N_TERMS,
    SkuCosts,
    delivery_terms,
    end_values,
    keeping_terms,
    later_shipment_terms,
    lost_sale_terms,
    shipment_terms,
)
from positioning.inputs.demand import daily_units_beyond
from positioning.inputs.limits import SkuLimits
from positioning.inputs.network import Network
from positioning.inputs.problem import Problem

# Units left are valued by rank: those that sell within one review period, within four, and later, each after the wait
# in its middle or, of the last, eight review periods.
RANK_REVIEWS = (1.0, 4.0)
RANK_WAITS = (0.5, 2.5, 8.0)
N_RANKS = len(RANK_WAITS)


@dataclass(frozen=True)
class Subproblem:
    """One SKU with H hubs, R regions, L shipments, Y delivery lanes, and B buckets.

    Attributes
    ----------
    sku
        Position of the SKU.
    hubs, regions, lanes, deliveries
        Positions in the network, ascending: (H,), (R,), (L,), (Y,).
    usable
        Units that can be served or sent, (H,).
    arrivals
        Confirmed units by bucket of arrival, (H, B + 1); the last column is after the cover window.
    limits
        Limits of the shipments.
    shipment_terms
        Cost terms of a unit on each shipment, (L, N_TERMS).
    later
        Later departures, (n, 3): shipment, bucket it leaves in, bucket it arrives in.
    later_terms
        Cost terms of a unit on each of them, (n, N_TERMS).
    delivery_hub, delivery_region
        Positions in ``hubs`` and ``regions``, (Y,).
    delivery_terms
        Cost terms of a unit on each delivery lane, (Y, N_TERMS).
    is_served
        Whether the hub of the delivery lane works at the start of the bucket, (Y, B).
    is_late
        Whether the delivery lane is slower than promised, (Y,).
    nearest
        Position in ``hubs`` of each region's nearest hub, (R,); −1 without one.
    keeping
        Cost terms of keeping a unit for a day, (H, N_TERMS).
    lost_terms
        Cost terms of a lost unit, (N_TERMS,).
    end_value
        Value of a unit left by rank, EUR, (H, N_RANKS).
    end_capacity
        Units of each rank, (H, N_RANKS); the last is infinite.
    bucket_days
        Days in each bucket, (B,).
    served_days
        Mean days a unit is kept within the bucket it is served in, (B,).

    """

    sku: int
    hubs: np.ndarray
    regions: np.ndarray
    lanes: np.ndarray
    deliveries: np.ndarray
    usable: np.ndarray
    arrivals: np.ndarray
    limits: SkuLimits
    shipment_terms: np.ndarray
    later: np.ndarray
    later_terms: np.ndarray
    delivery_hub: np.ndarray
    delivery_region: np.ndarray
    delivery_terms: np.ndarray
    is_served: np.ndarray
    is_late: np.ndarray
    nearest: np.ndarray
    keeping: np.ndarray
    lost_terms: np.ndarray
    end_value: np.ndarray
    end_capacity: np.ndarray
    bucket_days: np.ndarray
    served_days: np.ndarray

    @property
    def is_supply(self) -> np.ndarray:
        """Whether each shipment is an order, (L,)."""
        return self.limits.is_supply

    @property
    def origin(self) -> np.ndarray:
        """Position in ``hubs`` or among the suppliers that each shipment comes from, (L,)."""
        return self.limits.origin

    @property
    def destination(self) -> np.ndarray:
        """Position in ``hubs`` that each shipment goes to, (L,)."""
        return self.limits.destination


def build_subproblem(problem: Problem, sku: int) -> Subproblem:
    """Cut the problem of one sku out of the whole, without places that cannot matter to it."""
    network, lanes = problem.network, problem.network.shipments
    sku_costs = _sku_costs(problem, sku)
    most_all = problem.limits.most(sku)
    handling_class = problem.catalog.handling_class[sku]
    demand = problem.demand.mean_units[sku][:, : problem.buckets.period_starts[-1]].sum(axis=1)
    regions = np.flatnonzero(demand > 0)
    d = network.deliveries
    deliveries = np.flatnonzero(
        carries(network.hub_classes, handling_class)[d.origin]
        & carries(d.classes, handling_class)
        & (demand[d.destination] > 0)
    )
    hubs = _hubs(problem, sku, most_all, deliveries)
    hub_at = _places(hubs, len(network.hubs))
    ok = (
        (most_all > 0)
        & (hub_at[lanes.destination] >= 0)
        & (lanes.is_supply | (hub_at[np.where(lanes.is_supply, 0, lanes.origin)] >= 0))
    )
    used = np.flatnonzero(ok)
    deliveries = deliveries[hub_at[d.origin[deliveries]] >= 0]
    region_at = _places(regions, len(network.regions))
    is_supply = lanes.is_supply[used]
    supplier = np.where(is_supply, lanes.origin[used], 0)
    purchase = problem.catalog.purchase_eur[sku][supplier] if len(network.suppliers) else np.zeros(len(used))
    late = _late_eur(problem, sku, deliveries)
    later, later_rows = _later(problem, used)
    limits = problem.limits.of_sku(sku, hubs, used)
    keeping = np.array(
        [keeping_terms(problem.catalog.holding_eur_per_day[sku, h], problem.catalog.storage_eur_per_day[sku, h], 1.0) for h in hubs]
    ).reshape(-1, N_TERMS)  # fmt: skip
    end_value, end_capacity = _end(problem, sku, hubs, deliveries, sku_costs)
    return Subproblem(
        sku=sku, hubs=hubs, regions=regions, lanes=used, deliveries=deliveries,
        usable=limits.give, arrivals=problem.arrivals[sku][hubs], limits=limits,
        shipment_terms=shipment_terms(lanes, used, sku_costs, problem.prices, purchase),
        later=later, later_terms=later_shipment_terms(lanes, used[later_rows], sku_costs, problem.prices, purchase[later_rows]),
        delivery_hub=hub_at[d.origin[deliveries]], delivery_region=region_at[d.destination[deliveries]],
        delivery_terms=delivery_terms(d, deliveries, sku_costs, problem.prices, late[0]),
        is_served=_is_open_in_buckets(problem, d.origin[deliveries]), is_late=late[1],
        nearest=_nearest(network, deliveries, regions, hub_at), keeping=keeping, lost_terms=lost_sale_terms(sku_costs),
        end_value=end_value, end_capacity=end_capacity, bucket_days=problem.buckets.lengths.astype("float64"),
        served_days=(problem.buckets.lengths - problem.buckets.period_days) / 2.0,
    )  # fmt: skip


def _sku_costs(problem: Problem, sku: int) -> SkuCosts:
    specified = problem.catalog
    return SkuCosts(
        float(specified.unit_cost_eur[sku]),
        float(specified.lost_sale_eur[sku]),
        float(specified.mass_kg[sku]),
        float(specified.volume_l[sku]),
    )


def _hubs(problem: Problem, sku: int, most: np.ndarray, deliveries: np.ndarray) -> np.ndarray:
    """Return hubs that hold or await the sku, serve its demand, or can pass it on."""
    lanes = problem.network.shipments
    stands = (problem.stock.usable[sku] > 0) | (problem.arrivals[sku].sum(axis=1) > 0)
    stands[problem.network.deliveries.origin[deliveries]] = True
    passes_on = lanes.origin[~lanes.is_supply & stands[lanes.destination]]
    reached = lanes.destination[most > 0]
    stands[np.intersect1d(passes_on, reached)] = True
    return np.flatnonzero(stands)


def _places(chosen: np.ndarray, count: int) -> np.ndarray:
    index = np.full(count, -1, dtype="int64")
    index[chosen] = np.arange(len(chosen))
    return index


def _late_eur(problem: Problem, sku: int, deliveries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    column = problem.classes.index(problem.catalog.handling_class[sku])
    region = problem.network.deliveries.destination[deliveries]
    is_late = problem.network.deliveries.lead_days[deliveries] > problem.promise_days[region, column]
    return np.where(is_late, problem.late_eur[region, column], 0.0), is_late


def _later(problem: Problem, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return later departures (shipment, leaves in bucket, arrives in bucket) that arrive in the window."""
    review, buckets = problem.settings.positioning.review_days, problem.buckets
    days, leaving = problem.network.arrival_days[used] + review, problem.network.ship_days[used] + review
    cuts = np.asarray(buckets.days)
    arrives = np.searchsorted(cuts, days, side="left")
    leaves = np.minimum(np.searchsorted(cuts, leaving, side="right") - 1, arrives - 1)
    rows = np.flatnonzero(arrives < buckets.count)
    return np.column_stack([rows, leaves[rows], arrives[rows]]).astype("int64"), rows


def _is_open_in_buckets(problem: Problem, hubs: np.ndarray) -> np.ndarray:
    starts = np.asarray(problem.buckets.days[:-1])
    return problem.shared.is_open[hubs][:, starts]


def _nearest(network: Network, deliveries: np.ndarray, regions: np.ndarray, hub_at: np.ndarray) -> np.ndarray:
    """Return the nearest hub of each region (R,), as ``foundation.proximity`` ranks its lanes; −1 when none."""
    lanes = network.deliveries
    nearest = np.full(len(regions), -1, dtype="int64")
    for index, region in enumerate(regions):
        rows = np.flatnonzero(lanes.destination[deliveries] == region)
        if len(rows):
            best = rows[np.argmin(lanes.nearness[deliveries[rows]])]
            nearest[index] = hub_at[lanes.origin[deliveries[best]]]
    return nearest


def _end(
    problem: Problem, sku: int, hubs: np.ndarray, deliveries: np.ndarray, sku_costs: SkuCosts
) -> tuple[np.ndarray, np.ndarray]:
    """Return value and room of units left by hub and rank, from the demand beyond the window.

    A hub's demand is that of the regions it is nearest to. Ranks sell within one review period, within
    four, and later; what outlives the shelf life is worth nothing. Keeping is charged for the wait, at most for
    ``positioning.end_wait_days``.
    """
    daily = daily_units_beyond(problem.demand, sku, problem.buckets, problem.settings.grid.days)
    hub_at = _places(hubs, len(problem.network.hubs))
    regions = np.flatnonzero(daily > 0)
    nearest = _nearest(problem.network, deliveries, regions, hub_at)
    specified = np.zeros(len(hubs))
    np.add.at(specified, nearest[nearest >= 0], daily[regions][nearest >= 0])
    review = problem.settings.positioning.review_days
    room = np.full((len(hubs), N_RANKS), np.inf)
    room[:, 0] = np.ceil(specified * review * RANK_REVIEWS[0])
    room[:, 1] = np.ceil(specified * review * RANK_REVIEWS[1]) - room[:, 0]
    wait = np.array(RANK_WAITS) * review
    charged = np.minimum(wait, problem.settings.positioning.end_wait_days or np.inf)
    waits = np.tile(np.where(wait > problem.catalog.shelf_life_days[sku], np.inf, charged), (len(hubs), 1))
    keeping = problem.catalog.holding_eur_per_day[sku][hubs] + problem.catalog.storage_eur_per_day[sku][hubs]
    return end_values(sku_costs, problem.prices, keeping, waits), room
