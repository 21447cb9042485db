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
from positioning.optimizer.benders_program import BendersProgram
from positioning.optimizer.pricing import BendersBlock, BendersCuts, SkuShipments, block_chunk, cut_chunk
from positioning.optimizer.workers import WorkerPool


@dataclass(frozen=True)
class LoadDecision:
    """The loads that go and what each SKU sends on them.

    Attributes
    ----------
    loads
        Whole loads by entry of ``shared.loads``, (n_loads,).
    shipments
        Units of each SKU that sends any, in packs that need not be whole.
    dual_prices
        Dual price of each resource with these loads, (n_resources,), EUR per unit of it.
    bound_eur
        No plan costs less, EUR.
    no_shipment_eur
        Cost of each SKU without shipments, EUR.
    packs
        Units of each SKU in whole packs, where the program was solved for whole packs.

    """

    loads: np.ndarray
    shipments: tuple[SkuShipments, ...]
    dual_prices: np.ndarray
    bound_eur: float
    no_shipment_eur: dict[int, float]
    packs: tuple[SkuShipments, ...] | None = None

    def to_text(self) -> str:
        """Return all of it as JSON, to the last digit."""
        packs = None if self.packs is None else _as_lists(self.packs)
        parts = [self.loads.tolist(), _as_lists(self.shipments), self.dual_prices.tolist(), self.bound_eur]
        return json.dumps([*parts, list(self.no_shipment_eur.items()), packs])

    @classmethod
    def from_text(cls, text: str) -> LoadDecision:
        """Return what ``to_text`` wrote."""
        loads, shipments, dual_prices, bound_eur, no_shipment_eur, packs = json.loads(text)
        whole = None if packs is None else _read_shipments(packs)
        return cls(
            np.array(loads), _read_shipments(shipments), np.array(dual_prices), bound_eur, dict(no_shipment_eur), whole
        )


def _as_lists(shipments: tuple[SkuShipments, ...]) -> list[tuple[int, list[float]]]:
    return [(sent.sku, sent.units.tolist()) for sent in shipments]


def _read_shipments(listed: list[tuple[int, list[float]]]) -> tuple[SkuShipments, ...]:
    return tuple(SkuShipments(sku, np.array(units)) for sku, units in listed)


def decide_loads(problem: Problem, workers: WorkerPool) -> LoadDecision:
    """Choose the loads of a plan of few skus, and whole packs where there are few shipments."""
    parameters, parts = workers.parameters.benders, workers.chunks_of(list(range(len(problem.catalog.skus))))
    blocks: list[BendersBlock] = workers.run(block_chunk, [(part,) for part in parts])
    master = BendersMaster(problem.shared, blocks, workers)
    no_shipment_eur = sum(block.no_shipment.eur for block in blocks)
    bound = master.converge(parameters.relaxed_rounds, parameters.rough_share, no_shipment_eur).bound_eur
    best = master.fixed(np.zeros(len(problem.shared.loads)), no_shipment_eur)
    tried: set[bytes] = set()
    for _ in range(parameters.load_rounds):
        chosen = master.choose(parameters.exact_share * max(no_shipment_eur - bound, master.least_eur))
        if chosen is None:
            break
        bound = max(bound, chosen.bound_eur)
        if chosen.loads.tobytes() in tried:
            break
        tried.add(chosen.loads.tobytes())
        result = master.fixed(chosen.loads, no_shipment_eur)
        best = result if result.eur < best.eur else best
        if best.eur - bound <= parameters.close_share * (no_shipment_eur - bound):
            break
    no_shipment = {block.sku: block.no_shipment.eur for block in blocks}
    decided = LoadDecision(best.loads, best.shipments, best.dual_prices, min(bound, best.eur), no_shipment)
    return _packed(master, decided, no_shipment_eur) if master.n_shipments <= parameters.packed_shipments else decided


def _packed(master: BendersMaster, decided: LoadDecision, no_shipment_eur: float) -> LoadDecision:
    """Return ``decided`` with whole packs: loads and packs from the program, evaluated until both agree."""
    packed = master.packed(decided, no_shipment_eur)
    dual_prices = master.fixed(packed.loads, no_shipment_eur).dual_prices
    bound = min(packed.bound_eur, packed.eur)
    return replace(decided, loads=packed.loads, dual_prices=dual_prices, bound_eur=bound, packs=packed.shipments)


@dataclass(frozen=True)
class _Candidate:
    """Loads and shipments with what they cost, and what the program says nothing costs less than."""

    loads: np.ndarray
    shipments: tuple[SkuShipments, ...]
    dual_prices: np.ndarray
    eur: float
    bound_eur: float


