"""The dual simplex on the spanning tree of a transportation problem, compiled.

Here: the kernel alone, plain arrays in and out. What sources and sinks mean stands in
``positioning.optimizer.recourse``; its answers are checked against HiGHS in the tests.

Nodes 0 … m − 1 are sources, m … m + n − 1 sinks; the last source is the root ("lost") and has a way to
every sink. ``parent[v]`` and ``flow[v]`` describe the tree arc between v and its parent, ``depth[v]``
its distance from the root. Whole quantities are exact in float64; others are kept to a small tolerance.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from positioning.optimizer.tolerances import TreeSimplex

NO_TREE = -2


@njit(cache=True, nogil=True)
def solve_paths(
    cost: np.ndarray,
    sources: np.ndarray,
    demand: np.ndarray,
    capacity: np.ndarray,
    trees: np.ndarray,
    simplex: TreeSimplex,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solve one transportation problem per demand scenario with common costs.

    Parameters
    ----------
    cost
        EUR per unit, (m, n); infinite without an arc.
    sources
        Units of all sources but the root, (n_paths, m − 1).
    demand
        Units of the sinks of regions, (n_paths, n_regions × n_buckets).
    capacity
        Units of the sinks before the dump, which takes what is left, (n_ends,).
    trees
        Parents that each scenario starts from, (n_paths, m + n), replaced by those at which it ended; a row that begins
        with ``NO_TREE`` starts from the scenario before. Any tree that ended here is dual feasible.
    simplex
        Arithmetic.

    Returns
    -------
    scenario_eur
        Cost by scenario, (n_paths,).
    mean_flow
        Mean units, (m, n).
    value
        Cost of one more unit by scenario and source, (n_paths, m).

    """
    n_paths, (m, n) = demand.shape[0], cost.shape
    order = np.empty(m + n, np.int64)
    balance, potential = np.empty(m + n), np.empty(m + n)
    scenario_eur, mean_flow, value = np.zeros(n_paths), np.zeros((m, n)), np.zeros((n_paths, m))
    tie, is_split = simplex.tie_rate * _largest(cost), bool((demand != np.floor(demand)).any())
    tied = cost + _ties(m, n, tie)
    tied_by_sink = np.ascontiguousarray(tied.T)
    parent, depth, flow = _first_tree(tied)
    for path in range(n_paths):
        if trees[path, 0] != NO_TREE:
            parent[:] = trees[path]
            _count_depths(parent, depth)
        _fill_balance(balance, sources[path], demand[path], capacity, m, n)
        matrix, by_sink = tied, tied_by_sink
        for restart in range(simplex.restarts):
            if restart > 0:
                matrix = cost + _ties(m, n, tie * simplex.tie_growth**restart)
                by_sink = np.ascontiguousarray(matrix.T)
                _plant(matrix, parent, depth)
            _sort_by_depth(depth, order)
            _flows(parent, order, balance, flow, m)
            _potentials(parent, order, matrix, potential, m)
            if _pivot_until_feasible((matrix, by_sink), parent, depth, flow, potential, is_split, simplex):
                break
        trees[path] = parent
        for node in range(m + n):
            if parent[node] >= 0:
                source, sink = (node, parent[node] - m) if node < m else (parent[node], node - m)
                scenario_eur[path] += flow[node] * cost[source, sink]
                mean_flow[source, sink] += flow[node] / n_paths
        for source in range(m):
            value[path, source] = potential[source] + potential[m + n - 1]
    return scenario_eur, mean_flow, value


@njit(cache=True, nogil=True)
def _largest(cost: np.ndarray) -> float:
    """Return the largest finite cost by size."""
    largest = 0.0
    for eur in cost.ravel():
        if np.isfinite(eur):
            largest = max(largest, abs(eur))
    return largest


@njit(cache=True, nogil=True)
def _ties(m: int, n: int, tie_eur: float) -> np.ndarray:
    """Return tiny fixed costs up to ``tie_eur``, all different, that keep the dual simplex from cycling."""
    linking = np.empty((m, n))
    for i in range(m):
        for j in range(n):
            linking[i, j] = tie_eur * (((i * 7919 + j * 104729 + 13) % 99991) / 99991.0)
    return linking


