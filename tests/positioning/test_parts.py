"""Skus that fall apart: which hubs and regions are tied, and that each part is planned to the end."""

from __future__ import annotations

import pytest

from positioning.inputs.subproblem import build_subproblem
from positioning.optimizer.recourse_function import Components, components_of
from tests.worlds.positioning_world import World, delivery, sku, supply, transfer


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
