"""Best-first branching on the shipments of one sku, compiled: whole packs, smallest sizes, charges for loads.

The program approximates the SKU: the recourse cost is the maximum of the known Benders cuts. Where it is open
whether a shipment is used, its charge is due in proportion, a most-th part per unit, which is never more
than is due. Any open node's bound is valid, so stopping early only makes the bound weaker. Not here:
finding cuts (``positioning.optimizer.recourse_function``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from positioning.optimizer._dual_simplex import Dictionary, add_cost, settle
from positioning.optimizer.tolerances import Branching


class CutRows(NamedTuple):
    """Rows ``slope · x + θ_group ≥ floor``: Benders cuts of groups of scenarios, and limits on x alone.

    Attributes
    ----------
    slope
        Coefficients of the shipments, (n_rows, L).
    floor
        Right-hand sides, (n_rows,), EUR for cuts and units for limits.
    group
        Group of each row, (n_rows,); −1 for a limit.
    starting
        One cut of each group to start from, (n_groups,).

    """

    slope: np.ndarray
    floor: np.ndarray
    group: np.ndarray
    starting: np.ndarray


class Shipments(NamedTuple):
    """The shipments of one SKU, arrays (L,).

    Attributes
    ----------
    unit_eur
        Cost of a unit with dual prices.
    linking_duals
        Cost of using the shipment at all.
    linking_rate
        The same per unit when ``most`` units are sent.
    most
        Units at most, inclusive.
    pack, least
        Pack and smallest size in units.

    """

    unit_eur: np.ndarray
    linking_duals: np.ndarray
    linking_rate: np.ndarray
    most: np.ndarray
    pack: np.ndarray
    least: np.ndarray


class Program(NamedTuple):
    """The program of one SKU.

    Attributes
    ----------
    rows
        Benders cuts and limits.
    shipments
        Shipments.
    tolerances
        Arithmetic of the search.

    """

    rows: CutRows
    shipments: Shipments
    tolerances: Branching = Branching()


@njit(cache=True, nogil=True)
def dictionary(rows: CutRows, shipments: Shipments) -> tuple[Dictionary, np.ndarray]:
    """Write all slacks in x and the slacks of the home rows, which stand for θ; return bounds beside.

    Variables: x are 0 … L − 1, the slack of row i is L + i.
    """
    n, n_rows, n_groups = len(shipments.most), len(rows.floor), len(rows.starting)
    is_home = np.zeros(n_rows, np.bool_)
    is_home[rows.starting] = True
    others = np.flatnonzero(~is_home)
    table, constant = np.zeros((len(others), n + n_groups)), -rows.floor[others]
    for index, row in enumerate(others):
        table[index, :n] = rows.slope[row]
        group = rows.group[row]
        if group >= 0:
            table[index, :n] -= rows.slope[rows.starting[group]]
            table[index, n + group] = 1.0
            constant[index] += rows.floor[rows.starting[group]]
    cost = np.ones(n + n_groups)
    cost[:n] = shipments.unit_eur + shipments.linking_rate
    for row in rows.starting:
        cost[:n] -= rows.slope[row]
    nonbasic = np.concatenate((np.arange(n), n + rows.starting))
    bounds = np.zeros((2, n + n_rows))
    bounds[1] = 4.0 * _highest(rows, shipments) + 1.0
    return Dictionary(table, constant, cost, n + others, nonbasic, np.zeros(n + n_groups, np.bool_)), bounds


@njit(cache=True, nogil=True)
def _highest(rows: CutRows, shipments: Shipments) -> float:
    """Return what no row's height exceeds by size within the bounds of x: a few times that no slack is ever."""
    highest = 0.0
    for row in range(len(rows.floor)):
        highest = max(highest, abs(rows.floor[row]) + (np.abs(rows.slope[row]) * shipments.most).sum())
    return highest


