"""The plan does not depend on the units of money, on those of goods where wholeness allows, or on the year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

import positioning
from positioning.inputs.subproblem import Subproblem
from positioning.optimizer.column_generation import optimize
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache
from positioning.optimizer.workers import WorkerPool
from positioning.plan import gate
from tests.worlds.odd_worlds import odd_world
from tests.worlds.positioning_world import AS_OF, Frames, World, random_world

SHARE = 0.001
SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 60))]
_COSTS = ("unit_cost_eur", "unit_price_eur", "lost_sale_eur", "late_eur_per_unit", "storage_eur_per_l_day")
MONEY = (*_COSTS, "eur_per_unit", "eur_per_kg", "eur_per_load")
MONEY_SETTINGS = ("churn_eur_per_unit", "min_benefit_eur", "carbon_eur_per_t", "handling_eur_per_unit")
UNITS = ("storage_l", "inbound_units_per_period", "outbound_units_per_period", "load_l", "load_kg", "eur_per_load")
UNITS = (*UNITS, "pack_units", "min_order_units", "units_available", "units", "min_units", "max_units")


def _times(rows: object, names: tuple[str, ...], factor: float) -> list[dict[str, Any]]:
    scaled = []
    for row in rows:  # type: ignore[attr-defined]  # rows of a world are mappings
        assert isinstance(row, Mapping)
        scaled.append({name: value * factor if name in names else value for name, value in row.items()})
    return scaled


def _all_times(world: World, names: tuple[str, ...], factor: float) -> World:
    more = {name: _times(rows, names, factor) for name, rows in world.more.items()}
    parts = {name: _times(getattr(world, name), names, factor) for name in ("skus", "hubs", "lanes")}
    return world.but(more=more, **parts)


def in_currency(world: World, factor: float) -> World:
    """Return ``world`` with all money columns and settings times ``factor``."""
    specified = world.settings.positioning
    settings = {name: getattr(specified, name) * factor for name in MONEY_SETTINGS}
    return _all_times(world, MONEY, factor).but(positioning={**world.positioning, **settings})


def in_units(world: World, factor: float) -> World:
    """Return ``world`` with stock, demand, packs, capacities and the size and cost of loads times ``factor``."""
    return _all_times(world, UNITS, factor).but(
        stock={key: round(units * factor) for key, units in world.stock.items()},
        demand={key: units * factor for key, units in world.demand.items()},
    )


def _sent(frames: Frames) -> list[tuple[str, str, str, int]]:
    lines = frames["transfer"]
    return sorted(zip(lines["sku"], lines["origin"], lines["destination"], lines["units"], strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plan_does_not_depend_on_the_currency(seed: int) -> None:
    """A lost sale above ten million of a currency once made every plan wrong; a cheap one made lines look worthless."""
    world = random_world(seed, n_skus=4).but(positioning={**random_world(seed).positioning, "min_benefit_eur": 0.5})
    euros = world.plan()
    for factor in (0.001, 17_000.0):
        other = in_currency(world, factor).plan()
        assert _sent(other) == _sent(euros)
        row, same = other["plan"].iloc[0], euros["plan"].iloc[0]
        scale = factor * (abs(same["total_eur"]) + abs(same["total_eur_before"]))
        assert row["total_eur"] == pytest.approx(factor * same["total_eur"], abs=1e-9 * scale)
        assert row["lower_bound_eur"] == pytest.approx(factor * same["lower_bound_eur"], abs=1e-7 * scale)
        assert row["gap_rate"] == pytest.approx(same["gap_rate"], abs=1e-6)
        assert gate(other, world.settings) == gate(euros, world.settings)


class _Scaled(SubproblemCache):
    """A cache whose demand scenarios and end capacities are those of another world times a factor."""

    base: SubproblemCache
    factor: float

    def subproblem(self, sku: int) -> Subproblem:
        return replace(super().subproblem(sku), end_capacity=self.base.subproblem(sku).end_capacity * self.factor)

    def demand_scenarios(self, subproblem: Subproblem, *, is_held_out: bool = False) -> np.ndarray:
        return self.base.demand_scenarios(self.base.subproblem(subproblem.sku), is_held_out=is_held_out) * self.factor


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_times_the_units_is_ten_times_the_plan(seed: int) -> None:
    """Scenarios and ranks of units left are whole, so those of one world stand for those of the others."""
    world = random_world(seed, n_skus=3)
    base = in_units(world, 10.0).problem()
    cache = _Scaled(base, Parameters())
    cache.base, cache.factor = SubproblemCache(world.problem(), Parameters()), 10.0
    plans = []
    for factor in (0.1, 1.0, 100.0):
        problem = in_units(world, 10.0 * factor).problem()
        workers, specified = WorkerPool(problem, Parameters()), _Scaled(problem, Parameters())
        specified.base, specified.factor = cache, factor
        workers.cache = specified
        result = optimize(problem, workers)
        plans.append(
            (result.plan_eur / factor, result.bound_eur / factor, sum(result.no_shipment_eur.values()) / factor)
        )
    costs, bounds, no_shipment = (np.array(part) for part in zip(*plans, strict=True))
    assert no_shipment == pytest.approx(no_shipment[1])
    allowed = 2 * SHARE * (no_shipment[1] - bounds.min()) + 1e-6 * abs(no_shipment[1])
    assert costs == pytest.approx(costs[1], abs=allowed)
    assert bounds == pytest.approx(bounds[1], abs=allowed)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plan_does_not_depend_on_the_year(seed: int) -> None:
    """53 weeks later, beyond the leap day, weekdays are the same and so is the plan."""
    world, shift = odd_world(seed), pd.Timedelta(weeks=53)
    tables, forecasts = (
        {name: _later(frame, shift) for name, frame in part.items()} for part in (world.tables(), world.forecasts())
    )
    later = positioning.plan(tables, forecasts, world.settings, AS_OF + timedelta(weeks=53))
    now = world.plan()
    assert _sent(later) == _sent(now)
    figures = ["total_eur", "lower_bound_eur", "gap_rate", "out_of_sample_benefit_eur"]
    assert later["plan"][figures].to_numpy() == pytest.approx(now["plan"][figures].to_numpy(), rel=1e-12)
    assert (later["transfer"]["ship_date"] - shift).tolist() == now["transfer"]["ship_date"].tolist()


def _later(frame: pd.DataFrame, shift: pd.Timedelta) -> pd.DataFrame:
    dated = [name for name in frame if pd.api.types.is_datetime64_any_dtype(frame[name])]
    return frame.assign(**{name: frame[name] + shift for name in dated})


@pytest.mark.parametrize(("units", "eur"), [(1e9, 1.0), (1.0, 1e11), (1e9, 1e11)])
def test_very_large_amounts_end_in_a_plan(units: float, eur: float) -> None:
    """Amounts as large as validation accepts once ended in an error of the solver."""
    for seed in range(3):
        world = in_currency(random_world(seed, n_skus=3), eur)
        stock = {key: round(amount * units) for key, amount in world.stock.items()}
        row = world.but(stock=stock).plan()["plan"].iloc[0]
        rounding = 1e-6 * abs(row["total_eur_before"])
        assert np.isfinite(row["gap_rate"])
        assert row["lower_bound_eur"] - rounding <= row["total_eur"] <= row["total_eur_before"] + rounding
