"""The work on a chunk of skus, as tasks that run in any process and give the same answer.

A chunk is a run of neighbouring skus of fixed length, whatever the number of processes; programmes of
the same shape start from one another's basis inside a chunk only. Not here: what skus share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.demand_paths import draw
from positioning.article import SkuProblem, sku_problem
from positioning.branching import Effort, branch
from positioning.costs import total
from positioning.demand import law
from positioning.model import Instance, build_programme
from positioning.problem import Problem, arrival_buckets
from positioning.rounding import Case, improve, slope, whole_packs
from positioning.solver import Solver
from positioning.transport import build_ways

CHUNK_SKUS = 48


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
    """What pricing found for one sku: cost of no move, bound at each price vector, columns."""

    sku: int
    nothing_eur: float
    bounds_eur: np.ndarray
    columns: tuple[Column, ...]
    wanted: np.ndarray


class Desk:
    """Everything a process keeps between the skus of a chunk."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        own = problem.settings.positioning
        self.arrival = arrival_buckets(problem, own.scenarios, "plan")
        self.fresh_arrival = arrival_buckets(problem, own.out_of_sample_scenarios, "fresh")
        self.solver = Solver(presolve="off", solver="simplex")

    def paths(self, article: SkuProblem, *, is_fresh: bool = False) -> np.ndarray:
        """Return the sku's demand paths (n, R, B): stratified for the plan, plain for the judgement."""
        own = self.problem.settings.positioning
        key = (own.seed, self.problem.catalogue.skus[article.sku], "fresh" if is_fresh else "plan")
        count = own.out_of_sample_scenarios if is_fresh else own.scenarios
        joint = law(self.problem.demand, article.sku, article.regions, self.problem.buckets)
        return draw(joint, count, key, is_stratified=not is_fresh)

    def case(self, article: SkuProblem, price: np.ndarray, *, is_fresh: bool = False) -> Case:
        """Return the sku's case at prices ``price`` on its shipments."""
        arrival = (self.fresh_arrival if is_fresh else self.arrival)[:, article.lanes]
        return Case(article, build_ways(article), self.paths(article, is_fresh=is_fresh), arrival, price)


def price_chunk(desk: Desk, skus: list[int], prices: np.ndarray, charges: np.ndarray, effort: Effort) -> list[Answer]:
    """Solve every sku at each row of ``prices`` (n_prices, n_resources), EUR per unit of resource.

    ``charges`` (len(skus), n_shipments) EUR are due, at the first row of prices only, where a sku uses
    a shipment at all; that row's bound is sharpened by branching with ``effort``.
    """
    bases: dict[tuple[int, ...], object] = {}
    tasks = zip(skus, charges, strict=True)
    return [_price_sku(desk, Tariff(sku, prices, charge, effort), bases) for sku, charge in tasks]


def mix_chunk(desk: Desk, mixes: list[tuple[int, np.ndarray]]) -> list[Column]:
    """Return the columns of ``mixes`` (sku, units by shipment) rounded down to whole packs."""
    columns = []
    for sku, wanted in mixes:
        article = sku_problem(desk.problem, sku)
        units = np.floor(wanted[article.lanes] / article.pack + 1e-6) * article.pack
        units = np.where(units < article.least, 0.0, units)
        if units.any():
            case = desk.case(article, np.zeros(len(units)))
            eur = float(case.serve(units).path_eur.mean()) + case.sending_eur(units)
            columns.append(make_column(article, units, eur))
    return columns


@dataclass(frozen=True)
class Tariff:
    """What one sku is asked to pay: rows of prices, charges by shipment of the network, and the effort."""

    sku: int
    prices: np.ndarray
    charges: np.ndarray
    effort: Effort


def _price_sku(desk: Desk, tariff: Tariff, bases: dict[tuple[int, ...], object]) -> Answer:
    article = sku_problem(desk.problem, tariff.sku)
    lane_prices, charges = tariff.prices @ article.uses, tariff.charges[article.lanes]
    case = desk.case(article, lane_prices[0])
    service = case.serve(np.zeros(len(article.lanes)))
    nothing_eur = float(service.path_eur.mean())
    if not len(article.lanes) or is_idle(case, lane_prices, slope(case, service)):
        unused = np.zeros((len(lane_prices), len(article.uses)))
        return Answer(tariff.sku, nothing_eur, np.full(len(lane_prices), nothing_eur), (), unused)
    bounds, answers = _relaxations(desk, case, lane_prices, bases)
    columns: dict[tuple[float, ...], Column] = {}

    def keep(price: np.ndarray, fractional: np.ndarray) -> None:
        priced = Case(article, case.ways, case.paths, case.arrival, price)
        units, eur = improve(priced, whole_packs(article, fractional))
        if units.any():
            columns.setdefault(tuple(units), make_column(article, units, eur))

    for price, fractional in zip(lane_prices, answers, strict=True):
        keep(price, fractional)
    at_first = [
        column.eur + float(lane_prices[0] @ x + charges[np.array(x) > 0].sum()) for x, column in columns.items()
    ]
    desk.solver.set_costs(0, total(article.shipment_terms) + lane_prices[0])
    best = min([nothing_eur, *at_first])
    bounds[0], likely = branch(desk.solver, article, charges, best, tariff.effort, (bounds[0], answers[0]))
    if charges.any():
        keep(np.where(likely > 0, lane_prices[0], 1e6), likely)
    return Answer(
        tariff.sku, nothing_eur, bounds, tuple(columns.values()), np.array([article.uses @ x for x in answers])
    )


def is_idle(case: Case, lane_prices: np.ndarray, slopes: np.ndarray) -> bool:
    """Say whether sending nothing is certainly optimal at all prices.

    With x = 0 the values of stock are optimal dual prices of the second stage; where no shipment has a
    negative reduced cost the programme's optimum is x = 0. ``slopes`` are at ``case.price``.
    """
    cheapest = slopes - case.price + lane_prices.min(axis=0)
    return bool((cheapest >= -1e-9).all())


def make_column(article: SkuProblem, units: np.ndarray, eur: float) -> Column:
    """Return the column of sending ``units`` at unpriced cost ``eur``."""
    used = np.flatnonzero(units)
    return Column(article.sku, article.lanes[used], units[used], eur, article.uses @ units)


def _relaxations(
    desk: Desk, case: Case, lane_prices: np.ndarray, bases: dict[tuple[int, ...], object]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the optimum (bound) and the fractional shipments at each price vector."""
    programme = build_programme(Instance(case.problem, case.paths, case.arrival))
    desk.solver.load(programme)
    shape = tuple(programme.matrix.shape)
    if shape in bases:
        desk.solver.highs.setBasis(bases[shape])
    bounds, answers = np.zeros(len(lane_prices)), []
    sending = total(case.problem.shipment_terms)
    for row, price in enumerate(lane_prices):
        desk.solver.set_costs(0, sending + price)
        solution = desk.solver.solve()
        bounds[row] = solution.eur
        answers.append(np.maximum(solution.values[: len(price)], 0.0))
        if shape not in bases:
            bases[shape] = desk.solver.highs.getBasis()
    return bounds, answers