@njit(cache=True, nogil=True)
def bound(rows: CutRows, now: Dictionary, rest: np.ndarray, bounds: np.ndarray) -> float:
    """Return the Lagrangian bound at the dictionary's dual prices, from the rows themselves: free of rounding errors.

    ``rest`` (L,) are the costs of shipments; it is used up. Prices of a group's cuts are made to add up to one.
    """
    n = len(rest)
    weight = np.zeros(len(rows.starting))
    for j in range(len(now.cost)):
        row = now.nonbasic[j] - n
        if row >= 0 and rows.group[row] >= 0 and now.cost[j] > 0:
            weight[rows.group[row]] += now.cost[j]
    if (weight <= 0.0).any():
        return -np.inf
    eur = 0.0
    for j in range(len(now.cost)):
        row = now.nonbasic[j] - n
        if row >= 0 and now.cost[j] > 0:
            dual = now.cost[j] / weight[rows.group[row]] if rows.group[row] >= 0 else now.cost[j]
            eur += dual * rows.floor[row]
            for lane in range(n):
                rest[lane] -= dual * rows.slope[row, lane]
    for lane in range(n):
        eur += min(rest[lane] * bounds[0, lane], rest[lane] * bounds[1, lane])
    return eur


@njit(cache=True, nogil=True)
def may_fit(program: Program, lower: np.ndarray, upper: np.ndarray) -> bool:
    """Return whether each limit alone can hold within the bounds."""
    rows = program.rows
    for row in range(len(rows.floor)):
        if rows.group[row] < 0:
            most = np.maximum(rows.slope[row] * lower, rows.slope[row] * upper).sum()
            if most < rows.floor[row] - program.tolerances.whole_units:
                return False
    return True


@njit(cache=True, nogil=True)
def by_cuts(x: np.ndarray, program: Program) -> float:
    """Return what ``x`` costs by the cuts, with the charges of all it uses."""
    rows, shipments = program.rows, program.shipments
    most = np.full(len(rows.starting), -np.inf)
    height = rows.floor - rows.slope @ x
    for row in range(len(height)):
        if rows.group[row] >= 0:
            most[rows.group[row]] = max(most[rows.group[row]], height[row])
    return (
        most.sum() + (shipments.unit_eur * x).sum() + shipments.linking_duals[x > program.tolerances.whole_units].sum()
    )


@njit(cache=True, nogil=True)
def rounded(x: np.ndarray, program: Program) -> np.ndarray:
    """Round to the nearest whole packs, at least the smallest size or nothing; take packs back until limits hold."""
    rows, shipments, short = program.rows, program.shipments, program.tolerances.whole_units
    whole = np.floor(x / shipments.pack + 0.5) * shipments.pack
    for j in range(len(x)):
        while whole[j] > shipments.most[j] + 1e-9:
            whole[j] -= shipments.pack[j]
        if whole[j] < shipments.least[j]:
            is_near = x[j] >= shipments.least[j] / 2.0 and shipments.most[j] >= shipments.least[j]
            whole[j] = shipments.least[j] if is_near else 0.0
    for row in range(len(rows.floor)):
        while rows.group[row] < 0 and (rows.slope[row] * whole).sum() < rows.floor[row] - short:
            over = np.argmax(np.where((rows.slope[row] < 0) & (whole > 0), whole - x, -np.inf))
            whole[over] -= shipments.pack[over]
            if whole[over] < shipments.least[over]:
                whole[over] = 0.0
    return whole


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
    """Minimize asked · x + Σ charges of what is used + Σ_k θ_k over whole packs x, subject to the limits.

    Stops when the bound is within ``share`` of what is at stake of ``best_known``, the cost of a known plan, or of a
    better one by the cuts, or after ``n_nodes``.
    """
    shipments = program.shipments
    now, bounds = dictionary(program.rows, shipments)
    nodes = _nodes(2 * n_nodes + 1, shipments.most)
    plan, plan_eur, is_paid = np.zeros(len(shipments.most)), np.inf, np.zeros(len(shipments.most), np.bool_)
    count, first, index, best, closed = 1, 0, 0, best_known, np.inf
    while True:
        for child in range(first, count):
            _pay(now, shipments, is_paid, nodes.is_paid[child])
            nodes.eur[child] = max(_solve(program, now, bounds, nodes, child), nodes.eur[index])
            if nodes.eur[child] >= best:
                closed = min(closed, nodes.eur[child])
                continue
            nodes.is_open[child] = True
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
def _solve(program: Program, now: Dictionary, bounds: np.ndarray, nodes: Nodes, index: int) -> float:
    """Solve a node's relaxation, write its answer and return its bound: infinite when nothing fits."""
    rows, shipments, tolerances = program.rows, program.shipments, program.tolerances
    n = len(shipments.most)
    bounds[0, :n], bounds[1, :n] = nodes.lower[index], nodes.upper[index]
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
