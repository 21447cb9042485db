"""Prices of shared room found on a sample of skus that stands for all.

A sample sees its share of every room and load. After a pass over all skus the difference between what
they want and what the sample wants on their behalf is known at those prices; it is booked as room taken,
and the sample is tuned again around it. That is a quasi-Newton step: all skus say how far prices are
off, the sample says how wants answer to prices. Not here: passes over all skus (``optimise``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from positioning.branching import Effort
from positioning.capacity import Shared
from positioning.chunk import Answer, Column, Detour, detour_chunk, price_chunk
from positioning.crew import Crew, chunks_of
from positioning.loads import load_terms_eur, shut_prices
from positioning.master import Pool, build_pool, paid, relaxed, whole_loads
from positioning.problem import Problem

_SAMPLE_SKUS = 160
_CLOSE = 0.002
_TURNS, _ROUNDS, _DROPS = 4, 2, 5
RELAXED = Effort(nodes=0, share=1.0, is_whole=False)


@dataclass(frozen=True)
class Fleet:
    """Loads that go, by entry of ``shared.loads``, prices with those paid and all others shut, and the gain in EUR."""

    loads: np.ndarray
    prices: np.ndarray
    gain_eur: float


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

    def tuned(self, start: np.ndarray, taken: np.ndarray, rounds: int) -> np.ndarray:
        """Return better prices (n_resources,) than ``start`` when ``taken`` of each room is gone already.

        Column generation with the prices of the master drawn towards the best bound (Wentges smoothing),
        for at most ``rounds`` or until bound and master are close.
        """
        asked = best = start
        best_eur, trust = -np.inf, 0.5
        nobody = np.zeros(self._n_shipments)
        for _ in range(rounds):
            own = float(sum(answer.bounds_eur[0] for answer in self._priced(asked)))
            eur = own + float(asked @ taken) + load_terms_eur(self._problem, asked, nobody)
            trust = min(1.0, 1.2 * trust) if eur > best_eur else trust * 0.7
            best, best_eur = (asked, eur) if eur > best_eur else (best, best_eur)
            prices, gain_eur = relaxed(self._pool(), self._problem.shared, taken)
            if sum(self._nothing.values()) - gain_eur - best_eur <= _CLOSE * gain_eur:
                break
            asked = best + trust * (prices - best)
        return best

    def fleet(self, taken: np.ndarray) -> Fleet:
        """Return a good choice of whole loads.

        The master with whole loads chooses, then sees what every sku would send with those paid, and with
        each of them shut in turn; again a few times. Then departures that others could stand in for more
        cheaply are dropped one by one while that gains.
        """
        has_load = np.array([row.load >= 0 for row in self._problem.shared.resources], dtype=bool)
        taken = np.where(has_load, 0.0, taken)  # found where loads were shared by what they carry
        best, losses = self._settled(whole_loads(self._pool(), self._problem.shared, taken), taken)
        for _ in range(_TURNS - 1):
            loads = whole_loads(self._pool(), self._problem.shared, taken)
            if (loads == best.loads).all():
                break
            found, found_losses = self._settled(loads, taken)
            best, losses = (found, found_losses) if found.gain_eur > best.gain_eur else (best, losses)
        tried: set[int] = set()
        for _ in range(_DROPS):
            spared = [
                load.eur - losses[load.shipment] if best.loads[at] > 0 and at not in tried else 0.0
                for at, load in enumerate(self._problem.shared.loads)
            ]
            at = int(np.argmax(spared)) if spared else -1
            if at < 0 or spared[at] <= 0:
                break
            tried.add(at)
            loads = best.loads.copy()
            loads[at] -= 1.0
            found, found_losses = self._settled(loads, taken)
            best, losses = (found, found_losses) if found.gain_eur > best.gain_eur else (best, losses)
        return best

    def refit(self, fleet: Fleet, taken: np.ndarray) -> Fleet:
        """Return ``fleet`` with prices for what is ``taken`` now."""
        return self._settled(fleet.loads, taken)[0]

    def taken(self, answers: list[Answer], row: int) -> np.ndarray:
        """Return what the sample's share of all wants exceeds its own by at ``row`` of prices, (n_resources,)."""
        everyone = np.sum([answer.wanted[row] for answer in answers], axis=0)
        own = np.sum([answers[sku].wanted[row] for sku in self.skus], axis=0)
        return np.asarray(self.share * everyone - own)

    def _settled(self, loads: np.ndarray, taken: np.ndarray) -> tuple[Fleet, np.ndarray]:
        """Return prices and gain with ``loads`` paid, and what shutting each shipment loses, (n_shipments,) EUR."""
        shared, shut = paid(self._problem.shared, loads), shut_prices(self._problem, loads)
        taken = np.where(shut > 0, 0.0, taken)
        for _ in range(_ROUNDS):
            prices = np.maximum(relaxed(self._pool(), shared, taken)[0], shut)
            self._priced(prices)
        detours: list[Detour] = self._crew.run(detour_chunk, [(chunk, prices) for chunk in chunks_of(self.skus)])
        self._columns += [detour.column for detour in detours]
        losses = np.zeros(self._n_shipments)
        np.add.at(losses, [detour.shipment for detour in detours], [detour.loss_eur for detour in detours])
        found, gain_eur = relaxed(self._pool(), shared, taken)
        cost = float(loads @ [load.eur for load in self._problem.shared.loads])
        return Fleet(loads, np.maximum(found, shut), gain_eur - cost), losses

    @property
    def _n_shipments(self) -> int:
        return len(self._problem.network.ship_days)

    def _pool(self) -> Pool:
        return build_pool(self._columns, self._nothing, len(self._problem.shared.resources))

    def _priced(self, prices: np.ndarray) -> list[Answer]:
        nobody = np.zeros((1, self._n_shipments))
        chunks = [(chunk, prices[None], nobody.repeat(len(chunk), axis=0), RELAXED) for chunk in chunks_of(self.skus)]
        answers: list[Answer] = self._crew.run(price_chunk, chunks)
        self._columns += [column for answer in answers for column in answer.columns]
        self._nothing = {answer.sku: answer.nothing_eur for answer in answers}
        return answers


def scaled(shared: Shared, share: float) -> Shared:
    """Return ``shared`` with ``share`` of every room, and of the size and cost of every load."""
    rows = tuple(replace(row, room=row.room * share) for row in shared.resources)
    return replace(shared, resources=rows, loads=tuple(replace(load, eur=load.eur * share) for load in shared.loads))
