"""Best-first branching on the shipments of one SKU, compiled: whole packs, smallest sizes, linking duals of loads.

Any open node's bound is valid, so stopping early only makes the bound weaker. Not here: the program that is branched on
(``cut_program``), finding cuts (``recourse_function``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from positioning.optimizer._dual_simplex import Dictionary, add_cost, allowed, settle
from positioning.optimizer.cut_program import (
    Program,
    Shipments,
    Working,
    add_violated,
    bound,
    by_cuts,
    dictionary,
    in_use,
    may_fit,
    rounded,
)

# Numbers that the dictionaries kept for a search may hold: 32 MB.
MOST_KEPT = 2**22


class Nodes(NamedTuple):
    """All nodes of a search, arrays of n nodes.

    Attributes
    ----------
    lower, upper
        Bounds of the shipments in units, (n, L), inclusive.
    is_paid
        Whether the linking dual of a shipment is paid in full, (n, L).
    x
        Solution of the relaxation, (n, L).
    eur
        Lower bound of the node, (n,).
    is_open
        Whether the node is still to be branched on, (n,).

    """

    lower: np.ndarray
    upper: np.ndarray
    is_paid: np.ndarray
    x: np.ndarray
    eur: np.ndarray
    is_open: np.ndarray


class SearchResult(NamedTuple):
    """Result of a search.

    Attributes
    ----------
    bound_eur
        No allowed plan costs less by the cuts.
    root, root_eur
        Solution of the first relaxation, (L,), and its cost.
    plan
        Plan that is cheapest by the cuts, in whole packs, (L,).
    node_solutions
        Solutions of the relaxations of all nodes, the root first, (n_nodes, L).

    """

    bound_eur: float
    root: np.ndarray
    root_eur: float
    plan: np.ndarray
    node_solutions: np.ndarray


@njit(cache=True, nogil=True)
def branch(program: Program, best_known: float, share: float, n_nodes: int) -> SearchResult:
    """Minimize unit cost · x + Σ linking duals of used shipments + Σ_k θ_k over whole packs x within all limits.

    Parameters
    ----------
    program
        The program.
    best_known
        Cost of a known plan.
    share
        It stops when the bound is within this share of what is at stake of the best plan, by the cuts or known.
    n_nodes
        It stops after so many nodes; 0 solves the relaxation only.

    """
    shipments = program.shipments
    working, bounds = dictionary(program.rows, shipments)
    nodes, kept = _nodes(2 * n_nodes + 1, shipments.most), _keep(working, 2 * n_nodes)
    plan, plan_eur, is_paid = np.zeros(len(shipments.most)), np.inf, np.zeros(len(shipments.most), np.bool_)
    count, first, index, best, closed = 1, 0, 0, best_known, np.inf
    while True:
        for child in range(first, count):
            if child > 0 and index < len(kept.n_lines):
                _copy_out(kept, index, working)
                is_paid[:] = nodes.is_paid[index]
            _pay(in_use(working), shipments, is_paid, nodes.is_paid[child])
            nodes.eur[child] = max(_solve(program, working, bounds, nodes, child), nodes.eur[index])
            if nodes.eur[child] >= best:
                closed = min(closed, nodes.eur[child])
                continue
            nodes.is_open[child] = True
            if child < len(kept.n_lines):
                _copy_in(kept, child, working)
            whole = rounded(nodes.x[child], program)
            eur = by_cuts(whole, program)
            if eur < plan_eur:
                plan, plan_eur, best = whole, eur, min(best, eur)
        index = _least(nodes, count)
        gap = max(program.tolerances.least_gap_eur, share * (best_known - nodes.eur[0]))
        if index < 0 or count > n_nodes or nodes.eur[index] >= best - gap:
            break
        nodes.is_open[index] = False
        lane = _worst(nodes.x[index], nodes.is_paid[index], program)
        first, count = count, _split(nodes, index, lane, shipments, count) if lane >= 0 else count
        if lane < 0:
            closed = min(closed, nodes.eur[index])
    bound_eur = min(closed, best, nodes.eur[index] if index >= 0 else np.inf)
    return SearchResult(bound_eur, nodes.x[0], nodes.eur[0], plan, nodes.x[:count])


class Kept(NamedTuple):
    """Dictionaries of the first n nodes of a search, so that a child starts from its parent's.

    Attributes
    ----------
    table, constant, cost, basic, nonbasic, at_upper
        Those of ``Dictionary`` by node, with one line per row.
    is_in, n_lines
        Those of ``Working`` by node, (n, n_rows) and (n,).

    """

    table: np.ndarray
    constant: np.ndarray
    cost: np.ndarray
    basic: np.ndarray
    nonbasic: np.ndarray
    at_upper: np.ndarray
    is_in: np.ndarray
    n_lines: np.ndarray


@njit(cache=True, nogil=True)
def _keep(working: Working, most: int) -> Kept:
    """Return space for the dictionaries of ``most`` nodes, of fewer where they are large."""
    whole = working.whole
    n_lines, width = whole.table.shape
    n = min(most, MOST_KEPT // (max(1, n_lines) * width))
    return Kept(
        np.empty((n, n_lines, width)), np.empty((n, n_lines)), np.empty((n, width)), np.empty((n, n_lines), np.int64),
        np.empty((n, width), np.int64), np.empty((n, width), np.bool_), np.empty((n, len(working.is_in)), np.bool_),
        np.zeros(n, np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _copy_in(kept: Kept, node: int, working: Working) -> None:
    """Keep the dictionary of a node."""
    kept.n_lines[node] = working.n_lines[0]
    _copy(working, _of_node(kept, node), working.n_lines[0])


@njit(cache=True, nogil=True)
def _copy_out(kept: Kept, node: int, working: Working) -> None:
    """Put the dictionary of a node back."""
    working.n_lines[0] = kept.n_lines[node]
    _copy(_of_node(kept, node), working, kept.n_lines[node])


@njit(cache=True, nogil=True)
def _of_node(kept: Kept, node: int) -> Working:
    whole = Dictionary(
        kept.table[node],
        kept.constant[node],
        kept.cost[node],
        kept.basic[node],
        kept.nonbasic[node],
        kept.at_upper[node],
    )
    return Working(whole, kept.is_in[node], kept.n_lines[node : node + 1])


@njit(cache=True, nogil=True)
def _copy(from_: Working, to: Working, count: int) -> None:
    """Copy the first ``count`` lines; loops, because they compile in a tenth of the time of assigned slices."""
    old, new = from_.whole, to.whole
    for line in range(count):
        new.constant[line], new.basic[line] = old.constant[line], old.basic[line]
        for column in range(len(old.cost)):
            new.table[line, column] = old.table[line, column]
    for column in range(len(old.cost)):
        new.cost[column], new.nonbasic[column] = old.cost[column], old.nonbasic[column]
        new.at_upper[column] = old.at_upper[column]
    for row in range(len(to.is_in)):
        to.is_in[row] = from_.is_in[row]


@njit(cache=True, nogil=True)
def _nodes(size: int, most: np.ndarray) -> Nodes:
    n = len(most)
    nodes = Nodes(
        np.zeros((size, n)), np.zeros((size, n)), np.zeros((size, n), np.bool_), np.zeros((size, n)),
        np.full(size, -np.inf), np.zeros(size, np.bool_),
    )  # fmt: skip
    nodes.upper[0] = most
    return nodes


@njit(cache=True, nogil=True)
def _pay(now: Dictionary, shipments: Shipments, is_paid: np.ndarray, requested: np.ndarray) -> None:
    """Let charges be due in proportion where they are not paid in full."""
    for j in range(len(is_paid)):
        if is_paid[j] != requested[j]:
            add_cost(now, j, -shipments.linking_rate[j] if requested[j] else shipments.linking_rate[j])
            is_paid[j] = requested[j]


@njit(cache=True, nogil=True)
def _solve(program: Program, working: Working, bounds: np.ndarray, nodes: Nodes, index: int) -> float:
    """Solve a node's relaxation, write its answer and return its bound: infinite when nothing fits."""
    rows, shipments, tolerances = program.rows, program.shipments, program.tolerances
    n = len(shipments.most)
    bounds[0, :n], bounds[1, :n] = nodes.lower[index], nodes.upper[index]
    now = in_use(working)
    is_solved, value = settle(now, bounds, tolerances.simplex)
    while is_solved and add_violated(rows, working, bounds, value, allowed(bounds, tolerances.simplex)):
        now = in_use(working)
        is_solved, value = settle(now, bounds, tolerances.simplex)
    _read(nodes.x[index], now, bounds, value, tolerances.whole_units)
    if not is_solved:
        return -np.inf if may_fit(program, nodes.lower[index], nodes.upper[index]) else np.inf
    rest = shipments.unit_eur + np.where(nodes.is_paid[index], 0.0, shipments.linking_rate)
    return shipments.linking_duals[nodes.is_paid[index]].sum() + bound(rows, now, rest, bounds)


