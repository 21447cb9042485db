"""Allocation of a load's cost: all of it is paid, no line pays more than it saves, and no line is dropped for that."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.explain.lines import paid_shares
from tests.worlds.positioning_world import World, delivery, sku, transfer


def truck(bulky_l: float) -> World:
    """Return an expensive small SKU and a cheap one of ``bulky_l`` liters, both at A and demanded at B; one truck a day."""
    return World(
        skus=[sku("dear", lost_sale_eur=30.0, volume_l=1.0), sku("cheap", lost_sale_eur=2.0, volume_l=bulky_l)],
        hubs=[{"hub": "A"}, {"hub": "B"}],
        lanes=[
            delivery("B", "r", 0.5),
            transfer("A", "B", 0.1, eur_per_load=60.0, load_l=2000.0, loads_per_departure=1.0),
        ],
        stock={("A", "dear"): 30, ("A", "cheap"): 30},
        demand={("dear", "r"): 2.0, ("cheap", "r"): 2.0},
        positioning={"cover_days": 6, "min_benefit_eur": 1.0},
    )


@pytest.mark.parametrize("seed", range(20))
def test_lines_pay_a_load_in_full_and_none_pays_more_than_it_saves(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 7))
    part = draw.dirichlet(np.ones(n))
    able = draw.uniform(0.0, 20.0, n)
    fixed = float(draw.uniform(0.0, 1.0) * able.sum())
    shares = paid_shares(fixed, part, able)
    assert shares.sum() == pytest.approx(fixed)
    assert (shares <= able + 1e-9).all()


def test_a_load_that_does_not_pay_is_shared_by_size() -> None:
    """Its lines are then worth less than nothing, which is how a planner sees that it should not go."""
    assert paid_shares(40.0, np.array([0.75, 0.25]), np.array([10.0, 10.0])).tolist() == [30.0, 10.0]


def test_a_bulky_line_of_small_gain_rides_along_on_a_truck_that_goes_anyway() -> None:
    """Charged by its liters, it was dropped, the rest paid for the truck alone, and in the end no truck went."""
    frames = truck(bulky_l=20.0).plan()
    lines = frames["transfer"].set_index("sku")
    assert set(lines.index) == {"dear", "cheap"}
    assert (lines["benefit_eur"] >= 1.0 - 1e-9).all()
    row = frames["plan"].iloc[0]
    assert lines["benefit_eur"].sum() == pytest.approx(row["total_eur_before"] - row["total_eur"])


def test_the_cost_of_lines_includes_the_whole_load() -> None:
    """A line whose cost is its transport alone looks cheap to a rule and to a planner, and no line pays for the truck."""
    lines = truck(bulky_l=20.0).plan()["transfer"]
    assert lines["cost_eur"].sum() == pytest.approx(60.0 + 0.1 * lines["units"].sum())
