"""Each constraint as it is written: one ``.lp`` file per constraint, with names a person can read.

A change of a file is a change of the model and wants a look. ``docs/positioning.md`` names the same rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array

from positioning.inputs.capacity import Shared
from positioning.inputs.problem import Problem, arrival_buckets
from positioning.inputs.subproblem import build_subproblem
from positioning.optimizer.highs import Model, Names
from positioning.optimizer.master import Master, build_pool, linking_rows
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import Column
from tests.oracle.sku_lp import CONSTRAINTS, Constraint, Instance, build_program, column_names, row_names
from tests.worlds.positioning_world import World, delivery, sku, supply, transfer

HERE = Path(__file__).parent
SHARED = ("one_each", "uses", "storage", "inbound", "outbound", "load_volume", "load_mass")


def world() -> World:
    """Return two hubs, a region, one transfer, one supply lane; loads and capacities everywhere."""
    load = {"eur_per_load": 20.0, "load_l": 30.0, "load_kg": 25.0, "loads_per_departure": 2.0}
    return World(
        skus=[sku("k")],
        hubs=[
            {"hub": hub, "storage_l": 100.0, "inbound_units_per_period": 9.0, "outbound_units_per_period": 8.0}
            for hub in "AB"
        ],
        lanes=[
            delivery("A", "r", 3.0, distance_km=10.0),
            delivery("B", "r", 1.0, distance_km=90.0),
            transfer("A", "B", 0.5, **load),
            supply("S", "B", **load),
        ],
        stock={("A", "k"): 7, ("B", "k"): 1},
        demand={("k", "r"): 1.0},
        more={
            "supply": [{"supplier": "S", "sku": "k", "units_available": 12.0}],
            "hub_skus": [{"hub": "B", "sku": "k", "max_units": 15}],
        },
        positioning={"review_days": 2, "cover_days": 5},
    )


def names(problem: Problem) -> Names:
    network, subproblem = problem.network, build_subproblem(problem, 0)
    return Names(
        tuple(network.hubs[i] for i in subproblem.hubs), tuple(network.regions[i] for i in subproblem.regions), network.suppliers,
        tuple(network.shipments.lane[i] for i in subproblem.lanes), tuple(network.deliveries.lane[i] for i in subproblem.deliveries),
    )  # fmt: skip


def written(model: Model, folder: Path) -> str:
    path = folder / "model.lp"
    model.highs.writeModel(str(path))
    return path.read_text()


def compare(text: str, name: str) -> None:
    assert text == (HERE / f"{name}.lp").read_text()


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=lambda constraint: constraint.__name__)
def test_constraint_is_written_as_kept(constraint: Constraint, tmp_path: Path) -> None:
    problem = world().problem()
    subproblem = build_subproblem(problem, 0)
    paths = np.full((1, 1, problem.buckets.count), 2.0)
    arrival = arrival_buckets(problem, 1, "plan")[:, subproblem.lanes]
    program = build_program(Instance(subproblem, paths, arrival), (constraint,))
    model = Model()
    text = names(problem)
    model.load(program, (row_names(program, text), column_names(subproblem, program.columns, text)))
    compare(written(model, tmp_path), constraint.__name__)


@pytest.mark.parametrize("kind", SHARED)
def test_shared_limit_is_written_as_kept(kind: str, tmp_path: Path) -> None:
    problem = world().problem()
    subproblem = build_subproblem(problem, 0)
    units = np.array([3.0, 5.0])
    pool = build_pool(
        [Column(0, subproblem.lanes, units, -4.0, subproblem.limits.uses @ units)],
        {0: 10.0},
        len(problem.shared.resources),
    )
    master = Master(pool, problem.shared, Parameters(), linking_rows(pool, problem.shared))
    program, rows = master.program, master.row_names
    chosen = [index for index, name in enumerate(rows) if name.startswith(f"{kind}[")]
    part = replace(
        program,
        matrix=csc_array(program.matrix.tocsr()[chosen]),
        lower=program.lower[chosen],
        upper=program.upper[chosen],
    )
    model = Model()
    model.load(part, ([rows[index] for index in chosen], _master_columns(problem.shared)))
    compare(written(model, tmp_path), kind)


def test_every_kind_of_shared_limit_has_a_file() -> None:
    kinds = {resource.kind for resource in world().problem().shared.resources}
    assert kinds <= set(SHARED)


def _master_columns(shared: Shared) -> list[str]:
    return ["share[k,0]", *[f"loads[{load.shipment}]" for load in shared.loads]]
