"""Each limit changes the plan where it should and costs nothing where it should not."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.worlds.positioning_world import World, day, delivery, sku, supply, transfer

HUBS = [{"hub": "A"}, {"hub": "B"}]


def lopsided(**changes: Any) -> World:
    """All stock stands in A, all demand (2 a day) is served from B; a supplier can fill B too."""
    world = World(
        skus=[sku()], hubs=HUBS, lanes=[delivery("B", "b"), transfer("A", "B")], stock={("A", "k"): 40}, demand={("k", "b"): 2.0}
    )  # fmt: skip
    return world.but(**changes)


def ordered(**changes: Any) -> World:
    """Nothing stands anywhere; only a supplier can serve B's demand of 2 a day."""
    return lopsided(
        lanes=[delivery("B", "b"), supply("S", "B")], stock={}, more={"supply": [{"supplier": "S", "sku": "k", **changes}]}
    )  # fmt: skip


def cost(world: World) -> float:
    """Return the cost of the plan."""
    return float(world.plan()["plan"].iloc[0]["total_eur"])


def units(world: World) -> float:
    """Return the units the plan moves."""
    return float(world.plan()["transfer"]["units"].sum())


def lanes_with(**columns: Any) -> list[dict[str, Any]]:
    """Return the lopsided world's lanes with ``columns`` on the transfer."""
    return [delivery("B", "b"), transfer("A", "B", **columns)]


@cache
def unlimited_cost() -> float:
    """Return what the plan of the lopsided world costs without any limit."""
    return cost(lopsided())


BINDS = {
    "pack": lopsided(skus=[sku(pack_units=36)]),
    "truck's cost": lopsided(lanes=lanes_with(eur_per_load=20.0, load_l=1000.0, load_kg=1000.0)),
    "truck's volume": lopsided(lanes=lanes_with(load_l=10.0, load_kg=1000.0, loads_per_departure=1)),
    "truck's mass": lopsided(lanes=lanes_with(load_l=1000.0, load_kg=5.0, loads_per_departure=1)),
    "departure": lopsided(lanes=lanes_with(departs="Thu")),
    "class of the lane": lopsided(skus=[sku(handling_class="chilled")], lanes=lanes_with(handling_classes="ambient")),
    "class of the hub": lopsided(skus=[sku(handling_class="chilled")], hubs=[{"hub": "A"}, {"hub": "B", "handling_classes": "ambient"}]),
    "storage": lopsided(hubs=[{"hub": "A"}, {"hub": "B", "storage_l": 10.0}]),
    "inbound": lopsided(hubs=[{"hub": "A"}, {"hub": "B", "inbound_units_per_period": 5.0}]),
    "outbound": lopsided(hubs=[{"hub": "A", "outbound_units_per_period": 5.0}, {"hub": "B"}]),
    "shelf life": lopsided(skus=[sku(shelf_life_days=1)]),
    "promise": lopsided(more={"promises": [{"region": "b", "promise_days": 0, "late_eur_per_unit": 0.5}]}),
    "frozen stock": lopsided(more={"hub_skus": [{"hub": "A", "sku": "k", "frozen_until": day(3)}]}),
    "least stock": lopsided(more={"hub_skus": [{"hub": "A", "sku": "k", "min_units": 36}]}),
    "most stock": lopsided(more={"hub_skus": [{"hub": "B", "sku": "k", "max_units": 5}]}),
}  # fmt: skip

