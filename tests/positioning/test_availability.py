"""Stockout probability is that of the cycle until the next receipt; the fill rate is of the whole cover window."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from positioning.inputs.availability import fill_rates
from tests.worlds.positioning_world import World, day, delivery, sku, supply, transfer

_DAILY = 2.0


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