class BendersMaster:
    """The program and its evaluation sku by sku."""

    def __init__(self, shared: Shared, blocks: list[BendersBlock], workers: WorkerPool) -> None:
        """Combine the limits and cuts of the SKUs and the shared capacities."""
        self._blocks, self._workers, self._parameters = blocks, workers, workers.parameters.benders
        self._load_eur = np.array([load.eur for load in shared.loads])
        self._n_places = shared.binds.shape[1]
        self._program = BendersProgram(shared, blocks, workers.parameters)
        self.n_shipments = sum(int((block.most > 0).sum()) for block in blocks)
        self.least_eur = 1e-9 * sum(abs(block.no_shipment.eur) for block in blocks)

    def converge(self, rounds: int, share: float, no_shipment_eur: float) -> _Candidate:
        """Solve and evaluate in turns until both agree within ``share`` of what is at stake; loads may be split."""
        best, bound = None, -np.inf
        for _ in range(rounds):
            answer = self._program.solved()
            if answer is None:  # its value bounds nothing then
                break
            bound = answer.bound_eur
            shipments, eur = self._evaluated(answer.units, answer.loads)
            if best is None or eur < best.eur:
                best = _Candidate(answer.loads, _sending(shipments), answer.dual_prices, eur, bound)
            if best.eur - bound <= share * max(no_shipment_eur - bound, self.least_eur):
                break
        if best is None:
            raise StageError("rebalance", f"the solver ends with {self._program.status}, also when restarted")
        return replace(best, bound_eur=bound)

    def fixed(self, loads: np.ndarray, no_shipment_eur: float) -> _Candidate:
        """Return the best shipments on ``loads``, which are all paid for."""
        self._program.fix_loads(loads)
        rounds, share = self._parameters.fixed_rounds, self._parameters.close_share
        result = replace(self.converge(rounds, share, no_shipment_eur), loads=loads)
        self._program.free_loads()
        return result

    def choose(self, gap_eur: float) -> _Candidate | None:
        """Return the whole loads the program takes, within ``gap_eur``, and its bound; None where it has no answer."""
        answer = self._program.with_whole_loads(gap_eur)
        return None if answer is None else _Candidate(answer.loads, (), np.zeros(0), np.inf, answer.bound_eur)

    def packed(self, decided: LoadDecision, no_shipment_eur: float) -> _Candidate:
        """Return the best whole packs and loads found, first on the loads ``decided``; at worst, no shipment."""
        start = _Candidate(np.zeros(len(self._load_eur)), (), np.zeros(0), no_shipment_eur, -np.inf)
        self._program.fix_loads(decided.loads)
        gap_eur = self._parameters.exact_pack_share * max(no_shipment_eur - decided.bound_eur, self.least_eur)
        on_loads = self._rounds_of_packs(start, 0.1 * gap_eur)
        self._program.free_loads()
        start = replace(on_loads, bound_eur=decided.bound_eur)
        return self._rounds_of_packs(start, gap_eur)

    def _rounds_of_packs(self, best: _Candidate, gap_eur: float) -> _Candidate:
        """Solve and evaluate in turns until the best plan is within ``gap_eur`` of the program's bound."""
        tried: set[bytes] = set()
        for _ in range(self._parameters.pack_rounds):
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
            shipments, eur = self._evaluated(answer.units, answer.loads)
            if eur < best.eur:
                best = replace(best, loads=answer.loads, shipments=_sending(shipments), eur=eur)
        return best

    def _evaluated(self, units: list[np.ndarray], loads: np.ndarray) -> tuple[list[SkuShipments], float]:
        """Return shipments by sku and what they cost with ``loads``; what is learned becomes cuts."""
        shipments = []
        for block, sent in zip(self._blocks, units, strict=True):
            everywhere = np.zeros(self._n_places)
            everywhere[block.lanes] = sent
            shipments.append(SkuShipments(block.sku, everywhere))
        parts = self._workers.chunks_of([block.sku for block in self._blocks])
        cuts: list[BendersCuts] = self._workers.run(
            cut_chunk, [([shipments[index] for index in part],) for part in parts]
        )
        self._program.add_cuts(cuts)
        return shipments, float(sum(cut.eur for cut in cuts) + loads @ self._load_eur)


def _sending(shipments: list[SkuShipments]) -> tuple[SkuShipments, ...]:
    return tuple(sent for sent in shipments if sent.units.any())
