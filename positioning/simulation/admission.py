"""The admission rule: which of a policy's requested shipments fit stock, packs and capacities, the same for every policy.

Lines are admitted in the given order and cut to whole packs while capacity is left. A plan that
obeys the limits passes unchanged. Not here: which lines are worth shipping (policies).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd

from positioning.inputs import limits as plan_limits
from positioning.inputs.capacity import CapacityInputs, Held, Shared, build_shared
from positioning.inputs.limits import Limits, Opening, build_limits, hubs_are_open
from positioning.inputs.time_buckets import Buckets
from positioning.simulation._kernels import fill
from positioning.simulation.state import State, period_of
from positioning.simulation.world import Network, codes


@dataclass(frozen=True)
class Departures:
    """The departure of each lane that can be decided on the morning of a period, arrays (L,).

    Attributes
    ----------
    period
        The period.
    ship_day
        Day of departure, counted from the start.
    is_decided
        Whether this is the last decision before the cut-off.
    arrival_period
        First period with the units on hand.

    """

    period: int
    ship_day: np.ndarray
    is_decided: np.ndarray
    arrival_period: np.ndarray


@dataclass(frozen=True)
class Shipments:
    """Admitted lines, n of them.

    Attributes
    ----------
    sku, lane
        Positions of SKU and lane, (n,).
    units
        Whole units, (n,).
    refused_units
        Requested units that were not admitted.

    """

    sku: np.ndarray
    lane: np.ndarray
    units: np.ndarray
    refused_units: int


def departures(network: Network, period: int, ready_minutes: int, columns: int) -> Departures:
    """Return the departures decided on the morning of ``period``; arrival periods are at most ``columns`` − 1.

    A departure is missed where its cut-off lies before ``ready_minutes`` (after midnight); a cut-off
    at that minute is met.
    """
    point = period * network.period_days
    ship = _first_departure(network, point, ready_minutes)
    is_decided = _first_departure(network, point + network.period_days, ready_minutes) > ship
    arrival = period_of(ship + network.lanes.lead_days, network.period_days)
    return Departures(period, ship, is_decided, np.minimum(arrival, columns - 1))


def _first_departure(network: Network, day: int, ready_minutes: int) -> np.ndarray:
    """Return the day (from the start) of each lane's first departure that a decision on ``day`` can fill."""
    lanes = network.lanes
    first = np.where(lanes.cutoff_minutes < ready_minutes, day + 1, day)
    ship = first.copy()
    for ahead in range(6, -1, -1):
        weekday = (network.start.weekday() + first + ahead) % 7
        ship = np.where(lanes.weekdays[np.arange(len(first)), weekday], first + ahead, ship)
    return ship


