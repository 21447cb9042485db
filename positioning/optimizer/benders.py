"""Few skus as one program: all their shipments, the cuts of each, shared room and whole loads.

With few skus a load is far from full, and whether it goes is most of the question; prices per liter cannot answer
it. So the cuts of all skus stand beside each other in one mixed-integer program whose whole numbers are the
loads, and the packs where there are few shipments (Benders; Van Slyke & Wets, SIAM J. Appl. Math. 17 (1969)). Its
answers are evaluated sku by sku, which adds cuts, until program and evaluation agree. Not here: whole packs of
many shipments (``positioning.optimizer.column_generation``), what a sku costs (``positioning.optimizer.recourse_function``), the program's rows
(``positioning.optimizer.benders_program``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from foundation.errors import StageError
from positioning.inputs.capacity import Shared
from positioning.inputs.problem import Problem
from positioning.optimizer.benders_program import Program
from positioning.optimizer.pricing import Cuts, Mix, Sketch, cut_chunk, sketch_chunk
from positioning.optimizer.workers import Crew, chunks_of

_RELAXED_ROUNDS, _FIXED_ROUNDS, _ROUNDS, _PACK_ROUNDS = 40, 12, 12, 12
# Shares of what is at stake: how close relaxed loads come, and chosen ones; how exactly loads and packs are chosen.
_ROUGH, _CLOSE, _EXACT, _EXACT_PACKS = 0.01, 0.004, 0.002, 0.0005
# Packs are whole in this program up to so many shipments.
_PACKED_SHIPMENTS = 150


@dataclass(frozen=True)
class Decided:
    """The loads that go, by entry of ``shared.loads``, what each sku sends (packs not whole), and a bound.

    No plan costs less than ``bound_eur``; ``prices`` (n_resources,) are what room is worth beside these loads.
    ``packs`` are what skus send in whole packs on these loads, where the program was solved for whole packs.
    """

    loads: np.ndarray
    mixes: tuple[Mix, ...]
    prices: np.ndarray
    bound_eur: float
    nothing_eur: dict[int, float]
    packs: tuple[Mix, ...] | None = None

    def to_text(self) -> str:
        """Return all of it as JSON, to the last digit."""
        packs = None if self.packs is None else _listed(self.packs)
        parts = [self.loads.tolist(), _listed(self.mixes), self.prices.tolist(), self.bound_eur]
        return json.dumps([*parts, list(self.nothing_eur.items()), packs])

    @classmethod
    def from_text(cls, text: str) -> Decided:
        """Return what ``to_text`` wrote."""
        loads, mixes, prices, bound_eur, nothing_eur, packs = json.loads(text)
        whole = None if packs is None else _mixes(packs)
        return cls(np.array(loads), _mixes(mixes), np.array(prices), bound_eur, dict(nothing_eur), whole)


def _listed(mixes: tuple[Mix, ...]) -> list[tuple[int, list[float]]]:
    return [(mix.sku, mix.units.tolist()) for mix in mixes]


def _mixes(listed: list[tuple[int, list[float]]]) -> tuple[Mix, ...]:
    return tuple(Mix(sku, np.array(units)) for sku, units in listed)


def decide(problem: Problem, crew: Crew) -> Decided:
    """Choose the loads of a plan of few skus, and whole packs where there are few shipments."""
    parts = chunks_of(list(range(len(problem.catalogue.skus))))
    sketches: list[Sketch] = crew.run(sketch_chunk, [(part,) for part in parts])
    joint = Joint(problem.shared, sketches, crew)
    nothing_eur = sum(sketch.nothing.eur for sketch in sketches)
    bound = joint.converge(_RELAXED_ROUNDS, _ROUGH, nothing_eur).bound_eur
    best = joint.fixed(np.zeros(len(problem.shared.loads)), nothing_eur)
    tried: set[bytes] = set()
    for _ in range(_ROUNDS):
        chosen = joint.choose(_EXACT * max(nothing_eur - bound, joint.least_eur))
        if chosen is None:
            break
        bound = max(bound, chosen.bound_eur)
        if chosen.loads.tobytes() in tried:
            break
        tried.add(chosen.loads.tobytes())
        result = joint.fixed(chosen.loads, nothing_eur)
        best = result if result.eur < best.eur else best
        if best.eur - bound <= _CLOSE * (nothing_eur - bound):
            break
    no_shipment = {sketch.sku: sketch.nothing.eur for sketch in sketches}
    decided = Decided(best.loads, best.mixes, best.prices, min(bound, best.eur), no_shipment)
    return _packed(joint, decided, nothing_eur) if joint.n_shipments <= _PACKED_SHIPMENTS else decided


def _packed(joint: Joint, decided: Decided, nothing_eur: float) -> Decided:
    """Return ``decided`` with whole packs: loads and packs from the program, evaluated until both agree."""
    packed = joint.packed(decided, nothing_eur)
    prices = joint.fixed(packed.loads, nothing_eur).prices
    bound = min(packed.bound_eur, packed.eur)
    return replace(decided, loads=packed.loads, prices=prices, bound_eur=bound, packs=packed.mixes)


@dataclass(frozen=True)
class _Found:
    """Loads and shipments with what they cost, and what the program says nothing costs less than."""

    loads: np.ndarray
    mixes: tuple[Mix, ...]
    prices: np.ndarray
    eur: float
    bound_eur: float


class Joint:
    """The program and its evaluation sku by sku."""

    def __init__(self, shared: Shared, sketches: list[Sketch], crew: Crew) -> None:
        """Put the skus' limits, cuts and shared rooms together."""
        self._sketches, self._crew = sketches, crew
        self._load_eur = np.array([load.eur for load in shared.loads])
        self._n_places = shared.binds.shape[1]
        self._program = Program(shared, sketches)
        self.n_shipments = sum(int((sketch.most > 0).sum()) for sketch in sketches)
        self.least_eur = 1e-9 * sum(abs(sketch.nothing.eur) for sketch in sketches)

    def converge(self, rounds: int, share: float, nothing_eur: float) -> _Found:
        """Solve and evaluate in turns until both agree within ``share`` of what is at stake; loads may be split."""
        best, bound = None, -np.inf
        for _ in range(rounds):
            answer = self._program.solved()
            if answer is None:  # its value bounds nothing then
                break
            bound = answer.bound_eur
            mixes, eur = self._evaluated(answer.units, answer.loads)
            if best is None or eur < best.eur:
                best = _Found(answer.loads, _sending(mixes), answer.prices, eur, bound)
            if best.eur - bound <= share * max(nothing_eur - bound, self.least_eur):
                break
        if best is None:
            raise StageError("rebalance", f"the solver ends with {self._program.status}, also when restarted")
        return replace(best, bound_eur=bound)

    def fixed(self, loads: np.ndarray, nothing_eur: float) -> _Found:
        """Return the best shipments on ``loads``, which are all paid for."""
        self._program.fix_loads(loads)
        result = replace(self.converge(_FIXED_ROUNDS, _CLOSE, nothing_eur), loads=loads)
        self._program.free_loads()
        return result

    def choose(self, gap_eur: float) -> _Found | None:
        """Return the whole loads the program takes, within ``gap_eur``, and its bound; None where it has no answer."""
        answer = self._program.with_whole_loads(gap_eur)
        return None if answer is None else _Found(answer.loads, (), np.zeros(0), np.inf, answer.bound_eur)

    def packed(self, decided: Decided, nothing_eur: float) -> _Found:
        """Return the best whole packs and loads found, first on the loads ``decided``; at worst, no shipment."""
        start = _Found(np.zeros(len(self._load_eur)), (), np.zeros(0), nothing_eur, -np.inf)
        self._program.fix_loads(decided.loads)
        gap_eur = _EXACT_PACKS * max(nothing_eur - decided.bound_eur, self.least_eur)
        on_loads = self._rounds_of_packs(start, 0.1 * gap_eur)
        self._program.free_loads()
        start = replace(on_loads, bound_eur=decided.bound_eur)
        return self._rounds_of_packs(start, gap_eur)

    def _rounds_of_packs(self, best: _Found, gap_eur: float) -> _Found:
        """Solve and evaluate in turns until the best plan is within ``gap_eur`` of the program's bound."""
        tried: set[bytes] = set()
        for _ in range(_PACK_ROUNDS):
            if best.eur - best.bound_eur <= gap_eur:
                break
            answer = self._program.with_whole_packs(0.5 * gap_eur)
            if answer is None:
                break
            best = replace(best, bound_eur=max(best.bound_eur, answer.bound_eur))
            key = np.concatenate([*answer.units, answer.loads]).tobytes()
            if key in tried:
                break
            tried.add(key)
            mixes, eur = self._evaluated(answer.units, answer.loads)
            if eur < best.eur:
                best = replace(best, loads=answer.loads, mixes=_sending(mixes), eur=eur)
        return best

    def _evaluated(self, units: list[np.ndarray], loads: np.ndarray) -> tuple[list[Mix], float]:
        """Return shipments by sku and what they cost with ``loads``; what is learned becomes cuts."""
        mixes = []
        for sketch, sent in zip(self._sketches, units, strict=True):
            everywhere = np.zeros(self._n_places)
            everywhere[sketch.lanes] = sent
            mixes.append(Mix(sketch.sku, everywhere))
        parts = chunks_of([sketch.sku for sketch in self._sketches])
        cuts: list[Cuts] = self._crew.run(cut_chunk, [([mixes[index] for index in part],) for part in parts])
        self._program.add_cuts(cuts)
        return mixes, float(sum(cut.eur for cut in cuts) + loads @ self._load_eur)


def _sending(mixes: list[Mix]) -> tuple[Mix, ...]:
    return tuple(mix for mix in mixes if mix.units.any())
