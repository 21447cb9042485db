"""From prices to a plan: bound, columns, master, in a few passes over all skus.

Here: the order of passes and when to stop. Not here: the work on a SKU (``pricing``) or the choice
among columns (``master``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from foundation.checkpoint import Checkpoints, recompute
from positioning.inputs.capacity import Shared
from positioning.inputs.problem import Problem
from positioning.optimizer.benders import LoadDecision, decide_loads
from positioning.optimizer.load_prices import full_load_prices, load_terms_eur, shut_prices
from positioning.optimizer.master import (
    InteriorSolution,
    MasterSolution,
    Pool,
    build_pool,
    choose,
    interior_solution,
    paid,
    relaxed_master,
    split_shipments,
    whole_loads,
)
from positioning.optimizer.parameters import Effort, Parameters
from positioning.optimizer.pricing import (
    Column,
    PricingResult,
    SkuShipments,
    price_chunk,
    remove_cycles_chunk,
    round_down_chunk,
)
from positioning.optimizer.workers import WorkerPool


@dataclass(frozen=True)
class Duals:
    """Dual prices at which a pass prices the SKUs.

    Attributes
    ----------
    dual_prices
        Rows of dual prices, (n, n_resources), EUR per unit of the resource.
    linking_duals
        Cost of using a shipment at all, (n_skus, n_shipments), EUR; it applies to the first row only.

    """

    dual_prices: np.ndarray
    linking_duals: np.ndarray


def price_skus(workers: WorkerPool, duals: Duals, effort: Effort) -> list[PricingResult]:
    """Return the pricing result of every SKU, in order."""
    chunks = workers.chunks_of(list(range(len(duals.linking_duals))))
    return workers.run(
        price_chunk, [(chunk, duals.dual_prices, duals.linking_duals[chunk], effort) for chunk in chunks]
    )


def columns_of(answers: list[PricingResult]) -> list[Column]:
    """Return all columns of ``answers``."""
    return [column for answer in answers for column in answer.columns]


def no_shipment_costs(answers: list[PricingResult]) -> dict[int, float]:
    """Return what every sku costs when nothing is sent, EUR."""
    return {answer.sku: answer.no_shipment_eur for answer in answers}


def bound_eur(problem: Problem, answers: list[PricingResult], duals: Duals) -> float:
    """Return the Lagrangian bound of the first row of prices and the charges: no plan costs less, EUR."""
    specified = float(sum(answer.bound_eur for answer in answers))
    return specified + load_terms_eur(problem, duals.dual_prices[0], duals.linking_duals.sum(axis=0))


class ColumnGeneration:
    """The best bound and where it was found, and the columns so far."""

    def __init__(self, problem: Problem, workers: WorkerPool, dual_prices: np.ndarray) -> None:
        """Start from ``dual_prices`` (n_resources,) and no charges."""
        zeros = np.zeros((len(problem.catalog.skus), len(problem.network.ship_days)))
        self.best = self._duals = Duals(dual_prices[None], zeros)
        self.bound_eur = -np.inf
        self.no_shipment_eur: dict[int, float] = {}
        self.columns: list[Column] = []
        self._problem, self._workers, self._parameters = problem, workers, workers.parameters.column_generation
        self._step = self._parameters.smoothing.start

    def run(self) -> None:
        """Price all SKUs in passes until bound and master are close.

        The next prices and charges lie between those of the best bound and the master's, closer to the
        best after a pass that did not improve it (Wentges, "Weighted Dantzig–Wolfe decomposition for
        linear mixed-integer programming", Int. Trans. Oper. Res. 4 (1997)).
        """
        parameters = self._parameters
        for number in range(parameters.passes):
            effort = parameters.early_effort if number < parameters.early_passes else parameters.effort
            answers = price_skus(self._workers, self._duals, effort)
            self.no_shipment_eur = no_shipment_costs(answers)
            self._update_bound(bound_eur(self._problem, answers, self._duals))
            self.columns += columns_of(answers)
            pool = self.pool()
            n_skus = len(self.no_shipment_eur)
            master = interior_solution(pool, self._problem.shared, n_skus, self._workers.parameters)
            self.columns = _kept(pool, master, max(parameters.kept_columns, parameters.kept_columns_of_all // n_skus))
            no_shipment = sum(self.no_shipment_eur.values())
            if no_shipment - master.gain_eur - self.bound_eur <= parameters.close_share * (
                no_shipment - self.bound_eur
            ):
                break
            self._duals = _between(self.best, master, self._step)

    def pool(self) -> Pool:
        """Return the columns beside what nothing costs."""
        return build_pool(self.columns, self.no_shipment_eur, len(self._problem.shared.resources))

    def _update_bound(self, eur: float) -> None:
        self._step = self._parameters.smoothing.after(self._step, is_better=eur > self.bound_eur)
        if eur > self.bound_eur:
            self.best, self.bound_eur = self._duals, eur


def _between(best: Duals, master: InteriorSolution, step: float) -> Duals:
    dual_prices = best.dual_prices + step * (master.dual_prices[None] - best.dual_prices)
    return Duals(dual_prices, best.linking_duals + step * (master.linking_duals - best.linking_duals))


def _kept(pool: Pool, master: InteriorSolution, most: int) -> list[Column]:
    """Return each sku's ``most`` most promising columns at the master's prices and charges."""
    owed = np.array([master.linking_duals[column.sku, column.lanes].sum() for column in pool.columns])
    promise = pool.gain_eur - pool.uses @ master.dual_prices - owed
    order = np.lexsort((np.arange(len(promise)), -promise, pool.sku))
    rank = np.arange(len(order)) - np.searchsorted(pool.sku[order], pool.sku[order])
    return [pool.columns[index] for index in np.sort(order[rank < most])]


class Sample:
    """A stratified sample with its share of all capacities and loads, and its columns so far."""

    def __init__(self, problem: Problem, workers: WorkerPool) -> None:
        """Take every n-th SKU in the order of expected volume, so that the sample covers large and small SKUs alike."""
        self._workers, self._parameters = workers, workers.parameters.column_generation.sample
        liters = problem.demand.mean_units.sum(axis=(1, 2)) * problem.catalog.volume_l
        order = np.lexsort((np.arange(len(liters)), -liters))
        self.skus = sorted(int(sku) for sku in order[:: max(1, len(order) // self._parameters.skus)])
        self.share = len(self.skus) / len(order)
        self._problem = problem.with_shared(scaled(problem.shared, self.share))
        self._columns: list[Column] = []
        self._no_shipment: dict[int, float] = {}

    def tune(self, start: np.ndarray) -> np.ndarray:
        """Return better prices (n_resources,) than ``start``.

        Column generation with the dual prices of the master drawn toward the best bound (Wentges smoothing),
        until bound and master are close.
        """
        request = best = start
        parameters, best_eur = self._parameters, -np.inf
        step = parameters.smoothing.start
        zeros = np.zeros(self._n_shipments)
        for _ in range(parameters.rounds):
            specified = float(sum(answer.bound_eur for answer in self._price_sample(request)))
            eur = specified + load_terms_eur(self._problem, request, zeros)
            step = parameters.smoothing.after(step, is_better=eur > best_eur)
            best, best_eur = (request, eur) if eur > best_eur else (best, best_eur)
            dual_prices, gain_eur = relaxed_master(self._pool(), self._problem.shared, self._workers.parameters)
            if sum(self._no_shipment.values()) - gain_eur - best_eur <= parameters.close_share * gain_eur:
                break
            request = best + step * (dual_prices - best)
        return best

    @property
    def _n_shipments(self) -> int:
        return len(self._problem.network.ship_days)

    def _pool(self) -> Pool:
        return build_pool(self._columns, self._no_shipment, len(self._problem.shared.resources))

    def _price_sample(self, dual_prices: np.ndarray) -> list[PricingResult]:
        zeros = np.zeros((1, self._n_shipments))
        chunks = [
            (chunk, dual_prices[None], zeros.repeat(len(chunk), axis=0), self._parameters.effort)
            for chunk in self._workers.chunks_of(self.skus)
        ]
        answers: list[PricingResult] = self._workers.run(price_chunk, chunks)
        self._columns += [column for answer in answers for column in answer.columns]
        self._no_shipment = {answer.sku: answer.no_shipment_eur for answer in answers}
        return answers


def scaled(shared: Shared, share: float) -> Shared:
    """Return ``shared`` with ``share`` of every capacity, and of the size and cost of every load."""
    rows = tuple(replace(row, capacity=row.capacity * share) for row in shared.resources)
    return replace(shared, resources=rows, loads=tuple(replace(load, eur=load.eur * share) for load in shared.loads))


@dataclass(frozen=True)
class Optimum:
    """The plan of the optimizer and its bound.

    Attributes
    ----------
    choice
        Columns and loads of the plan.
    no_shipment_eur
        Cost of each SKU without shipments.
    plan_eur
        Cost of the plan, loads included.
    bound_eur
        No plan costs less on these demand scenarios.

    """

    choice: MasterSolution
    no_shipment_eur: dict[int, float]
    plan_eur: float
    bound_eur: float


def optimize(problem: Problem, workers: WorkerPool, checkpoints: Checkpoints = recompute) -> Optimum:
    """Find a plan and a bound: prices for shared room, the best columns at them, a choice among those."""
    if workers.parameters.are_few(len(problem.catalog.skus)):
        optimum = plan_by_benders(problem, workers, checkpoints)
    else:
        optimum = plan_by_column_generation(problem, workers)
    return _without_cycles(problem, workers, optimum)


def plan_by_column_generation(problem: Problem, workers: WorkerPool) -> Optimum:
    """Generate columns for prices and charges, choose the loads that go, then whole packs for those.

    Prices start from a sample of the skus.
    """
    parameters = workers.parameters.column_generation
    generation = ColumnGeneration(problem, workers, Sample(problem, workers).tune(full_load_prices(problem)))
    generation.run()
    loads = _loads(problem, generation.pool(), workers.parameters)
    for _ in range(parameters.packing_passes):
        generation.columns += _columns_on_loads(problem, workers, generation.pool(), (loads, parameters.effort))
        loads = _loads(problem, generation.pool(), workers.parameters)
    return _optimum(problem, workers, (generation.columns, generation.no_shipment_eur, loads), generation.bound_eur)


def plan_by_benders(problem: Problem, workers: WorkerPool, checkpoints: Checkpoints) -> Optimum:
    """Choose loads by one program of all SKUs, then whole packs for those."""
    parameters = workers.parameters.benders
    decided = LoadDecision.from_text(checkpoints("loads", lambda: decide_loads(problem, workers).to_text()))
    columns, loads = workers.run(round_down_chunk, _chunked(workers, decided.shipments)), decided.loads
    duals = Duals(decided.dual_prices[None], np.zeros((len(problem.catalog.skus), len(problem.network.ship_days))))
    answers = price_skus(workers, duals, parameters.effort)
    columns += columns_of(answers) + _columns_at(problem, workers, decided.dual_prices, (loads, parameters.effort))

    def pool() -> Pool:
        return build_pool(columns, decided.no_shipment_eur, len(problem.shared.resources))

    for _ in range(parameters.packing_passes):
        columns += _columns_on_loads(problem, workers, pool(), (loads, parameters.effort))
        loads = whole_loads(pool(), problem.shared, loads, np.ones(len(loads), dtype=bool), workers.parameters)
    bound = max(
        decided.bound_eur, bound_eur(problem, answers, duals)
    )  # the other knows whole packs, but no whole loads
    result = _optimum(problem, workers, (columns, decided.no_shipment_eur, loads), bound)
    return (
        result
        if decided.packs is None
        else _cheaper(problem, result, decided, workers.run(round_down_chunk, _chunked(workers, decided.packs)))
    )


def _cheaper(problem: Problem, optimum: Optimum, decided: LoadDecision, packed: list[Column]) -> Optimum:
    """Return the cheaper of ``optimum`` and the columns of the program with whole packs."""
    choice = replace(optimum.choice, column={column.sku: column for column in packed}, loads=decided.loads)
    eur = _plan_eur(problem, optimum.no_shipment_eur, choice)
    return replace(optimum, choice=choice, plan_eur=eur) if eur < optimum.plan_eur else optimum


def _without_cycles(problem: Problem, workers: WorkerPool, optimum: Optimum) -> Optimum:
    """Return ``optimum`` without goods that are sent in a circle, which moves nothing."""
    column = optimum.choice.column
    moved = {
        sku: SkuShipments(sku, _units_on_all_lanes(problem, column[sku]))
        for sku in sorted(column)
        if _may_cycle(problem, column[sku])
    }
    changed = workers.run(remove_cycles_chunk, _chunked(workers, tuple(moved.values()))) if moved else []
    kept = {sku: one for sku, one in column.items() if sku not in moved} | {
        one.sku: one for one in changed if len(one.lanes)
    }
    choice = replace(optimum.choice, column={sku: kept[sku] for sku in sorted(kept)})
    return replace(optimum, choice=choice, plan_eur=_plan_eur(problem, optimum.no_shipment_eur, choice))


def _may_cycle(problem: Problem, column: Column) -> bool:
    """Whether a hub both gives and receives the sku by transfers."""
    lanes = problem.network.shipments
    moves = column.lanes[~lanes.is_supply[column.lanes]]
    return bool(np.isin(lanes.origin[moves], lanes.destination[moves]).any())


def _units_on_all_lanes(problem: Problem, column: Column) -> np.ndarray:
    units = np.zeros(len(problem.network.ship_days))
    units[column.lanes] = column.units
    return units


def _optimum(
    problem: Problem, workers: WorkerPool, solution: tuple[list[Column], dict[int, float], np.ndarray], bound_eur: float
) -> Optimum:
    """Choose among the columns solution on the loads solution."""
    columns, no_shipment_eur, loads = solution
    choice = _chosen(problem, workers, columns, no_shipment_eur, loads)
    return Optimum(choice, no_shipment_eur, _plan_eur(problem, no_shipment_eur, choice), bound_eur)


def _loads(problem: Problem, pool: Pool, parameters: Parameters) -> np.ndarray:
    """Return whole loads near those of the relaxed master."""
    split = interior_solution(pool, problem.shared, len(problem.catalog.skus), parameters).loads
    doubtful = np.abs(split - np.round(split)) > parameters.column_generation.doubtful_share
    return whole_loads(pool, problem.shared, np.round(split), doubtful, parameters)


def _columns_on_loads(
    problem: Problem, workers: WorkerPool, pool: Pool, loads_and_effort: tuple[np.ndarray, Effort]
) -> list[Column]:
    """Return what skus want at the master's prices with the loads loads_and_effort for paid and all others shut."""
    dual_prices, _ = relaxed_master(pool, paid(problem.shared, loads_and_effort[0]), workers.parameters)
    return _columns_at(problem, workers, dual_prices, loads_and_effort)


def _columns_at(
    problem: Problem, workers: WorkerPool, dual_prices: np.ndarray, loads_and_effort: tuple[np.ndarray, Effort]
) -> list[Column]:
    """Return what skus want at ``dual_prices`` (n_resources,) on the loads loads_and_effort for."""
    loads, effort = loads_and_effort
    zeros = np.zeros((len(problem.catalog.skus), len(problem.network.ship_days)))
    return columns_of(
        price_skus(workers, Duals(np.maximum(dual_prices, shut_prices(problem, loads))[None], zeros), effort)
    )


def _chosen(
    problem: Problem, workers: WorkerPool, columns: list[Column], no_shipment: dict[int, float], loads: np.ndarray
) -> MasterSolution:
    """Choose among ``columns`` and those that the relaxed master splits, rounded down, which are added to them."""
    shut = [load.shipment for load, amount in zip(problem.shared.loads, loads, strict=True) if amount <= 0]

    def pool() -> Pool:
        going = [column for column in columns if not np.isin(column.lanes, shut).any()]  # goods of no size too
        return build_pool(going, no_shipment, len(problem.shared.resources))

    if split := split_shipments(pool(), problem.shared, loads, workers.parameters):
        columns += workers.run(round_down_chunk, _chunked(workers, split))
    return choose(pool(), problem.shared, loads, workers.parameters)


def _chunked(workers: WorkerPool, shipments: tuple[SkuShipments, ...]) -> list[tuple[list[SkuShipments]]]:
    by_sku = {sent.sku: sent for sent in shipments}
    return [([by_sku[sku] for sku in chunk],) for chunk in workers.chunks_of(sorted(by_sku))]


def _plan_eur(problem: Problem, no_shipment: dict[int, float], choice: MasterSolution) -> float:
    moved = {sku: column.eur for sku, column in choice.column.items()}
    fixed = sum(load.eur * amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True))
    return float(sum(moved.get(sku, eur) for sku, eur in no_shipment.items()) + fixed)
