"""Decisions of the base-stock policy on small networks, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from positioning.simulation.base_stock import FILL_RATES, SAFETY_FACTORS, BaseStock, choose_base_stock
from positioning.simulation.engine import NoShipments, play
from tests.worlds.replay_worlds import game, settings, tables, with_past

QUIET = {("X", "k"): [0.0] * 4, ("Y", "k"): [0.0] * 4}


def test_base_stock_orders_up_to_the_demand_of_lead_time_and_review() -> None:
    """Constant 2 a day at A, lead 2 + review 1: level 6, 1 on hand, 5 ordered at once and 2 a day later none."""
    world = with_past(tables({("A", "k"): 1}, QUIET), 28, X=2.0, Y=0.0)
    ledger = play(game(world, 1, settings(kinds=("supply",)), past_periods=28), BaseStock(1.0, 0.0, 1, 28))
    assert ledger.count("supplied") == 5


def test_base_stock_covers_the_days_without_a_decision() -> None:
    """Only the first of four days decides: lead 2 + review 4 at 2 a day, less 1 on hand, makes 11."""
    world = with_past(tables({("A", "k"): 1}, QUIET), 28, X=2.0, Y=0.0)
    once = replace(game(world, 4, settings(kinds=("supply",)), past_periods=28), decisions=(0,))
    assert play(once, BaseStock(1.0, 0.0, 1, 28)).count("supplied") == 11


def test_safety_stock_grows_with_z_and_the_root_of_the_cover() -> None:
    """Demand 0 and 4 in turn: mean 2, deviation 2; 3 days: 6 + z·2·√3, so z = 1 orders 10 (9.46 in whole units)."""
    world = tables({("A", "k"): 0}, QUIET)
    dates = pd.date_range(end="2023-12-31", periods=28)
    past = pd.DataFrame({"date": dates, "region": "X", "sku": "k", "units_sold": [0.0, 4.0] * 14})
    world["sales"] = pd.concat([past, world["sales"]])
    played = game(world, 1, settings(kinds=("supply",)), past_periods=28)
    assert play(played, BaseStock(1.0, 0.0, 1, 28)).count("supplied") == 10
    assert play(played, BaseStock(0.0, 0.0, 1, 28)).count("supplied") == 6


def test_fair_share_balances_days_of_supply() -> None:
    """12 units at A, demand 1 a day at A and 2 at B; levels 2 and 4 sum to 6, so B gets its 4."""
    world = with_past(tables({("A", "k"): 12}, QUIET), 28, X=1.0, Y=2.0)
    played = game(world, 1, settings(kinds=("transfer",)), past_periods=28)
    assert play(played, BaseStock(0.0, 0.0, 1, 28)).count("transferred") == 4


def test_a_shortage_is_shared_in_proportion_to_the_levels() -> None:
    """3 units for levels of 2 and 4: shares 1 and 2, so 2 leave A."""
    world = with_past(tables({("A", "k"): 3}, QUIET), 28, X=1.0, Y=2.0)
    played = game(world, 1, settings(kinds=("transfer",)), past_periods=28)
    assert play(played, BaseStock(0.0, 0.0, 1, 28)).count("transferred") == 2


def test_a_load_too_empty_stays_at_home() -> None:
    world = with_past(tables({("A", "k"): 12}, QUIET), 28, X=1.0, Y=2.0)
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"] = 20.0, 10.0
    played = game(world, 1, settings(kinds=("transfer",)), past_periods=28)
    assert play(played, BaseStock(0.0, 0.4, 1, 28)).count("transferred") == 4
    assert play(played, BaseStock(0.0, 0.5, 1, 28)).count("transferred") == 0


def test_the_baseline_is_chosen_without_looking_at_the_scored_window() -> None:
    """Whatever is demanded from the start on, the same z and load are chosen."""
    calm = with_past(tables({("A", "k"): 12}, QUIET), 28, X=1.0, Y=2.0)
    wild = with_past(tables({("A", "k"): 12}, {("X", "k"): [9.0] * 4, ("Y", "k"): [0.0] * 4}), 28, X=1.0, Y=2.0)
    chosen = [choose_base_stock(game(world, 4, settings(), past_periods=28), 1) for world in (calm, wild)]
    assert chosen[0] == chosen[1]
    assert chosen[0].z in SAFETY_FACTORS
    assert chosen[0].min_fill_rate in FILL_RATES


def test_no_shipments_move_no_units() -> None:
    world = tables({("A", "k"): 5}, QUIET)
    ledger = play(game(world, 4), NoShipments())
    assert (ledger.count("transferred"), ledger.count("supplied")) == (0, 0)
    assert np.array_equal(ledger.stock[0, 0], [5, 5, 5, 5])