IDLE = {
    "pack": lopsided(skus=[sku(pack_units=1)]),
    "truck": lopsided(lanes=lanes_with(eur_per_load=0.0, load_l=1000.0, load_kg=1000.0, loads_per_departure=1)),
    "departure": lopsided(lanes=lanes_with(departs="Mon|Tue|Wed|Thu|Fri|Sat|Sun", cutoff="18:00")),
    "class of the lane": lopsided(lanes=lanes_with(handling_classes="ambient")),
    "class of the hub": lopsided(hubs=[{"hub": "A", "handling_classes": "ambient|chilled"}, {"hub": "B", "handling_classes": "ambient"}]),
    "storage": lopsided(hubs=[{"hub": "A"}, {"hub": "B", "storage_l": 1000.0}]),
    "inbound": lopsided(hubs=[{"hub": "A"}, {"hub": "B", "inbound_units_per_period": 500.0}]),
    "outbound": lopsided(hubs=[{"hub": "A", "outbound_units_per_period": 500.0}, {"hub": "B"}]),
    "shelf life": lopsided(skus=[sku(shelf_life_days=3650)]),
    "promise": lopsided(more={"promises": [{"region": "b", "promise_days": 1, "late_eur_per_unit": 0.5}]}),
    "frozen stock": lopsided(more={"hub_skus": [{"hub": "A", "sku": "k", "frozen_until": day(0)}]}),
    "least stock": lopsided(more={"hub_skus": [{"hub": "B", "sku": "k", "min_units": 0}]}),
    "most stock": lopsided(more={"hub_skus": [{"hub": "B", "sku": "k", "max_units": 500}]}),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BINDS))
def test_limit_that_binds_costs_money(name: str) -> None:
    assert cost(BINDS[name]) > unlimited_cost() + 0.01


@pytest.mark.parametrize("name", sorted(IDLE))
def test_limit_that_does_not_bind_is_free(name: str) -> None:
    assert cost(IDLE[name]) == pytest.approx(unlimited_cost(), abs=1e-6)


def test_smallest_order_binds_above_the_requested_units_and_not_below() -> None:
    requested = units(ordered())
    assert requested > 0
    assert units(ordered(min_order_units=requested)) == requested
    more = units(ordered(min_order_units=10 * requested))
    assert more == 0 or more >= 10 * requested
    assert cost(ordered(min_order_units=10 * requested)) > cost(ordered()) + 0.01


def test_pack_of_an_order_binds_only_where_it_does_not_divide() -> None:
    requested = units(ordered())
    assert units(ordered(pack_units=int(requested))) % requested == 0
    assert cost(ordered(pack_units=1)) == pytest.approx(cost(ordered()), abs=1e-6)
    assert cost(ordered(pack_units=int(requested) + 7)) > cost(ordered()) + 0.01


def test_carbon_price_from_0_to_500_traces_a_frontier() -> None:
    """A cheap dirty lane beside a dear clean one: emission falls, and what the rest costs rises, step by step."""
    lanes = [
        delivery("B", "b"), delivery("A", "a"), supply("S", "A", 0.1, distance_km=100.0, kg_co2e_per_t_km=0.1),
        transfer("A", "B", 0.10, days=1, distance_km=900.0, kg_co2e_per_t_km=1.48),
        supply("S", "B", 0.30, days=1, distance_km=900.0, kg_co2e_per_t_km=0.035),
    ]  # fmt: skip
    world = lopsided(
        skus=[sku(mass_kg=mass, sku=f"k{mass}") for mass in (0.2, 0.5, 1.0, 2.0, 4.0)], lanes=lanes,
        stock={("A", f"k{mass}"): 40 for mass in (0.2, 0.5, 1.0, 2.0, 4.0)},
        demand={(f"k{mass}", place): 2.0 for mass in (0.2, 0.5, 1.0, 2.0, 4.0) for place in ("a", "b")},
    )  # fmt: skip
    rows = [
        world.but(positioning={"carbon_eur_per_t": float(price)}).plan()["plan"].iloc[0]
        for price in (0, 50, 100, 200, 350, 500)
    ]
    emitted = np.array([row["kg_co2e"] for row in rows])
    money = np.array([row["total_eur"] - row["carbon_eur_after"] for row in rows])
    assert (np.diff(emitted) <= 1e-6).all()
    assert (np.diff(money) >= -1e-6).all()
    assert emitted[-1] < 0.9 * emitted[0]
