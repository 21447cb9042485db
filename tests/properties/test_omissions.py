"""Shipments left out on purpose are no gap: the gate judges the optimizer, not the minimum benefit."""

from __future__ import annotations

import pytest

from positioning.plan import gate
from tests.worlds.positioning_world import World, random_world

SEEDS = [*range(2, 8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 60))]


def _under(world: World, min_benefit_eur: float) -> World:
    return world.but(positioning={**world.positioning, "min_benefit_eur": min_benefit_eur})


@pytest.mark.parametrize("seed", SEEDS)
def test_shipments_below_the_minimum_benefit_do_not_count_as_gap(seed: int) -> None:
    """Plans of cheap goods were once refused, because lines below the minimum benefit counted as optimality gap."""
    world = random_world(seed, n_skus=4)
    whole, sparse = world.plan(), _under(world, 1e6).plan()
    row, none = whole["plan"].iloc[0], sparse["plan"].iloc[0]
    assert none["n_proposals"] == 0
    assert none["total_eur"] == pytest.approx(none["total_eur_before"])
    assert none["lower_bound_eur"] == pytest.approx(row["lower_bound_eur"])
    assert none["gap_of_benefit_rate"] <= max(row["gap_of_benefit_rate"], 0.001) + 1e-9
    assert gate(sparse, world.settings) == ()
    text = sparse["exception"].query("kind == 'benefit_omitted'")["eur"].sum()
    saved = row["total_eur_before"] - row["total_eur"]
    assert text == pytest.approx(saved, abs=0.01 * abs(saved) + 1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_minimum_benefit_no_omission_is_reported(seed: int) -> None:
    assert not (random_world(seed, n_skus=4).plan()["exception"]["kind"] == "benefit_omitted").any()
