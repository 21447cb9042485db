"""The admission rule: which of a policy's requested shipments fit stock, packs and capacities, the same for every policy.

Lines are admitted in the given order and cut to whole packs while capacity is left. A plan that
obeys the limits passes unchanged. Not here: which lines are worth shipping (policies).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd

from positioning.simulation.world import Network, State, codes, period_of


@dataclass(frozen=True)
class Departures:
    """The departure of each lane that can be decided on the morning of ``period``; arrays (L,).

    ``ship_day`` counts days from the start. ``is_decided`` is true where this is the last decision before the
    cut-off. ``arrival_period`` counts periods.
    """

    period: int
    ship_day: np.ndarray
    is_decided: np.ndarray
    arrival_period: np.ndarray


@dataclass(frozen=True)
class Shipments:
    """Admitted lines: positions of SKU and lane, whole units, (n,); ``refused_units`` did not fit."""

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


def admit(requests: pd.DataFrame, state: State, network: Network, leaving: Departures) -> Shipments:
    """Return what of ``requests`` can travel: `sku`, `lane`, `units`, `ship_date`, highest priority first.

    Rows with `is_outlook` are left to a later decision. Units that do not fit are refused and counted.
    """
    rows = requests[~requests["is_outlook"].astype(bool)] if "is_outlook" in requests else requests
    sku = codes(network.skus.index, rows["sku"])
    lane = codes(network.lanes.index, rows["lane"])
    requested = rows["units"].to_numpy(dtype=np.int64)
    day = (pd.to_datetime(rows["ship_date"]) - pd.Timestamp(network.start)).dt.days.to_numpy()
    known = (sku >= 0) & (lane >= 0) & (requested > 0)
    known[known] &= leaving.is_decided[lane[known]] & (leaving.ship_day[lane[known]] == day[known])
    known[known] &= (network.lanes.is_allowed & is_thawed(network, leaving))[sku[known], lane[known]]
    refused = int(requested[~known & (requested > 0)].sum())
    sku, lane, requested = sku[known], lane[known], requested[known]
    units = _fill((sku, lane, requested), _lane_capacity(network), _hub_capacity(state, network, leaving), _movable(state, network), _rules(network, state))  # fmt: skip
    keep = units > 0
    return Shipments(sku[keep], lane[keep], units[keep], refused + int((requested - units).sum()))


def _lane_capacity(network: Network) -> tuple[np.ndarray, ...]:
    """Return liters and kilograms a departure carries, and liters and kilograms of one unit of each SKU."""
    lanes = network.lanes
    with np.errstate(invalid="ignore"):
        liters, kilograms = lanes.loads_per_departure * lanes.load_l, lanes.loads_per_departure * lanes.load_kg
    return np.nan_to_num(liters, nan=0.0, posinf=np.inf), np.nan_to_num(kilograms, nan=0.0, posinf=np.inf), network.skus.volume_l, network.skus.mass_kg  # fmt: skip


def _hub_capacity(state: State, network: Network, leaving: Departures) -> tuple[np.ndarray, ...]:
    """Return free outbound and inbound units and storage liters (G, H, P), periods by lane, and the SKUs they bind.

    Capacity is what is left after confirmed arrivals, at least 0; future demand frees none.
    """
    hubs, columns = network.hubs, state.arriving.shape[2]
    stretch = np.minimum(np.arange(columns), network.periods - 1)
    bound = hubs.is_bound.astype(np.float64)
    inbound = np.where(hubs.is_open, hubs.inbound_units, 0.0)[:, :, stretch] - np.tensordot(bound, state.arriving, 1)
    liters = bound * network.skus.volume_l
    held = np.tensordot(liters, state.arriving.cumsum(axis=2), 1) + (liters @ state.on_hand)[:, :, None]
    storage = hubs.storage_l[:, :, stretch] - held
    outbound = np.where(hubs.is_open, hubs.outbound_units, 0.0)[:, :, stretch]
    ships = np.minimum(leaving.ship_day // network.period_days, columns - 1)
    return outbound, np.maximum(inbound, 0.0), np.maximum(storage, 0.0), ships, leaving.arrival_period, hubs.is_bound


def _movable(state: State, network: Network) -> np.ndarray:
    """Return the units that may leave, int64 (K, H): on hand less the minimum."""
    return np.maximum(state.on_hand - network.hubs.min_units, 0)


def is_thawed(network: Network, leaving: Departures) -> np.ndarray:
    """Return whether the departure of each lane leaves after its stock's freeze, (K, L); a supplier's stock is never frozen."""
    lanes = network.lanes
    frozen = network.hubs.frozen_until_day[:, np.where(lanes.is_supply, 0, lanes.origin)]
    return np.asarray(lanes.is_supply | (leaving.ship_day >= frozen))


def _rules(network: Network, state: State) -> tuple[np.ndarray, ...]:
    """Return packs, minimum orders, origin, destination and kind of lanes, units below ``max_units``, supply."""
    lanes, skus, supply = network.lanes, network.skus, network.supply
    shape = (len(skus.index), len(lanes.index))
    packs, least = np.repeat(skus.pack_units[:, None], shape[1], axis=1), np.ones(shape)
    for lane in np.flatnonzero(lanes.is_supply & (lanes.origin >= 0)):
        packs[:, lane] = supply.pack_units[lanes.origin[lane]]
        least[:, lane] = supply.min_order_units[lanes.origin[lane]]
    head = network.hubs.max_units - state.on_hand - state.arriving.sum(axis=2)
    return packs, least, lanes.origin, lanes.destination, lanes.is_supply, head, state.available.copy()


@numba.njit(cache=True)
def _fill(lines, lane_capacity, hub_capacity, movable, rules):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, RUF100 compiled: types are inferred
    """Cut each line to the capacity left, in whole packs, and use it up."""
    sku, lane, requested = lines
    liters, kilograms, volume, mass = lane_capacity
    outbound, inbound, storage, ships, arrival, is_bound = hub_capacity
    packs, least, origins, destinations, is_supply, head, available = rules
    got = np.zeros(len(requested), dtype=np.int64)
    for n in range(len(requested)):
        k, d = sku[n], lane[n]
        origin, hub, period = origins[d], destinations[d], arrival[d]
        most = min(float(requested[n]), head[k, hub])
        for g in range(len(is_bound)):
            if is_bound[g, k]:
                most = min(most, inbound[g, hub, period])
                if volume[k] > 0:
                    most = min(most, (storage[g, hub, period:].min() + 1e-6) / volume[k])
                if not is_supply[d]:
                    most = min(most, outbound[g, origin, ships[d]])
        if volume[k] > 0:
            most = min(most, (liters[d] + 1e-6) / volume[k])
        if mass[k] > 0:
            most = min(most, (kilograms[d] + 1e-6) / mass[k])
        most = min(most, available[origin, k] if is_supply[d] else float(movable[k, origin]))
        units = np.int64(max(most, 0.0) // packs[k, d]) * packs[k, d]
        if units == 0 or units < least[k, d]:
            continue
        got[n] = units
        liters[d] -= units * volume[k]
        kilograms[d] -= units * mass[k]
        head[k, hub] -= units
        for g in range(len(is_bound)):
            if is_bound[g, k]:
                inbound[g, hub, period] -= units
                storage[g, hub, period:] -= units * volume[k]
                if not is_supply[d]:
                    outbound[g, origin, ships[d]] -= units
        if is_supply[d]:
            available[origin, k] -= units
        else:
            movable[k, origin] -= units
    return got
