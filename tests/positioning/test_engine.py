"""A replay by hand: who is served, what arrives when, and what each term costs."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from foundation.errors import InputError
from foundation.settings import Settings
from positioning.simulation.engine import NoShipments, decision_periods, play, read_game, serve
from positioning.simulation.reading import read_network
from positioning.simulation.state import open_state, period_of
from positioning.simulation.world import earlier, read_demand
from tests.worlds.replay_worlds import START, Scripted, game, settings, tables


def _terms(ledger: object, *names: str) -> list[float]:
    return [round(ledger.term_eur(name), 9) for name in names]  # type: ignore[attr-defined] # a replay keeps the ledger


def test_a_region_is_served_by_its_cheapest_hub_then_the_next_and_the_rest_is_lost() -> None:
    """X asks 5: 3 from A at 1 €, 1 from B at 2 € and 1.5 € late, 1 lost at 10 €."""
    world = tables({("A", "k"): 3, ("B", "k"): 1}, {("X", "k"): [5], ("Y", "k"): [0]})
    ledger = play(game(world, 1), NoShipments())
    assert _terms(ledger, "delivery_eur", "late_eur", "lost_sales_eur", "holding_eur") == [5.0, 1.5, 10.0, 0.0]
    assert [ledger.count(name) for name in ("demanded", "served", "local", "on_time")] == [5, 4, 3, 3]
    assert ledger.lead_units.tolist() == [0, 3, 0, 1]


def test_a_hub_serves_its_own_regions_before_those_that_spill_over() -> None:
    """B has 2, Y asks 2, X finds A empty and also asks B: Y goes first, though X sorts first."""
    world = tables({("B", "k"): 2}, {("X", "k"): [2], ("Y", "k"): [2]})
    ledger = play(game(world, 1), NoShipments())
    assert ledger.count("served") == ledger.count("local") == 2


def test_a_short_hub_shares_in_proportion_by_largest_remainder() -> None:
    """5 units for asks of 4, 4 and 1: shares 2.2, 2.2 and 0.6, so 2, 2 and 0 rounded down, and the last unit to the third."""
    on_hand = np.array([[5]])
    shipped = serve(on_hand, np.array([[4, 4, 1]]), np.zeros((1, 3, 1), dtype=np.int64), np.array([True]))
    assert shipped[0, 0].tolist() == [2, 2, 1]
    assert on_hand.tolist() == [[0]]


def test_equal_remainders_go_to_the_first_region() -> None:
    shipped = serve(np.array([[1]]), np.array([[1, 1]]), np.zeros((1, 2, 1), dtype=np.int64), np.array([True]))
    assert shipped[0, 0].tolist() == [1, 0]


def test_a_transfer_leaves_before_demand_and_serves_from_its_arrival() -> None:
    """2 of A's 3 units leave on day 0 for B (0.5 € each) and serve Y on day 1 at 1 €; on day 0 Y is lost."""
    world = tables({("A", "k"): 3}, {("X", "k"): [0, 0], ("Y", "k"): [2, 2]})
    ledger = play(game(world, 2), Scripted((0, "k", "A>B", 2)))
    assert _terms(ledger, "transfer_eur") == [1.0]
    # day 0: A's last unit serves Y late (2 + 1.5), one lost; day 1: two from B at 1 each
    assert _terms(ledger, "delivery_eur", "late_eur", "lost_sales_eur") == [4.0, 1.5, 10.0]
    assert ledger.stock[0].tolist() == [[0, 0], [0, 0]]


def test_goods_due_arrive_in_the_morning_and_are_held_at_the_end_of_every_period() -> None:
    """4 units due on day 1: nothing on day 0, 1 of 4 sold on day 1, 3 held at 0.1 € on days 1 and 2."""
    world = tables({("A", "k"): 0}, {("X", "k"): [1, 1, 0], ("Y", "k"): [0, 0, 0]})
    line = {"inbound_id": "1", "hub": "A", "sku": "k", "units": 4, "arrival_date": pd.Timestamp("2024-01-02")}
    world["inbound"] = pd.DataFrame([line])
    ledger = play(game(world, 3), NoShipments())
    assert _terms(ledger, "lost_sales_eur", "holding_eur") == [10.0, 0.6]


