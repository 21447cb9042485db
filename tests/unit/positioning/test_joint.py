"""The programme over few skus: loads that pay between them go, and its bound holds."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.crew import Crew
from positioning.joint import decide
from tests.positioning_oracle import solve_at_once
from tests.positioning_world import World, delivery, random_world, sku, transfer


def shared_truck(n_skus: int, eur_per_load: float) -> World:
    """Return skus whose stock is at A and demand at B's region; one truck carries them all."""
    names = [f"k{at}" for at in range(n_skus)]
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
    """No sku alone pays 40 EUR; six do. A price per litre of a nearly empty truck would let none or a part go."""
    problem = shared_truck(n_skus, 40.0).problem()
    found = decide(problem, Crew(problem))
    assert found.loads.tolist() == [goes]
    assert bool(found.mixes) is bool(goes)


@pytest.mark.parametrize("seed", range(6))
def test_its_bound_is_never_above_the_optimum_of_the_whole_night(seed: int) -> None:
    problem = random_world(seed).problem()
    found = decide(problem, Crew(problem))
    assert found.bound_eur <= solve_at_once(problem).eur + 0.01
    assert found.bound_eur <= sum(found.nothing_eur.values()) + 0.01
    assert (found.loads == np.round(found.loads)).all()
