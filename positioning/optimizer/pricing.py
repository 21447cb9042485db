"""The work on a chunk of skus, as tasks that run in any process and give the same answer.

A chunk is a run of neighbouring skus of fixed length, whatever the number of processes. Not here: what
skus share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.demand_scenarios import draw
from positioning.inputs.demand import law
from positioning.inputs.problem import Problem, arrival_buckets
from positioning.inputs.subproblem import SkuProblem, sku_problem
from positioning.optimizer.cycles import without_cycles
from positioning.optimizer.recourse import Case, build_ways, outlook
from positioning.optimizer.recourse_function import Asked, Effort, Outline

CHUNK_SKUS = 16


class Desk:
    """One process's view of the night. Answers depend on what was asked of a sku's chunk before, in order."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        specified = problem.settings.positioning
        self.arrival = arrival_buckets(problem, specified.scenarios, "plan")
        self.fresh_arrival = arrival_buckets(problem, specified.out_of_sample_scenarios, "fresh")
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
        specified = self.problem.settings.positioning
        key = (specified.seed, self.problem.catalogue.skus[article.sku], "fresh" if is_fresh else "plan")
        count = specified.out_of_sample_scenarios if is_fresh else specified.scenarios
        joint = law(self.problem.demand, article.sku, article.regions, self.problem.buckets)
        return draw(joint, count, key, is_stratified=not is_fresh)


@dataclass(frozen=True)
class Column:
    """A plan for one sku: units (L of the network, as positions and amounts), its cost, what it takes."""

    sku: int
    lanes: np.ndarray
    units: np.ndarray
    eur: float
    uses: np.ndarray


@dataclass(frozen=True)
class Answer:
    """What pricing found for one sku: cost of no move, bound at the first row of prices, columns."""

    sku: int
    nothing_eur: float
    bound_eur: float
    columns: tuple[Column, ...]


def price_chunk(desk: Desk, skus: list[int], prices: np.ndarray, charges: np.ndarray, effort: Effort) -> list[Answer]:
    """Find the best plan of every sku at each row of ``prices`` (n_prices, n_resources), EUR per unit of resource.

    ``charges`` (len(skus), n_shipments) EUR are due, at the first row of prices only, where a sku uses
    a shipment at all.
    """
    return [_price_sku(desk, sku, prices, charge, effort) for sku, charge in zip(skus, charges, strict=True)]


@dataclass(frozen=True)
class Mix:
    """Units (n_shipments,) a programme over all skus would send of one sku, packs not whole."""

    sku: int
    units: np.ndarray


@dataclass(frozen=True)
class Cuts:
    """What an evaluation says: cost ``eur`` and cuts, ``slope`` (n, L) · units + cost of serving ≥ ``floor`` (n,).

    One cut, none where it has been evaluated before.
    """

    eur: float
    slope: np.ndarray
    floor: np.ndarray


@dataclass(frozen=True)
class Sketch:
    """A sku for a program over several: its shipments ``lanes`` (L,), EUR per unit sent, units at most, pack, smallest size.

    Limits are ``slope`` (n, L) · units ≥ ``floor`` (n,); ``uses`` (n_resources, L) per unit; ``nothing`` is the
    evaluation of sending nothing.
    """

    sku: int
    lanes: np.ndarray
    sending_eur: np.ndarray
    most: np.ndarray
    pack: np.ndarray
    least: np.ndarray
    slope: np.ndarray
    floor: np.ndarray
    uses: np.ndarray
    nothing: Cuts


def sketch_chunk(desk: Desk, skus: list[int]) -> list[Sketch]:
    """Return the sketch of every sku."""
    return [_sketch(desk, sku) for sku in skus]


def cut_chunk(desk: Desk, mixes: list[Mix]) -> list[Cuts]:
    """Evaluate what the skus of ``mixes`` send, in packs that need not be whole."""
    return [Cuts(*desk.sketched(mix.sku).learned(mix.units[desk.article(mix.sku).lanes])) for mix in mixes]


def _sketch(desk: Desk, sku: int) -> Sketch:
    outline = desk.sketched(sku)
    article = outline.case.problem
    return Sketch(
        sku, article.lanes, outline.sending_eur, outline.most, article.pack, article.least, *outline.limits, article.uses,
        Cuts(outline.nothing_eur, *outline.first_cut),
    )  # fmt: skip


def mix_chunk(desk: Desk, mixes: list[Mix]) -> list[Column]:
    """Return the columns of ``mixes`` rounded down to whole packs."""
    columns = []
    for mix in mixes:
        article = desk.article(mix.sku)
        units = np.floor(mix.units[article.lanes] / article.pack + 1e-6) * article.pack
        units = np.where(units < article.least, 0.0, units)
        if units.any():
            columns.append(make_column(article, units, desk.outline(mix.sku).eur(units)))
    return columns


def uncycle_chunk(desk: Desk, mixes: list[Mix]) -> list[Column]:
    """Return the columns of ``mixes``, in whole packs, without goods sent in a circle; the cheaper of two ways to do it."""
    columns = []
    for mix in mixes:
        article, outline = desk.article(mix.sku), desk.outline(mix.sku)
        result = without_cycles(article, mix.units[article.lanes])
        columns += [
            min((make_column(article, units, outline.eur(units)) for units in result), key=lambda column: column.eur)
        ]
    return columns


def _price_sku(desk: Desk, sku: int, prices: np.ndarray, charges: np.ndarray, effort: Effort) -> Answer:
    outline = desk.outline(sku)
    article = outline.case.problem
    zeros = np.zeros(len(article.lanes))
    bounds, columns = [], {}
    for row, price in enumerate(prices @ article.uses):
        request = Asked(price, zeros if row else charges[article.lanes], outline.most)
        result, plans = outline.best(request, effort)
        bounds.append(result.bound_eur)
        for units in (result.units, *(plan.units for plan in plans)):
            if units.any():
                columns[units.tobytes()] = make_column(article, units, outline.eur(units))
    return Answer(sku, outline.nothing_eur, bounds[0], tuple(columns.values()))


def make_column(article: SkuProblem, units: np.ndarray, eur: float) -> Column:
    """Return the column of sending ``units`` at unpriced cost ``eur``."""
    used = np.flatnonzero(units)
    return Column(article.sku, article.lanes[used], units[used], eur, article.uses @ units)
