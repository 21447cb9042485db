"""The share of the possible savings that a policy closes, and its bootstrap interval."""

from __future__ import annotations

import math

import numpy as np
import pytest

from positioning.simulation.engine import NoShipments, play
from positioning.simulation.ledger import closed, closed_interval, paired_difference, summary
from positioning.simulation.perfect_foresight import bound_eur
from tests.worlds.replay_worlds import Scripted, game, settings, tables


def test_closed_is_0_without_shipments_and_1_at_the_bound() -> None:
    assert (closed(100.0, 100.0, 60.0), closed(100.0, 60.0, 60.0), closed(100.0, 70.0, 60.0)) == (0.0, 1.0, 0.75)


def test_closed_is_unknown_where_possible_savings_are_zero_or_unlimited() -> None:
    assert math.isnan(closed(100.0, 100.0, 100.0))
    assert math.isnan(closed(100.0, 90.0, -np.inf))


def test_equal_policies_differ_by_0_and_the_interval_contains_the_estimate() -> None:
    eur = np.array([3.0, 5.0, 8.0, 1.0])
    assert paired_difference(eur, eur).high == 0.0
    result = paired_difference(eur - np.array([1.0, 2.0, 3.0, 0.0]), eur)
    assert (result.value, result.low <= result.value <= result.high) == (-6.0, True)
    assert result.high <= 0.0


def test_an_interval_is_the_same_every_time() -> None:
    eur, other = np.arange(9.0), np.arange(9.0)[::-1].copy()
    assert paired_difference(eur, other) == paired_difference(eur, other)


def test_closed_that_is_equal_for_all_skus_has_no_interval() -> None:
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
