"""The bound, what part of the reachable gain a policy closes, and how sure that is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from positioning.simulation.comparison import closed, closed_interval, paired_difference, summary
from positioning.simulation.engine import NoShipments, play
from positioning.simulation.perfect_foresight import bound_eur
from tests.worlds.replay_worlds import Scripted, game, settings, tables


def test_closed_is_none_for_nothing_and_all_for_the_bound() -> None:
    assert (closed(100.0, 100.0, 60.0), closed(100.0, 60.0, 60.0), closed(100.0, 70.0, 60.0)) == (0.0, 1.0, 0.75)


def test_closed_is_unknown_where_nothing_can_be_won_or_no_end_of_it() -> None:
    assert math.isnan(closed(100.0, 100.0, 100.0))
    assert math.isnan(closed(100.0, 90.0, -np.inf))


def test_hindsight_moves_what_tomorrow_asks_for() -> None:
    """3 units at A, Y asks 2 on day 1. Nothing: 2 × (2 + 1.5) + holding 0.1 × (3 + 1) = 7.4.

    Hindsight: two at 0.5 to move and 1 to deliver = 3, holding 0.1 × 1 on both days = 0.2.
    """
    world = tables({("A", "k"): 3}, {("X", "k"): [0, 0], ("Y", "k"): [0, 2]})
    played = game(world, 2, settings(kinds=("transfer",)))
    assert play(played, NoShipments()).value_eur(with_goods=False) == pytest.approx(7.4)
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(3.2)]
    assert play(played, Scripted((0, "k", "A>B", 2))).value_eur(with_goods=False) == pytest.approx(3.2)


def test_hindsight_buys_only_what_sells_in_time() -> None:
    """Orders take 2 days: of demand 1, 1, 2 the last 2 are bought at 0.25 freight and 1 delivery, 2 are lost."""
    world = tables({("A", "k"): 0}, {("X", "k"): [1, 1, 2], ("Y", "k"): [0, 0, 0]})
    played = game(world, 3, settings(kinds=("supply",)))
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(20 + 2 * 1.25)]
    assert bound_eur(played, with_goods=True).tolist() == [pytest.approx(20 + 2 * 1.25)]


def test_hindsight_keeps_to_what_the_supplier_has() -> None:
    world = tables({("A", "k"): 0}, {("X", "k"): [0, 0, 5], ("Y", "k"): [0, 0, 0]})
    world["supply"]["units_available"] = 3
    played = game(world, 3, settings(kinds=("supply",)))
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(3 * 1.25 + 2 * 10)]


def test_hindsight_pays_a_load_by_the_share_a_unit_takes() -> None:
    """2 of 10 litres of a load of 4 €: 0.8 on top."""
    world = tables({("A", "k"): 2}, {("X", "k"): [0, 0], ("Y", "k"): [0, 2]})
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"] = 4.0, 10.0
    played = game(world, 2, settings(kinds=("transfer",)))
    assert bound_eur(played, with_goods=False).tolist() == [pytest.approx(2 * 1.5 + 0.8)]


def test_a_bound_without_end_is_said_to_be_minus_infinity() -> None:
    """A supplier below the value of leftovers without limit: buying never stops paying."""
    world = tables({("A", "k"): 0}, {("X", "k"): [0, 0], ("Y", "k"): [0, 0]})
    world["supply"]["unit_cost_eur"] = 1.0
    assert bound_eur(game(world, 2), with_goods=True).tolist() == [-np.inf]


def test_equal_policies_differ_by_nothing_and_the_interval_holds_the_estimate() -> None:
    eur = np.array([3.0, 5.0, 8.0, 1.0])
    assert paired_difference(eur, eur).high == 0.0
    result = paired_difference(eur - np.array([1.0, 2.0, 3.0, 0.0]), eur)
    assert (result.value, result.low <= result.value <= result.high) == (-6.0, True)
    assert result.high <= 0.0


def test_an_interval_is_the_same_every_time() -> None:
    eur, other = np.arange(9.0), np.arange(9.0)[::-1].copy()
    assert paired_difference(eur, other) == paired_difference(eur, other)


def test_closed_of_every_article_alike_has_no_width() -> None:
    no_shipment, bound = np.array([10.0, 20.0]), np.array([6.0, 12.0])
    result = closed_interval(no_shipment, no_shipment - (no_shipment - bound) / 2, bound)
    assert (result.value, result.low, result.high) == (0.5, pytest.approx(0.5), pytest.approx(0.5))


def test_the_summary_has_a_row_per_policy_with_and_without_goods() -> None:
    world = tables({("A", "k"): 3}, {("X", "k"): [0, 0], ("Y", "k"): [0, 2]})
    played = game(world, 2, settings(kinds=("transfer",)))
    ledgers = [play(played, NoShipments()), play(played, Scripted((0, "k", "A>B", 1)))]
    bounds = {with_goods: bound_eur(played, with_goods=with_goods) for with_goods in (False, True)}
    result = summary(ledgers, bounds, "scripted").set_index("policy")
    # the script moves one of two: 0.5 + 1 + 3.5 + holding 0.2 + ... half of what there is to win
    assert result.loc["nothing", ["closed", "closed_with_goods", "saved_eur"]].tolist() == [0.0, 0.0, 0.0]
    assert result["extra_cost_eur"].tolist() == [result.loc["scripted", "saved_eur"], 0.0]
    assert result.loc["scripted", "closed"] == pytest.approx(0.5)
    assert result.loc["scripted", "closed_with_goods"] == pytest.approx(0.5)
