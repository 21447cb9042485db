"""Orders routed by the value of a unit, against the cheapest hub."""

from __future__ import annotations

import runpy
from typing import Any

import numpy as np
import pandas as pd
import pytest

from positioning.simulation.engine import DecisionPoint, Game, NoShipments, play
from positioning.simulation.order_routing import ValueRouting, preference_by_value
from positioning.simulation.world import Network
from tests.conventions.repository import ROOT
from tests.worlds.replay_worlds import game, tables

# X is cheapest from A, for 1.00, and late from B, for 3.50. A serves Y for 3.50 late; B serves Y for 1.00.
VALUES = pd.DataFrame({"hub": ["A", "B"], "sku": "tea", "value_eur": [12.0, 2.0]})


class _Routed:
    """A policy that ships nothing and routes by given values."""

    name = "routed"

    def decide(self, point: DecisionPoint) -> pd.DataFrame:
        """Return no requests."""
        return NoShipments().decide(point)

    def preference(self, network: Network) -> np.ndarray:
        """Return the hubs by VALUES."""
        return preference_by_value(network, VALUES)


def _game() -> Game:
    """Return a game in which X orders today and tomorrow, and B closes tomorrow: A's units are scarce."""
    world = tables({("A", "tea"): 2, ("B", "tea"): 2}, {("X", "tea"): [2, 2], ("Y", "tea"): [0, 0]})
    world["hub_capacity"] = pd.DataFrame({"hub": ["B"], "from_date": [pd.Timestamp("2024-01-02")], "is_open": [False]})
    return game(world, 2)


def test_a_unit_that_is_needed_later_is_kept_for_it() -> None:
    """The cheapest hub serves today from A and loses tomorrow's sales; by value, B serves today and A tomorrow."""
    cheapest, routed = play(_game(), NoShipments()), play(_game(), _Routed())
    assert (cheapest.count("served"), routed.count("served")) == (2, 4)
    assert routed.value_eur(with_goods=True) < cheapest.value_eur(with_goods=True) - 2 * 9.0 + 2 * 2.5


def test_without_a_value_the_cheapest_hub_serves() -> None:
    network = _game().network
    np.testing.assert_array_equal(preference_by_value(network, VALUES.iloc[:0]), network.delivery.preference)
    np.testing.assert_array_equal(
        preference_by_value(network, VALUES.assign(value_eur=7.0)), network.delivery.preference
    )


@pytest.fixture
def route() -> Any:
    """Return the rule of the documentation."""
    return runpy.run_path(str(ROOT / "docs" / "route_orders.py"))["route"]


def test_the_rule_of_the_documentation_has_40_lines_and_routes_as_the_simulation(route: Any) -> None:
    assert len((ROOT / "docs" / "route_orders.py").read_text("utf-8").splitlines()) <= 40
    played, draw = _game(), np.random.default_rng(3)
    delivery = played.network.delivery
    cost = {
        (hub, region, "tea"): float((delivery.cost_eur + delivery.late_eur)[0, h, r])
        for h, hub in enumerate("AB") for r, region in enumerate("XY")
    }  # fmt: skip
    for _ in range(50):
        value = {("A", "tea"): float(draw.uniform(0, 9)), ("B", "tea"): float(draw.uniform(0, 9))}
        rows = pd.DataFrame([(*key, eur) for key, eur in value.items()], columns=["hub", "sku", "value_eur"])
        preference = preference_by_value(played.network, rows)[0]
        for r, region in enumerate("XY"):
            stock = {(hub, "tea"): 1 for hub in "AB"}
            shipped = route([("o1", region, "tea", 3)], stock, cost, value)
            assert [hub for _, hub, _ in shipped] == ["AB"[hub] for hub in preference[r]]
            assert stock == {("A", "tea"): 0, ("B", "tea"): 0}


def test_a_plan_routes_by_its_values_until_the_next_plan() -> None:
    class _Planned:
        def frames(self, point: DecisionPoint) -> dict[str, pd.DataFrame]:
            lines = pd.DataFrame(columns=["sku", "lane", "units", "ship_date", "is_outlook", "benefit_eur"])
            return {"transfer": lines, "unit_value": VALUES}

    policy = ValueRouting("by value", _Planned())  # type: ignore[arg-type] # a plan that is given
    network = _game().network
    np.testing.assert_array_equal(policy.preference(network), network.delivery.preference)
    assert play(_game(), policy).count("served") == 4
    np.testing.assert_array_equal(policy.preference(network), preference_by_value(network, VALUES))
