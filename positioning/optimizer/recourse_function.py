"""A sku in outline: what serving demand costs at least, as the largest of the cuts known so far.

For given shipments the compiled transportation solver tells the cost on every path and its dual prices,
which bound the cost of all other shipments from below (Van Slyke & Wets, "L-shaped linear programs", SIAM
J. Appl. Math. 17 (1969)); cuts are summed over a few groups of paths, or over all of them for each part where the
sku falls apart. They know no price, so they serve every later question about the sku. Not here: branching (``positioning.optimizer.branch_and_bound``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from positioning.inputs.costs import total
from positioning.inputs.subproblem import N_RANKS, Subproblem
from positioning.optimizer._cuts import note_solutions, unit_slopes
from positioning.optimizer.branch_and_bound import SearchResult, branch
from positioning.optimizer.cut_program import CutRows, Program, Shipments
from positioning.optimizer.parameters import Effort, RecourseParameters
from positioning.optimizer.recourse import PricedSubproblem, RecourseSolution
from positioning.optimizer.tolerances import Branching


class CutPool:
    """All cuts of one sku, and how many searches ago each was the largest of its group."""

    def __init__(self, slope: np.ndarray, floor: np.ndarray, parameters: RecourseParameters) -> None:
        """Start with limits on shipments alone, rows ``slope`` (n, L) · units ≥ ``floor`` (n,), which always stay."""
        self._all = CutRows(
            slope, floor, np.full(len(floor), -1), np.zeros(0, dtype="int64"), np.ones(len(floor), dtype=bool)
        )
        self._idle = np.zeros(len(floor), dtype="int64")
        self._parameters = parameters
        self._chosen: CutRows | None = None

    def add(self, slope: np.ndarray, floor: np.ndarray) -> None:
        """Add one cut per group, ``slope`` (n_groups, L) and ``floor`` (n_groups,)."""
        old, groups = self._all, np.arange(len(floor))
        self._all = CutRows(
            np.concatenate([old.slope, slope]), np.concatenate([old.floor, floor]),
            np.concatenate([old.group, groups]), len(old.floor) + groups, np.ones(len(old.floor) + len(groups), dtype=bool),
        )  # fmt: skip
        self._idle = np.concatenate([self._idle, np.zeros(len(groups), dtype="int64")])
        self._chosen = None

    def latest_summed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the cut on the whole cost that the groups' last ones make together: slope (1, L) and floor (1,)."""
        starting = self._all.starting
        return self._all.slope[starting].sum(axis=0, keepdims=True), self._all.floor[starting].sum(keepdims=True)

    def rows(self) -> CutRows:
        """Return limits, the cuts added last and those that mattered lately."""
        if self._chosen is None:
            kept = np.flatnonzero(self._is_near())
            starting = np.searchsorted(kept, self._all.starting)
            self._chosen = CutRows(
                self._all.slope[kept], self._all.floor[kept], self._all.group[kept], starting, self._idle[kept] < 2
            )
        return self._chosen

    def recall(self, answers: np.ndarray) -> bool:
        """Note which cuts the ``answers`` (n, L) lie on; say whether any of them was not searched on."""
        cuts, rate = self._all, self._parameters.on_rate
        self._chosen = None
        return note_solutions(
            (cuts.slope, cuts.floor, cuts.group), self._is_near(), np.ascontiguousarray(answers.T), rate, self._idle
        )

    def _is_near(self) -> np.ndarray:
        near = (self._all.group < 0) | (self._idle < self._parameters.idle_searches)
        near[self._all.starting] = True
        return near


@dataclass(frozen=True)
class Components:
    """Components of a SKU's network that share no units.

    Attributes
    ----------
    count
        Number of components.
    of_lane
        Component of each shipment, (L,).
    of_sink
        Component of each sink but the dump, (n_sinks − 1,).

    """

    count: int
    of_lane: np.ndarray
    of_sink: np.ndarray

    def split(self, by_lane: np.ndarray) -> np.ndarray:
        """Return values (L,) as rows (count, L), each part's own beside zeros."""
        return np.where(self.of_lane == np.arange(self.count)[:, None], by_lane, 0.0)

    def summed(self, by_sink: np.ndarray) -> np.ndarray:
        """Return the sums (count,) of values (n_sinks − 1,)."""
        return np.bincount(self.of_sink, weights=by_sink, minlength=self.count)


