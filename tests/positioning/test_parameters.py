"""Parameters of the optimizer: every one is documented, reaches its algorithm, and keeps the lower bound valid."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from inspect import getdoc
from pathlib import Path

import numpy as np
import pytest

from positioning.optimizer import parameters, tolerances
from positioning.optimizer.parameters import Effort, Parameters, Smoothing
from positioning.optimizer.pricing import SubproblemCache
from positioning.optimizer.recourse_function import PricingTerms
from positioning.plan import plan_problem
from tests.worlds.positioning_world import random_world

KINDS = [
    kind
    for module in (parameters, tolerances)
    for kind in vars(module).values()
    if isinstance(kind, type) and kind.__module__ == module.__name__
]
QUICK = Effort(share=0.5, nodes=1, searches=1, cuts=1)
DEFAULT = Parameters()
GENERATED = replace(DEFAULT, few_skus=0)
VARIANTS = {
    "one joint program": DEFAULT,
    "column generation": GENERATED,
    "one pass": replace(GENERATED, column_generation=replace(DEFAULT.column_generation, passes=1, effort=QUICK)),
    "one round": replace(
        DEFAULT, benders=replace(DEFAULT.benders, relaxed_rounds=1, load_rounds=1, fixed_rounds=1, packed_shipments=0, effort=QUICK)
    ),
    "chunks of one SKU": replace(GENERATED, chunk_skus=1),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_parameter_is_documented(kind: type) -> None:
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind._fields)  # type: ignore[attr-defined] # a named tuple
    attributes = (getdoc(kind) or "").split("Attributes\n----------\n")[1]
    heads = [line for line in attributes.splitlines() if line and not line.startswith(" ")]
    documented = [name for head in heads for name in head.split(", ")]
    assert [name for name in names if name not in documented] == []


def test_no_module_of_the_optimizer_keeps_a_number_of_its_own() -> None:
    """A number that is not in the two files can neither be found nor set."""
    folder = Path(parameters.__file__).parent
    numbers = [
        f"{path.name}:{node.lineno}"
        for path in folder.glob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and any(isinstance(part, ast.Constant) and isinstance(part.value, float) for part in ast.walk(node.value))
    ]  # fmt: skip
    assert numbers == []


@pytest.mark.parametrize("name", VARIANTS)
def test_the_lower_bound_holds_for_any_parameters(name: str) -> None:
    """A search that ends early proves less; it never proves something wrong."""
    problem = random_world(3).problem()
    row = plan_problem(problem, VARIANTS[name])["plan"].iloc[0]
    best = plan_problem(problem, DEFAULT)["plan"].iloc[0]
    assert row["lower_bound_eur"] <= best["total_eur"] + 1e-6
    assert row["total_eur"] >= best["lower_bound_eur"] - 1e-6


def test_a_search_with_less_effort_proves_less() -> None:
    problem = random_world(7).problem()
    for sku in range(len(problem.catalog.skus)):
        bounds = []
        for effort in (QUICK, DEFAULT.benders.effort):
            function = SubproblemCache(problem, DEFAULT).recourse_function(sku)
            free = np.zeros(len(function.most))
            bounds.append(function.best(PricingTerms(free, free, function.most), effort)[0].bound_eur)
        assert bounds[0] < bounds[1]


def test_an_effort_of_1_changes_no_parameter() -> None:
    assert DEFAULT.with_effort(1.0) == DEFAULT


def test_effort_scales_limits_and_shares_and_no_tolerance() -> None:
    double, least = DEFAULT.with_effort(2.0), DEFAULT.with_effort(0.01)
    assert (double.column_generation.passes, double.benders.effort.nodes, double.master.nodes) == (24, 200, 400)
    assert double.benders.close_share == DEFAULT.benders.close_share / 2
    assert (least.column_generation.passes, least.benders.load_rounds, least.column_generation.sample.rounds) == (
        1,
        1,
        1,
    )
    assert double.tolerances == least.tolerances == DEFAULT.tolerances


def test_the_setting_of_the_effort_reaches_the_optimizer() -> None:
    """The default proves a smaller gap than a hundredth of it, and both bounds are valid."""
    world = random_world(7)
    low, default = (
        world.but(positioning={**world.positioning, "effort": effort}).plan()["plan"].iloc[0] for effort in (0.01, 1.0)
    )
    assert low["gap_of_benefit_rate"] > default["gap_of_benefit_rate"]
    assert low["lower_bound_eur"] <= default["total_eur"] + 1e-6


def test_a_step_of_the_smoothing_grows_to_the_master_and_shrinks_to_the_best_bound() -> None:
    smoothing = Smoothing(0.9)
    assert smoothing.after(0.9, is_better=True) == 1.0
    assert smoothing.after(0.5, is_better=False) == pytest.approx(0.35)
