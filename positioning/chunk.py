"""The work on a chunk of skus, as tasks that run in any process and give the same answer.

A chunk is a run of neighbouring skus of fixed length, whatever the number of processes; programmes of
the same shape start from one another's basis inside a chunk only. Not here: what skus share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.article import SkuProblem
from positioning.branching import Branched, Effort, Seen, Task, branch, part_charges
from positioning.costs import total
from positioning.desk import Desk
from positioning.rounding import Case, improve, whole_packs

_NOTHING_UNITS = 1e-6
_SHUT_EUR = 1e6
_WAYS = 4


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


def round_chunk(desk: Desk, split: list[Column], prices: np.ndarray) -> list[Column]:
    """Return the best whole packs near each of ``split``, on its shipments alone, at ``prices`` (n_resources,)."""
    columns: list[Column] = []
    for column in split:
        article = desk.article(column.sku)
        fractional = np.zeros(len(article.lanes))
        fractional[np.searchsorted(article.lanes, column.lanes)] = column.units
        price = np.where(fractional > 0, prices @ article.uses, _SHUT_EUR)
        found = _Found(desk.case(article, price))
        found.round(price, fractional)
        columns += found.columns.values()
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
    lane_prices = tariff.prices @ article.uses
    case = desk.case(article, lane_prices[0])
    still = desk.still(case)
    asked = lane_prices.copy()
    asked[0] += part_charges(article, tariff.charges[article.lanes])
    if not len(article.lanes) or is_idle(still.slopes, asked):
        unused = np.zeros((len(asked), len(article.uses)))
        return Answer(tariff.sku, still.eur, np.full(len(asked), still.eur), (), unused)
    bounds, answers = _relaxations(desk, case, asked)
    root = Seen(answers[0], float(bounds[0]))
    if tariff.effort.is_whole:
        found = _Found(case)
        for price, fractional in zip(lane_prices, answers, strict=True):
            found.round(price, fractional)
        if tariff.effort.nodes:
            bounds[0] = _sharpened(desk, tariff, found, root)
        columns = tuple(found.columns.values())
    else:
        rows = zip(bounds[1:], asked[1:], answers[1:], strict=True)
        columns = tuple(make_column(article, x, eur - float(price @ x)) for eur, price, x in rows)
        bounds[0], seen = _searched(desk, tariff, case, root)
        columns = (*seen, *columns)
    return Answer(tariff.sku, still.eur, bounds, columns, np.array([article.uses @ x for x in answers]))


def _searched(desk: Desk, tariff: Tariff, case: Case, root: Seen) -> tuple[float, list[Column]]:
    """Return the bound and a column for every answer on the way to it, packs not whole."""
    article, charges = case.problem, tariff.charges[case.problem.lanes]
    task = Task(article, total(article.shipment_terms) + case.price, charges, desk.still(case).eur, tariff.effort)
    found = branch(desk.solver, task, root)
    columns = {seen.units.tobytes(): seen for seen in found.seen}
    return found.bound_eur, [
        make_column(article, seen.units, seen.eur - float(case.price @ seen.units)) for seen in columns.values()
    ]


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


def _sharpened(desk: Desk, tariff: Tariff, found: _Found, root: Seen) -> float:
    """Return the bound at the case's price and the tariff's charges when packs are whole."""
    case, charges = found.case, tariff.charges[found.case.problem.lanes]
    asked = total(case.problem.shipment_terms) + case.price
    desk.solver.set_costs(0, asked + part_charges(case.problem, charges))
    best = min(desk.still(case).eur, found.best_eur(case.price, charges))
    branched = branch(desk.solver, Task(case.problem, asked, charges, best, tariff.effort), root)
    if charges.any():
        for units in _ways_to_send(branched, charges):
            found.round(np.where(units > 0, case.price, _SHUT_EUR), units)
    return branched.bound_eur


def _ways_to_send(branched: Branched, charges: np.ndarray) -> list[np.ndarray]:
    """Return the likeliest answer and the cheapest few with all charges paid that use other shipments."""
    ranked = sorted(branched.seen, key=lambda seen: seen.eur + float(charges[seen.units > 0].sum()))
    ways = {(units > 0).tobytes(): units for units in [branched.likely, *(seen.units for seen in ranked)][::-1]}
    return list(ways.values())[::-1][:_WAYS]


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
        units = solution.values[: len(price)]
        answers.append(np.where(units > _NOTHING_UNITS, units, 0.0))
        if row == 0:
            desk.keep_basis(case)
    return bounds, answers
