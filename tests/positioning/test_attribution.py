"""What a proposal says of being refused, and how likely a hub runs out and what share of demand is filled.

Refused: what would stand in, what that recovers, and how often the line pays. Stockout probability is that of the cycle until the
next receipt; the fill rate is of the whole cover window.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from positioning.explain.attribution import fill_rates
from positioning.inputs.capacity import Load
from positioning.optimizer.master import MasterSolution
from positioning.plan import still_going
from tests.worlds.positioning_world import World, day, delivery, random_world, sku, supply, transfer

SEEDS = range(8)
_DAILY = 2.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_replacement_never_loses_more_than_no_replacement(seed: int) -> None:
    lines = random_world(seed, n_skus=2).plan()["transfer"]
    assert (lines["loss_if_refused_eur"] <= lines["loss_if_dropped_eur"] + 0.011).all()
    no_shipment = lines[lines["next_best"] == ""]
    assert no_shipment["loss_if_refused_eur"].to_numpy() == pytest.approx(
        no_shipment["loss_if_dropped_eur"].to_numpy(), abs=0.011
    )
    assert lines["pays_rate"].between(0.0, 1.0).all()


def test_replacements_are_other_departures_in_whole_units_largest_first() -> None:
    plans = [random_world(seed, n_skus=1).plan()["transfer"] for seed in (10, 11, 12, 37, 38)]
    text = [line for lines in plans for line in lines.itertuples() if line.next_best]
    assert text
    for line in text:
        changes = [re.fullmatch(r"(\S+@\d{4}-\d\d-\d\d) ([+-]\d+)", part) for part in line.next_best.split("|")]
        assert all(change and change[1] != line.departure_id for change in changes)
        amounts = [abs(int(change[2])) for change in changes if change]
        assert amounts == sorted(amounts, reverse=True)


def test_a_line_that_pays_on_every_path_loses_when_dropped() -> None:
    plans = [random_world(seed, n_skus=2).plan()["transfer"] for seed in SEEDS]
    sure = [line.loss_if_dropped_eur for lines in plans for line in lines.itertuples() if line.pays_rate == 1.0]
    assert sure
    assert min(sure) > -0.01


def test_a_truck_without_lines_carries_no_replacement() -> None:
    """Its cost would be due again, so a refused line must not look better off on it."""
    problem = SimpleNamespace(
        shared=SimpleNamespace(loads=(Load(3, 50.0, 2.0), Load(5, 80.0, 1.0), Load(6, 80.0, 1.0)))
    )
    choice = MasterSolution({}, np.array([2.0, 1.0, 0.0]), np.zeros(0))
    left = pd.DataFrame({"shipment": [3, 3]})
    assert still_going(problem, choice, left).tolist() == [2.0, 0.0, 0.0]  # type: ignore[arg-type]  # all it reads


def _world(stock: int, inbound: int = 0, **more: object) -> World:
    """Return one hub and region with demand of two a day over a cover window of ten days, nothing worth sending."""
    lines = [{"inbound_id": "1", "hub": "A", "sku": "k", "units": inbound, "arrival_date": day(4)}] if inbound else []
    return World(
        skus=[sku(unit_cost_eur=4.0)], hubs=[{"hub": "A"}], lanes=[delivery("A", "r")], stock={("A", "k"): stock},
        demand={("k", "r"): _DAILY}, more={"inbound": lines} if lines else {},
        positioning={"cover_days": 10, "scenarios": 1_000, **more},
    )  # fmt: skip


def _position(world: World) -> pd.Series:
    return world.plan()["position"].set_index("hub").loc["A"]


def test_with_a_receipt_on_day_four_only_four_days_of_demand_count() -> None:
    result = _position(_world(9, inbound=30))
    assert result["stockout_probability"] == pytest.approx(poisson.sf(9, 4 * _DAILY), abs=0.03)


def test_without_any_receipt_the_whole_window_counts() -> None:
    result = _position(_world(18))
    assert result["stockout_probability"] == pytest.approx(poisson.sf(18, 10 * _DAILY), abs=0.03)


def test_without_a_receipt_on_its_way_the_first_later_departure_ends_the_cycle() -> None:
    """Review in three days, lead time one day: what is decided then arrives on day four."""
    world = _world(9).but(lanes=[delivery("A", "r"), supply("S", "A", 500.0, days=1)])
    result = _position(world)
    assert result["units_in"] == 0
    assert result["stockout_probability"] == pytest.approx(poisson.sf(9, 4 * _DAILY), abs=0.03)


def test_the_fill_rate_is_the_served_share_of_the_regions_demand() -> None:
    stock, units = 15, np.arange(200)
    right = (np.minimum(units, stock) * poisson.pmf(units, 10 * _DAILY)).sum() / (10 * _DAILY)
    result = _position(_world(stock))
    assert result["fill_rate"] == pytest.approx(right, abs=0.02)
    assert result["fill_rate_before"] == result["fill_rate"]


def test_a_plan_raises_the_fill_rate_and_lowers_the_stockout_probability() -> None:
    world = World(
        skus=[sku()], hubs=[{"hub": "A"}, {"hub": "B"}], lanes=[delivery("B", "r"), transfer("A", "B")],
        stock={("A", "k"): 60}, demand={("k", "r"): _DAILY}, positioning={"scenarios": 100},
    )  # fmt: skip
    result = world.plan()["position"].set_index("hub").loc["B"]
    assert result["fill_rate_before"] == pytest.approx(0.0, abs=1e-9)
    assert result["fill_rate"] > 0.6
    assert result["units_in"] > 0


def test_units_served_by_another_hub_count_as_filled() -> None:
    world = World(
        skus=[sku()], hubs=[{"hub": "A"}, {"hub": "B"}], positioning={"scenarios": 50},
        lanes=[delivery("A", "r", distance_km=900.0), delivery("B", "r", distance_km=5.0)],
        stock={("A", "k"): 500}, demand={("k", "r"): _DAILY},
    )  # fmt: skip
    result = world.plan()["position"].set_index("hub")
    assert result.loc["B", "fill_rate"] == 1.0
    assert result.loc["B", "stockout_probability"] == pytest.approx(1.0, abs=0.1)
    assert pd.isna(result.loc["A", "fill_rate"])


def test_fill_rates_are_by_the_nearest_hub_and_empty_without_demand() -> None:
    rates = fill_rates(np.array([0, 0, 1, -1]), np.array([6.0, 2.0, 4.0, 9.0]), np.array([1.0, 1.0, 4.0, 9.0]), 3)
    np.testing.assert_allclose(rates, [0.75, 0.0, np.nan])
