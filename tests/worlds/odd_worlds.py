"""Unusual worlds for tests of positioning: no stock, a region without lanes, no capacity, closed hubs, short shelf lives.

Not here: the properties that must hold in them (the tests).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.worlds.positioning_world import World, day, random_world

Rows = list[dict[str, Any]]
Odd = Callable[[World, np.random.Generator], World]


def odd_world(seed: int) -> World:
    """Return a world drawn from ``seed`` with a few oddities."""
    draw = np.random.default_rng(10_000 + seed)
    world = random_world(seed, n_skus=int(draw.integers(1, 6)))
    for odd in ODDITIES:
        if draw.random() < 0.15:
            world = odd(world, draw)
    return world


def _each(rows: object, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Rows:
    return [row | change(row) for row in rows]  # type: ignore[attr-defined] # rows of a world are dicts


def _moves(lane: Mapping[str, Any]) -> bool:
    return lane["kind"] != "delivery"


def empty_stock(world: World, _: np.random.Generator) -> World:
    """Empty every hub."""
    return world.but(stock={})


def a_sku_without_demand(world: World, _: np.random.Generator) -> World:
    """Set the forecast of k0 to 0 everywhere."""
    return world.but(demand={key: 0.0 if key[0] == "k0" else units for key, units in world.demand.items()})


def no_demand_at_all(world: World, _: np.random.Generator) -> World:
    """Set every forecast to 0."""
    return world.but(demand=dict.fromkeys(world.demand, 0.0))


def a_sku_without_forecast(world: World, _: np.random.Generator) -> World:
    """Drop the rows of k0, unless it is the only SKU."""
    left = {key: units for key, units in world.demand.items() if key[0] != "k0"}
    return world.but(demand=left) if left else world


def a_region_without_lanes(world: World, _: np.random.Generator) -> World:
    """Drop the lanes that end at R0."""
    return world.but(lanes=[lane for lane in world.lanes if lane["destination"] != "R0"])


def no_transfers(world: World, _: np.random.Generator) -> World:
    """Drop all lanes except deliveries."""
    return world.but(lanes=[lane for lane in world.lanes if not _moves(lane)])


def handling_classes(world: World, draw: np.random.Generator) -> World:
    """Draw the handling classes of SKUs, hubs and lanes independently."""
    skus = _each(world.skus, lambda _: {"handling_class": str(draw.choice(["a", "b", "c"]))})
    hubs = _each(world.hubs, lambda _: {"handling_classes": str(draw.choice(["", "a", "a|b", "b"]))})
    lanes = _each(world.lanes, lambda _: {"handling_classes": str(draw.choice(["", "", "a", "a|b"]))})
    return world.but(skus=skus, hubs=hubs, lanes=lanes)


def short_shelf_lives(world: World, draw: np.random.Generator) -> World:
    """Draw shelf lives shorter and longer than the lead times."""
    return world.but(skus=_each(world.skus, lambda _: {"shelf_life_days": int(draw.integers(1, 10))}))


def closing_hubs(world: World, draw: np.random.Generator) -> World:
    """Close or open hubs around the planning date."""
    rows = [
        {"hub": hub["hub"], "from_date": day(int(draw.integers(-3, 6))), "is_open": bool(draw.random() < 0.5)}
        for hub in world.hubs
    ]
    return world.but(more={**world.more, "hub_capacity": rows})


def zero_capacities(world: World, _: np.random.Generator) -> World:
    """Set the storage of every hub to 0."""
    return world.but(hubs=_each(world.hubs, lambda _: {"storage_l": 0.0}))


def no_loads(world: World, _: np.random.Generator) -> World:
    """Set the loads of every departure to 0."""
    return world.but(lanes=_each(world.lanes, lambda lane: {"loads_per_departure": 0.0} if _moves(lane) else {}))


def heavy_goods(world: World, draw: np.random.Generator) -> World:
    """Limit the mass of loads on some lanes."""
    return world.but(
        lanes=_each(world.lanes, lambda lane: {"load_kg": float(draw.integers(1, 40))} if _moves(lane) else {})
    )


def few_departures(world: World, draw: np.random.Generator) -> World:
    """Let lanes leave on some weekdays only."""
    days = ["Mon", "Tue|Fri", "Sun", ""]
    return world.but(lanes=_each(world.lanes, lambda lane: {"departs": str(draw.choice(days))} if _moves(lane) else {}))


def stocking_rules(world: World, draw: np.random.Generator) -> World:
    """Draw which SKUs hubs stock, with minimum and maximum units, contradictions included."""
    rows = [
        {
            "hub": hub["hub"], "sku": row["sku"], "is_stocked": bool(draw.random() < 0.6),
            "min_units": float(draw.integers(0, 9)), "max_units": float(draw.choice([np.nan, 0.0, 3.0, 10.0])),
        }
        for hub in world.hubs for row in world.skus
    ]  # fmt: skip
    return world.but(more={**world.more, "hub_skus": rows})


def inbound_units(world: World, draw: np.random.Generator) -> World:
    """Add inbound units, some overdue, some due after the horizon."""
    rows = [
        {
            "inbound_id": f"I{index}", "hub": hub["hub"], "sku": "k0", "units": int(draw.integers(1, 30)),
            "arrival_date": day(int(draw.integers(-9, 20))),
        }
        for index, hub in enumerate(world.hubs)
    ]  # fmt: skip
    return world.but(more={**world.more, "inbound": rows})


def empty_suppliers(world: World, _: np.random.Generator) -> World:
    """Leave the supplier one SKU, with no units of it."""
    return world.but(more={**world.more, "supply": [{"supplier": "S", "sku": "k0", "units_available": 0}]})


def long_lead_times(world: World, draw: np.random.Generator) -> World:
    """Draw lead times of 0 days up to longer than the horizon, some of them uncertain."""
    change = {"lead_time_days": [0, 1, 20, 40], "lead_time_sd_days": [0.0, 1.5, 6.0]}
    return world.but(
        lanes=_each(
            world.lanes,
            lambda lane: {name: draw.choice(some).item() for name, some in change.items()} if _moves(lane) else {},
        )
    )


def goods_without_size(world: World, _: np.random.Generator) -> World:
    """Set volume and mass of every SKU to 0."""
    return world.but(skus=_each(world.skus, lambda _: {"volume_l": 0.0, "mass_kg": 0.0}))


def large_amounts(world: World, _: np.random.Generator) -> World:
    """Multiply all units by 5,000."""
    stock = {key: 5000 * units for key, units in world.stock.items()}
    return world.but(stock=stock, demand={key: 5000 * units for key, units in world.demand.items()})


def other_settings(world: World, draw: np.random.Generator) -> World:
    """Draw other buckets, cover and kinds."""
    specified = {
        "buckets": int(draw.choice([1, 2, 6])), "cover_days": int(draw.choice([1, 2, 14])),
        "kinds": [("transfer",), ("supply",)][int(draw.integers(2))],
    }  # fmt: skip
    return world.but(positioning={**world.positioning, **specified})


ODDITIES: tuple[Odd, ...] = (
    empty_stock, a_sku_without_demand, no_demand_at_all, a_sku_without_forecast, a_region_without_lanes, no_transfers,
    handling_classes, short_shelf_lives, closing_hubs, zero_capacities, no_loads, heavy_goods, few_departures, stocking_rules,
    inbound_units, empty_suppliers, long_lead_times, goods_without_size, large_amounts, other_settings,
)  # fmt: skip
