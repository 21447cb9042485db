"""What a process keeps of its skus between passes: problems, demand paths, outlines.

Every chunk of skus stays with one process for the whole night, so that what is kept of a sku, and with
it every answer, is the same for any number of processes. Not here: the work itself (``positioning.chunk``).
"""

from __future__ import annotations

import numpy as np

from foundation.demand_paths import draw
from positioning.article import SkuProblem, sku_problem
from positioning.demand import law
from positioning.outline import Outline
from positioning.problem import Problem, arrival_buckets
from positioning.rounding import Case
from positioning.transport import build_ways, outlook

CHUNK_SKUS = 16


class Desk:
    """One process's view of the night. Answers depend on what was asked of a sku's chunk before, in order."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        own = problem.settings.positioning
        self.arrival = arrival_buckets(problem, own.scenarios, "plan")
        self.fresh_arrival = arrival_buckets(problem, own.out_of_sample_scenarios, "fresh")
        self._articles: dict[int, SkuProblem] = {}
        self._paths: dict[int, np.ndarray] = {}
        self._outlines: dict[int, Outline] = {}
        self._sketched: dict[int, Outline] = {}

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

    def outline(self, sku: int) -> Outline:
        """Return what is known of the sku's costs so far."""
        return self._kept(self._outlines, sku)

    def sketched(self, sku: int) -> Outline:
        """Return the same for the programme over few skus alone: whether that was solved here or before changes no answer."""
        return self._kept(self._sketched, sku)

    def _kept(self, outlines: dict[int, Outline], sku: int) -> Outline:
        if sku not in outlines:
            article = self.article(sku)
            outlines[sku] = Outline(self.case(article, np.zeros(len(article.lanes))))
        return outlines[sku]

    def _drawn(self, article: SkuProblem, *, is_fresh: bool) -> np.ndarray:
        own = self.problem.settings.positioning
        key = (own.seed, self.problem.catalogue.skus[article.sku], "fresh" if is_fresh else "plan")
        count = own.out_of_sample_scenarios if is_fresh else own.scenarios
        joint = law(self.problem.demand, article.sku, article.regions, self.problem.buckets)
        return draw(joint, count, key, is_stratified=not is_fresh)
