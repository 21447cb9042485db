"""Few skus as one program: all their shipments, the cuts of each, shared room and whole loads.

With few skus a load is far from full, and whether it goes is most of the question; prices per liter cannot answer it. So the cuts of all skus
stand beside each other in one mixed-integer program whose whole numbers are the loads, and the packs where there are few shipments (Benders; Van
Slyke & Wets, SIAM J. Appl. Math. 17 (1969)). Its answers are evaluated sku by sku, which adds cuts, until program and evaluation agree.

Columns of the program in HiGHS are shipments by sku (in packs), cost of serving demand by sku, and loads. Rows are scaled by powers of two so that
their largest coefficient lies between 1 and 2; coefficients that are rounding errors of others are left out in a way that keeps every row valid.
Not here: whole packs of many shipments (``positioning.optimizer.column_generation``), what a sku costs
(``positioning.optimizer.recourse_function``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from foundation.errors import StageError
from positioning.inputs.capacity import Shared
from positioning.inputs.problem import Problem
from positioning.optimizer.highs import CONTINUOUS, WHOLE, ZERO_OR_WHOLE, Model, Solution
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import BendersBlock, BendersCuts, SkuShipments, block_chunk, cut_chunk
from positioning.optimizer.workers import WorkerPool


@dataclass(frozen=True)
class ProgramSolution:
    """A solution of the joint program.

    Attributes
    ----------
    units
        Units of each SKU on its shipments, (L,) each.
    loads
        Loads by entry of ``shared.loads``, (n_loads,).
    dual_prices
        Dual price of each resource, (n_resources,), at least 0; 0 where columns are whole.
    bound_eur
        No solution of the program costs less.

    """

    units: list[np.ndarray]
    loads: np.ndarray
    dual_prices: np.ndarray
    bound_eur: float


class BendersProgram:
    """The program, its columns in the order shipments, cost of serving, loads."""

    def __init__(self, shared: Shared, blocks: list[BendersBlock], parameters: Parameters) -> None:
        """Combine the limits and first cuts of the SKUs and the shared capacities."""
        self._shared, self._blocks, self._parameters = shared, blocks, parameters.benders
        largest_count = parameters.benders.largest_count
        self._first = np.cumsum([0, *(len(block.lanes) for block in blocks)])
        n = int(self._first[-1])
        self._serving = n + np.arange(len(blocks))
        self._load = n + len(blocks) + np.arange(len(shared.loads))
        self._most_loads = np.array([load.most for load in shared.loads])
        self._pack, self._least, self._most = (
            np.concatenate([np.zeros(0), *(getattr(block, name) for block in blocks)]) for name in ("pack", "least", "most")
        )  # fmt: skip
        self._is_packed = self._most <= largest_count * self._pack
        self._unit = np.ones(n + len(blocks) + len(self._load))
        self._unit[:n] = self._pack * _power(np.maximum(self._most / (largest_count * self._pack), 1.0))
        self._unit[self._serving] = [self._largest_eur(index) for index in range(len(blocks))]
        self._capacity_scale = np.ones(len(shared.resources))
        self._model = Model(parameters.solver, mip_rel_gap=0.0, mip_max_nodes=self._parameters.nodes)
        self._add_columns()
        self._add_limits()
        self._first_capacity_row = self._model.n_rows
        self._add_capacities()
        self.add_cuts([block.no_shipment for block in blocks])

    @property
    def status(self) -> str:
        """How the last solve ended, in the solver's words."""
        return self._model.status

    def solved(self) -> ProgramSolution | None:
        """Return the answer where packs and loads may be split; None without one."""
        solution = self._model.try_solve()
        return None if solution is None else self._answer(solution)

    def with_whole_loads(self, gap_eur: float) -> ProgramSolution | None:
        """Return the answer with whole loads, within ``gap_eur``."""
        return self._whole(self._load, gap_eur)

    def with_whole_packs(self, gap_eur: float) -> ProgramSolution | None:
        """Return the answer with whole loads and packs, smallest sizes included, within ``gap_eur``."""
        sends = np.flatnonzero(self._is_packed & (self._most > 0))
        smallest, never = sends[self._least[sends] > self._pack[sends]], sends[self._least[sends] > self._most[sends]]
        for index in smallest:
            self._bound(index, self._least[index], self._most[index])
        for index in never:
            self._bound(index, 0.0, 0.0)
        smallest = np.setdiff1d(smallest, never)
        self._model.set_options(mip_max_nodes=self._parameters.pack_nodes)
        answer = self._whole(np.concatenate([sends, self._load]), gap_eur, smallest)
        self._model.set_options(mip_max_nodes=self._parameters.nodes)
        for index in [*smallest, *never]:
            self._bound(index, 0.0, self._most[index])
        return answer

    def fix_loads(self, loads: np.ndarray) -> None:
        """Let exactly ``loads`` go."""
        for column, amount in zip(self._load, loads, strict=True):
            self._bound(column, amount, amount)

    def free_loads(self) -> None:
        """Let any loads go."""
        for column, most in zip(self._load, self._most_loads, strict=True):
            self._bound(column, 0.0, most)

    def add_cuts(self, cuts: list[BendersCuts]) -> None:
        """Add rows slope · units + cost of serving ≥ floor by sku."""
        for index, cut in enumerate(cuts):
            first, most = self._first[index], self._blocks[index].most
            for slope, floor in zip(cut.slope, cut.floor, strict=True):
                size = np.abs(slope) * self._unit[first : self._first[index + 1]]
                is_noise = size < self._parameters.no_slope_rate * max(
                    size.max(initial=0.0), self._unit[self._serving[index]]
                )
                floor -= float((np.maximum(slope, 0.0) * most)[is_noise].sum())
                used = np.flatnonzero(~is_noise)
                self._add_row(
                    (floor, np.inf), np.append(first + used, self._serving[index]), np.append(slope[used], 1.0)
                )

    def _largest_eur(self, index: int) -> float:
        """Return what the cost of serving a sku is counted in: more than 1 EUR only where its cuts are very steep."""
        steepest = (
            np.abs(self._blocks[index].no_shipment.slope) * self._unit[self._first[index] : self._first[index + 1]]
        )
        return float(_power(np.array(max(steepest.max(initial=0.0) / self._parameters.largest_count, 1.0))))

    def _whole(self, columns: np.ndarray, gap_eur: float, smallest: np.ndarray | None = None) -> ProgramSolution | None:
        kinds = {int(column): WHOLE for column in columns}
        kinds |= {} if smallest is None else {int(column): ZERO_OR_WHOLE for column in smallest}
        self._model.set_options(mip_abs_gap=float(gap_eur))
        self._model.set_kinds(kinds)
        solution = self._model.try_solve()
        answer = None if solution is None else self._answer(solution, columns)
        self._model.set_kinds(dict.fromkeys(kinds, CONTINUOUS))
        return answer

    def _answer(self, solution: Solution, whole: np.ndarray | None = None) -> ProgramSolution:
        values = np.maximum(solution.values, 0.0)
        if whole is not None:
            values[whole] = np.round(values[whole])
        values[: self._first[-1]] *= self._unit[: self._first[-1]]
        units = [values[a:b] for a, b in zip(self._first[:-1], self._first[1:], strict=True)]
        rows = slice(self._first_capacity_row, self._first_capacity_row + len(self._capacity_scale))
        dual_prices = np.maximum(-solution.duals[rows], 0.0) * self._capacity_scale
        return ProgramSolution(units, values[self._load], dual_prices, solution.bound_eur)

    def _bound(self, column: np.integer | int, least: float, most: float) -> None:
        unit = self._unit[column]
        self._model.set_bounds(int(column), least / unit, most / unit)

    def _add_columns(self) -> None:
        n, n_sends = len(self._unit), int(self._first[-1])
        eur, least, most = np.ones(n), np.full(n, -np.inf), np.full(n, np.inf)
        least[:n_sends] = least[self._load] = 0.0
        eur[:n_sends] = np.concatenate([np.zeros(0), *(block.sending_eur for block in self._blocks)])
        most[:n_sends] = self._most
        eur[self._load], most[self._load] = [load.eur for load in self._shared.loads], self._most_loads
        self._model.add_columns(eur * self._unit, least, most / self._unit)

    def _add_limits(self) -> None:
        """Add what hubs and suppliers can give, and that a shipment goes on loads that go."""
        column_of = dict(zip([load.shipment for load in self._shared.loads], self._load, strict=True))
        for block, first in zip(self._blocks, self._first[:-1], strict=True):
            for slope, floor in zip(block.slope, block.floor, strict=True):
                used = np.flatnonzero(slope)
                self._add_row((floor, np.inf), first + used, slope[used])
            for index, lane in enumerate(block.lanes):
                if int(lane) in column_of and block.most[index] > 0:
                    columns = np.array([first + index, column_of[int(lane)]])
                    self._add_row((-np.inf, 0.0), columns, np.array([1.0, -block.most[index]]))

    def _add_capacities(self) -> None:
        column_of = dict(zip([load.shipment for load in self._shared.loads], self._load, strict=True))
        none = np.zeros((len(self._shared.resources), 0))
        uses = np.concatenate([none, *(block.uses for block in self._blocks)], axis=1)
        for index, (row, resource) in enumerate(zip(uses, self._shared.resources, strict=True)):
            used = np.flatnonzero(row)
            columns, amounts, capacity = used, row[used], resource.capacity
            if resource.load >= 0:
                columns, amounts = np.append(used, column_of[resource.load]), np.append(row[used], -resource.capacity)
                capacity = 0.0
            self._capacity_scale[index] = self._add_row((-np.inf, capacity), columns, amounts)

    def _add_row(self, between: tuple[float, float], columns: np.ndarray, amounts: np.ndarray) -> float:
        """Add lower ≤ Σ amounts × columns ≤ upper, scaled; return the scale."""
        scaled = amounts * self._unit[columns]
        scale = 1.0 / float(_power(np.abs(scaled).max(initial=0.0))) if len(scaled) else 1.0
        lower, upper = (float(side) * scale for side in between)
        self._model.add_row((lower, upper), columns, scaled * scale)
        return scale


def _power(size: np.ndarray | float) -> np.ndarray:
    """Return the powers of two nearest below ``size``; 1 for nothing."""
    _, exponent = np.frexp(np.where(np.asarray(size) > 0, size, 1.0))
    return np.ldexp(1.0, exponent - 1)


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