def limits_at(network: Network, state: State, leaving: Departures) -> Limits:
    """Return the limits of the departures ``leaving``, as a plan of that morning reads them, for the units of ``state``.

    Confirmed arrivals use capacity, future demand frees none. Arrivals count on the first morning after them. Capacity
    of a day after the replay is that of its last period. A smallest transfer and blocked moves are left to policies.
    """
    inputs, days = network.inputs, network.period_days
    day, last = leaving.period * days, (network.periods - 1 - leaving.period) * days
    ships, arrives = leaving.ship_day - day, (leaving.arrival_period - leaving.period) * days
    dated = replace(
        inputs.network, as_of=network.start + timedelta(days=day), departures=(), ship_days=ships, arrival_days=arrives
    )
    shared = build_shared(CapacityInputs(
        inputs.tables, dated, inputs.catalog, Buckets((0, last + 1), days), inputs.hub_capacity.seen_from(day, last),
        _held(network, state, leaving.period), {},
    ))  # fmt: skip
    is_allowed = (
        inputs.may_travel
        & hubs_are_open(dated.shipments, shared.is_open, ships // days * days, arrives)
        & is_thawed(network, leaving)
    )
    opening = Opening(state.on_hand, state.on_hand + state.arriving.sum(axis=2), state.available.T)
    return build_limits(dated, inputs.catalog, opening, is_allowed, shared)


def is_thawed(network: Network, leaving: Departures) -> np.ndarray:
    """Return whether each SKU's stock may leave on the departure of each lane, (K, L); a supplier's always may."""
    inputs = network.inputs
    return plan_limits.is_thawed(inputs.network.shipments, inputs.catalog.frozen_until_day, leaving.ship_day)


def _held(network: Network, state: State, period: int) -> Held:
    """Return stock and arrivals summed by hub, handling class and period; days count from ``period``."""
    names, parts = network.skus.handling_class, []
    for handling_class in sorted(set(names)):
        members = names == handling_class
        units = np.concatenate([state.on_hand[members][:, :, None], state.arriving[members]], axis=2)
        liters = np.tensordot(network.skus.volume_l[members], units, 1)
        hub, column = np.nonzero(units.any(axis=0))
        day = np.where(column == 0, -1, (column - 1 - period) * network.period_days)
        kind = np.full(len(hub), handling_class, dtype=object)
        parts.append((hub, kind, day, units.sum(axis=0)[hub, column], liters[hub, column]))
    return Held(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def admit(requests: pd.DataFrame, limits: Limits, network: Network, leaving: Departures) -> Shipments:
    """Return what of ``requests`` can travel within ``limits``.

    Parameters
    ----------
    requests
        Lines, highest priority first: `sku`, `lane`, `units`, `ship_date`. Rows with `is_outlook` are left to a later
        decision.
    limits
        Limits of the departures ``leaving``.
    network, leaving
        The network and its departures.

    """
    rows = requests[~requests["is_outlook"].astype(bool)] if "is_outlook" in requests else requests
    sku = codes(network.skus.index, rows["sku"])
    lane = codes(network.lanes.index, rows["lane"])
    requested = rows["units"].to_numpy(dtype=np.int64)
    day = (pd.to_datetime(rows["ship_date"]) - pd.Timestamp(network.start)).dt.days.to_numpy()
    known = (sku >= 0) & (lane >= 0) & (requested > 0)
    known[known] &= leaving.is_decided[lane[known]] & (leaving.ship_day[lane[known]] == day[known])
    known[known] &= limits.is_allowed[sku[known], lane[known]]
    refused = int(requested[~known & (requested > 0)].sum())
    sku, lane, requested = sku[known], lane[known], requested[known]
    units = fill(
        (sku, lane, requested), limits.sizes(sku, lane), _ends(limits), _rows(limits.shared, len(network.skus.index))
    )
    keep = units > 0
    return Shipments(sku[keep], lane[keep], units[keep], refused + int((requested - units).sum()))


def _ends(limits: Limits) -> tuple[np.ndarray, ...]:
    """Return kind, origin and destination of shipments, and copies of what their ends can give and receive."""
    ends = limits.is_supply, limits.origin, limits.destination
    return *ends, limits.give.copy(), limits.available.copy(), limits.receive.copy()


def _rows(shared: Shared, n_skus: int) -> tuple[np.ndarray, ...]:
    """Return the rows of shared capacities by shipment.

    They are where the entries of each shipment start (L + 1,), the row of each entry, what is left in each row with as
    many loads as may leave, the place of each row's use in ``uses``, and ``uses`` (n, n_skus), what one unit takes.
    """
    with np.errstate(invalid="ignore"):
        left = shared.capacity_with(np.array([load.most for load in shared.loads]))
    left = np.nan_to_num(left.astype("float64"), nan=0.0, posinf=np.inf)
    shipment, row = np.nonzero(shared.binds.T)
    first = np.searchsorted(shipment, np.arange(shared.binds.shape[1] + 1))
    uses = {id(resource.use): resource.use for resource in shared.resources}
    place = {key: index for index, key in enumerate(uses)}
    use = np.array([place[id(resource.use)] for resource in shared.resources], dtype=np.int64)
    return first, row, left, use, np.array(list(uses.values()), dtype=np.float64).reshape(len(uses), n_skus)
