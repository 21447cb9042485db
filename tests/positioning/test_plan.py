"""What a plan does in worlds small enough to know the answer."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from positioning import gate
from positioning.optimizer.column_generation import plan_by_column_generation
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.workers import WorkerPool
from tests.oracle.plan_milp import solve_at_once
from tests.worlds.positioning_world import AS_OF, World, day, delivery, random_world, sku, supply, transfer


def lopsided(**positioning: object) -> World:
    """Return all stock at A, all demand at r, which only B serves in time for cheap."""
    return World(
        skus=[sku("k")],
        hubs=[{"hub": "A"}, {"hub": "B"}],
        lanes=[
            delivery("B", "r", 1.0, distance_km=10.0),
            delivery("A", "far", 1.0, distance_km=10.0),
            transfer("A", "B", 0.2, distance_km=100.0, kg_co2e_per_t_km=0.2),
            transfer("B", "A", 0.2, distance_km=100.0, kg_co2e_per_t_km=0.2),
        ],
        stock={("A", "k"): 40},
        demand={("k", "r"): 3.0},
        positioning={"cover_days": 6, **positioning},
    )


def moved(world: World) -> int:
    return int(world.plan()["transfer"]["units"].sum())


def test_units_go_where_demand_is() -> None:
    lines = lopsided().plan()["transfer"]
    assert lines["lane"].tolist() == ["A>B"]
    assert 9 <= lines["units"].iloc[0] <= 25


def test_frozen_stock_stays() -> None:
    rule = [{"hub": "A", "sku": "k", "frozen_until": day(5)}]
    assert moved(lopsided().but(more={"hub_skus": rule})) == 0


def test_minimum_stays_at_the_hub() -> None:
    rule = [{"hub": "A", "sku": "k", "min_units": 35}]
    assert moved(lopsided().but(more={"hub_skus": rule})) == 5


def test_maximum_of_the_destination_binds() -> None:
    rule = [{"hub": "B", "sku": "k", "max_units": 4}]
    assert moved(lopsided().but(more={"hub_skus": rule})) == 4


def test_hub_without_the_handling_class_receives_no_units() -> None:
    assert moved(lopsided().but(hubs=[{"hub": "A"}, {"hub": "B", "handling_classes": "chilled"}])) == 0


def test_closed_hub_receives_no_units() -> None:
    assert moved(lopsided().but(more={"hub_capacity": [{"hub": "B", "from_date": AS_OF, "is_open": False}]})) == 0


def test_outbound_capacity_binds_and_ample_capacity_is_free() -> None:
    free = moved(lopsided())
    tight = lopsided().but(hubs=[{"hub": "A", "outbound_units_per_period": 6.0}, {"hub": "B"}])
    wide = lopsided().but(hubs=[{"hub": "A", "outbound_units_per_period": 600.0}, {"hub": "B"}])
    assert (moved(tight), moved(wide)) == (6, free)


def test_units_are_not_sent_back_the_way_they_came() -> None:
    """Yesterday's move from B to A, executed, must not be undone tonight."""
    earlier = {
        "proposal_id": "p", "status": "executed", "kind": "transfer", "sku": "k", "origin": "B", "destination": "A",
        "units": 10, "ship_date": day(-1), "arrival_date": AS_OF, "benefit_eur": 5.0, "as_of": day(-1), "decided_on": day(-1),
    }  # fmt: skip
    assert moved(lopsided().but(more={"earlier": [earlier]})) == 0


def test_departure_without_loads_takes_no_units_even_of_goods_without_size() -> None:
    lanes = [{**lane, "load_l": 60.0, "loads_per_departure": 0.0} if lane["kind"] == "transfer" else lane for lane in lopsided().lanes]  # fmt: skip
    assert moved(lopsided().but(lanes=lanes)) == 0
    assert moved(lopsided().but(lanes=lanes, skus=[sku("k", volume_l=0.0, mass_kg=0.0)])) == 0


def test_load_that_does_not_pay_stays_at_home() -> None:
    lanes = [
        lane | ({"eur_per_load": 5000.0, "load_l": 500.0} if lane["kind"] == "transfer" else {})
        for lane in lopsided().lanes
    ]
    assert moved(lopsided().but(lanes=lanes)) == 0


