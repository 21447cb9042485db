"""Prices of shared room found on a sample of skus that stands for all, to start from.

A sample sees its share of every room and load. Not here: passes over all skus (``positioning.optimise``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from positioning.capacity import Shared
from positioning.chunk import Answer, Column, price_chunk
from positioning.crew import Crew, chunks_of
from positioning.loads import load_terms_eur
from positioning.master import Pool, build_pool, relaxed
from positioning.outline import Effort
from positioning.problem import Problem

_SAMPLE_SKUS = 160
_CLOSE = 0.002
_ROUGH = Effort(share=0.02, nodes=20, searches=2)


class Sample:
    """A stratified sample with its share of all rooms and loads, and the columns found for it so far."""

    def __init__(self, problem: Problem, crew: Crew) -> None:
        """Take every so-manieth sku in the order of expected litres, so that large and small ones are alike."""
        litres = problem.demand.mean_units.sum(axis=(1, 2)) * problem.catalogue.volume_l
        order = np.lexsort((np.arange(len(litres)), -litres))
        self.skus = sorted(int(sku) for sku in order[:: max(1, len(order) // _SAMPLE_SKUS)])
        self.share = len(self.skus) / len(order)
        self._problem = replace(problem, shared=scaled(problem.shared, self.share))
        self._crew = crew
        self._columns: list[Column] = []
        self._nothing: dict[int, float] = {}

    def tuned(self, start: np.ndarray, rounds: int) -> np.ndarray:
        """Return better prices (n_resources,) than ``start``.

        Column generation with the prices of the master drawn towards the best bound (Wentges smoothing),
        for at most ``rounds`` or until bound and master are close.
        """
        asked = best = start
        best_eur, trust = -np.inf, 0.5
        nobody = np.zeros(self._n_shipments)
        for _ in range(rounds):
            own = float(sum(answer.bound_eur for answer in self._priced(asked)))
            eur = own + load_terms_eur(self._problem, asked, nobody)
            trust = min(1.0, 1.2 * trust) if eur > best_eur else trust * 0.7
            best, best_eur = (asked, eur) if eur > best_eur else (best, best_eur)
            prices, gain_eur = relaxed(self._pool(), self._problem.shared)
            if sum(self._nothing.values()) - gain_eur - best_eur <= _CLOSE * gain_eur:
                break
            asked = best + trust * (prices - best)
        return best

    @property
    def _n_shipments(self) -> int:
        return len(self._problem.network.ship_days)

    def _pool(self) -> Pool:
        return build_pool(self._columns, self._nothing, len(self._problem.shared.resources))

    def _priced(self, prices: np.ndarray) -> list[Answer]:
        nobody = np.zeros((1, self._n_shipments))
        chunks = [(chunk, prices[None], nobody.repeat(len(chunk), axis=0), _ROUGH) for chunk in chunks_of(self.skus)]
        answers: list[Answer] = self._crew.run(price_chunk, chunks)
        self._columns += [column for answer in answers for column in answer.columns]
        self._nothing = {answer.sku: answer.nothing_eur for answer in answers}
        return answers


def scaled(shared: Shared, share: float) -> Shared:
    """Return ``shared`` with ``share`` of every room, and of the size and cost of every load."""
    rows = tuple(replace(row, room=row.room * share) for row in shared.resources)
    return replace(shared, resources=rows, loads=tuple(replace(load, eur=load.eur * share) for load in shared.loads))
