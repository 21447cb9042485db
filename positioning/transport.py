"""Serving demand from given stock, on all demand paths at once: a compiled transportation solver.

For fixed shipments the second stage of a sku falls apart into one transportation problem per demand
path: sources are hubs at the start of each bucket, suppliers of later orders and "lost"; sinks are
regions by bucket, ranks of units left, and a dump. All paths share the costs, so the dual simplex on
the spanning tree of the last path starts dual feasible on the next (Helgason & Kennington, "Primal
simplex algorithms for minimum cost network flows", Handbooks in OR & MS 7, 1995, on the tree update).
Not here: choosing shipments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.article import N_RANKS, SkuProblem
from positioning.costs import N_TERMS, TERM, total
from positioning.tree import solve_paths

# Dearer than any real way; an arc of this cost carries units only where nothing else can.
FORBIDDEN_EUR = 1e7


@dataclass(frozen=True)
class Ways:
    """Cheapest ways of one sku from every source to every sink.

    Sources: hub × bucket (``n_hubs`` × (B + 1), bucket fastest), suppliers of later orders, lost.
    Sinks: region × bucket, hub × rank, dump. ``cost`` (n_sources, n_sinks) in EUR per unit,
    ``terms`` its parts, ``via`` the delivery lane used to a region (−1 otherwise).
    """

    cost: np.ndarray
    terms: np.ndarray
    via: np.ndarray
    n_suppliers: int


@dataclass(frozen=True)
class Service:
    """What serving demand costs and how.

    ``path_eur`` (n_paths,); ``flow`` (n_sources, n_sinks) mean units; ``value`` (H, B + 1) mean value of
    one more unit at a hub from a bucket on, EUR; ``path_value`` the same by path.
    """

    path_eur: np.ndarray
    flow: np.ndarray
    path_value: np.ndarray
    supplier_value: np.ndarray


def build_ways(problem: SkuProblem) -> Ways:
    """Find the cheapest ways over keeping, later departures and delivery lanes."""
    n_hubs, n_buckets = len(problem.hubs), len(problem.bucket_days)
    n_regions, n_suppliers = len(problem.regions), len(problem.available)
    reach, reach_terms = _reach(problem)
    n_sources, n_sinks = len(reach) + 1, n_regions * n_buckets + n_hubs * N_RANKS + 1
    cost = np.full((n_sources, n_sinks), FORBIDDEN_EUR)
    terms = np.zeros((n_sources, n_sinks, N_TERMS))
    via = np.full((n_sources, n_sinks), -1, dtype="int64")
    for lane in range(len(problem.deliveries)):
        hub, region = problem.delivery_hub[lane], problem.delivery_region[lane]
        for bucket in np.flatnonzero(problem.is_served[lane]):
            end = problem.delivery_terms[lane] + problem.keeping[hub] * problem.served_days[bucket]
            sink = region * n_buckets + bucket
            _offer(cost, terms, via, reach, reach_terms, hub * (n_buckets + 1) + bucket, (sink, end, lane))
    for hub in range(n_hubs):
        for rank in range(N_RANKS):
            end = np.zeros(N_TERMS)
            end[TERM["end_value"]] = -problem.end_value[hub, rank]
            sink = n_regions * n_buckets + hub * N_RANKS + rank
            _offer(cost, terms, via, reach, reach_terms, hub * (n_buckets + 1) + n_buckets, (sink, end, -1))
    cost[-1, : n_regions * n_buckets] = total(problem.lost_terms)
    terms[-1, : n_regions * n_buckets] = problem.lost_terms
    cost[-1, n_regions * n_buckets :] = 0.0
    cost[n_hubs * (n_buckets + 1) :, -1] = 0.0
    return Ways(cost, terms, via, n_suppliers)


def serve(problem: SkuProblem, ways: Ways, paths: np.ndarray, arrival: np.ndarray, units: np.ndarray) -> Service:
    """Serve the demand ``paths`` (n, R, B) best with hindsight after sending ``units`` (L,).

    ``arrival`` (n, L) is the bucket each shipment arrives in on each path.
    """
    sources = source_units(problem, arrival, units)
    demand = paths.reshape(len(paths), -1)
    room = np.where(np.isinf(problem.end_room), 1e6, problem.end_room).ravel()
    path_eur, flow, value = solve_paths(ways.cost, sources, demand, room)
    n_nodes = len(problem.hubs) * (len(problem.bucket_days) + 1)
    path_value = -value[:, :n_nodes].reshape(len(paths), len(problem.hubs), -1)
    return Service(path_eur, flow, path_value, -value[:, n_nodes:-1])


def source_units(problem: SkuProblem, arrival: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return units at each source on each path, (n, n_sources − 1): all but lost."""
    n_paths, width = len(arrival), problem.arrivals.shape[1]
    stock = np.repeat(problem.arrivals[None], n_paths, axis=0)
    stock[:, :, 0] += problem.usable
    for lane in np.flatnonzero(units):
        if not problem.is_supply[lane]:
            stock[:, problem.origin[lane], 0] -= units[lane]
        stock[np.arange(n_paths), problem.destination[lane], arrival[:, lane]] += units[lane]
    ordered = np.bincount(
        problem.origin[problem.is_supply], weights=units[problem.is_supply], minlength=len(problem.available)
    )
    later = np.minimum(problem.available - ordered, 1e6)
    return np.concatenate([stock.reshape(n_paths, -1), np.tile(np.maximum(later, 0.0), (n_paths, 1))], axis=1)


