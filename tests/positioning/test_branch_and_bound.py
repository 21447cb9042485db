"""The compiled branching on cuts against HiGHS: never above the best whole packs, and equal to them with time."""

from __future__ import annotations

import highspy
import numpy as np
import pytest

from positioning.optimizer.branch_and_bound import SearchResult, branch
from positioning.optimizer.cut_program import CutRows, Program, Shipments

N_GROUPS, MANY_NODES = 2, 2000


def random_rows(draw: np.random.Generator, n: int) -> CutRows:
    """Return cuts of two convex costs, tangents of Σ (x − goal)² at drawn points, and a limit on the sum of x; few cuts count as likely."""
    slopes, sides, groups = [-np.ones(n)], [-float(draw.integers(20, 60))], [-1]
    for group in range(N_GROUPS):
        goal, weight = draw.uniform(0, 25, n), draw.uniform(0.05, 0.3, n)
        for point in draw.uniform(0, 30, (int(draw.integers(3, 14)), n)):
            slope = 2 * weight * (point - goal)
            slopes.append(-slope)
            sides.append(float((weight * (point - goal) ** 2).sum() - slope @ point))
            groups.append(group)
    group = np.array(groups)
    starting = np.array([np.flatnonzero(group == k)[-1] for k in range(N_GROUPS)])
    return CutRows(np.array(slopes), np.array(sides), group, starting, draw.random(len(group)) < 0.3)


def random_shipments(draw: np.random.Generator, n: int) -> Shipments:
    """Return shipments with packs, smallest sizes and charges, some of them shut."""
    pack = draw.choice([1.0, 3.0, 6.0, 12.0], n)
    most = pack * draw.integers(0, 5, n)
    linking_duals = np.where(draw.random(n) < 0.5, draw.uniform(0, 30, n), 0.0)
    linking_rate = np.where(most > 0, linking_duals / np.maximum(most, 1e-9), 0.0)
    return Shipments(draw.uniform(-1, 3, n), linking_duals, linking_rate, most, pack, pack * draw.integers(1, 3, n))


def best_by_highs(rows: CutRows, shipments: Shipments, *, is_whole: bool) -> float:
    """Return the optimum of the mixed-integer program, or of the relaxation with charges in proportion."""
    highs, n = highspy.Highs(), len(shipments.most)
    highs.silent()
    highs.setOptionValue("mip_rel_gap", 1e-9)
    theta = [highs.addVariable(-1e6, 1e6, 1.0) for _ in rows.starting]
    kind = highspy.HighsVarType.kInteger if is_whole else highspy.HighsVarType.kContinuous
    units = []
    for j in range(n):
        used = highs.addVariable(0.0, 1.0, shipments.linking_duals[j] if is_whole else 0.0, type=kind)
        packs = highs.addVariable(0.0, shipments.most[j] / shipments.pack[j], 0.0, type=kind)
        x = highs.addVariable(
            0.0, shipments.most[j], shipments.unit_eur[j] + (0.0 if is_whole else shipments.linking_rate[j])
        )
        highs.addConstr(x == float(shipments.pack[j]) * packs)
        if is_whole:
            highs.addConstr(x <= float(shipments.most[j]) * used)
            highs.addConstr(x >= float(shipments.least[j]) * used)
        units.append(x)
    for slope, floor, group in zip(rows.slope, rows.floor, rows.group, strict=True):
        text = sum(float(a) * x for a, x in zip(slope, units, strict=True))
        highs.addConstr(text + theta[group] >= float(floor) if group >= 0 else text >= float(floor))
    highs.run()
    return float(highs.getInfo().objective_function_value)


def branched(rows: CutRows, shipments: Shipments, n_nodes: int) -> SearchResult:
    """Search with a known cost that is far above all others."""
    return branch(Program(rows, shipments), 1e5, 0.0, n_nodes)


def by_cuts(x: np.ndarray, rows: CutRows, shipments: Shipments) -> float:
    """Return what ``x`` costs."""
    height = rows.floor - rows.slope @ x
    theta = sum(height[rows.group == k].max() for k in range(N_GROUPS))
    return float(theta + shipments.unit_eur @ x + shipments.linking_duals[x > 0].sum())


@pytest.mark.parametrize("seed", range(40))
def test_relaxation_agrees_with_highs(seed: int) -> None:
    """The dual simplex of our own and the reference must find the same optimum."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 9))
    rows, shipments = random_rows(draw, n), random_shipments(draw, n)
    assert branched(rows, shipments, 0).root_eur == pytest.approx(
        best_by_highs(rows, shipments, is_whole=False), abs=1e-5
    )


@pytest.mark.parametrize("seed", range(40))
def test_whole_packs_agree_with_highs(seed: int) -> None:
    """With enough nodes, bound and plan meet at the optimum of the mixed-integer program."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 7))
    rows, shipments = random_rows(draw, n), random_shipments(draw, n)
    result, best = branched(rows, shipments, MANY_NODES), best_by_highs(rows, shipments, is_whole=True)
    assert result.bound_eur == pytest.approx(best, abs=1e-4)
    assert by_cuts(result.plan, rows, shipments) == pytest.approx(best, abs=1e-4)
    assert (np.mod(result.plan, shipments.pack) == 0).all()
    assert (result.plan <= shipments.most).all()


@pytest.mark.parametrize("nodes", [0, 1, 4, 16])
def test_bound_holds_however_early_the_search_stops(nodes: int) -> None:
    """A search that runs out of nodes must not claim more than it proves."""
    for seed in range(10):
        draw = np.random.default_rng(100 + seed)
        rows, shipments = random_rows(draw, 6), random_shipments(draw, 6)
        assert branched(rows, shipments, nodes).bound_eur <= best_by_highs(rows, shipments, is_whole=True) + 1e-4
