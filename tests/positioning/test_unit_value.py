"""The value of one more unit at a hub, against solving again with one unit more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from positioning.explain.attribution import Decision, explain_chunk, units_of
from positioning.inputs.problem import Problem
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache
from tests.worlds.odd_worlds import odd_world
from tests.worlds.positioning_world import AS_OF, World

NETWORK = World(
    skus=[{"sku": "k", "unit_cost_eur": 4.0, "lost_sale_eur": 10.0, "mass_kg": 1.0, "volume_l": 1.0}],
    hubs=[{"hub": "A"}, {"hub": "B"}],
    lanes=[
        {"lane": "A>X", "origin": "A", "destination": "X", "kind": "delivery", "lead_time_days": 1, "eur_per_unit": 1.0, "distance_km": 1},
        {"lane": "B>X", "origin": "B", "destination": "X", "kind": "delivery", "lead_time_days": 1, "eur_per_unit": 1.5, "distance_km": 9},
        {"lane": "A>Y", "origin": "A", "destination": "Y", "kind": "delivery", "lead_time_days": 1, "eur_per_unit": 1.0, "distance_km": 1},
        {"lane": "A>B", "origin": "A", "destination": "B", "kind": "transfer", "lead_time_days": 2, "eur_per_unit": 0.5, "distance_km": 9},
    ],
    stock={("A", "k"): 6, ("B", "k"): 30}, demand={("k", "X"): 1.0, ("k", "Y"): 1.0},
)  # fmt: skip


def _value(world: World, hub: str) -> float:
    rows = world.plan()["unit_value"]
    return float(rows.set_index(["hub", "sku"]).loc[(hub, "k"), "value_eur"])


def _cost(problem: Problem, decision: Decision, hub: int, more: int) -> np.ndarray:
    """Return the cost of serving each demand scenario with ``more`` units at a hub tonight."""
    cache = SubproblemCache(problem, Parameters())
    subproblem = cache.subproblem(decision.sku)
    usable = subproblem.usable.copy()
    usable[hub] += more
    changed = replace(subproblem, usable=usable)
    priced = cache.priced_subproblem(changed, np.zeros(len(subproblem.lanes)))
    return priced.solve_recourse(units_of(subproblem, decision)).scenario_eur


def test_a_scarce_unit_is_worth_a_lost_sale_and_a_plentiful_one_its_stock() -> None:
    """A alone serves Y, and its one unit does not last; B has enough for X."""
    short = NETWORK.but(stock={("A", "k"): 1, ("B", "k"): 30})
    scarce, plenty = (_value(short, hub) for hub in "AB")
    assert scarce == pytest.approx(14.0 - 1.0, rel=0.05)  # the sale with its cost, less the delivery
    assert plenty < 4.0 + 1e-9  # its cost, less holding and aging
    assert _value(NETWORK.but(stock={("A", "k"): 60, ("B", "k"): 30}), "A") < 4.0 + 1e-9


@pytest.mark.parametrize("number", range(6))
def test_the_value_lies_between_the_last_unit_and_the_next_one(number: int) -> None:
    """Cost is convex in stock: in the mean of the scenarios, the dual lies between both differences; the next is close."""
    world = NETWORK if number == 0 else odd_world(number)
    problem = world.problem()
    rng = np.random.default_rng(number)
    cache = SubproblemCache(problem, Parameters())
    checked = 0
    for sku in range(min(len(problem.catalog.skus), 3)):
        none = Decision(sku, np.zeros(0, dtype="int64"), np.zeros(0))
        (outcome,) = explain_chunk(cache, [none], np.zeros(len(problem.shared.resources)))
        hub = int(rng.integers(len(outcome.hubs)))
        now, more = (_cost(problem, none, hub, units).mean() for units in (0, 1))
        gained = now - more
        if cache.subproblem(sku).usable[hub] >= 1:
            last = _cost(problem, none, hub, -1).mean() - now
            assert gained - 1e-6 <= outcome.hub_value[hub] <= last + 1e-6
        else:
            assert outcome.hub_value[hub] >= gained - 1e-6
        checked += 1
    assert checked > 0


def test_the_table_has_a_row_per_hub_and_sku() -> None:
    rows = NETWORK.plan()["unit_value"]
    assert rows[["hub", "sku"]].values.tolist() == [["A", "k"], ["B", "k"]]
    assert set(rows["as_of"]) == {pd.Timestamp(AS_OF)}


def test_values_are_in_the_currency() -> None:
    """A plan in cents has a hundred times the value."""
    cents = [
        {name: value * 100 if name.endswith("_eur") or name.startswith("eur_") else value for name, value in row.items()}
        for row in NETWORK.skus
    ]  # fmt: skip
    lanes = [row | {"eur_per_unit": row["eur_per_unit"] * 100} for row in NETWORK.lanes]
    assert _value(NETWORK.but(skus=cents, lanes=lanes), "A") == pytest.approx(100 * _value(NETWORK, "A"))
