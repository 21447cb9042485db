"""The joint program of few SKUs: loads that pay together go, and its bound holds."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.optimizer.benders import decide_loads
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.workers import WorkerPool
from tests.oracle.plan_milp import solve_at_once
from tests.worlds.positioning_world import World, delivery, random_world, sku, supply, transfer


def shared_truck(n_skus: int, eur_per_load: float) -> World:
    """Return skus whose stock is at A and demand at B's region; one truck carries them all."""
    names = [f"k{index}" for index in range(n_skus)]
    return World(
        skus=[sku(name) for name in names],
        hubs=[{"hub": "A"}, {"hub": "B"}],
        lanes=[
            delivery("B", "r"),
            transfer("A", "B", 0.1, eur_per_load=eur_per_load, load_l=1000.0, loads_per_departure=1.0),
        ],
        stock={("A", name): 20 for name in names},
        demand={(name, "r"): 0.5 for name in names},
        positioning={"cover_days": 6},
    )


@pytest.mark.parametrize(("n_skus", "goes"), [(1, 0.0), (6, 1.0)])
def test_a_truck_goes_when_all_it_carries_pays_for_it_together(n_skus: int, goes: float) -> None:
    """No sku alone pays 40 EUR; six do. A price per liter of a nearly empty truck would let none or a part go."""
    problem = shared_truck(n_skus, 40.0).problem()
    result = decide_loads(problem, WorkerPool(problem, Parameters()))
    assert result.loads.tolist() == [goes]
    assert bool(result.shipments) is bool(goes)


@pytest.mark.parametrize("seed", range(6))
def test_its_bound_is_never_above_the_optimum_of_the_whole_problem(seed: int) -> None:
    problem = random_world(seed).problem()
    result = decide_loads(problem, WorkerPool(problem, Parameters()))
    assert result.bound_eur <= solve_at_once(problem).eur + 0.01
    assert result.bound_eur <= sum(result.no_shipment_eur.values()) + 0.01
    assert (result.loads == np.round(result.loads)).all()


def without_loads(seed: int) -> World:
    """Return twenty skus with ample stock at four hubs between which goods move by the piece."""
    draw = np.random.default_rng(seed)
    hubs, regions, names = (
        [f"H{index}" for index in range(4)],
        [f"R{index}" for index in range(4)],
        [f"k{index}" for index in range(20)],
    )
    pairs = [(index, to) for index in range(4) for to in range(4)]
    lanes = [
        delivery(hubs[index], regions[to], float(draw.uniform(0.5, 4)), int(draw.integers(1, 4)))
        for index, to in pairs
        if index == to or draw.random() < 0.4
    ]
    lanes += [supply("S", hub, 0.1, int(draw.integers(2, 5))) for hub in hubs]
    lanes += [
        transfer(hubs[index], hubs[to], 0.2, int(draw.integers(1, 4)))
        for index, to in pairs
        if index != to and draw.random() < 0.6
    ]
    return World(
        skus=[sku(name, unit_cost_eur=float(draw.uniform(1, 5))) for name in names],
        hubs=[{"hub": hub, "outbound_units_per_period": float(20 * draw.integers(1, 3))} for hub in hubs],
        lanes=lanes,
        stock={(hub, name): int(draw.choice([0, 0, 5, 80])) for hub in hubs for name in names},
        demand={(name, region): float(draw.uniform(0, 2)) for name in names for region in regions},
        positioning={"scenarios": 60, "buckets": 4, "out_of_sample_scenarios": 20, "cover_days": 10},
    )  # fmt: skip


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_without_loads_the_bound_is_below_the_plan(seed: int) -> None:
    """Without whole numbers the solver has no bound of a MILP; where goods left outweigh costs, 0 lies above the optimum."""
    row = without_loads(seed).plan()["plan"].iloc[0]
    assert row["lower_bound_eur"] <= row["total_eur"]
    assert row["gap_of_benefit_rate"] < 0.2


def test_loads_that_are_decided_are_offered_to_all_before_any_is_dropped() -> None:
    """Twenty skus between which two loads pay: columns at first prices alone would let neither go."""
    world = random_world(14, n_skus=20).but(positioning={"scenarios": 30, "buckets": 4, "out_of_sample_scenarios": 20})
    capacities = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
    world = world.but(hubs=[hub | {name: hub[name] * 20 / 6 for name in capacities} for hub in world.hubs])
    row = world.plan()["plan"].iloc[0]
    assert row["total_eur"] < row["total_eur_before"] - 15.0