def test_supply_is_freight_in_the_value_and_purchase_beside_it() -> None:
    """5 units at 4 € and 0.25 € freight arrive on day 2: 2 sold there, 3 left and written down by 2 %."""
    world = tables({("A", "k"): 0}, {("X", "k"): [0, 0, 2], ("Y", "k"): [0, 0, 0]})
    ledger = play(game(world, 3), Scripted((0, "k", "S>A", 5)))
    assert _terms(ledger, "supply_eur", "purchase_eur", "goods_sold_eur") == [1.25, 20.0, -8.0]
    without = ledger.value_eur(with_goods=False)
    assert without == pytest.approx(1.25 + 2 * 1.0 + 3 * 0.1)
    assert ledger.value_eur(with_goods=True) - without == pytest.approx(3 * 4.0 * 0.02)


def test_leftover_and_travelling_units_are_valued_alike() -> None:
    """A unit on the road at the end is worth what it would be at its hub."""
    world = tables({("A", "k"): 1}, {("X", "k"): [0], ("Y", "k"): [0]})
    stays, leaves = play(game(world, 1), NoShipments()), play(game(world, 1), Scripted((0, "k", "A>B", 1)))
    assert _terms(stays, "stock_change_eur") == _terms(leaves, "stock_change_eur") == [pytest.approx(0.08)]


def test_churn_handling_and_carbon_are_paid_at_the_settings_prices() -> None:
    world = tables({("A", "k"): 2}, {("X", "k"): [0], ("Y", "k"): [0]})
    world["lanes"]["kg_co2e_per_t_km"] = 0.2
    specified = settings(churn_eur_per_unit=0.05, handling_eur_per_unit=0.3, carbon_eur_per_t=100.0)
    ledger = play(game(world, 1, specified), Scripted((0, "k", "A>B", 2)))
    # 2 units × 2 kg × 300 km × 0.2 kg/(t km) = 0.24 kg
    assert _terms(ledger, "churn_eur", "handling_eur", "carbon_eur") == [0.1, 0.6, 0.024]
    assert ledger.kg_co2e.sum() == pytest.approx(0.24)


def test_weeks_are_played_as_the_published_game_counts_them() -> None:
    """0.2 € per unit left at the end of a week, 1 € per unit not there; orders usable two weeks later."""
    weekly = Settings(
        frequency="W-MON",
        horizon=4,
        forecast={"window_days": [7]},
        positioning={"kinds": ["supply"], "churn_eur_per_unit": 0.0},
    )
    dates = pd.date_range(START, periods=4, freq="7D")
    world = tables({("A", "k"): 5}, {("X", "k"): [0]})
    world["sales"] = pd.DataFrame({"date": dates, "region": "X", "sku": "k", "units_sold": [3.0, 3.0, 2.0, 4.0]})
    world["skus"] = pd.DataFrame(
        {"sku": ["k"], "unit_cost_eur": 1.0, "lost_sale_eur": 1.0, "holding_eur_per_unit_day": 0.2 / 7}
    )
    world["lanes"] = pd.DataFrame(
        {
            "lane": ["A>X", "S>A"],
            "origin": ["A", "S"],
            "destination": ["X", "A"],
            "kind": ["delivery", "supply"],
            "lead_time_days": [0, 14],
        }
    )
    network = read_network(world, weekly, START, 4)
    state = open_state(world, network, weekly)
    weeks = read_game(network, read_demand(world["sales"], network, 0), state, decision_periods(4, None, 1), weekly)
    ledger = play(weeks, Scripted((0, "k", "S>A", 4), (1, "k", "S>A", 1)))
    # left 2, 0, 2, 0: weeks 0 and 2 hold 2; week 1 misses 1, week 3 has 2 + 1 for 4 and misses 1
    assert _terms(ledger, "holding_eur", "lost_sales_eur") == [pytest.approx(0.8), 2.0]
    assert ledger.stock[0, 0].tolist() == [2, 0, 2, 0]


