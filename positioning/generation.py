"""Column generation over all skus: prices for shared room, charges for using a load at all, the best bound.

Charges make a load's cost due where a sku uses it. With prices per litre alone the bound lets a third of
a truck go at a third of its cost; with charges it says, as the dual of a facility location problem does,
who would pay for the truck. Not here: the choice among columns (``positioning.master``), whole packs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.chunk import Answer, Column, price_chunk
from positioning.crew import Crew, chunks_of
from positioning.loads import load_terms_eur
from positioning.master import Central, Pool, build_pool, central
from positioning.outline import Effort
from positioning.problem import Problem

_CLOSE = 0.004
# Columns kept: of each sku, and of all where skus are few.
_KEPT, _KEPT_OF_ALL = 12, 2000


@dataclass(frozen=True)
class Ask:
    """What a pass asks: rows of prices (n, n_resources), charges (n_skus, n_shipments) due at the first row."""

    prices: np.ndarray
    charges: np.ndarray


def priced(crew: Crew, ask: Ask, effort: Effort) -> list[Answer]:
    """Ask every sku; one answer each, in order."""
    skus = list(range(len(ask.charges)))
    return crew.run(price_chunk, [(chunk, ask.prices, ask.charges[chunk], effort) for chunk in chunks_of(skus)])


def columns_of(answers: list[Answer]) -> list[Column]:
    """Return all columns of ``answers``."""
    return [column for answer in answers for column in answer.columns]


def nothing_of(answers: list[Answer]) -> dict[int, float]:
    """Return what every sku costs when nothing is sent, EUR."""
    return {answer.sku: answer.nothing_eur for answer in answers}


def bound_eur(problem: Problem, answers: list[Answer], ask: Ask) -> float:
    """Return the Lagrangian bound of the first row of prices and the charges: no plan costs less, EUR."""
    own = float(sum(answer.bound_eur for answer in answers))
    return own + load_terms_eur(problem, ask.prices[0], ask.charges.sum(axis=0))


class Generation:
    """The best bound and where it was found, and the columns so far."""

    def __init__(self, problem: Problem, crew: Crew, prices: np.ndarray) -> None:
        """Start from ``prices`` (n_resources,) and no charges."""
        nobody = np.zeros((len(problem.catalogue.skus), len(problem.network.ship_days)))
        self.best = self._asked = Ask(prices[None], nobody)
        self.bound_eur = -np.inf
        self.nothing_eur: dict[int, float] = {}
        self.columns: list[Column] = []
        self._problem, self._crew = problem, crew
        self._trust = 0.7

    def run(self, passes: int, effort: Effort) -> None:
        """Ask all skus, at most ``passes`` times, until bound and master are close.

        The next prices and charges lie between those of the best bound and the master's, closer to the
        best after a pass that did not improve it (Wentges, "Weighted Dantzig–Wolfe decomposition for
        linear mixed-integer programming", Int. Trans. Oper. Res. 4 (1997)).
        """
        for _ in range(passes):
            answers = priced(self._crew, self._asked, effort)
            self.nothing_eur = nothing_of(answers)
            self._learn(bound_eur(self._problem, answers, self._asked))
            self.columns += columns_of(answers)
            pool = self.pool()
            master = central(pool, self._problem.shared, len(self.nothing_eur))
            self.columns = _kept(pool, master, max(_KEPT, _KEPT_OF_ALL // len(self.nothing_eur)))
            nothing = sum(self.nothing_eur.values())
            if nothing - master.gain_eur - self.bound_eur <= _CLOSE * (nothing - self.bound_eur):
                break
            self._asked = _between(self.best, master, self._trust)

    def pool(self) -> Pool:
        """Return the columns beside what nothing costs."""
        return build_pool(self.columns, self.nothing_eur, len(self._problem.shared.resources))

    def _learn(self, eur: float) -> None:
        if eur > self.bound_eur:
            self.best, self.bound_eur, self._trust = self._asked, eur, min(1.0, 1.2 * self._trust)
        else:
            self._trust *= 0.7


def _between(best: Ask, master: Central, trust: float) -> Ask:
    prices = best.prices + trust * (master.prices[None] - best.prices)
    return Ask(prices, best.charges + trust * (master.charges - best.charges))


def _kept(pool: Pool, master: Central, most: int) -> list[Column]:
    """Return each sku's ``most`` most promising columns at the master's prices and charges."""
    owed = np.array([master.charges[column.sku, column.lanes].sum() for column in pool.columns])
    promise = pool.gain_eur - pool.uses @ master.prices - owed
    order = np.lexsort((np.arange(len(promise)), -promise, pool.sku))
    rank = np.arange(len(order)) - np.searchsorted(pool.sku[order], pool.sku[order])
    return [pool.columns[at] for at in np.sort(order[rank < most])]