def _reach(problem: SkuProblem) -> tuple[np.ndarray, np.ndarray]:
    """Return the cheapest way from every source to every hub × bucket, cost and terms."""
    n_hubs, n_buckets = len(problem.hubs), len(problem.bucket_days)
    width, n_nodes = n_buckets + 1, n_hubs * (n_buckets + 1)
    cost = np.full((n_nodes + len(problem.available), n_nodes), FORBIDDEN_EUR)
    terms = np.zeros((*cost.shape, N_TERMS))
    cost[np.arange(n_nodes), np.arange(n_nodes)] = 0.0
    leaving: dict[int, list[int]] = {}
    for row, (lane, leaves, arrives) in enumerate(problem.later):
        to = problem.destination[lane] * width + arrives
        if problem.is_supply[lane]:
            _shorten(cost, terms, n_nodes + problem.origin[lane], to, problem.later_terms[row])
        else:
            leaving.setdefault(int(leaves), []).append(row)
    for bucket in range(n_buckets):
        for hub in range(n_hubs):
            node = hub * width + bucket
            _extend(cost, terms, node, node + 1, problem.keeping[hub] * problem.bucket_days[bucket])
        for row in leaving.get(bucket, []):
            lane, _, arrives = problem.later[row]
            start = problem.origin[lane] * width + bucket
            _extend(cost, terms, start, problem.destination[lane] * width + arrives, problem.later_terms[row])
    return cost, terms


def _extend(cost: np.ndarray, terms: np.ndarray, node: int, to: int, step: np.ndarray) -> None:
    """Offer every source that reaches ``node`` the way on to ``to``."""
    ahead = cost[:, node] + total(step)
    better = (ahead < cost[:, to] - 1e-12) & (cost[:, node] < FORBIDDEN_EUR)
    cost[better, to] = ahead[better]
    terms[better, to] = terms[better, node] + step


def _shorten(cost: np.ndarray, terms: np.ndarray, source: int, to: int, step: np.ndarray) -> None:
    if total(step) < cost[source, to]:
        cost[source, to], terms[source, to] = total(step), step


def _offer(
    cost: np.ndarray, terms: np.ndarray, via: np.ndarray, reach: np.ndarray, reach_terms: np.ndarray, node: int,
    last: tuple[int, np.ndarray, int],
) -> None:  # fmt: skip
    """Offer the last step (sink, terms, lane) of a way to every source that reaches ``node``."""
    sink, step, lane = last
    whole = reach[:, node] + total(step)
    better = np.flatnonzero((reach[:, node] < FORBIDDEN_EUR) & (whole < cost[:-1, sink] - 1e-12))
    cost[better, sink] = whole[better]
    terms[better, sink] = reach_terms[better, node] + step
    via[better, sink] = lane