def test_out_of_stock_periods_have_no_demand() -> None:
    world = tables({("A", "k"): 9}, {("X", "k"): [2, 2], ("Y", "k"): [0, 0]})
    world["sales"]["in_stock_rate"] = [1.0, 0.0, 1.0, 1.0]
    assert game(world, 2).demand.ahead[0, 0].tolist() == [2, 0]


def test_a_replay_beyond_the_last_sale_is_refused() -> None:
    world = tables({("A", "k"): 1}, {("X", "k"): [1], ("Y", "k"): [1]})
    with pytest.raises(InputError, match="no row in 1 of 2 periods"):
        game(world, 2)


def test_the_development_window_excludes_the_scored_one() -> None:
    """The z of a baseline is chosen on it."""
    world = tables({("A", "k"): 1}, {("X", "k"): [7, 8], ("Y", "k"): [0, 0]})
    past = pd.DataFrame(
        {"date": pd.date_range("2023-12-28", periods=4), "region": "X", "sku": "k", "units_sold": [1.0, 2.0, 3.0, 4.0]}
    )
    world["sales"] = pd.concat([past, world["sales"]])
    moved = earlier(game(world, 2, past_periods=4).demand, 2)
    assert moved.ahead[0, 0].tolist() == [3, 4]
    assert moved.past[0, 0].tolist() == [1, 2]


def test_the_opening_is_the_latest_snapshot_on_or_before_the_start() -> None:
    """Usable is on hand less reserved less on hold; later snapshots and their lines do not count."""
    world = tables({("A", "k"): 10}, {("X", "k"): [0], ("Y", "k"): [0]})
    world["stock"] = pd.DataFrame(
        {
            "date": pd.to_datetime(["2023-12-25", "2023-12-31", "2024-01-02"]),
            "hub": "A", "sku": "k", "units_on_hand": [1, 10, 99], "units_reserved": [0, 2, 0], "units_on_hold": [0, 1, 0],
        }
    )  # fmt: skip
    world["inbound"] = pd.DataFrame(
        {
            "inbound_id": ["due", "overdue", "other"], "hub": "B", "sku": "k", "units": [3, 5, 7],
            "arrival_date": pd.to_datetime(["2024-01-01", "2023-12-20", "2024-01-01"]),
            "as_of": pd.to_datetime(["2023-12-31", "2023-12-31", "2023-12-25"]),
        }
    )  # fmt: skip
    network = read_network(world, settings(), START, 4)
    state = open_state(world, network, settings())
    assert state.on_hand.tolist() == [[7, 0]]
    assert state.arriving[0, 1, :4].tolist() == [3, 0, 5, 0]


def test_a_replay_without_a_recent_snapshot_is_refused() -> None:
    world = tables({("A", "k"): 1}, {("X", "k"): [0], ("Y", "k"): [0]})
    world["stock"]["date"] = pd.Timestamp("2023-06-01")
    with pytest.raises(InputError, match="older than"):
        game(world, 1)


def test_a_day_inside_a_week_counts_from_the_next_monday() -> None:
    assert period_of(np.array([-3, 0, 1, 7, 8]), 7).tolist() == [0, 0, 1, 1, 2]


def test_decisions_are_on_the_grid_and_stop_after_the_requested_number() -> None:
    assert decision_periods(14, None, 7) == (0, 7)
    assert decision_periods(3, 1, 1) == (0,)
    assert date.fromordinal(START.toordinal()).weekday() == 0
