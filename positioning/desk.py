"""What a process keeps of its skus between passes: problems, demand paths, where the solver ended.

Every chunk of skus stays with one process for the whole night, so that what is kept of a sku, and with
it every answer, is the same for any number of processes. Not here: the work itself (``positioning.chunk``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.demand_paths import draw
from positioning.article import SkuProblem, sku_problem
from positioning.demand import law
from positioning.model import Instance, build_programme
from positioning.problem import Problem, arrival_buckets
from positioning.rounding import Case, slope
from positioning.solver import Solver
from positioning.transport import build_ways, outlook

CHUNK_SKUS = 16


@dataclass(frozen=True)
class Still:
    """A sku when nothing is sent: its cost, EUR, and the change per unit on each shipment (L,), without prices."""

    eur: float
    slopes: np.ndarray


class Desk:
    """One process's view of the night. Answers depend on what was asked of a sku's chunk before, in order."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        own = problem.settings.positioning
        self.arrival = arrival_buckets(problem, own.scenarios, "plan")
        self.fresh_arrival = arrival_buckets(problem, own.out_of_sample_scenarios, "fresh")
        self.solver = Solver(presolve="off", solver="simplex", dual_simplex_cost_perturbation_multiplier=0.0)
        self._articles: dict[int, SkuProblem] = {}
        self._paths: dict[int, np.ndarray] = {}
        self._still: dict[int, Still] = {}
        self._bases: dict[int, object] = {}
        self._shapes: dict[tuple[int, ...], object] = {}

    def article(self, sku: int) -> SkuProblem:
        """Return the problem of one sku."""
        if sku not in self._articles:
            self._articles[sku] = sku_problem(self.problem, sku)
        return self._articles[sku]

    def paths(self, article: SkuProblem, *, is_fresh: bool = False) -> np.ndarray:
        """Return the sku's demand paths (n, R, B): stratified for the plan, plain for the judgement."""
        if is_fresh:
            return self._drawn(article, is_fresh=True)
        if article.sku not in self._paths:
            self._paths[article.sku] = self._drawn(article, is_fresh=False)
        return self._paths[article.sku]

    def case(self, article: SkuProblem, price: np.ndarray, *, is_fresh: bool = False) -> Case:
        """Return the sku's case at prices ``price`` on its shipments."""
        arrival = (self.fresh_arrival if is_fresh else self.arrival)[:, article.lanes]
        ways = build_ways(article)
        return Case(article, ways, outlook(ways, self.paths(article, is_fresh=is_fresh), arrival), price)

    def still(self, case: Case) -> Still:
        """Return what the sku costs when nothing is sent."""
        sku = case.problem.sku
        if sku not in self._still:
            service = case.serve(np.zeros(len(case.problem.lanes)))
            self._still[sku] = Still(float(service.path_eur.mean()), slope(case, service) - case.price)
        return self._still[sku]

    def load(self, case: Case) -> None:
        """Pass the sku's programme to the solver, to start where it ended last or where its neighbour did."""
        programme = build_programme(Instance(case.problem, case.ahead.paths, case.ahead.arrival))
        self.solver.load(programme)
        start = self._bases.get(case.problem.sku, self._shapes.get(self._shape(case)))
        if start is not None:
            self.solver.highs.setBasis(start)

    def keep_basis(self, case: Case) -> None:
        """Remember where the solver ended for the sku and, for its neighbours, for its shape."""
        basis = self.solver.highs.getBasis()
        self._bases[case.problem.sku] = basis
        self._shapes[self._shape(case)] = basis

    def _shape(self, case: Case) -> tuple[int, ...]:
        article = case.problem
        sizes = (article.hubs, article.regions, article.lanes, article.deliveries, article.later)
        return (article.sku // CHUNK_SKUS, *(len(part) for part in sizes))

    def _drawn(self, article: SkuProblem, *, is_fresh: bool) -> np.ndarray:
        own = self.problem.settings.positioning
        key = (own.seed, self.problem.catalogue.skus[article.sku], "fresh" if is_fresh else "plan")
        count = own.out_of_sample_scenarios if is_fresh else own.scenarios
        joint = law(self.problem.demand, article.sku, article.regions, self.problem.buckets)
        return draw(joint, count, key, is_stratified=not is_fresh)
