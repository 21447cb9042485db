"""Few skus as one programme: all their shipments, the cuts of each, shared room and whole loads.

With few skus a load is far from full, and whether it goes is most of the question; prices per litre cannot answer
it. So the cuts of all skus stand beside each other in one mixed-integer programme whose whole numbers are the
loads (Benders; Van Slyke & Wets, SIAM J. Appl. Math. 17 (1969)). Its answers are evaluated sku by sku, which adds
cuts, until programme and evaluation agree. Packs need not be whole here. Not here: whole packs
(``positioning.optimise``), what a sku costs (``positioning.outline``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import highspy
import numpy as np

from foundation.errors import StageError
from positioning.capacity import Shared
from positioning.chunk import Cuts, Mix, Sketch, cut_chunk, sketch_chunk
from positioning.crew import Crew, chunks_of
from positioning.problem import Problem

_RELAXED_ROUNDS, _FIXED_ROUNDS, _ROUNDS = 40, 12, 12
# Shares of what is at stake: how close relaxed loads come, and chosen ones; how exactly loads are chosen.
_ROUGH, _CLOSE, _EXACT = 0.01, 0.004, 0.002
_NODES = 2000


@dataclass(frozen=True)
class Decided:
    """The loads that go, by entry of ``shared.loads``, what each sku sends (packs not whole), and a bound.

    No plan costs less than ``bound_eur``; ``prices`` (n_resources,) are what room is worth beside these loads.
    """

    loads: np.ndarray
    mixes: tuple[Mix, ...]
    prices: np.ndarray
    bound_eur: float
    nothing_eur: dict[int, float]

    def to_text(self) -> str:
        """Return all of it as JSON, to the last digit."""
        mixes = [[mix.sku, mix.units.tolist()] for mix in self.mixes]
        said = [self.loads.tolist(), mixes, self.prices.tolist(), self.bound_eur, list(self.nothing_eur.items())]
        return json.dumps(said)

    @classmethod
    def from_text(cls, text: str) -> Decided:
        """Return what ``to_text`` told."""
        loads, mixes, prices, bound_eur, nothing_eur = json.loads(text)
        told = tuple(Mix(sku, np.array(units)) for sku, units in mixes)
        return cls(np.array(loads), told, np.array(prices), bound_eur, dict(nothing_eur))


def decide(problem: Problem, crew: Crew) -> Decided:
    """Choose the loads of a night of few skus."""
    parts = chunks_of(list(range(len(problem.catalogue.skus))))
    sketches: list[Sketch] = crew.run(sketch_chunk, [(part,) for part in parts])
    joint = Joint(problem.shared, sketches, crew)
    nothing_eur = sum(sketch.nothing.eur for sketch in sketches)
    bound = joint.converge(_RELAXED_ROUNDS, _ROUGH, nothing_eur).bound_eur
    best = joint.fixed(np.zeros(len(problem.shared.loads)), nothing_eur)
    tried: set[bytes] = set()
    for _ in range(_ROUNDS):
        loads, told = joint.choose(_EXACT * max(nothing_eur - bound, 1.0))
        bound = max(bound, told)
        if loads.tobytes() in tried:
            break
        tried.add(loads.tobytes())
        found = joint.fixed(loads, nothing_eur)
        best = found if found.eur < best.eur else best
        if best.eur - bound <= _CLOSE * (nothing_eur - bound):
            break
    nothing = {sketch.sku: sketch.nothing.eur for sketch in sketches}
    return Decided(best.loads, best.mixes, best.prices, min(bound, best.eur), nothing)


@dataclass(frozen=True)
class _Found:
    """Loads and shipments with what they cost, and what the programme says nothing costs less than."""

    loads: np.ndarray
    mixes: tuple[Mix, ...]
    prices: np.ndarray
    eur: float
    bound_eur: float


class Joint:
    """The programme. Columns: shipments by sku, cost of serving by sku, loads."""

    def __init__(self, shared: Shared, sketches: list[Sketch], crew: Crew) -> None:
        """Put the skus' limits, cuts and shared rooms together."""
        self._shared, self._sketches, self._crew = shared, sketches, crew
        self._first = np.cumsum([0, *(len(sketch.lanes) for sketch in sketches)])
        self._serving = self._first[-1] + np.arange(len(sketches))
        self._load = self._first[-1] + len(sketches) + np.arange(len(shared.loads))
        self._load_eur = np.array([load.eur for load in shared.loads])
        self._most_loads = np.array([load.most for load in shared.loads])
        self._highs = highspy.Highs()
        self._highs.silent()
        for name, value in {"threads": 1, "random_seed": 0, "mip_rel_gap": 0.0, "mip_max_nodes": _NODES}.items():
            self._highs.setOptionValue(name, value)
        self._add_columns()
        self._add_limits()
        self._first_room = self._highs.getNumRow()
        self._add_rooms()
        self._add_cuts([sketch.nothing for sketch in sketches])

    def converge(self, rounds: int, share: float, nothing_eur: float) -> _Found:
        """Solve and evaluate in turns until both agree within ``share`` of what is at stake; loads may be split."""
        best, bound = None, -np.inf
        for _ in range(rounds):
            self._highs.run()
            if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:  # its value bounds nothing then
                break
            bound, values = self._highs.getInfo().objective_function_value, self._values()
            mixes, loads = self._mixes(values), values[self._load]
            cuts: list[Cuts] = self._crew.run(cut_chunk, [([mixes[at] for at in part],) for part in self._parts()])
            eur = float(sum(cut.eur for cut in cuts) + loads @ self._load_eur)
            if best is None or eur < best.eur:
                best = _Found(loads, tuple(mix for mix in mixes if mix.units.any()), self._prices(), eur, bound)
            self._add_cuts(cuts)
            if best.eur - bound <= share * max(nothing_eur - bound, 1e-6):
                break
        if best is None:
            raise StageError(
                "rebalance", f"the solver ends with {self._highs.modelStatusToString(self._highs.getModelStatus())}"
            )
        return replace(best, bound_eur=bound)

    def fixed(self, loads: np.ndarray, nothing_eur: float) -> _Found:
        """Return the best shipments on ``loads``, which are all paid for."""
        self._bound_loads(loads, loads)
        found = replace(self.converge(_FIXED_ROUNDS, _CLOSE, nothing_eur), loads=loads)
        self._bound_loads(np.zeros(len(loads)), self._most_loads)
        return found

    def choose(self, gap_eur: float) -> tuple[np.ndarray, float]:
        """Return the whole loads the programme takes, within ``gap_eur``, and its bound."""
        self._highs.setOptionValue("mip_abs_gap", float(gap_eur))
        self._let_loads(highspy.HighsVarType.kInteger)
        self._highs.run()
        loads, info = np.abs(np.round(self._values()[self._load])), self._highs.getInfo()
        bound = float(info.mip_dual_bound if len(loads) else info.objective_function_value)  # without loads no MILP
        self._let_loads(highspy.HighsVarType.kContinuous)
        return loads, bound

    def _values(self) -> np.ndarray:
        return np.array(self._highs.getSolution().col_value)

    def _prices(self) -> np.ndarray:
        rows = slice(self._first_room, self._first_room + len(self._shared.resources))
        return np.maximum(-np.array(self._highs.getSolution().row_dual)[rows], 0.0)

    def _parts(self) -> list[list[int]]:
        return chunks_of([sketch.sku for sketch in self._sketches])

    def _mixes(self, values: np.ndarray) -> list[Mix]:
        mixes = []
        for at, sketch in enumerate(self._sketches):
            units = np.zeros(self._shared.binds.shape[1])
            units[sketch.lanes] = np.maximum(values[self._first[at] : self._first[at + 1]], 0.0)
            mixes.append(Mix(sketch.sku, units))
        return mixes

    def _let_loads(self, kind: highspy.HighsVarType) -> None:
        for column in self._load:
            self._highs.changeColIntegrality(int(column), kind)

    def _bound_loads(self, least: np.ndarray, most: np.ndarray) -> None:
        for column, low, high in zip(self._load, least, most, strict=True):
            self._highs.changeColBounds(int(column), float(low), float(high))

    def _add_columns(self) -> None:
        n = int(self._first[-1]) + len(self._serving) + len(self._load)
        eur, least, most = np.ones(n), np.full(n, -np.inf), np.full(n, np.inf)
        least[: self._first[-1]] = least[self._load] = 0.0
        eur[: self._first[-1]] = np.concatenate([sketch.sending_eur for sketch in self._sketches])
        most[: self._first[-1]] = np.concatenate([sketch.most for sketch in self._sketches])
        eur[self._load], most[self._load] = self._load_eur, self._most_loads
        self._highs.addVars(n, least, most)
        self._highs.changeColsCost(n, np.arange(n, dtype=np.int32), eur)

    def _add_limits(self) -> None:
        """Add what hubs and suppliers can give, and that a shipment goes on loads that go."""
        column_of = dict(zip([load.shipment for load in self._shared.loads], self._load, strict=True))
        for sketch, first in zip(self._sketches, self._first[:-1], strict=True):
            for slope, floor in zip(sketch.slope, sketch.floor, strict=True):
                used = np.flatnonzero(slope)
                self._add_row((floor, np.inf), first + used, slope[used])
            for at, lane in enumerate(sketch.lanes):
                if int(lane) in column_of and sketch.most[at] > 0:
                    self._add_row((-np.inf, 0.0), [first + at, column_of[int(lane)]], [1.0, -sketch.most[at]])

    def _add_rooms(self) -> None:
        column_of = dict(zip([load.shipment for load in self._shared.loads], self._load, strict=True))
        uses = np.concatenate([sketch.uses for sketch in self._sketches], axis=1)
        for row, resource in zip(uses, self._shared.resources, strict=True):
            used = np.flatnonzero(row)
            if resource.load >= 0:
                columns, amounts = np.append(used, column_of[resource.load]), np.append(row[used], -resource.room)
                self._add_row((-np.inf, 0.0), columns, amounts)
            else:
                self._add_row((-np.inf, resource.room), used, row[used])

    def _add_cuts(self, cuts: list[Cuts]) -> None:
        for cut, first, serving in zip(cuts, self._first[:-1], self._serving, strict=True):
            for slope, floor in zip(cut.slope, cut.floor, strict=True):
                used = np.flatnonzero(slope)
                self._add_row((floor, np.inf), np.append(first + used, serving), np.append(slope[used], 1.0))

    def _add_row(self, between: tuple[float, float], columns: object, amounts: object) -> None:
        index = np.asarray(columns, dtype=np.int32)
        self._highs.addRow(*map(float, between), len(index), index, np.asarray(amounts, dtype="float64"))
