"""The work on a chunk of skus, as tasks that run in any process and give the same answer.

A chunk is a run of neighbouring skus of fixed length, whatever the number of processes; programmes of
the same shape start from one another's basis inside a chunk only. Not here: what skus share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.article import SkuProblem
from positioning.branching import Effort, branch
from positioning.costs import total
from positioning.desk import Desk
from positioning.rounding import Case, improve, whole_packs


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


def price_chunk(desk: Desk, skus: list[int], prices: np.ndarray, charges: np.ndarray, effort: Effort) -> list[Answer]:
    """Solve every sku at each row of ``prices`` (n_prices, n_resources), EUR per unit of resource.

    ``charges`` (len(skus), n_shipments) EUR are due, at the first row of prices only, where a sku uses
    a shipment at all; that row's bound is sharpened by branching with ``effort``.
    """
    return [_price_sku(desk, Tariff(sku, prices, charge, effort)) for sku, charge in zip(skus, charges, strict=True)]


@dataclass(frozen=True)
class Mix:
    """Units (n_shipments,) the master would send of a sku if it might split columns."""

    sku: int
    units: np.ndarray


def mix_chunk(desk: Desk, mixes: list[Mix]) -> list[Column]:
    """Return the columns of ``mixes`` rounded down to whole packs."""
    columns = []
    for mix in mixes:
        article = desk.article(mix.sku)
        units = np.floor(mix.units[article.lanes] / article.pack + 1e-6) * article.pack
        units = np.where(units < article.least, 0.0, units)
        if units.any():
            case = desk.case(article, np.zeros(len(units)))
            eur = float(case.serve(units).path_eur.mean()) + case.sending_eur(units)
            columns.append(make_column(article, units, eur))
    return columns


@dataclass(frozen=True)
class Detour:
    """What a sku would send were one shipment it wants shut, relaxed, and what that loses in EUR."""

    sku: int
    shipment: int
    loss_eur: float
    column: Column


def detour_chunk(desk: Desk, skus: list[int], prices: np.ndarray) -> list[Detour]:
    """Return the detours of every sku at ``prices`` (n_resources,), one for each shipment with loads it wants."""
    has_load = np.zeros(desk.problem.shared.binds.shape[1], dtype=bool)
    has_load[[load.shipment for load in desk.problem.shared.loads]] = True
    return [detour for sku in skus for detour in _detours(desk, sku, prices, has_load)]


def _detours(desk: Desk, sku: int, prices: np.ndarray, has_load: np.ndarray) -> list[Detour]:
    article = desk.article(sku)
    case = desk.case(article, prices @ article.uses)
    if not len(article.lanes) or is_idle(desk.still(case).slopes, case.price[None]):
        return []
    bounds, answers = _relaxations(desk, case, case.price[None])
    detours, nothing = [], np.zeros(len(article.lanes))
    for lane in np.flatnonzero((answers[0] > 1e-6) & has_load[article.lanes]):
        most = article.most.copy()
        most[lane] = 0.0
        desk.solver.set_bounds(0, nothing, most)
        found = desk.solver.solve()
        units = np.maximum(found.values[: len(most)], 0.0)
        column = make_column(article, units, found.eur - float(case.price @ units))
        detours.append(Detour(sku, int(article.lanes[lane]), found.eur - float(bounds[0]), column))
    return detours


@dataclass(frozen=True)
class Tariff:
    """What one sku is asked to pay: rows of prices, charges by shipment of the network, and the effort."""

    sku: int
    prices: np.ndarray
    charges: np.ndarray
    effort: Effort


def _price_sku(desk: Desk, tariff: Tariff) -> Answer:
    article = desk.article(tariff.sku)
    lane_prices = tariff.prices @ article.uses
    case = desk.case(article, lane_prices[0])
    still = desk.still(case)
    if not len(article.lanes) or is_idle(still.slopes, lane_prices):
        unused = np.zeros((len(lane_prices), len(article.uses)))
        return Answer(tariff.sku, still.eur, np.full(len(lane_prices), still.eur), (), unused)
    bounds, answers = _relaxations(desk, case, lane_prices)
    if tariff.effort.is_whole:
        found = _Found(case)
        for price, fractional in zip(lane_prices, answers, strict=True):
            found.round(price, fractional)
        if tariff.effort.nodes:
            bounds[0] = _sharpened(desk, tariff, found, (bounds[0], answers[0]))
        columns = tuple(found.columns.values())
    else:
        rows = zip(bounds, lane_prices, answers, strict=True)
        columns = tuple(make_column(article, x, eur - float(price @ x)) for eur, price, x in rows)
    return Answer(tariff.sku, still.eur, bounds, columns, np.array([article.uses @ x for x in answers]))


class _Found:
    """The whole columns found for one sku."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.columns: dict[tuple[float, ...], Column] = {}

    def round(self, price: np.ndarray, fractional: np.ndarray) -> None:
        """Add the best whole plan near ``fractional`` (L,) at ``price`` (L,)."""
        case = self.case
        units, eur = improve(Case(case.problem, case.ways, case.ahead, price), whole_packs(case.problem, fractional))
        if units.any():
            self.columns.setdefault(tuple(units), make_column(case.problem, units, eur))

    def best_eur(self, price: np.ndarray, charges: np.ndarray) -> float:
        """Return the least cost of a column at ``price`` and ``charges`` (L,), infinite without any."""
        costs = (
            column.eur + float(price @ units + charges[np.array(units) > 0].sum())
            for units, column in self.columns.items()
        )
        return min(costs, default=np.inf)


def _sharpened(desk: Desk, tariff: Tariff, found: _Found, root: tuple[float, np.ndarray]) -> float:
    """Return the bound at the case's price and the tariff's charges when packs are whole."""
    case, charges = found.case, tariff.charges[found.case.problem.lanes]
    desk.solver.set_costs(0, total(case.problem.shipment_terms) + case.price)
    best = min(desk.still(case).eur, found.best_eur(case.price, charges))
    eur, likely = branch(desk.solver, case.problem, charges, best, tariff.effort, root)
    if charges.any():
        found.round(np.where(likely > 0, case.price, 1e6), likely)
    return eur


def is_idle(slopes: np.ndarray, lane_prices: np.ndarray) -> bool:
    """Say whether sending nothing is certainly optimal at all prices (n_prices, L).

    With x = 0 the values of stock are optimal dual prices of the second stage; where no shipment has a
    negative reduced cost (``slopes`` without prices, plus price) the programme's optimum is x = 0.
    """
    return bool((slopes + lane_prices.min(axis=0) >= -1e-9).all())


def make_column(article: SkuProblem, units: np.ndarray, eur: float) -> Column:
    """Return the column of sending ``units`` at unpriced cost ``eur``."""
    used = np.flatnonzero(units)
    return Column(article.sku, article.lanes[used], units[used], eur, article.uses @ units)


def _relaxations(desk: Desk, case: Case, lane_prices: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the optimum (bound) and the fractional shipments at each price vector."""
    desk.load(case)
    bounds, answers = np.zeros(len(lane_prices)), []
    sending = total(case.problem.shipment_terms)
    for row, price in enumerate(lane_prices):
        desk.solver.set_costs(0, sending + price)
        solution = desk.solver.solve()
        bounds[row] = solution.eur
        answers.append(np.maximum(solution.values[: len(price)], 0.0))
        if row == 0:
            desk.keep_basis(case)
    return bounds, answers