@njit(cache=True, nogil=True)
def _read(x: np.ndarray, now: Dictionary, bounds: np.ndarray, value: np.ndarray, whole_units: float) -> None:
    """Write the values of shipments into ``x``, those below ``whole_units`` as 0."""
    n = len(x)
    for j in range(len(now.nonbasic)):
        if now.nonbasic[j] < n:
            x[now.nonbasic[j]] = bounds[1 if now.at_upper[j] else 0, now.nonbasic[j]]
    for row in range(len(now.basic)):
        if now.basic[row] < n:
            x[now.basic[row]] = min(max(value[row], bounds[0, now.basic[row]]), bounds[1, now.basic[row]])
    for j in range(n):
        if x[j] < whole_units:
            x[j] = 0.0


@njit(cache=True, nogil=True)
def _least(nodes: Nodes, count: int) -> int:
    """Return the open node of least bound, −1 when none is open."""
    index = -1
    for node in range(count):
        if nodes.is_open[node] and (index < 0 or nodes.eur[node] < nodes.eur[index]):
            index = node
    return index


@njit(cache=True, nogil=True)
def _worst(x: np.ndarray, is_paid: np.ndarray, program: Program) -> int:
    """Return the shipment whose answer is furthest from allowed, −1 when all are allowed."""
    shipments, tolerances = program.shipments, program.tolerances
    worst, most = -1, 1e-9
    for j in range(len(x)):
        if x[j] <= tolerances.whole_units:
            continue
        off = abs(x[j] / shipments.pack[j] - np.round(x[j] / shipments.pack[j])) * shipments.pack[j]
        if x[j] < shipments.least[j] - tolerances.whole_units:
            off = min(x[j], shipments.least[j] - x[j])
        elif off <= tolerances.whole_rate * shipments.pack[j]:
            off = 0.0
        score = off * tolerances.eur_per_unit_off + (
            0.0 if is_paid[j] else shipments.linking_duals[j] - shipments.linking_rate[j] * x[j]
        )
        if score > most:
            worst, most = j, score
    return worst


@njit(cache=True, nogil=True)
def _split(nodes: Nodes, node: int, lane: int, shipments: Shipments, count: int) -> int:
    """Add a node's children: the shipment shut or at least the smallest size; if paid, a pack down or a pack up."""
    low = np.floor(nodes.x[node, lane] / shipments.pack[lane] + 1e-9) * shipments.pack[lane]
    for side in range(2):
        nodes.lower[count], nodes.upper[count], nodes.is_paid[count] = (
            nodes.lower[node], nodes.upper[node], nodes.is_paid[node],
        )  # fmt: skip
        if side == 0:
            nodes.upper[count, lane] = low if nodes.is_paid[node, lane] else 0.0
        else:
            least = low + shipments.pack[lane] if nodes.is_paid[node, lane] else shipments.least[lane]
            nodes.lower[count, lane] = max(nodes.lower[node, lane], least)
            nodes.is_paid[count, lane] = True
        if nodes.lower[count, lane] <= nodes.upper[count, lane] + 1e-9:
            count += 1
    return count
