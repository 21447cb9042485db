"""Properties that hold for every plan of every generated world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from foundation.store.warehouse import check_output
from foundation.tables import OUTPUTS
from positioning.inputs.subproblem import build_subproblem
from positioning.optimizer.highs import Model
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache
from tests.oracle.plan_quality import assert_near_optimal
from tests.oracle.sku_lp import Instance, build_program
from tests.worlds.positioning_world import AS_OF, Frames, World, random_world

SEEDS = (0, 1, 5, 10, 15, 18, 24)  # one world in which no shipment pays, then worlds whose plans have lines


@pytest.fixture(scope="module", params=SEEDS)
def planned(request: pytest.FixtureRequest) -> tuple[World, Frames]:
    world = random_world(request.param)
    return world, world.plan()


def test_frames_keep_the_contract_of_the_output_tables(planned: tuple[World, Frames]) -> None:
    for name, frame in planned[1].items():
        check_output(frame, OUTPUTS[name], AS_OF)


def test_plan_and_bound_are_near_the_optimum(planned: tuple[World, Frames]) -> None:
    world, frames = planned
    assert_near_optimal(world.problem(), frames)


def test_no_hub_gives_more_than_it_has(planned: tuple[World, Frames]) -> None:
    world, frames = planned
    sent = frames["transfer"].query("kind == 'transfer'").groupby(["origin", "sku"])["units"].sum()
    assert all(units <= world.stock.get(key, 0) for key, units in sent.items())


def test_lines_are_whole_packs_of_at_least_the_smallest_size(planned: tuple[World, Frames]) -> None:
    world, frames = planned
    packs = {("transfer", row["sku"]): (row["pack_units"], 1) for row in world.skus}
    packs |= {("supply", row["sku"]): (row["pack_units"], row["min_order_units"]) for row in world.more["supply"]}
    for line in frames["transfer"].itertuples():
        pack, least = packs[line.kind, line.sku]
        assert line.units == line.packs * pack
        assert line.units >= least


def test_stock_after_is_before_less_out_plus_in(planned: tuple[World, Frames]) -> None:
    _, frames = planned
    position, lines = frames["position"], frames["transfer"]
    assert (
        position["target_units"]
        == position["units_on_hand"] + position["units_inbound"] - position["units_out"] + position["units_in"]
    ).all()
    assert position["units_in"].sum() == lines["units"].sum()
    assert position["units_out"].sum() == lines.loc[lines["kind"] == "transfer", "units"].sum()


def test_shared_capacities_and_loads_hold(planned: tuple[World, Frames]) -> None:
    world, frames = planned
    lines, problem = frames["transfer"], world.problem()
    index = {name: i for i, name in enumerate(problem.network.shipments.lane)}
    loads = frames["departure"].set_index("lane")["loads"]
    for resource in problem.shared.resources:
        selected = lines[lines["lane"].map(index).isin(resource.shipments)]
        sku = selected["sku"].map({name: i for i, name in enumerate(problem.catalog.skus)}).to_numpy(dtype=np.int64)
        used = float((selected["units"].to_numpy() * resource.use[sku]).sum())
        paid = float(loads.get(problem.network.shipments.lane[resource.load], 0)) if resource.load >= 0 else 1.0
        assert used <= resource.capacity * paid + 1e-6


def test_loads_never_exceed_those_of_the_departure(planned: tuple[World, Frames]) -> None:
    world, frames = planned
    most = {lane["lane"]: lane.get("loads_per_departure", np.inf) for lane in world.lanes}
    assert all(row.loads <= most[row.lane] for row in frames["departure"].itertuples())


def test_total_is_the_signed_sum_of_its_terms(planned: tuple[World, Frames]) -> None:
    row = planned[1]["plan"].iloc[0]
    for when, total in (("before", row["total_eur_before"]), ("after", row["total_eur"])):
        terms = {
            name: value
            for name, value in row.items()
            if str(name).endswith(f"_eur_{when}") and name != "total_eur_before"
        }
        credit = terms.pop(f"end_value_eur_{when}")
        assert sum(terms.values()) - credit == pytest.approx(total, abs=1e-6)


def test_benefits_of_lines_add_up_to_the_savings_of_the_plan(planned: tuple[World, Frames]) -> None:
    frames = planned[1]
    row = frames["plan"].iloc[0]
    assert frames["transfer"]["benefit_eur"].sum() == pytest.approx(
        row["total_eur_before"] - row["total_eur"], abs=0.01
    )
    assert frames["departure"]["benefit_eur"].sum() == pytest.approx(frames["transfer"]["benefit_eur"].sum(), abs=0.01)


def test_bound_is_never_above_the_plan(planned: tuple[World, Frames]) -> None:
    row = planned[1]["plan"].iloc[0]
    assert row["lower_bound_eur"] <= row["total_eur"] + 1e-6
    assert row["total_eur"] <= row["total_eur_before"] + 1e-6


def test_served_and_lost_units_are_the_demand(planned: tuple[World, Frames]) -> None:
    service = planned[1]["service"]
    for when in ("", "_before"):
        total = service[f"local_units{when}"] + service[f"spilled_units{when}"] + service[f"lost_units{when}"]
        assert np.allclose(total, service["demand_units"])


def test_shuffled_tables_give_the_same_rows() -> None:
    world = random_world(10)
    tables = {name: frame.sample(frac=1.0, random_state=5) for name, frame in world.tables().items()}
    forecasts = {name: frame.sample(frac=1.0, random_state=6) for name, frame in world.forecasts().items()}
    import positioning

    again = positioning.plan(tables, forecasts, world.settings, AS_OF)
    for name, frame in world.plan().items():
        pd.testing.assert_frame_equal(frame, again[name])


@pytest.mark.slow
def test_number_of_processes_does_not_change_a_row() -> None:
    world = random_world(1, n_skus=100)
    alone = world.plan()
    shared = world.but(positioning={**world.positioning, "processes": 2}).plan()
    for name, frame in alone.items():
        pd.testing.assert_frame_equal(frame, shared[name])


@pytest.mark.parametrize("factor", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("seed", range(3))
def test_compiled_service_agrees_with_highs(seed: int, factor: float) -> None:
    """For any whole shipments the tree solver and HiGHS must find the same cost, of fractions of units too."""
    problem = random_world(seed).problem()
    cache, draw = SubproblemCache(problem, Parameters()), np.random.default_rng(seed)
    for sku in range(len(problem.catalog.skus)):
        subproblem = build_subproblem(problem, sku)
        priced = cache.priced_subproblem(subproblem, np.zeros(len(subproblem.lanes)))
        priced = replace(priced, scenarios=replace(priced.scenarios, demand=priced.scenarios.demand * factor))
        units = np.floor(
            np.minimum(subproblem.limits.most, 5.0) * draw.random(len(subproblem.lanes)) / len(subproblem.lanes)
        )
        model = Model()
        model.load(build_program(Instance(subproblem, priced.scenarios.demand, priced.scenarios.arrival)))
        model.highs.changeColsBounds(len(units), np.arange(len(units), dtype=np.int32), units, units)
        ours = float(priced.solve_recourse(units).scenario_eur.mean()) + priced.sending_eur(units)
        assert model.solve().eur == pytest.approx(ours, abs=1e-6)
