"""Each KPI by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from positioning.simulation.engine import NoShipments, Policy, play
from positioning.simulation.kpi import Replayed, all_kpis
from positioning.simulation.kpis.service import time_to_door_mean_days, time_to_door_p95_days
from positioning.simulation.kpis.stock import days_of_supply, plan_nervousness, stock_imbalance, transfer_churn
from tests.worlds.replay_worlds import Scripted, game, tables


def _kpis(world: dict[str, pd.DataFrame], periods: int, policy: Policy | None = None) -> dict[str, float]:
    """Return the KPIs of a policy, by default of no shipments."""
    played = game(world, periods)
    return all_kpis(Replayed(play(played, policy or NoShipments()), played.network, np.ones((1, 2))))


def test_rates_divide_by_units_demanded() -> None:
    """Rejecting the far customer must not help: of 7 units demanded, A serves 3 of X and B 2 of Y; 5 ÷ 7, not 5 ÷ 5."""
    world = tables({("A", "k"): 3, ("B", "k"): 2}, {("X", "k"): [3], ("Y", "k"): [4]})
    result = _kpis(world, 1)
    assert result["unit_fill_rate"] == pytest.approx(5 / 7)
    empty = tables({("A", "k"): 3}, {("X", "k"): [0], ("Y", "k"): [0]})
    assert math.isnan(_kpis(empty, 1)["unit_fill_rate"])


def test_time_to_door_is_of_served_units() -> None:
    """90 units take 1 day, 6 take 2 and 4 take 5: 1.22 on average, 95 of 100 within 2 days."""
    lead_units = np.array([0, 90, 6, 0, 0, 4])
    assert time_to_door_mean_days(lead_units) == pytest.approx(1.22)
    assert time_to_door_p95_days(lead_units) == 2
    assert time_to_door_p95_days(np.array([0, 95, 5])) == 1


def test_days_of_supply_are_unknown_without_demand() -> None:
    assert days_of_supply(np.array([6.0, 5.0]), np.array([2.0, 0.0])).tolist() == [
        3.0,
        pytest.approx(float("nan"), nan_ok=True),
    ]


def test_stock_in_proportion_to_demand_is_balanced() -> None:
    assert stock_imbalance(np.array([[2, 4, 6]]), np.array([[1.0, 2.0, 3.0]])) == 0.0


def test_imbalance_is_the_share_of_stock_above_its_fair_part() -> None:
    """12 units, demand 1 to 2: fair 4 and 8, so 5 of 12 stand wrong; the hub without demand is left out."""
    assert stock_imbalance(np.array([[9, 3, 100]]), np.array([[1.0, 2.0, 0.0]])) == pytest.approx(5 / 12)


def test_skus_weigh_by_their_stock_in_imbalance() -> None:
    """6 of 12 wrong and 0 of 8: 6 / 20."""
    units, rates = np.array([[12, 0], [4, 4]]), np.ones((2, 2))
    assert stock_imbalance(units, rates) == pytest.approx(6 / 20)


def test_units_that_come_back_within_four_weeks_are_churn() -> None:
    """10 there, 4 back after 28 days, 6 after 29: 4 of 20 units moved."""
    moves = [(0, "k", "A", "B", 10), (28, "k", "B", "A", 4), (29, "k", "B", "A", 6)]
    assert transfer_churn(moves) == pytest.approx(4 / 20)


def test_a_unit_comes_back_only_once() -> None:
    """A→B 5, B→A 5, A→B 5: the third leg goes out again but answers no unmatched return."""
    moves = [(0, "k", "A", "B", 5), (1, "k", "B", "A", 5), (2, "k", "A", "B", 5)]
    assert transfer_churn(moves) == pytest.approx(5 / 15)


def test_other_skus_and_other_hubs_are_no_churn() -> None:
    assert transfer_churn([(0, "k", "A", "B", 5), (1, "m", "B", "A", 5), (1, "k", "B", "C", 5)]) == 0.0


def _plan(*rows: tuple[str, str, str, int, bool]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["sku", "lane", "ship_date", "units", "is_outlook"])
    return frame.assign(ship_date=pd.to_datetime(frame["ship_date"]))


def test_nervousness_compares_departures_of_both_plans_not_yet_released() -> None:
    """Thursday's departure goes from 10 k to 7 k and 2 m: |7−10| + |2−0| over 9; Monday's was released."""
    monday = _plan(("k", "A>B", "2024-01-01", 5, False), ("k", "A>B", "2024-01-04", 10, True))
    tuesday = _plan(
        ("k", "A>B", "2024-01-04", 7, False), ("m", "A>B", "2024-01-04", 2, False), ("k", "B>A", "2024-01-05", 8, True)
    )
    decisions = [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")]
    assert plan_nervousness([monday, tuesday], decisions) == pytest.approx(5 / 9)


def test_no_plans_are_not_nervous() -> None:
    assert plan_nervousness([], []) == 0.0


def test_a_replay_gives_every_kpi() -> None:
    """X 4 of 5 served, 3 by A in 1 day and 1 by B in 3 days: (3 + 3) / 4 = 1.5 days; cost 5 + 1.5 + 10."""
    world = tables({("A", "k"): 3, ("B", "k"): 1}, {("X", "k"): [5], ("Y", "k"): [0]})
    result = _kpis(world, 1)
    assert result["unit_fill_rate"] == 0.8
    assert result["time_to_door_mean_days"] == 1.5
    assert result["eur_per_unit_served"] == pytest.approx(16.5 / 4)
    assert result["kg_co2e_per_unit"] == 0.0
    assert result["refused_units"] == 0.0
    assert result["days_of_supply"] == 0.0
    assert math.isnan(result["stock_imbalance"])


def test_moves_of_a_replay_reach_the_churn() -> None:
    world = tables({("A", "k"): 4}, {("X", "k"): [0] * 4, ("Y", "k"): [0] * 4})
    policy = Scripted((0, "k", "A>B", 4), (2, "k", "B>A", 2))
    assert _kpis(world, 4, policy)["transfer_churn"] == pytest.approx(2 / 6)
