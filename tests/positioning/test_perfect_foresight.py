"""The perfect-foresight bound on small networks, with costs worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.simulation.engine import NoShipments, play
from positioning.simulation.perfect_foresight import bound_eur
from tests.worlds.replay_worlds import Scripted, game, settings, tables


def test_hindsight_moves_the_demand_of_the_next_day() -> None:
    """3 units at A, Y asks 2 on day 1. Nothing: 2 × (2 + 1.5) + holding 0.1 × (3 + 1) = 7.4.

    Hindsight: two at 0.5 to move and 1 to deliver = 3, holding 0.1 × 1 on both days = 0.2.
    """
    world = tables({("A", "k"): 3}, {("X", "k"): [0, 0], ("Y", "k"): [0, 2]})
    played = game(world, 2, settings(kinds=("transfer",)))
    assert play(played, NoShipments()).value_eur(with_goods=False) == pytest.approx(7.4)
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(3.2)]
    assert play(played, Scripted((0, "k", "A>B", 2))).value_eur(with_goods=False) == pytest.approx(3.2)


def test_hindsight_buys_only_units_that_sell_in_time() -> None:
    """Orders take 2 days: of demand 1, 1, 2 the last 2 are bought at 0.25 freight and 1 delivery, 2 are lost."""
    world = tables({("A", "k"): 0}, {("X", "k"): [1, 1, 2], ("Y", "k"): [0, 0, 0]})
    played = game(world, 3, settings(kinds=("supply",)))
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(20 + 2 * 1.25)]
    assert bound_eur(played, with_goods=True).tolist() == [pytest.approx(20 + 2 * 1.25)]


def test_hindsight_buys_no_more_than_the_supplier_has() -> None:
    world = tables({("A", "k"): 0}, {("X", "k"): [0, 0, 5], ("Y", "k"): [0, 0, 0]})
    world["supply"]["units_available"] = 3
    played = game(world, 3, settings(kinds=("supply",)))
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(3 * 1.25 + 2 * 10)]


def test_hindsight_pays_a_load_by_the_share_a_unit_takes() -> None:
    """2 of 10 liters of a load of 4 €: 0.8 on top."""
    world = tables({("A", "k"): 2}, {("X", "k"): [0, 0], ("Y", "k"): [0, 2]})
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"] = 4.0, 10.0
    played = game(world, 2, settings(kinds=("transfer",)))
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(2 * 1.5 + 0.8)]


def test_an_unlimited_bound_is_minus_infinity() -> None:
    """A supplier below the value of leftovers without limit: buying never stops paying."""
    world = tables({("A", "k"): 0}, {("X", "k"): [0, 0], ("Y", "k"): [0, 0]})
    world["supply"]["unit_cost_eur"] = 1.0
    assert bound_eur(game(world, 2), with_goods=True).tolist() == [-np.inf]
