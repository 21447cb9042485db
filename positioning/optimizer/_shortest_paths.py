"""Cheapest ways from goods to demand, compiled: keeping, later departures, delivery lanes.

Here: the kernel alone. What its arrays mean stands in ``positioning.optimizer.recourse``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from positioning.inputs.costs import KG, N_TERMS


@njit(cache=True, nogil=True)
def reach(
    keeping: np.ndarray, bucket_days: np.ndarray, later: np.ndarray, later_terms: np.ndarray, n_suppliers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return cost and terms of the cheapest way from every source to every hub × bucket.

    Sources are hub × (B + 1) and then suppliers. The cost is infinite where there is no way.

    Parameters
    ----------
    keeping
        Cost terms of keeping a unit for a day, (H, N_TERMS).
    bucket_days
        Days in each bucket, (B,).
    later
        Later departures, (n, 5): order (1) or transfer (0), origin, destination, bucket it leaves in, bucket it arrives
        in.
    later_terms
        Cost terms of a unit on each, (n, N_TERMS).
    n_suppliers
        Number of suppliers.

    """
    n_hubs, width = len(keeping), len(bucket_days) + 1
    n_nodes = n_hubs * width
    cost = np.full((n_nodes + n_suppliers, n_nodes), np.inf)
    terms = np.zeros((n_nodes + n_suppliers, n_nodes, N_TERMS))
    for node in range(n_nodes):
        cost[node, node] = 0.0
    for row in range(len(later)):
        if later[row, 0] == 1:
            source, to = n_nodes + later[row, 1], later[row, 2] * width + later[row, 4]
            eur = later_terms[row, :KG].sum()
            if eur < cost[source, to]:
                cost[source, to] = eur
                terms[source, to] = later_terms[row]
    for bucket in range(width - 1):
        for hub in range(n_hubs):
            _extend(cost, terms, hub * width + bucket, hub * width + bucket + 1, keeping[hub] * bucket_days[bucket])
        for row in range(len(later)):
            if later[row, 0] == 0 and later[row, 3] == bucket:
                start, to = later[row, 1] * width + bucket, later[row, 2] * width + later[row, 4]
                _extend(cost, terms, start, to, later_terms[row])
    return cost, terms


@njit(cache=True, nogil=True)
def _extend(cost: np.ndarray, terms: np.ndarray, node: int, to: int, step: np.ndarray) -> None:
    """Offer every source that reaches ``node`` the way on to ``to``."""
    eur = step[:KG].sum()
    for source in range(len(cost)):
        if cost[source, node] < np.inf and cost[source, node] + eur < cost[source, to] - 1e-12:
            cost[source, to] = cost[source, node] + eur
            terms[source, to] = terms[source, node] + step


@njit(cache=True, nogil=True)
def finish(
    near: tuple[np.ndarray, np.ndarray], node: np.ndarray, sink: np.ndarray, step: np.ndarray, n_sinks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return cost, terms, and last step of the cheapest way from every source to every sink.

    Parameters
    ----------
    near
        Result of ``reach``.
    node, sink
        Start and end of each last step, (n,).
    step
        Its cost terms, (n, N_TERMS).
    n_sinks
        Number of sinks.

    """
    reach_cost, reach_terms = near
    n_sources = len(reach_cost)
    cost = np.full((n_sources, n_sinks), np.inf)
    terms = np.zeros((n_sources, n_sinks, N_TERMS))
    last = np.full((n_sources, n_sinks), -1)
    for i in range(len(node)):
        eur = step[i, :KG].sum()
        for source in range(n_sources):
            near_eur = reach_cost[source, node[i]]
            if near_eur < np.inf and near_eur + eur < cost[source, sink[i]] - 1e-12:
                cost[source, sink[i]] = near_eur + eur
                terms[source, sink[i]] = reach_terms[source, node[i]] + step[i]
                last[source, sink[i]] = i
    return cost, terms, last
