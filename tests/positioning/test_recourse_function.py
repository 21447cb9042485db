"""Cuts that are kept and cuts that are searched on, and SKUs whose network separates into components."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.inputs.subproblem import build_subproblem
from positioning.optimizer.parameters import RecourseParameters
from positioning.optimizer.recourse_function import Components, CutPool, components_of
from tests.worlds.positioning_world import World, delivery, sku, supply, transfer


def tangents(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slopes and right-hand sides of the tangents of x² at ``points``, as rows slope · x + θ ≥ floor."""
    return -2.0 * points[:, None], -(points**2)


def pool_of(*points: float) -> CutPool:
    """Return a pool with one limit, x ≤ 50, and the tangents of one group, in order."""
    pool = CutPool(np.array([[-1.0]]), np.array([-50.0]), RecourseParameters())
    for point in points:
        pool.add(*tangents(np.array([point])))
    return pool


def value(pool: CutPool, x: float) -> float:
    """Return what the cuts searched on say of x."""
    rows = pool.rows()
    is_cut = rows.group >= 0
    return float((rows.floor[is_cut] - rows.slope[is_cut, 0] * x).max())


def test_cuts_no_answer_lies_on_are_left_out_and_the_limit_stays() -> None:
    pool = pool_of(1.0, 5.0, 9.0)
    for _ in range(100):
        assert not pool.recall(np.array([[9.0]]))
    rows = pool.rows()
    assert (rows.group == -1).sum() == 1
    assert (rows.group >= 0).sum() == 1
    assert value(pool, 1.0) <= 1.0


def test_an_answer_that_breaks_a_cut_left_out_brings_it_back() -> None:
    pool = pool_of(1.0, 5.0, 9.0)
    for _ in range(100):
        pool.recall(np.array([[9.0]]))
    assert value(pool, 1.0) < 1.0
    assert pool.recall(np.array([[1.0], [9.0]]))
    assert value(pool, 1.0) == 1.0
    assert not pool.recall(np.array([[1.0]]))


def test_the_latest_cuts_are_always_searched_on() -> None:
    """They represent the recourse cost in the program, which has no starting point without them."""
    pool = pool_of(1.0)
    for _ in range(100):
        pool.recall(np.array([[40.0]]))
    rows = pool.rows()
    assert rows.group[rows.starting].tolist() == [0]
    assert pool.latest_summed()[1].tolist() == [-1.0]


def stores(*lanes: dict[str, object], **more: list[dict[str, object]]) -> World:
    """Return two stores that each serve their own region, ordered for from S, and more lanes or tables."""
    return World(
        skus=[sku("k")],
        hubs=[{"hub": "A"}, {"hub": "B"}],
        lanes=[delivery("A", "r"), delivery("B", "s"), supply("S", "A"), supply("S", "B"), *lanes],
        stock={("A", "k"): 3, ("B", "k"): 1},
        demand={("k", "r"): 1.5, ("k", "s"): 4.0},
        more=more,
    )


def parts(world: World) -> Components:
    return components_of(build_subproblem(world.problem(), 0))


def test_stores_with_regions_of_their_own_are_parts() -> None:
    result = parts(stores())
    assert result.count == 2
    assert len(set(result.of_lane)) == 2


@pytest.mark.parametrize("lane", [delivery("B", "r", 2.0), transfer("A", "B")], ids=["delivery", "transfer"])
def test_a_lane_between_stores_ties_them(lane: dict[str, object]) -> None:
    assert parts(stores(lane)).count == 1


def test_a_supplier_that_is_short_ties_whom_it_serves() -> None:
    """What one store orders the other cannot have, so they must be planned together."""
    short = [{"supplier": "S", "sku": "k", "units_available": 9.0}]
    assert parts(stores(supply=short)).count == 1


def test_values_of_lanes_and_sinks_are_shared_out_without_loss() -> None:
    result = parts(stores())
    by_lane, by_sink = range(1, len(result.of_lane) + 1), range(1, len(result.of_sink) + 1)
    assert result.split(list(by_lane)).sum() == sum(by_lane)
    assert result.summed(list(by_sink)).sum() == sum(by_sink)


def test_a_sku_that_falls_apart_is_planned_to_within_a_thousandth() -> None:
    """Twelve stores searched as one left a tenth of what there was to win on the table."""
    names = [f"H{index}" for index in range(12)]
    world = World(
        skus=[sku("k")],
        hubs=[{"hub": name} for name in names],
        lanes=[lane for name in names for lane in (delivery(name, f"r-{name}"), supply("S", name, 0.1, 4))],
        stock={(name, "k"): index % 4 for index, name in enumerate(names)},
        demand={("k", f"r-{name}"): 0.2 + 0.3 * index for index, name in enumerate(names)},
        positioning={"scenarios": 60},
    )
    row = world.plan()["plan"].iloc[0]
    assert row["total_eur"] < row["total_eur_before"]
    assert row["gap_of_benefit_rate"] <= 0.001
