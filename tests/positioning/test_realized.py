"""The realized benefit of shipments, by hand: what they served and cost against what was demanded."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.simulation.engine import Game, play
from positioning.simulation.realized import Moves, realized_benefit
from positioning.simulation.world import codes
from tests.worlds.replay_worlds import Scripted, game, settings, tables

Line = tuple[str, str, int, int, int, int, int]  # sku, lane, ship period, arrival period, shipped, received, proposed


def _moves(played: Game, *lines: Line, n_background: int = 0) -> Moves:
    network = played.network
    sku, lane = (
        codes(index, [line[place] for line in lines])
        for place, index in ((0, network.skus.index), (1, network.lanes.index))
    )
    ships, arrives, shipped, received, proposed = (
        np.array([line[place] for line in lines], dtype=np.int64) for place in range(2, 7)
    )
    is_background = np.arange(len(lines)) >= len(lines) - n_background
    return Moves(sku, lane, ships, arrives, shipped, received, proposed, is_background)


def _world(stock_a: int = 10, demand_y: int = 4) -> Game:
    """Return a game in which A has stock, B has none, and Y beside B demands ``demand_y`` tea on the third day."""
    return game(tables({("A", "tea"): stock_a}, {("X", "tea"): [0, 0, 0], ("Y", "tea"): [0, 0, demand_y]}), 3)


def test_a_transfer_earns_the_cheaper_service_less_its_cost() -> None:
    """Without it, A serves Y late: 2.00 carriage and 1.50 lateness; from B 1.00. Six units cost 0.50 each and no holding in transit."""
    played = _world()
    row = realized_benefit(played, _moves(played, ("tea", "A>B", 0, 1, 6, 6, 6))).iloc[0]
    assert row["units_sold"] == 4
    assert row["realized_eur"] == pytest.approx(4 * 2.5 - 6 * (0.5 - 0.1))
    assert np.isnan(row["override_eur"])


def test_a_transfer_of_units_that_the_origin_sells_costs_money() -> None:
    """A has four units and X wants them; at B they serve X late."""
    played = game(tables({("A", "tea"): 4}, {("X", "tea"): [0, 0, 4], ("Y", "tea"): [0, 0, 0]}), 3)
    row = realized_benefit(played, _moves(played, ("tea", "A>B", 0, 1, 4, 4, 4))).iloc[0]
    assert row["units_sold"] == 4
    assert row["realized_eur"] == pytest.approx(-4 * 2.5 - 4 * (0.5 - 0.1))


def test_an_order_earns_lost_sales_and_keeps_the_value_of_leftovers() -> None:
    """Five units for 4.00 each and 0.25 transport; three sell (10.00 each, 1.00 carriage); two are left for two days."""
    played = game(tables({("A", "tea"): 0}, {("X", "tea"): [0, 0, 3, 0], ("Y", "tea"): [0, 0, 0, 0]}), 4)
    row = realized_benefit(played, _moves(played, ("tea", "S>A", 0, 2, 5, 5, 5))).iloc[0]
    holding, left = 0.1 * (2 + 2), 4.0 * 2 * (1 - settings().positioning.terminal_value_rate)
    assert row["units_sold"] == 3
    assert row["realized_eur"] == pytest.approx(3 * 9.0 - 5 * 0.25 - holding - left)


def test_units_that_were_refused_are_lost() -> None:
    played = _world(stock_a=6)
    whole, damaged = (
        realized_benefit(played, _moves(played, ("tea", "A>B", 0, 1, 6, received, 6))).iloc[0] for received in (6, 3)
    )
    assert (whole["units_sold"], damaged["units_sold"]) == (4, 3)
    # one sale less from B and none from A, three units at cost, and the holding of two of the missing units
    assert damaged["realized_eur"] < whole["realized_eur"] - 9.0


def test_values_of_a_sku_add_up_to_all_against_none_and_match_the_replay() -> None:
    """The replay of the same shipments by its engine gives the same difference."""
    played = _world(demand_y=7)
    moves = _moves(played, ("tea", "A>B", 0, 1, 4, 4, 4), ("tea", "A>B", 1, 2, 4, 4, 4))
    rows = realized_benefit(played, moves)
    none, both = (
        play(played, Scripted(*lines)).value_eur(with_goods=True)
        for lines in ((), ((0, "tea", "A>B", 4), (1, "tea", "A>B", 4)))
    )
    assert rows["realized_eur"].sum() == pytest.approx(none - both)
    assert rows["units_sold"].tolist() == [3.5, 3.5]  # the mean of joining first and last


def test_a_line_that_makes_room_for_another_shares_its_benefit() -> None:
    """B ships its tea to A, where it sells, and can do so because A's later line replaces it."""
    world = tables({("A", "tea"): 0, ("B", "tea"): 4}, {("X", "tea"): [0, 0, 4, 0], ("Y", "tea"): [0, 0, 0, 4]})
    played = game(world, 4)
    moves = _moves(played, ("tea", "S>A", 0, 2, 8, 8, 8), ("tea", "A>B", 2, 3, 4, 4, 4))
    rows = realized_benefit(played, moves)
    alone = [
        realized_benefit(played, moves.only(np.arange(2) == place))["realized_eur"].iloc[place] for place in range(2)
    ]
    assert rows["realized_eur"].sum() != pytest.approx(sum(alone))
    joint = realized_benefit(played, moves)["realized_eur"]
    assert joint.iloc[0] == pytest.approx((alone[0] + joint.sum() - alone[1]) / 2)


def test_shipments_of_other_plans_move_in_both_worlds() -> None:
    """Four units are at B already by another plan, so the same four of this plan sell nothing."""
    played = _world()
    moves = _moves(played, ("tea", "A>B", 0, 1, 4, 4, 4), ("tea", "A>B", 0, 1, 4, 4, 4), n_background=1)
    row = realized_benefit(played, moves).iloc[0]
    assert row["units_sold"] == 0
    assert row["realized_eur"] == pytest.approx(-4 * (0.5 - 0.1))


def test_a_change_of_units_is_worth_the_cost_of_the_proposal_less_that_of_the_change() -> None:
    """Each of the proposed units saves 2.50 where it sells and costs 0.40; the planner sends two of four, or rejects six."""
    played = _world()
    rows = realized_benefit(played, _moves(played, ("tea", "A>B", 0, 1, 2, 2, 4)))
    assert rows["override_eur"].tolist() == pytest.approx([-(2 * 2.5 - 2 * (0.5 - 0.1))])
    rejected = realized_benefit(played, _moves(played, ("tea", "A>B", 0, 1, 0, 0, 6)))
    assert rejected["realized_eur"].tolist() == [0.0]
    assert rejected["override_eur"].tolist() == pytest.approx([-(4 * 2.5 - 6 * (0.5 - 0.1))])