def components_of(subproblem: Subproblem) -> Components:
    """Return the parts of a sku.

    Places are tied by shipments and later departures between hubs, by deliveries, and by a supplier whose
    units are limited.
    """
    n_hubs, n_regions, n_buckets = len(subproblem.hubs), len(subproblem.regions), len(subproblem.bucket_days)
    supplier = n_hubs + n_regions + np.where(subproblem.is_supply, subproblem.origin, 0)
    is_limited = subproblem.is_supply & np.isfinite(
        np.append(subproblem.limits.available, np.inf)[np.where(subproblem.is_supply, subproblem.origin, -1)]
    )
    linking = [
        (subproblem.origin[~subproblem.is_supply], subproblem.destination[~subproblem.is_supply]),
        (supplier[is_limited], subproblem.destination[is_limited]),
        (subproblem.delivery_hub, n_hubs + subproblem.delivery_region),
    ]  # fmt: skip
    one, other = (np.concatenate([tie[side] for tie in linking]) for side in (0, 1))
    n_places = n_hubs + n_regions + len(subproblem.limits.available)
    tied = coo_array((np.ones(len(one)), (one, other)), shape=(n_places, n_places))
    _, of_place = connected_components(tied, directed=False)
    kept, of_place = np.unique(of_place[: n_hubs + n_regions], return_inverse=True)
    of_region = np.repeat(of_place[n_hubs:], n_buckets)
    return Components(
        len(kept), of_place[subproblem.destination], np.append(of_region, np.repeat(of_place[:n_hubs], N_RANKS))
    )


@dataclass(frozen=True)
class PricingTerms:
    """Terms of the pricing subproblem beyond a SKU's own costs, arrays (L,).

    Attributes
    ----------
    dual_price
        Cost per unit, EUR.
    linking_duals
        Cost of using a shipment at all, EUR.
    most
        Units that a shipment may take, inclusive.

    """

    dual_price: np.ndarray
    linking_duals: np.ndarray
    most: np.ndarray


@dataclass(frozen=True)
class BoundedPlan:
    """The best known plan of a SKU at given terms.

    Attributes
    ----------
    bound_eur
        No plan costs less at these terms.
    units
        Units on each shipment, (L,).
    eur
        Its cost at these terms.

    """

    bound_eur: float
    units: np.ndarray
    eur: float


@dataclass(frozen=True)
class SkuPlan:
    """An evaluated plan of a SKU.

    Attributes
    ----------
    units
        Units in whole packs, (L,).
    eur
        Cost without dual prices.

    """

    units: np.ndarray
    eur: float