@njit(cache=True, nogil=True)
def _first_tree(tied: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return parents, depths and flows of the tree to start from."""
    m, n = tied.shape
    parent, depth = np.empty(m + n, np.int64), np.empty(m + n, np.int64)
    _plant(tied, parent, depth)
    return parent, depth, np.zeros(m + n)


@njit(cache=True, nogil=True)
def _plant(tied: np.ndarray, parent: np.ndarray, depth: np.ndarray) -> None:
    """Hang all sinks on the root and every source on the sink that makes the tree dual feasible."""
    m = tied.shape[0]
    parent[:] = m - 1
    depth[:] = 1
    parent[m - 1], depth[m - 1] = -1, 0
    for source in range(m - 1):
        parent[source] = m + np.argmin(tied[source] - tied[m - 1])
        depth[source] = 2


@njit(cache=True, nogil=True)
def _count_depths(parent: np.ndarray, depth: np.ndarray) -> None:
    """Count the distance of every node from the root."""
    for node in range(len(parent)):
        depth[node] = 0 if parent[node] < 0 else -1
    _fill_depths(parent, depth)


@njit(cache=True, nogil=True)
def _fill_balance(
    balance: np.ndarray, sources: np.ndarray, demand: np.ndarray, capacity: np.ndarray, m: int, n: int
) -> None:
    """Set supply (+) and demand (−): the root can fill every sink, the dump takes the rest."""
    requested = demand.sum() + capacity.sum()
    balance[: m - 1] = sources
    balance[m - 1] = requested + 1.0
    balance[m : m + len(demand)] = -demand
    balance[m + len(demand) : m + n - 1] = -capacity
    balance[m + n - 1] = -(sources.sum() + 1.0)


@njit(cache=True, nogil=True)
def _sort_by_depth(depth: np.ndarray, order: np.ndarray) -> None:
    """Write the nodes into ``order``, root first (counting sort)."""
    n_nodes = len(depth)
    first = np.zeros(n_nodes + 2, np.int64)
    for node in range(n_nodes):
        first[depth[node] + 1] += 1
    for level in range(n_nodes + 1):
        first[level + 1] += first[level]
    for node in range(n_nodes):
        order[first[depth[node]]] = node
        first[depth[node]] += 1


@njit(cache=True, nogil=True)
def _flows(parent: np.ndarray, order: np.ndarray, balance: np.ndarray, flow: np.ndarray, m: int) -> None:
    """Set the flow source → sink on every tree arc from the balances, leaves first."""
    left = balance.copy()
    for index in range(len(order) - 1, 0, -1):
        node = order[index]
        flow[node] = left[node] if node < m else -left[node]
        left[parent[node]] += left[node]


@njit(cache=True, nogil=True)
def _potentials(parent: np.ndarray, order: np.ndarray, cost: np.ndarray, potential: np.ndarray, m: int) -> None:
    """Set node prices so that tree arcs have no reduced cost, the root at 0."""
    potential[order[0]] = 0.0
    for index in range(1, len(order)):
        node = order[index]
        up = parent[node]
        potential[node] = (cost[node, up - m] if node < m else cost[up, node - m]) - potential[up]


@njit(cache=True, nogil=True)
def _pivot_until_feasible(
    matrices: tuple[np.ndarray, np.ndarray],
    parent: np.ndarray,
    depth: np.ndarray,
    flow: np.ndarray,
    potential: np.ndarray,
    is_split: bool,
    simplex: TreeSimplex,
) -> bool:
    """Exchange arcs of negative flow for the cheapest arc across the same cut, until none is left; False when it cycles.

    ``matrices`` are the costs by source and by sink. Where demand is whole, flows of relaxed shipments may be short of zero
    by half a unit; of whole ones none is.
    """
    m, n = matrices[0].shape
    family = _family(parent)
    below, scratch = np.empty(m + n, np.int64), np.empty((2, m + n))
    flow[m - 1] = 0.0
    feasible = simplex.feasible_units + simplex.feasible_rate * np.abs(flow).max() if is_split else 0.5
    for _ in range(simplex.pivots_per_node * (m + n)):
        child, least = _first_least(flow)
        if least >= -feasible:
            return True
        n_below = _list_below(family, child, below)
        # Too little flows source → sink: the side of the sink must give to the side of the source.
        gives_below = child >= m
        source, sink, step = _entering(matrices, potential, below[:n_below], gives_below, scratch)
        change = step if gives_below else -step
        for index in range(n_below):
            potential[below[index]] += change if below[index] < m else -change
        top = source if gives_below else m + sink
        _exchange(parent, flow, depth, family, (source, m + sink, child, top), m)
        _list_below(family, top, below)
        for index in range(n_below):
            depth[below[index]] = depth[parent[below[index]]] + 1
    return False


@njit(cache=True, nogil=True)
def _first_least(values: np.ndarray) -> tuple[int, float]:
    """Return the first position of the least value, and that value."""
    least = _least(values)
    for index in range(len(values)):
        if values[index] == least:
            return index, least
    return -1, least


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _least(values: np.ndarray) -> float:
    least = np.inf
    for value in values:
        least = min(least, value)
    return least


@njit(cache=True, nogil=True)
def _family(parent: np.ndarray) -> np.ndarray:
    """Return first child, next sibling, and previous sibling of every node, (3, n); −1 for none."""
    family = np.full((3, len(parent)), -1, np.int64)
    for node in range(len(parent)):
        if parent[node] >= 0:
            _link(family, node, parent[node])
    return family


@njit(cache=True, nogil=True)
def _link(family: np.ndarray, node: int, above: int) -> None:
    """Make ``node`` the first child of ``above``."""
    first = family[0, above]
    family[0, above], family[1, node], family[2, node] = node, first, -1
    if first >= 0:
        family[2, first] = node


@njit(cache=True, nogil=True)
def _unlink(family: np.ndarray, node: int, above: int) -> None:
    """Take ``node`` from the children of ``above``."""
    after, before = family[1, node], family[2, node]
    if before >= 0:
        family[1, before] = after
    else:
        family[0, above] = after
    if after >= 0:
        family[2, after] = before


@njit(cache=True, nogil=True)
def _list_below(family: np.ndarray, top: int, below: np.ndarray) -> int:
    """Write the nodes of the subtree under ``top`` into ``below``, parents first; return their number."""
    below[0], count, index = top, 1, 0
    while index < count:
        node = family[0, below[index]]
        while node >= 0:
            below[count] = node
            count += 1
            node = family[1, node]
        index += 1
    return count


@njit(cache=True, nogil=True)
def _entering(
    matrices: tuple[np.ndarray, np.ndarray],
    potential: np.ndarray,
    below: np.ndarray,
    gives_below: bool,
    scratch: np.ndarray,
) -> tuple[int, int, float]:
    """Return the arc of least reduced cost from a source on the giving side to a sink on the other.

    The nodes ``below`` the cut are few: each takes its row of costs to all nodes of the other kind.
    """
    by_source, by_sink = matrices
    m, n = by_source.shape
    best_source, best_sink, best = -1, -1, np.inf
    across, reduced = scratch[0, : n if gives_below else m], scratch[1, : n if gives_below else m]
    first = m if gives_below else 0
    for index in range(len(across)):
        across[index] = potential[first + index]
    for node in below:
        if (node >= m) == gives_below:
            across[node - m if gives_below else node] = -np.inf
    for node in below:
        if (node >= m) == gives_below:
            continue
        price = potential[node]
        if gives_below:
            for sink in range(n):
                reduced[sink] = by_source[node, sink] - price - across[sink]
        else:
            for source in range(m):
                reduced[source] = by_sink[node - m, source] - across[source] - price
        other, least = _first_least(reduced)
        source, sink = (node, other) if gives_below else (other, node - m)
        if least < best or (least == best and (source < best_source or (source == best_source and sink < best_sink))):
            best_source, best_sink, best = source, sink, least
    return best_source, best_sink, best


@njit(cache=True, nogil=True)
def _exchange(
    parent: np.ndarray, flow: np.ndarray, depth: np.ndarray, family: np.ndarray, arcs: tuple[int, int, int, int], m: int
) -> None:
    """Push what is missing round the cycle, then hang the subtree on the entering arc, by its new ``top``."""
    source, sink, child, top = arcs
    amount = -flow[child]
    from_sink, from_source = sink, source
    while from_sink != from_source:
        if depth[from_sink] >= depth[from_source]:
            flow[from_sink] += -amount if from_sink >= m else amount
            from_sink = parent[from_sink]
        else:
            flow[from_source] += -amount if from_source < m else amount
            from_source = parent[from_source]
    node, above = top, sink if top == source else source
    carried = amount
    while True:
        up, old = parent[node], flow[node]
        _unlink(family, node, up)
        _link(family, node, above)
        parent[node], flow[node] = above, carried
        if node == child:
            break
        above, node, carried = node, up, old


@njit(cache=True, nogil=True)
def _fill_depths(parent: np.ndarray, depth: np.ndarray) -> None:
    """Count the depths marked −1 from those that are known."""
    for start in range(len(parent)):
        if depth[start] < 0:
            steps, node = 0, start
            while depth[node] < 0:
                steps += 1
                node = parent[node]
            level = depth[node] + steps
            node = start
            while depth[node] < 0:
                depth[node] = level
                level -= 1
                node = parent[node]