def test_a_higher_carbon_price_never_emits_more() -> None:
    kilograms = [lopsided(carbon_eur_per_t=price).plan()["plan"]["kg_co2e"].iloc[0] for price in (0.0, 5e3, 5e4, 5e5)]
    assert all(low <= high + 1e-6 for high, low in itertools.pairwise(kilograms))
    assert kilograms[-1] < kilograms[0]


def test_supplier_gives_no_more_than_it_has() -> None:
    world = lopsided().but(
        lanes=[delivery("B", "r", 1.0), supply("S", "B")], stock={},
        more={"supply": [{"supplier": "S", "sku": "k", "units_available": 11.0, "pack_units": 4}]},
    )  # fmt: skip
    assert moved(world) == 8


def test_sku_without_forecast_is_reported_not_moved() -> None:
    world = lopsided().but(skus=[sku("k"), sku("unknown")], stock={("A", "k"): 40, ("A", "unknown"): 9})
    frames = world.plan()
    assert "forecast_missing" in frames["exception"]["kind"].tolist()
    assert "unknown" not in frames["transfer"]["sku"].tolist()


def test_sku_that_no_hub_may_carry_is_lost_and_stops_no_other() -> None:
    hubs = [{"hub": "A", "handling_classes": "ambient"}, {"hub": "B", "handling_classes": "ambient"}]
    both = [sku("k", handling_class="ambient"), sku("x", handling_class="chilled")]
    world = lopsided().but(hubs=hubs, skus=both, demand={("k", "r"): 3.0, ("x", "r"): 2.0})
    plan = world.plan()
    assert plan["transfer"]["sku"].unique().tolist() == ["k"]
    lost = plan["service"].set_index("sku").loc["x"]
    assert lost["lost_units"] == pytest.approx(lost["demand_units"])


def test_sku_without_stock_or_demand_stops_no_other() -> None:
    world = lopsided().but(skus=[sku("k"), sku("x")], demand={("k", "r"): 3.0, ("x", "r"): 0.0})
    assert world.plan()["transfer"]["sku"].unique().tolist() == ["k"]


def test_gate_lets_a_gap_at_the_limit_pass_and_refuses_one_above() -> None:
    frames = lopsided().plan()
    settings = lopsided().settings
    index = {"plan": frames["plan"].assign(gap_rate=settings.positioning.max_gap_rate)}
    above = {"plan": frames["plan"].assign(gap_rate=settings.positioning.max_gap_rate + 1e-6)}
    assert gate(index, settings) == ()
    assert "max_gap_rate" in gate(above, settings)[0]


@pytest.mark.parametrize("seed", [2, 5])
def test_prices_tuned_on_a_sample_give_a_valid_bound_and_plan(seed: int) -> None:
    problem = random_world(seed, n_skus=4).problem()
    result, oracle = plan_by_column_generation(problem, WorkerPool(problem, Parameters())), solve_at_once(problem)
    assert result.bound_eur <= oracle.eur + 0.01
    assert result.plan_eur >= oracle.bound_eur - 0.01


def test_bound_does_not_move_with_the_names_of_skus() -> None:
    world = lopsided().but(
        skus=[sku("a"), sku("b", unit_cost_eur=2.0)], stock={("A", "a"): 20, ("A", "b"): 20}, demand={("a", "r"): 2.0, ("b", "r"): 1.0}
    )  # fmt: skip
    frames = world.plan()["plan"]
    turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in world.tables().items()}
    import positioning

    again = positioning.plan(turned, world.forecasts(), world.settings, AS_OF)["plan"]
    pd.testing.assert_frame_equal(frames, again)


def test_goods_left_are_charged_keeping_no_longer_than_the_configuration_says() -> None:
    """Sixty units for one a day would wait for weeks; nothing is charged beyond the wait itself."""

    def cost_eur(**positioning: float) -> float:
        world = World(
            skus=[sku("k", holding_eur_per_unit_day=0.05)],
            hubs=[{"hub": "A"}],
            lanes=[delivery("A", "r"), supply("S", "A", 0.1, 2)],
            stock={("A", "k"): 60},
            demand={("k", "r"): 1.0},
            positioning={"cover_days": 6, **positioning},
        )
        return float(world.plan()["plan"]["total_eur_before"].iloc[0])

    whole = cost_eur()
    assert cost_eur(end_wait_days=1.0) < cost_eur(end_wait_days=4.0) < whole
    assert cost_eur(end_wait_days=400.0) == pytest.approx(whole)
