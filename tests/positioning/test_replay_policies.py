"""What the compared policies decide on small networks, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from foundation.settings import Settings
from positioning.simulation.base_stock import FILL_RATES, SAFETY_FACTORS, BaseStock, choose_base_stock
from positioning.simulation.engine import NoShipments, play
from positioning.simulation.planned import Planned, mean_daily_units, network_without_shared_limits
from tests.worlds.replay_worlds import START, game, settings, tables


def _with_past(world: dict[str, pd.DataFrame], days: int, **daily: float) -> dict[str, pd.DataFrame]:
    """Return ``world`` with constant sales of sku k by region over ``days`` days before the start."""
    dates = pd.date_range(end=pd.Timestamp(START) - pd.Timedelta(days=1), periods=days)
    past = [
        pd.DataFrame({"date": dates, "region": region, "sku": "k", "units_sold": units})
        for region, units in daily.items()
    ]
    return world | {"sales": pd.concat([*past, world["sales"]], ignore_index=True)}


_QUIET = {("X", "k"): [0.0] * 4, ("Y", "k"): [0.0] * 4}


def test_base_stock_orders_up_to_the_demand_of_lead_time_and_review() -> None:
    """Constant 2 a day at A, lead 2 + review 1: level 6, 1 on hand, 5 ordered at once and 2 a day later none."""
    world = _with_past(tables({("A", "k"): 1}, _QUIET), 28, X=2.0, Y=0.0)
    ledger = play(game(world, 1, settings(kinds=("supply",)), past_periods=28), BaseStock(1.0, 0.0, 1, 28))
    assert ledger.count("supplied") == 5


def test_base_stock_covers_the_days_on_which_no_night_decides() -> None:
    """Only the first of four nights decides: lead 2 + review 4 at 2 a day, 1 on hand, makes 11."""
    world = _with_past(tables({("A", "k"): 1}, _QUIET), 28, X=2.0, Y=0.0)
    once = replace(game(world, 4, settings(kinds=("supply",)), past_periods=28), decisions=(0,))
    assert play(once, BaseStock(1.0, 0.0, 1, 28)).count("supplied") == 11


@pytest.mark.parametrize(("nights", "expected"), [
    ((0,), [(4, 4)]), ((0, 1, 2, 3), [(2, None)] * 4), ((0, 3), [(3, None), (2, None)]),
])  # fmt: skip
def test_plan_reviews_no_sooner_than_a_night_decides_again(
    nights: tuple[int, ...], expected: list[tuple[int, int | None]]
) -> None:
    """A plan that counts on a later departure nobody will decide leaves regions short."""
    world, specified, seen = _with_past(tables({("A", "k"): 5}, _QUIET), 28, X=1.0, Y=1.0), settings(review_days=2), []

    def planner(_: object, __: object, known: Settings, ___: object) -> dict[str, pd.DataFrame]:
        seen.append((known.positioning.review_days, known.positioning.cover_days))
        return {"transfer": pd.DataFrame(columns=["sku", "lane", "units", "ship_date", "is_outlook", "benefit_eur"])}

    policy = Planned("plan", lambda _: {}, planner, world, specified)
    play(replace(game(world, 4, specified, past_periods=28), decisions=nights), policy)
    assert seen == expected


def test_safety_stock_grows_with_z_and_the_root_of_the_cover() -> None:
    """Demand 0 and 4 in turn: mean 2, deviation 2; 3 days: 6 + z·2·√3, so z = 1 orders 10 (9.46 in whole units)."""
    world = tables({("A", "k"): 0}, _QUIET)
    dates = pd.date_range(end="2023-12-31", periods=28)
    past = pd.DataFrame({"date": dates, "region": "X", "sku": "k", "units_sold": [0.0, 4.0] * 14})
    world["sales"] = pd.concat([past, world["sales"]])
    played = game(world, 1, settings(kinds=("supply",)), past_periods=28)
    assert play(played, BaseStock(1.0, 0.0, 1, 28)).count("supplied") == 10
    assert play(played, BaseStock(0.0, 0.0, 1, 28)).count("supplied") == 6


def test_fair_share_balances_days_of_supply() -> None:
    """12 units at A, demand 1 a day at A and 2 at B; levels 2 and 4 sum to 6, so B gets its 4."""
    world = _with_past(tables({("A", "k"): 12}, _QUIET), 28, X=1.0, Y=2.0)
    played = game(world, 1, settings(kinds=("transfer",)), past_periods=28)
    assert play(played, BaseStock(0.0, 0.0, 1, 28)).count("transferred") == 4


def test_a_shortage_is_shared_in_proportion_to_the_levels() -> None:
    """3 units for levels of 2 and 4: shares 1 and 2, so 2 leave A."""
    world = _with_past(tables({("A", "k"): 3}, _QUIET), 28, X=1.0, Y=2.0)
    played = game(world, 1, settings(kinds=("transfer",)), past_periods=28)
    assert play(played, BaseStock(0.0, 0.0, 1, 28)).count("transferred") == 2


def test_a_load_too_empty_stays_at_home() -> None:
    world = _with_past(tables({("A", "k"): 12}, _QUIET), 28, X=1.0, Y=2.0)
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"] = 20.0, 10.0
    played = game(world, 1, settings(kinds=("transfer",)), past_periods=28)
    assert play(played, BaseStock(0.0, 0.4, 1, 28)).count("transferred") == 4
    assert play(played, BaseStock(0.0, 0.5, 1, 28)).count("transferred") == 0


def test_the_baseline_is_chosen_without_looking_at_the_scored_window() -> None:
    """Whatever is demanded from the start on, the same z and load are chosen."""
    calm = _with_past(tables({("A", "k"): 12}, _QUIET), 28, X=1.0, Y=2.0)
    wild = _with_past(tables({("A", "k"): 12}, {("X", "k"): [9.0] * 4, ("Y", "k"): [0.0] * 4}), 28, X=1.0, Y=2.0)
    chosen = [choose_base_stock(game(world, 4, settings(), past_periods=28), 1) for world in (calm, wild)]
    assert chosen[0] == chosen[1]
    assert chosen[0].z in SAFETY_FACTORS
    assert chosen[0].min_fill_rate in FILL_RATES


def _lines(*rows: tuple[str, str, int, str, bool, float]) -> dict[str, pd.DataFrame]:
    columns = ["sku", "lane", "units", "ship_date", "is_outlook", "benefit_eur"]
    frame = pd.DataFrame(rows, columns=columns)
    return {"transfer": frame.assign(ship_date=pd.to_datetime(frame["ship_date"]))}


def test_a_plan_sees_the_simulated_stock_the_road_and_its_own_earlier_moves() -> None:
    """Day 0 sends 3 of 5 units to B; on day 1 they are there, A has 2 less what it sold, nothing is on the road."""
    seen: list[dict[str, pd.DataFrame]] = []

    def planner(known: dict[str, pd.DataFrame], _: object, __: Settings, as_of: date) -> dict[str, pd.DataFrame]:
        seen.append(known)
        return _lines(("k", "A>B", 3, "2024-01-01", False, 1.0)) if as_of == START else _lines()

    world = tables({("A", "k"): 5}, {("X", "k"): [1.0, 0.0], ("Y", "k"): [0.0, 0.0]})
    policy = Planned("own", lambda as_of: {"forecast": pd.DataFrame({"as_of": [as_of]})}, planner, world, settings())
    ledger = play(game(world, 2), policy)
    assert ledger.count("transferred") == 3
    first, second = seen
    assert first["stock"][["hub", "units_on_hand"]].to_numpy().tolist() == [["A", 5]]
    assert second["stock"][["hub", "units_on_hand"]].to_numpy().tolist() == [["A", 1], ["B", 3]]
    assert second["inbound"].empty
    assert second["earlier"][["origin", "destination", "units", "status"]].to_numpy().tolist() == [
        ["A", "B", 3, "executed"]
    ]
    assert "sales" not in first


def test_what_suppliers_have_left_reaches_the_next_plan() -> None:
    seen: list[float] = []

    def planner(known: dict[str, pd.DataFrame], *_: object) -> dict[str, pd.DataFrame]:
        seen.append(float(known["supply"]["units_available"].iloc[0]))
        return _lines(("k", "S>A", 4, f"2024-01-0{len(seen)}", False, 1.0))

    world = tables({("A", "k"): 0}, {("X", "k"): [0.0, 0.0], ("Y", "k"): [0.0, 0.0]})
    world["supply"]["units_available"] = 10.0
    play(game(world, 2), Planned("own", lambda _: {}, planner, world, settings()))
    assert seen == [10.0, 6.0]


def test_most_valuable_lines_go_first_when_the_gate_must_choose() -> None:
    def planner(*_: object) -> dict[str, pd.DataFrame]:
        return _lines(("k", "A>B", 4, "2024-01-01", False, 1.0), ("m", "A>B", 4, "2024-01-01", False, 9.0))

    world = tables({("A", "k"): 4, ("A", "m"): 4}, {("X", "k"): [0.0], ("Y", "m"): [0.0]})
    world["hubs"]["outbound_units_per_period"] = 4
    ledger = play(game(world, 1), Planned("own", lambda _: {}, planner, world, settings()))
    assert ledger.stock[:, :, 0].tolist() == [[4, 0], [0, 0]]
    assert ledger.refused_units == 4


def test_lifted_limits_bind_nobody_and_loads_still_cost() -> None:
    world = tables({("A", "k"): 50}, _QUIET)
    world["hubs"]["storage_l"], world["lanes"]["loads_per_departure"] = 1.0, 0.0
    world["lanes"]["eur_per_load"], world["lanes"]["load_l"] = 5.0, 10.0
    lifted = network_without_shared_limits(world)
    line = _lines(("k", "A>B", 25, "2024-01-01", False, 1.0))
    ledger = play(game(lifted, 1), Planned("own", lambda _: {}, lambda *_: line, lifted, settings()))
    assert ledger.term_eur("transfer_eur") == pytest.approx(25 * 0.5 + 3 * 5)
    assert world["hubs"]["storage_l"].tolist() == [1.0, 1.0]


def test_daily_demand_belongs_to_the_nearest_hub() -> None:
    """X is nearest to A, Y to B: 4 units of X over 2 days are 2 a day at A."""
    world = tables({("A", "k"): 1}, _QUIET)
    network = game(world, 4).network
    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    forecast = pd.DataFrame(
        {"date": [*days, *days], "region": ["X", "X", "Y", "Y"], "sku": "k", "mean_units": [1.0, 3.0, 5.0, 5.0]}
    )
    assert mean_daily_units(forecast, network).tolist() == [[2.0, 5.0]]


def test_doing_nothing_moves_nothing() -> None:
    world = tables({("A", "k"): 5}, _QUIET)
    ledger = play(game(world, 4), NoShipments())
    assert (ledger.count("transferred"), ledger.count("supplied")) == (0, 0)
    assert np.array_equal(ledger.stock[0, 0], [5, 5, 5, 5])
