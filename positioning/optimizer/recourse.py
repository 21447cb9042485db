"""Serving demand from given stock, in all demand scenarios at once: a compiled transportation solver; and a local search around it.

For fixed shipments the second stage of a sku falls apart into one transportation problem per demand
path: sources are hubs at the start of each bucket, suppliers of later orders and "lost"; sinks are
regions by bucket, ranks of units left, and a dump. All paths share the costs, so the dual simplex on
the spanning tree of the last path starts dual feasible on the next (Helgason & Kennington, "Primal
simplex algorithms for minimum cost network flows", Handbooks in OR & MS 7, 1995, on the tree update).
The local search adds or takes back single packs of a given plan while that pays. Not here: the search for the best plan of a sku
(``recourse_function``), what skus share (prices stand in for it).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from positioning.inputs.costs import N_TERMS, TERM, total
from positioning.inputs.limits import SkuLimits
from positioning.inputs.subproblem import N_RANKS, Subproblem
from positioning.optimizer._cuts import units_at_sources
from positioning.optimizer._network_simplex import NO_TREE, solve_paths
from positioning.optimizer._shortest_paths import finish, reach
from positioning.optimizer.parameters import LocalSearchParameters
from positioning.optimizer.tolerances import TreeSimplex


@dataclass(frozen=True)
class ServiceArcs:
    """Cheapest ways of one SKU from every source to every sink.

    Sources are hub × bucket (H × (B + 1), bucket fastest), suppliers of later orders, and lost. Sinks are region ×
    bucket, hub × rank, and the dump.

    Attributes
    ----------
    cost
        EUR per unit, (n_sources, n_sinks); infinite where there is no way or a better use of any unit.
    terms
        Its cost terms, (n_sources, n_sinks, N_TERMS).
    via
        Delivery lane used to a region, (n_sources, n_sinks); −1 for none.

    """

    cost: np.ndarray
    terms: np.ndarray
    via: np.ndarray


@dataclass(frozen=True)
class RecourseSolution:
    """Optimal recourse after given shipments, in n demand scenarios.

    Attributes
    ----------
    scenario_eur
        Cost by scenario, EUR, (n,).
    flow
        Mean units, (n_sources, n_sinks).
    scenario_value
        Value of one more unit at a hub from a bucket on, EUR, (n, H, B + 1).
    supplier_value
        Value of one more unit that a supplier can give later, EUR, (n, S).

    """

    scenario_eur: np.ndarray
    flow: np.ndarray
    scenario_value: np.ndarray
    supplier_value: np.ndarray


def build_service_arcs(problem: Subproblem) -> ServiceArcs:
    """Find the cheapest ways over keeping, later departures and delivery lanes."""
    n_hubs, n_buckets = len(problem.hubs), len(problem.bucket_days)
    n_demand, width = len(problem.regions) * n_buckets, n_buckets + 1
    lanes = problem.later[:, 0]
    later = np.column_stack(
        [problem.is_supply[lanes], problem.origin[lanes], problem.destination[lanes], problem.later[:, 1:]]
    )
    near = reach(
        problem.keeping, problem.bucket_days, later.astype("int64"), problem.later_terms, len(problem.limits.available)
    )
    lane, bucket = np.nonzero(problem.is_served)
    serving = (
        problem.delivery_terms[lane]
        + problem.keeping[problem.delivery_hub[lane]] * problem.served_days[bucket][:, None]
    )
    hub, rank = np.divmod(np.arange(n_hubs * N_RANKS), N_RANKS)
    leaving = np.zeros((len(hub), N_TERMS))
    leaving[:, TERM["end_value"]] = -problem.end_value[hub, rank]
    node = np.concatenate([problem.delivery_hub[lane] * width + bucket, hub * width + n_buckets])
    sink = np.concatenate([problem.delivery_region[lane] * n_buckets + bucket, n_demand + hub * N_RANKS + rank])
    cost, terms, last = finish(near, node, sink, np.concatenate([serving, leaving]), n_demand + len(hub) + 1)
    way = np.append(lane, np.full(len(hub) + 1, -1))
    return _with_lost(problem, cost, terms, np.where(last >= 0, way[last], -1))


def _with_lost(problem: Subproblem, cost: np.ndarray, terms: np.ndarray, via: np.ndarray) -> ServiceArcs:
    """Add the source "lost" and let it and the suppliers put units without demand into the sink "dump"."""
    n_demand, n_nodes = len(problem.regions) * len(problem.bucket_days), len(cost) - len(problem.limits.available)
    lost, lost_terms = np.zeros((1, cost.shape[1])), np.zeros((1, *terms.shape[1:]))
    lost[0, :n_demand], lost_terms[0, :n_demand] = total(problem.lost_terms), problem.lost_terms
    cost[n_nodes:, -1] = 0.0
    return ServiceArcs(
        _without_dominated(problem, np.concatenate([cost, lost])), np.concatenate([terms, lost_terms]),
        np.concatenate([via, np.full((1, via.shape[1]), -1)]),
    )  # fmt: skip


def _without_dominated(problem: Subproblem, cost: np.ndarray) -> np.ndarray:
    """Return ``cost`` without arcs that never pay: they cost more than losing the sink's demand and leaving the unit where it is.

    So no cost is far from what is at stake, however expensive a lane may be.
    """
    first_end = cost.shape[1] - 1 - problem.end_capacity.size
    has_room = np.append(np.isinf(problem.end_capacity).ravel(), True)
    leaving = cost[:, first_end:][:, has_room].min(axis=1)
    return np.where(cost > cost[-1] + leaving[:, None], np.inf, cost)


@dataclass(frozen=True)
class Scenarios:
    """Demand scenarios of one SKU, n of them.

    Attributes
    ----------
    demand
        Units demanded, (n, R, B).
    arrival
        Bucket each shipment arrives in, (n, L).
    trees
        Spanning tree at which the last solve of each scenario ended, (n, n_sources + n_sinks); the next one, with other
        shipments, starts there.

    """

    demand: np.ndarray
    arrival: np.ndarray
    trees: np.ndarray


def new_scenarios(arcs: ServiceArcs, demand: np.ndarray, arrival: np.ndarray) -> Scenarios:
    """Return the outlook on ``demand`` before any search."""
    return Scenarios(demand, arrival, np.full((len(demand), sum(arcs.cost.shape)), NO_TREE, dtype="int16"))


def solve_recourse(priced: PricedSubproblem, units: np.ndarray) -> RecourseSolution:
    """Serve the demand scenarios best with hindsight after sending ``units`` (L,)."""
    problem, arcs, scenarios = priced.problem, priced.arcs, priced.scenarios
    demand = scenarios.demand
    demand = demand.reshape(len(demand), -1)
    sources = source_units(problem, scenarios, units)
    all_units = np.ceil(sources.sum(axis=1).max(initial=0.0)) + 1.0
    capacity = np.where(np.isinf(problem.end_capacity), all_units, problem.end_capacity).ravel()
    scenario_eur, flow, value = solve_paths(arcs.cost, sources, demand, capacity, scenarios.trees, priced.tree_simplex)
    nodes = (len(problem.hubs), len(problem.bucket_days) + 1)
    n_nodes = nodes[0] * nodes[1]
    scenario_value = -value[:, :n_nodes].reshape(len(demand), *nodes)
    return RecourseSolution(scenario_eur, flow, scenario_value, -value[:, n_nodes:-1])


def source_units(problem: Subproblem, scenarios: Scenarios, units: np.ndarray) -> np.ndarray:
    """Return units at each source in each demand scenario, (n, n_sources − 1): all but lost.

    A supplier without a limit gives later what the largest demand of a scenario and the limited ranks of leftover units
    can take.

    Parameters
    ----------
    problem
        The SKU.
    scenarios
        Demand scenarios, n of them.
    units
        Units on each shipment, (L,).

    """
    lanes = (problem.is_supply, problem.origin, problem.destination)
    limited = problem.end_capacity[np.isfinite(problem.end_capacity)].sum()
    useful = np.ceil(scenarios.demand.reshape(len(scenarios.demand), -1).sum(axis=1).max(initial=0.0) + limited)
    stands = (problem.usable, problem.arrivals, problem.limits.available)
    return units_at_sources(units, stands, lanes, scenarios.arrival, float(useful))


@dataclass(frozen=True)
class PricedSubproblem:
    """A SKU with its demand scenarios and dual prices.

    Attributes
    ----------
    problem
        The subproblem.
    arcs
        Cheapest ways to serve demand.
    scenarios
        Demand scenarios.
    dual_price
        Dual prices per unit on each shipment, EUR, (L,).
    tree_simplex
        Arithmetic of the recourse costs.

    """

    problem: Subproblem
    arcs: ServiceArcs
    scenarios: Scenarios
    dual_price: np.ndarray
    tree_simplex: TreeSimplex = field(default_factory=TreeSimplex)

    def solve_recourse(self, units: np.ndarray) -> RecourseSolution:
        """Serve demand after sending ``units``."""
        return solve_recourse(self, units)

    def sending_eur(self, units: np.ndarray) -> float:
        """Return what sending costs, without prices on shared resources."""
        return float(units @ total(self.problem.shipment_terms))


def slope(priced: PricedSubproblem, recourse: RecourseSolution) -> np.ndarray:
    """Return the change of cost per further unit on each shipment (L,), prices included."""
    problem = priced.problem
    scenario = np.arange(len(priced.scenarios.demand))[:, None]
    gained = recourse.scenario_value[scenario, problem.destination[None, :], priced.scenarios.arrival].mean(axis=0)
    given = recourse.scenario_value[:, :, 0].mean(axis=0)
    spent = np.where(problem.is_supply, 0.0, given[np.where(problem.is_supply, 0, problem.origin)])
    return total(problem.shipment_terms) + priced.dual_price - gained + spent


def improve(priced: PricedSubproblem, units: np.ndarray, parameters: LocalSearchParameters) -> tuple[np.ndarray, float]:
    """Add or take back packs while the cost with dual prices falls; return units (L,) and the cost without them.

    Shipments are tried in the order of the gain that the slopes predict. Each is evaluated exactly.

    Parameters
    ----------
    priced
        The SKU with its dual prices.
    units
        Units to start from, (L,).
    parameters
        When to stop.

    """
    best = units
    recourse = priced.solve_recourse(best)
    best_eur = float(recourse.scenario_eur.mean()) + priced.sending_eur(best)
    misses, tried = 0, {tuple(best)}
    for _ in range(parameters.tries):
        move = _promising(priced, best, slope(priced, recourse), tried, parameters.least_gain_eur)
        if move is None or misses >= parameters.misses:
            break
        tried.add(tuple(move))
        result = priced.solve_recourse(move)
        eur = float(result.scenario_eur.mean()) + priced.sending_eur(move)
        if eur + priced.dual_price @ move < best_eur + priced.dual_price @ best - parameters.least_gain_eur:
            best, best_eur, recourse, misses = move, eur, result, 0
        else:
            misses += 1
    return best, best_eur


def _promising(
    priced: PricedSubproblem,
    units: np.ndarray,
    slopes: np.ndarray,
    tried: set[tuple[float, ...]],
    least_gain_eur: float,
) -> np.ndarray | None:
    """Return the untried neighbor with the largest estimated gain, or None if no neighbor has one."""
    limits = priced.problem.limits
    best, promised = None, least_gain_eur
    for lane in range(len(units)):
        for target in (_more(limits, units, lane), _fewer(limits, units, lane)):
            change = target - units[lane]
            # Taking back costs at most what the slope says: a kink may promise nothing yet pay.
            gain = -slopes[lane] * change if change > 0 else abs(slopes[lane] * change) + 2.0 * least_gain_eur
            if change and gain > promised:
                move = units.copy()
                move[lane] = target
                if tuple(move) not in tried and limits.allow(move):
                    best, promised = move, gain
    return best


def _more(limits: SkuLimits, units: np.ndarray, lane: int) -> float:
    return float(limits.least[lane] if units[lane] == 0 else units[lane] + limits.pack[lane])


def _fewer(limits: SkuLimits, units: np.ndarray, lane: int) -> float:
    fewer = units[lane] - limits.pack[lane]
    return float(fewer if fewer >= limits.least[lane] else 0.0)