class RecourseFunction:
    """The cuts and the plans of one sku, from its ``priced``, whose price is not looked at."""

    def __init__(self, priced: PricedSubproblem, parameters: RecourseParameters, branching: Branching) -> None:
        """Learn what sending nothing costs."""
        self._parameters, self._branching = parameters, branching
        self.priced = priced
        self.most = _useful_units(priced)
        self.sending_eur = total(priced.problem.shipment_terms)
        self._pool = CutPool(*priced.problem.limits.rows, parameters)
        self._parts = components_of(priced.problem)
        n_paths = len(priced.scenarios.demand)
        self._starts = np.unique(
            np.arange(min(parameters.groups, n_paths)) * n_paths // min(parameters.groups, n_paths)
        )
        self._known: dict[bytes, float] = {}
        self._plans: dict[bytes, SkuPlan] = {}
        no_shipment = np.zeros(len(self.most))
        self.no_shipment_eur = self.eur(no_shipment)
        self.first_cut = self._pool.latest_summed()
        self.slopes = self.sending_eur - self.first_cut[0][0]

    def is_idle(self, terms: np.ndarray) -> bool:
        """Return whether sending nothing is certainly best at prices ``terms`` (L,).

        With nothing sent the values of stock are optimal dual prices of the second stage; where no shipment
        has a negative reduced cost the optimum is to send nothing.
        """
        return bool((self.slopes + terms >= -self._parameters.idle_eur).all())

    def eur(self, units: np.ndarray) -> float:
        """Return what sending ``units`` (L,) costs, without prices, and learn its cuts."""
        key = units.tobytes()
        if key not in self._known:
            recourse = self.priced.solve_recourse(units)
            self._cut(units, recourse)
            self._known[key] = float(recourse.scenario_eur.mean()) + float(self.sending_eur @ units)
        return self._known[key]

    def evaluate(self, units: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return what sending ``units`` (L,) costs and its cut over all paths (1, L) and (1,), none where it is known."""
        is_known = units.tobytes() in self._known
        eur = self.eur(units)
        slope, floor = self._pool.latest_summed()
        return (eur, slope[:0], floor[:0]) if is_known else (eur, slope, floor)

    def best(self, terms: PricingTerms, effort: Effort) -> tuple[BoundedPlan, list[SkuPlan]]:
        """Return the best plan and a bound at what is ``terms``, and the plans met on the way.

        The bound holds for all shipments within ``terms.most`` whatever the effort.
        """
        shipments = self._shipments(terms)
        result = BoundedPlan(self.no_shipment_eur, np.zeros(len(self.most)), self.no_shipment_eur)
        if self.is_idle(terms.dual_price + shipments.linking_rate):
            return result, []
        if self._plans:
            result = _better(result, self._best_known(terms), terms)
        bound, evaluated = self._relaxed_eur(shipments, effort), []
        for _ in range(effort.searches):
            search = branch(self._program(shipments), result.eur, effort.share, effort.nodes)
            bound = max(bound, search.bound_eur)
            if self._pool.recall(search.node_solutions):
                continue
            if search.plan.tobytes() in self._plans or not search.plan.any():
                break
            evaluated.append(SkuPlan(search.plan, self.eur(search.plan)))
            self._plans[search.plan.tobytes()] = evaluated[-1]
            result = _better(result, evaluated[-1], terms)
            if result.eur - bound <= effort.share * (self.no_shipment_eur - bound):
                break
        return BoundedPlan(min(bound, result.eur), result.units, result.eur), evaluated

    def _relaxed_eur(self, shipments: Shipments, effort: Effort) -> float:
        """Refine the recourse function near the optimum without whole packs; return the lower bound there."""
        best, bound = self.no_shipment_eur, -np.inf
        for _ in range(effort.cuts):
            search: SearchResult = branch(self._program(shipments), self.no_shipment_eur, 1.0, 0)
            bound, units = max(bound, search.root_eur), search.root
            if self._pool.recall(search.node_solutions):
                continue
            if units.tobytes() in self._known:
                break
            best = min(
                best, self.eur(units) + float((shipments.unit_eur + shipments.linking_rate - self.sending_eur) @ units)
            )
            if best - bound <= effort.share * (self.no_shipment_eur - bound):
                break
        return bound

    def _best_known(self, terms: PricingTerms) -> SkuPlan:
        """Return the cheapest known plan within ``terms.most``, any plan where none is."""
        plans = list(self._plans.values())
        units = np.array([plan.units for plan in plans])
        eur = np.array([plan.eur for plan in plans]) + units @ terms.dual_price + (units > 0) @ terms.linking_duals
        return plans[int(np.where((units > terms.most + 1e-9).any(axis=1), np.inf, eur).argmin())]

    def _program(self, shipments: Shipments) -> Program:
        return Program(self._pool.rows(), shipments, self._branching)

    def _shipments(self, terms: PricingTerms) -> Shipments:
        subproblem = self.priced.problem
        part = np.where(terms.most > 0, terms.linking_duals / np.maximum(terms.most, 1e-9), 0.0)
        return Shipments(
            self.sending_eur + terms.dual_price,
            terms.linking_duals,
            part,
            terms.most,
            subproblem.limits.pack,
            subproblem.limits.least,
        )

    def _cut(self, units: np.ndarray, recourse: RecourseSolution) -> None:
        """Add what ``recourse`` says of all other shipments: a cut per part of the sku, or per group of paths."""
        subproblem = self.priced.problem
        lanes = (subproblem.is_supply, subproblem.origin, subproblem.destination)
        slopes = unit_slopes(recourse.scenario_value, recourse.supplier_value, lanes, self.priced.scenarios.arrival)
        if self._parts.count > 1:
            slope = self._parts.split(slopes.mean(axis=0))
            paid = np.multiply(
                recourse.flow, self.priced.arcs.cost, out=np.zeros_like(recourse.flow), where=recourse.flow != 0
            )
            eur = self._parts.summed(paid.sum(axis=0)[:-1])
        else:
            slope = np.add.reduceat(slopes, self._starts, axis=0) / len(slopes)
            eur = np.add.reduceat(recourse.scenario_eur, self._starts) / len(slopes)
        self._pool.add(-slope, eur - slope @ units)


def _better(best: BoundedPlan, plan: SkuPlan, terms: PricingTerms) -> BoundedPlan:
    """Return the better of ``best`` and ``plan``, which may not be allowed."""
    if (plan.units > terms.most + 1e-9).any():
        return best
    eur = plan.eur + float(terms.dual_price @ plan.units + terms.linking_duals[plan.units > 0].sum())
    return BoundedPlan(best.bound_eur, plan.units, eur) if eur < best.eur else best


def _useful_units(priced: PricedSubproblem) -> np.ndarray:
    """Return what each shipment can take at most, (L,): where suppliers have any amount, all that could ever be used.

    That is the largest demand of a path and all ranks of units left but the last, whose value no unit is bought for.
    """
    subproblem, limits = priced.problem, priced.problem.limits
    capacities = subproblem.end_capacity[np.isfinite(subproblem.end_capacity)].sum()
    useful = priced.scenarios.demand.reshape(len(priced.scenarios.demand), -1).sum(axis=1).max(initial=0.0) + capacities
    return np.minimum(limits.most, np.maximum(np.ceil(useful / limits.pack) * limits.pack, limits.least))
