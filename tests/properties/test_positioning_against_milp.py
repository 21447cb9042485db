"""The fast path against one big programme on drawn worlds: bound below, plan above, within its gap."""

from __future__ import annotations

import pytest

from positioning.crew import Crew
from positioning.optimise import optimise
from tests.positioning_oracle import solve_at_once
from tests.positioning_world import random_world

SLACK_EUR = 0.01


def _check(seed: int) -> None:
    problem = random_world(seed, n_skus=4).problem()
    found = optimise(problem, Crew(problem))
    oracle = solve_at_once(problem)
    assert found.bound_eur <= oracle.eur + SLACK_EUR
    assert found.plan_eur >= oracle.bound_eur - SLACK_EUR
    assert found.bound_eur <= found.plan_eur + SLACK_EUR
    gap = found.plan_eur - found.bound_eur
    assert found.plan_eur - oracle.eur <= gap + SLACK_EUR


@pytest.mark.parametrize("seed", range(4))
def test_plan_and_bound_enclose_the_optimum(seed: int) -> None:
    _check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 204))
def test_plan_and_bound_enclose_the_optimum_of_many_worlds(seed: int) -> None:
    _check(seed)
