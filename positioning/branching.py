"""A bound that knows packs, smallest sizes and first-use charges: best-first branching on shipments.

The relaxed programme may send three units of a pack of 36 or open a load for a twentieth of its cost;
branching on the shipments of one sku takes most of that back. Any open node's bound is valid, so
stopping early only makes the bound weaker. Not here: making whole plans (``positioning.rounding``).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from positioning.article import SkuProblem
from positioning.solver import Solver

_WHOLE = 1e-6
_EUR_PER_UNIT_OFF = 2.0


@dataclass(frozen=True)
class Effort:
    """When to stop: ``nodes`` solved, or bound within ``share`` of what is at stake of the best plan.

    Columns are whole packs, or with ``is_whole`` off the relaxed answer as it stands.
    """

    nodes: int
    share: float
    is_whole: bool = True


@dataclass(frozen=True)
class _Node:
    lower: np.ndarray
    upper: np.ndarray
    is_open: np.ndarray
    eur: float
    units: np.ndarray


def branch(
    solver: Solver,
    problem: SkuProblem,
    charges: np.ndarray,
    best_eur: float,
    effort: Effort,
    root: tuple[float, np.ndarray],
) -> tuple[float, np.ndarray]:
    """Return a lower bound on the cost of the loaded programme with whole packs and charges, and shipments.

    The shipments (L,) are those of the node that would be cheapest if its charges were paid in full.
    ``charges`` (L,) EUR are due for each shipment in use, ``best_eur`` is the cost of a whole plan,
    ``root`` the optimum and shipments of the relaxed programme, which is loaded with its costs set.
    """
    nothing = np.zeros(len(problem.lanes))
    first = _Node(nothing, problem.most, nothing.astype(bool), root[0], root[1])
    close_enough = best_eur - max(1e-6, effort.share * (best_eur - root[0]))
    heap: list[tuple[float, int, _Node]] = [(root[0], 0, first)]
    closed, solved = np.inf, 0
    likely_eur, likely = root[0] + float(charges[root[1] > _WHOLE].sum()), root[1]
    while heap:
        eur, _, node = heap[0]
        if eur >= close_enough or solved >= effort.nodes:
            break
        heapq.heappop(heap)
        lane = _worst(problem, charges, node)
        if lane < 0:
            closed = min(closed, eur)
            continue
        for child in _children(problem, charges, node, lane):
            found = _solve(solver, child, charges)
            solved += 1
            if found is None or found.eur >= best_eur:
                continue
            heapq.heappush(heap, (found.eur, solved, found))
            paid = found.eur + float(charges[(found.units > _WHOLE) & ~found.is_open].sum())
            if paid < likely_eur - 1e-9:
                likely_eur, likely = paid, found.units
    _restore(solver, problem)
    return float(min(closed, heap[0][0] if heap else best_eur, best_eur)), likely


def _worst(problem: SkuProblem, charges: np.ndarray, node: _Node) -> int:
    """Return the shipment whose answer is furthest from allowed, −1 when all are allowed."""
    x = node.units
    is_used = x > _WHOLE
    unpaid = np.where(is_used & ~node.is_open, charges, 0.0)
    packs = x / problem.pack
    off = np.abs(packs - np.round(packs)) * problem.pack
    is_small = is_used & (x < problem.least - _WHOLE)
    off = np.where(is_small, np.minimum(x, problem.least - x), np.where(off > 1e-5 * problem.pack, off, 0.0))
    score = unpaid + off * _EUR_PER_UNIT_OFF
    lane = int(np.argmax(score)) if len(score) else -1
    return lane if lane >= 0 and score[lane] > 1e-9 else -1


def _children(problem: SkuProblem, charges: np.ndarray, node: _Node, lane: int) -> list[_Node]:
    """Split on one shipment: shut or at least the smallest size; if open, a pack down or a pack up."""
    x, pack = node.units[lane], problem.pack[lane]
    if not node.is_open[lane]:
        return [
            _bounded(node, lane, 0.0, 0.0, False),
            _bounded(node, lane, max(node.lower[lane], problem.least[lane]), node.upper[lane], True),
        ]
    low = np.floor(x / pack + 1e-9) * pack
    return [
        _bounded(node, lane, node.lower[lane], low, True),
        _bounded(node, lane, low + pack, node.upper[lane], True),
    ]  # fmt: skip


def _bounded(node: _Node, lane: int, lower: float, upper: float, is_open: bool) -> _Node:
    lowers, uppers, opens = node.lower.copy(), node.upper.copy(), node.is_open.copy()
    lowers[lane], uppers[lane], opens[lane] = lower, upper, is_open
    return _Node(lowers, uppers, opens, node.eur, node.units)


def _solve(solver: Solver, node: _Node, charges: np.ndarray) -> _Node | None:
    if (node.lower > node.upper + 1e-9).any():
        return None
    solver.set_bounds(0, node.lower, node.upper)
    found = solver.try_solve()
    if found is None:
        return None
    units = np.maximum(found.values[: len(node.lower)], 0.0)
    eur = max(found.eur + float(charges[node.is_open].sum()), node.eur)
    return _Node(node.lower, node.upper, node.is_open, eur, units)


def _restore(solver: Solver, problem: SkuProblem) -> None:
    solver.set_bounds(0, np.zeros(len(problem.lanes)), problem.most)
