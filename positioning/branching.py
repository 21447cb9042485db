"""A bound that knows packs, smallest sizes and first-use charges: best-first branching on shipments.

The relaxed programme may send three units of a pack of 36 or open a load for a twentieth of its cost;
branching on the shipments of one sku takes most of that back. Where it is open whether a shipment is
used, its charge is due in proportion, a most-th part per unit, which is never more than is due. Any open
node's bound is valid, so stopping early only makes the bound weaker. Not here: making whole plans
(``positioning.rounding``).
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

    Columns are whole packs, or with ``is_whole`` off relaxed answers as they stand.
    """

    nodes: int
    share: float
    is_whole: bool = True


@dataclass(frozen=True)
class Task:
    """A sku's programme to branch on, loaded in the solver.

    ``asked`` (L,) EUR per unit sent, prices included; ``charges`` (L,) EUR are due for each shipment in
    use; ``best_eur`` is the cost of a plan with all that is asked.
    """

    problem: SkuProblem
    asked: np.ndarray
    charges: np.ndarray
    best_eur: float
    effort: Effort


@dataclass(frozen=True)
class Seen:
    """Shipments (L,) of a relaxed answer and what they cost, prices included, charges not."""

    units: np.ndarray
    eur: float


@dataclass(frozen=True)
class Branched:
    """A lower bound, the shipments that would be cheapest if charges were paid in full, and all answers seen."""

    bound_eur: float
    likely: np.ndarray
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class _Node:
    lower: np.ndarray
    upper: np.ndarray
    is_open: np.ndarray
    eur: float
    units: np.ndarray


def part_charges(problem: SkuProblem, charges: np.ndarray) -> np.ndarray:
    """Return ``charges`` (L,) per unit when as much as may be is sent: never more than is due."""
    return np.where(problem.most > 0, charges / np.maximum(problem.most, 1e-9), 0.0)


def branch(solver: Solver, task: Task, root: Seen) -> Branched:
    """Branch on the shipments of the loaded programme.

    ``root`` is its relaxed optimum with charges in proportion, its cost what the solver minimised.
    """
    return _Tree(solver, task, root).run()


class _Tree:
    """One search: open nodes by bound, the best plan known, and what was seen on the way."""

    def __init__(self, solver: Solver, task: Task, root: Seen) -> None:
        nothing = np.zeros(len(task.charges))
        self._solver, self._task = solver, task
        self._part = part_charges(task.problem, task.charges)
        self._root_eur, self._best = root.eur, task.best_eur
        self._seen: list[Seen] = []
        self._likely_eur, self._likely = np.inf, root.units
        self._heap: list[tuple[float, int, _Node]] = []
        self._solved = 0
        self._add(_Node(nothing, task.problem.most, nothing.astype(bool), root.eur, root.units))

    def run(self) -> Branched:
        """Take the node of least bound and split it until close enough or out of nodes."""
        closed = np.inf
        while self._heap and not self._is_close():
            eur, _, node = heapq.heappop(self._heap)
            lane = self._worst(node)
            if lane < 0:
                closed = min(closed, eur)
                continue
            for child in _children(self._task.problem, node, lane):
                found = self._solve(child)
                self._solved += 1
                if found is not None and found.eur < self._best:
                    self._add(found)
        self._solver.set_bounds(0, np.zeros(len(self._part)), self._task.problem.most)
        bound = min(closed, self._heap[0][0] if self._heap else self._best, self._best)
        return Branched(float(bound), self._likely, tuple(self._seen))

    def _is_close(self) -> bool:
        effort = self._task.effort
        enough = self._best - max(1e-6, effort.share * (self._task.best_eur - self._root_eur))
        return self._heap[0][0] >= enough or self._solved >= effort.nodes

    def _add(self, node: _Node) -> None:
        """Open a node; what it would cost with all charges paid may be the best yet."""
        heapq.heappush(self._heap, (node.eur, self._solved, node))
        part = np.where(node.is_open, 0.0, self._part)
        is_unpaid = (node.units > _WHOLE) & ~node.is_open
        paid = node.eur + float((self._task.charges - self._part * node.units)[is_unpaid].sum())
        self._seen.append(
            Seen(node.units, node.eur - float(self._task.charges[node.is_open].sum() + part @ node.units))
        )
        if paid < self._likely_eur - 1e-9:
            self._likely_eur, self._likely = paid, node.units
            self._best = self._best if self._task.effort.is_whole else min(self._best, paid)

    def _worst(self, node: _Node) -> int:
        """Return the shipment whose answer is furthest from allowed, −1 when all are allowed."""
        problem, x = self._task.problem, node.units
        is_used = x > _WHOLE
        score = np.where(is_used & ~node.is_open, self._task.charges - self._part * x, 0.0)
        if self._task.effort.is_whole:
            packs = x / problem.pack
            off = np.abs(packs - np.round(packs)) * problem.pack
            is_small = is_used & (x < problem.least - _WHOLE)
            off = np.where(is_small, np.minimum(x, problem.least - x), np.where(off > 1e-5 * problem.pack, off, 0.0))
            score = score + off * _EUR_PER_UNIT_OFF
        lane = int(np.argmax(score)) if len(score) else -1
        return lane if lane >= 0 and score[lane] > 1e-9 else -1

    def _solve(self, node: _Node) -> _Node | None:
        if (node.lower > node.upper + 1e-9).any():
            return None
        self._solver.set_bounds(0, node.lower, node.upper)
        if self._part.any():
            self._solver.set_costs(0, self._task.asked + np.where(node.is_open, 0.0, self._part))
        found = self._solver.try_solve()
        if found is None:
            return None
        units = np.where(found.values[: len(node.lower)] > _WHOLE, found.values[: len(node.lower)], 0.0)
        eur = max(found.eur + float(self._task.charges[node.is_open].sum()), node.eur)
        return _Node(node.lower, node.upper, node.is_open, eur, units)


def _children(problem: SkuProblem, node: _Node, lane: int) -> list[_Node]:
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
