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
from positioning.inputs.subproblem import sku_problem
from positioning.optimizer.highs import Names, Solver
from positioning.optimizer.master import build_pool, master_programme, tie_rows
from positioning.optimizer.pricing import Column
from tests.oracle.sku_lp import CONSTRAINTS, Constraint, Instance, build_programme, column_names, row_names
from tests.worlds.positioning_world import World, delivery, sku, supply, transfer

HERE = Path(__file__).parent
SHARED = ("one_each", "uses", "storage", "inbound", "outbound", "load_volume", "load_mass")


def world() -> World:
    """Return two hubs, a region, one transfer, one supply lane; loads and rooms on everything."""
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
    network, article = problem.network, sku_problem(problem, 0)
    return Names(
        tuple(network.hubs[i] for i in article.hubs), tuple(network.regions[i] for i in article.regions), network.suppliers,
        tuple(network.shipments.lane[i] for i in article.lanes), tuple(network.deliveries.lane[i] for i in article.deliveries),
    )  # fmt: skip


def written(solver: Solver, folder: Path) -> str:
    path = folder / "model.lp"
    solver.highs.writeModel(str(path))
    return path.read_text()


def compare(text: str, name: str) -> None:
    assert text == (HERE / f"{name}.lp").read_text()


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=lambda constraint: constraint.__name__)
def test_constraint_is_written_as_kept(constraint: Constraint, tmp_path: Path) -> None:
    problem = world().problem()
    article = sku_problem(problem, 0)
    paths = np.full((1, 1, problem.buckets.count), 2.0)
    arrival = arrival_buckets(problem, 1, "plan")[:, article.lanes]
    programme = build_programme(Instance(article, paths, arrival), (constraint,))
    solver = Solver()
    text = names(problem)
    solver.load(programme, (row_names(programme, text), column_names(article, programme.columns, text)))
    compare(written(solver, tmp_path), constraint.__name__)


@pytest.mark.parametrize("kind", SHARED)
def test_shared_limit_is_written_as_kept(kind: str, tmp_path: Path) -> None:
    problem = world().problem()
    article = sku_problem(problem, 0)
    units = np.array([3.0, 5.0])
    pool = build_pool(
        [Column(0, article.lanes, units, -4.0, article.uses @ units)], {0: 10.0}, len(problem.shared.resources)
    )
    programme, rows = master_programme(pool, problem.shared, tie_rows(pool, problem.shared))
    chosen = [index for index, name in enumerate(rows) if name.startswith(f"{kind}[")]
    part = replace(
        programme,
        matrix=csc_array(programme.matrix.tocsr()[chosen]),
        lower=programme.lower[chosen],
        upper=programme.upper[chosen],
    )
    solver = Solver()
    solver.load(part, ([rows[index] for index in chosen], _master_columns(problem.shared)))
    compare(written(solver, tmp_path), kind)


def test_every_kind_of_shared_limit_has_a_file() -> None:
    kinds = {resource.kind for resource in world().problem().shared.resources}
    assert kinds <= set(SHARED)


def _master_columns(shared: Shared) -> list[str]:
    return ["share[k,0]", *[f"loads[{load.shipment}]" for load in shared.loads]]
