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
class Tariff:
    """What one sku is asked to pay: rows of prices, charges by shipment of the network, and the effort."""

    sku: int
    prices: np.ndarray
    charges: np.ndarray
    effort: Effort


def _price_sku(desk: Desk, tariff: Tariff) -> Answer:
    article = desk.article(tariff.sku)
    lane_prices, charges = tariff.prices @ article.uses, tariff.charges[article.lanes]
    case = desk.case(article, lane_prices[0])
    still = desk.still(case)
    if not len(article.lanes) or is_idle(still.slopes, lane_prices):
        unused = np.zeros((len(lane_prices), len(article.uses)))
        return Answer(tariff.sku, still.eur, np.full(len(lane_prices), still.eur), (), unused)
    bounds, answers = _relaxations(desk, case, lane_prices)
    columns: dict[tuple[float, ...], Column] = {}

    def keep(price: np.ndarray, fractional: np.ndarray) -> None:
        units, eur = improve(Case(article, case.ways, case.ahead, price), whole_packs(article, fractional))
        if units.any():
            columns.setdefault(tuple(units), make_column(article, units, eur))

    for price, fractional in zip(lane_prices, answers, strict=True):
        keep(price, fractional)
    if tariff.effort.nodes:
        at_first = [
            column.eur + float(lane_prices[0] @ x + charges[np.array(x) > 0].sum()) for x, column in columns.items()
        ]
        desk.solver.set_costs(0, total(article.shipment_terms) + lane_prices[0])
        best = min([still.eur, *at_first])
        bounds[0], likely = branch(desk.solver, article, charges, best, tariff.effort, (bounds[0], answers[0]))
        if charges.any():
            keep(np.where(likely > 0, lane_prices[0], 1e6), likely)
    return Answer(tariff.sku, still.eur, bounds, tuple(columns.values()), np.array([article.uses @ x for x in answers]))


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
