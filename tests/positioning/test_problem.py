"""Single terms and rules of a plan with values worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from positioning.inputs.costs import TERM, Prices, SkuCosts, delivery_terms, end_values, keeping_terms
from positioning.inputs.limits import may_travel
from positioning.inputs.subproblem import build_subproblem
from tests.worlds.positioning_world import World, day, delivery, sku, transfer


def _world(**more: object) -> World:
    """Return all stock at A, all demand at r, which only B serves."""
    return World(
        skus=[sku("k")], hubs=[{"hub": "A"}, {"hub": "B"}],
        lanes=[delivery("B", "r"), transfer("A", "B", days=2)], stock={("A", "k"): 40}, demand={("k", "r"): 3.0},
        positioning={"cover_days": 6}, more=more,
    )  # fmt: skip


def test_a_line_arrives_its_lead_time_after_it_leaves() -> None:
    line = _world().plan()["transfer"].iloc[0]
    assert line["arrival_date"] - line["ship_date"] == pd.Timedelta(days=2)


def test_the_minimum_at_a_hub_is_not_for_sale() -> None:
    world = World(
        skus=[sku("k")], hubs=[{"hub": "B"}], lanes=[delivery("B", "r")], stock={("B", "k"): 40},
        demand={("k", "r"): 1.0}, more={"hub_skus": [{"hub": "B", "sku": "k", "min_units": 15}]},
    )  # fmt: skip
    assert build_subproblem(world.problem(), 0).usable.tolist() == [25.0]


def test_reserved_and_held_stock_is_not_for_sale() -> None:
    world = _world()
    tables = world.tables()
    tables["stock"] = tables["stock"].assign(units_reserved=9, units_on_hold=4)
    from positioning.inputs.problem import build_problem

    problem = build_problem(tables, world.forecasts(), world.settings, tables["stock"]["date"].iloc[0].date(), None)
    assert problem.stock.usable[0].tolist() == [27.0, 0.0]


def test_the_promise_of_a_class_goes_before_that_of_its_region() -> None:
    promises = [
        {"region": "r", "promise_days": 5, "late_eur_per_unit": 1.0, "handling_class": None},
        {"region": "r", "promise_days": 1, "late_eur_per_unit": 3.0, "handling_class": "cold"},
    ]
    problem = _world(promises=promises).but(skus=[sku("k", handling_class="cold"), sku("m", handling_class="dry")]).problem()  # fmt: skip
    assert problem.classes == ("cold", "dry")
    assert problem.promise_days.tolist() == [[1.0, 5.0]]
    assert problem.late_eur.tolist() == [[3.0, 1.0]]


def test_keeping_a_unit_costs_holding_and_storage_for_its_days() -> None:
    terms = keeping_terms(0.02, 0.005, 7.0)
    assert terms[TERM["holding"]] == pytest.approx(0.14)
    assert terms[TERM["storage"]] == pytest.approx(0.035)


def test_a_unit_left_is_worth_its_cost_less_aging_and_keeping() -> None:
    """Ten euro at 98%, two cents a day for five and fifty days; nothing beyond its shelf life, never below zero."""
    costs, prices = SkuCosts(10.0, 6.0, 1.0, 2.0), Prices(0.0, 0.0, 0.0, 0.98)
    worth = end_values(costs, prices, np.array([0.02, 3.0]), np.array([[5.0, 50.0, np.inf]] * 2))
    assert worth.tolist() == [pytest.approx([9.7, 8.8, 0.0]), [0.0, 0.0, 0.0]]


def test_serving_a_unit_gives_back_its_cost() -> None:
    """A lost sale is charged its contribution only, so the goods of a sale must not count as spent."""
    problem = _world().problem()
    terms = delivery_terms(problem.network.deliveries, np.array([0]), SkuCosts(4.0, 6.0, 1.0, 2.0), problem.prices, np.zeros(1))  # fmt: skip
    assert terms[0, TERM["end_value"]] == -4.0
    assert terms[0, TERM["delivery"]] == 1.0


def test_the_local_fill_rate_is_of_all_demand() -> None:
    """Half of the demand is that of a region no hub delivers to."""
    world = _world().but(demand={("k", "r"): 1.0, ("k", "nowhere"): 1.0}, stock={("B", "k"): 400})
    plan = world.plan()["plan"].iloc[0]
    assert plan["local_fill_rate"] == pytest.approx(0.5, abs=0.1)
    assert plan["promise_hit_rate"] == pytest.approx(0.5, abs=0.1)


def test_the_bound_of_the_written_plan_is_near_its_cost() -> None:
    plan = _world().plan()["plan"].iloc[0]
    saved = plan["total_eur_before"] - plan["total_eur"]
    assert saved > 0
    assert 0.0 <= plan["total_eur"] - plan["lower_bound_eur"] <= 0.01 * saved
    assert plan["gap_of_benefit_rate"] <= 0.01


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("lanes", {"handling_classes": "dry"}), ("A", {"handling_classes": "dry"}), ("B", {"handling_classes": "dry"}),
        ("rule", {"is_stocked": False}), ("skus", {"shelf_life_days": 2}), ("lanes", {"loads_per_departure": 0.5}), ("none", {}),
    ],
)  # fmt: skip
def test_each_rule_alone_keeps_a_sku_off_a_shipment(part: str, change: dict[str, object]) -> None:
    """The lane, its two hubs, the stocking rule of its destination, the shelf life, and loads that cannot leave."""
    hubs = [{"hub": name, **(change if part == name else {})} for name in ("A", "B")]
    lanes = [delivery("B", "r"), transfer("A", "B", days=2, **(change if part == "lanes" else {}))]
    row = sku("k", handling_class="cold", **(change if part == "skus" else {}))
    rules = [{"hub": "B", "sku": "k", **(change if part == "rule" else {"is_stocked": True})}]
    problem = _world(hub_skus=rules).but(hubs=hubs, lanes=lanes, skus=[row]).problem()
    assert may_travel(problem.network, problem.catalog).tolist() == [[part == "none"]]


def test_no_shipment_arrives_on_a_day_the_hub_is_closed() -> None:
    """The lane takes two days; the hub is closed on the second day alone."""
    closed = [
        {"hub": "B", "from_date": day(2), "is_open": False},
        {"hub": "B", "from_date": day(3), "is_open": True},
    ]
    assert len(build_subproblem(_world().problem(), 0).lanes) == 1
    assert len(build_subproblem(_world(hub_capacity=closed).problem(), 0).lanes) == 0
