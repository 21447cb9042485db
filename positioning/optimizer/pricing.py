"""The work on a chunk of skus, as tasks that run in any process and give the same answer.

A chunk is a run of neighboring SKUs of fixed length, whatever the number of processes. Units that a solution sends around a cycle of
hubs are taken back, because they move nothing: where moving is free, the optimizer is indifferent to them. Not here: what skus share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.demand_scenarios import draw
from positioning.inputs.demand import law
from positioning.inputs.problem import Problem, arrival_buckets
from positioning.inputs.subproblem import Subproblem, build_subproblem
from positioning.optimizer.parameters import Effort, Parameters
from positioning.optimizer.recourse import PricedSubproblem, build_service_arcs, new_scenarios
from positioning.optimizer.recourse_function import PricingTerms, RecourseFunction


class SubproblemCache:
    """The subproblems of one process. Results depend on the earlier tasks of the SKU's chunk, in order."""

    def __init__(self, problem: Problem, parameters: Parameters) -> None:
        self.problem, self.parameters = problem, parameters
        specified = problem.settings.positioning
        self.arrival = arrival_buckets(problem, specified.scenarios, "plan")
        self.held_out_arrival = arrival_buckets(problem, specified.out_of_sample_scenarios, "fresh")
        self._subproblems: dict[int, Subproblem] = {}
        self._demand_scenarios: dict[int, np.ndarray] = {}
        self._recourse_functions: dict[int, RecourseFunction] = {}
        self._benders_functions: dict[int, RecourseFunction] = {}

    def subproblem(self, sku: int) -> Subproblem:
        """Return the problem of one sku."""
        if sku not in self._subproblems:
            self._subproblems[sku] = build_subproblem(self.problem, sku)
        return self._subproblems[sku]

    def demand_scenarios(self, subproblem: Subproblem, *, is_held_out: bool = False) -> np.ndarray:
        """Return the SKU's demand scenarios (n, R, B): stratified for the plan, plain for the held-out evaluation."""
        if is_held_out:
            return self._draw(subproblem, is_held_out=True)
        if subproblem.sku not in self._demand_scenarios:
            self._demand_scenarios[subproblem.sku] = self._draw(subproblem, is_held_out=False)
        return self._demand_scenarios[subproblem.sku]

    def priced_subproblem(
        self, subproblem: Subproblem, dual_price: np.ndarray, *, is_held_out: bool = False
    ) -> PricedSubproblem:
        """Return the sku's case at prices ``dual_price`` on its shipments."""
        arrival = (self.held_out_arrival if is_held_out else self.arrival)[:, subproblem.lanes]
        arcs = build_service_arcs(subproblem)
        return PricedSubproblem(
            subproblem,
            arcs,
            new_scenarios(arcs, self.demand_scenarios(subproblem, is_held_out=is_held_out), arrival),
            dual_price,
            self.parameters.tolerances.tree_simplex,
        )

    def recourse_function(self, sku: int) -> RecourseFunction:
        """Return what is known of the sku's costs so far."""
        return self._built(self._recourse_functions, sku)

    def benders_function(self, sku: int) -> RecourseFunction:
        """Return the same for the program over few SKUs alone; results do not depend on where that program was solved."""
        return self._built(self._benders_functions, sku)

    def _built(self, functions: dict[int, RecourseFunction], sku: int) -> RecourseFunction:
        if sku not in functions:
            subproblem = self.subproblem(sku)
            priced = self.priced_subproblem(subproblem, np.zeros(len(subproblem.lanes)))
            branching = self.parameters.tolerances.branching
            functions[sku] = RecourseFunction(priced, self.parameters.recourse, branching)
        return functions[sku]

    def _draw(self, subproblem: Subproblem, *, is_held_out: bool) -> np.ndarray:
        specified = self.problem.settings.positioning
        key = (specified.seed, self.problem.catalog.skus[subproblem.sku], "fresh" if is_held_out else "plan")
        count = specified.out_of_sample_scenarios if is_held_out else specified.scenarios
        master = law(self.problem.demand, subproblem.sku, subproblem.regions, self.problem.buckets)
        return draw(master, count, key, is_stratified=not is_held_out)


@dataclass(frozen=True)
class Column:
    """A plan of one SKU.

    Attributes
    ----------
    sku
        Position of the SKU.
    lanes, units
        Positions of the shipments in use and units on each, (n,).
    eur
        Its expected cost, without dual prices and loads.
    uses
        What it takes of each resource, (n_resources,).

    """

    sku: int
    lanes: np.ndarray
    units: np.ndarray
    eur: float
    uses: np.ndarray


@dataclass(frozen=True)
class PricingResult:
    """What pricing found for one SKU.

    Attributes
    ----------
    sku
        Position of the SKU.
    no_shipment_eur
        Cost without shipments.
    bound_eur
        No plan of the SKU costs less at the first row of dual prices.
    columns
        Plans that were evaluated.

    """

    sku: int
    no_shipment_eur: float
    bound_eur: float
    columns: tuple[Column, ...]


def price_chunk(
    cache: SubproblemCache, skus: list[int], dual_prices: np.ndarray, linking_duals: np.ndarray, effort: Effort
) -> list[PricingResult]:
    """Return the best plan found of every SKU at each row of dual prices.

    Parameters
    ----------
    cache
        Subproblems of this process.
    skus
        Positions of the SKUs.
    dual_prices
        Rows of dual prices, (n_prices, n_resources), EUR per unit of the resource.
    linking_duals
        Cost of using a shipment at all, (len(skus), n_shipments), EUR; it applies to the first row only.
    effort
        When each search stops.

    """
    return [
        _price_sku(cache, sku, dual_prices, linking_dual, effort)
        for sku, linking_dual in zip(skus, linking_duals, strict=True)
    ]


@dataclass(frozen=True)
class SkuShipments:
    """Units that a program over several SKUs sends of one SKU.

    Attributes
    ----------
    sku
        Position of the SKU.
    units
        Units on each shipment of the network, (n_shipments,); packs need not be whole.

    """

    sku: int
    units: np.ndarray


@dataclass(frozen=True)
class BendersCuts:
    """Evaluation of given shipments: ``slope · units + cost of serving ≥ floor``.

    Attributes
    ----------
    eur
        Cost of these shipments, without dual prices.
    slope
        Coefficients of the shipments, (n, L); n is 1, or 0 where the shipments were evaluated before.
    floor
        Right-hand sides, (n,).

    """

    eur: float
    slope: np.ndarray
    floor: np.ndarray


@dataclass(frozen=True)
class BendersBlock:
    """One SKU in a program over several, with L shipments.

    Attributes
    ----------
    sku
        Position of the SKU.
    lanes
        Positions of its shipments in the network, (L,).
    sending_eur
        Cost of a unit on each, (L,).
    most
        Units at most, (L,), inclusive.
    pack, least
        Pack and smallest size in units, (L,).
    slope, floor
        Limits of hubs and suppliers, ``slope`` (n, L) · units ≥ ``floor`` (n,).
    uses
        What a unit takes of each resource, (n_resources, L).
    no_shipment
        Evaluation of no shipments.

    """

    sku: int
    lanes: np.ndarray
    sending_eur: np.ndarray
    most: np.ndarray
    pack: np.ndarray
    least: np.ndarray
    slope: np.ndarray
    floor: np.ndarray
    uses: np.ndarray
    no_shipment: BendersCuts


def block_chunk(cache: SubproblemCache, skus: list[int]) -> list[BendersBlock]:
    """Return the Benders block of every SKU."""
    return [_block(cache, sku) for sku in skus]


def cut_chunk(cache: SubproblemCache, shipments: list[SkuShipments]) -> list[BendersCuts]:
    """Evaluate what the skus of ``shipments`` send, in packs that need not be whole."""
    return [
        BendersCuts(*cache.benders_function(sent.sku).evaluate(sent.units[cache.subproblem(sent.sku).lanes]))
        for sent in shipments
    ]


def _block(cache: SubproblemCache, sku: int) -> BendersBlock:
    recourse_function = cache.benders_function(sku)
    subproblem, limits = recourse_function.priced.problem, recourse_function.priced.problem.limits
    return BendersBlock(
        sku, subproblem.lanes, recourse_function.sending_eur, recourse_function.most, limits.pack, limits.least, *limits.rows, limits.uses,
        BendersCuts(recourse_function.no_shipment_eur, *recourse_function.first_cut),
    )  # fmt: skip


def round_down_chunk(cache: SubproblemCache, shipments: list[SkuShipments]) -> list[Column]:
    """Return the columns of ``shipments`` rounded down to whole packs."""
    columns = []
    for sent in shipments:
        subproblem, limits = cache.subproblem(sent.sku), cache.subproblem(sent.sku).limits
        units = np.floor(sent.units[subproblem.lanes] / limits.pack + 1e-6) * limits.pack
        units = np.where(units < limits.least, 0.0, units)
        if units.any():
            columns.append(make_column(subproblem, units, cache.recourse_function(sent.sku).eur(units)))
    return columns


def remove_cycles_chunk(cache: SubproblemCache, shipments: list[SkuShipments]) -> list[Column]:
    """Return the columns of ``shipments``, in whole packs, without goods sent in a circle; the cheaper of two ways to do it."""
    columns = []
    for sent in shipments:
        subproblem, recourse_function = cache.subproblem(sent.sku), cache.recourse_function(sent.sku)
        result = without_cycles(subproblem, sent.units[subproblem.lanes])
        columns += [
            min(
                (make_column(subproblem, units, recourse_function.eur(units)) for units in result),
                key=lambda column: column.eur,
            )
        ]
    return columns


def _price_sku(
    cache: SubproblemCache, sku: int, dual_prices: np.ndarray, linking_duals: np.ndarray, effort: Effort
) -> PricingResult:
    recourse_function = cache.recourse_function(sku)
    subproblem = recourse_function.priced.problem
    zeros = np.zeros(len(subproblem.lanes))
    bounds, columns = [], {}
    for row, dual_price in enumerate(dual_prices @ subproblem.limits.uses):
        request = PricingTerms(dual_price, zeros if row else linking_duals[subproblem.lanes], recourse_function.most)
        result, plans = recourse_function.best(request, effort)
        bounds.append(result.bound_eur)
        for units in (result.units, *(plan.units for plan in plans)):
            if units.any():
                columns[units.tobytes()] = make_column(subproblem, units, recourse_function.eur(units))
    return PricingResult(sku, recourse_function.no_shipment_eur, bounds[0], tuple(columns.values()))


def make_column(subproblem: Subproblem, units: np.ndarray, eur: float) -> Column:
    """Return the column of sending ``units`` at unpriced cost ``eur``."""
    used = np.flatnonzero(units)
    return Column(subproblem.sku, subproblem.lanes[used], units[used], eur, subproblem.limits.uses @ units)


def without_cycles(subproblem: Subproblem, units: np.ndarray) -> list[np.ndarray]:
    """Return units without cycles of transfers: one plan, or two where a smallest size is in the way.

    Every shipment of a cycle is reduced by the least of them. What is left below its smallest size is not sent, or, in
    the second plan, raised to that size.

    Parameters
    ----------
    subproblem
        The SKU.
    units
        Units on each shipment, (L,).

    """
    down = up = units
    while (cycle := _cycle(subproblem, down)) is not None:
        down = _reduced(subproblem, down, cycle, is_raised=False)
    while (cycle := _cycle(subproblem, up)) is not None:
        up = _reduced(subproblem, up, cycle, is_raised=True)
    return [down] if (down == up).all() else [down, up]


def _reduced(subproblem: Subproblem, units: np.ndarray, cycle: list[int], *, is_raised: bool) -> np.ndarray:
    left = units.copy()
    left[cycle] -= units[cycle].min()
    small = (left > 0) & (left < subproblem.limits.least)
    return np.where(small, subproblem.limits.least if is_raised else 0.0, left)


def _cycle(subproblem: Subproblem, units: np.ndarray) -> list[int] | None:
    """Return the shipments of a cycle, found from the first hub on, or None."""
    used = np.flatnonzero((units > 0) & ~subproblem.is_supply)
    leaving = {
        hub: [int(lane) for lane in used if subproblem.origin[lane] == hub] for hub in range(len(subproblem.hubs))
    }
    done: set[int] = set()

    def walk(hub: int, path: list[int], on_path: list[int]) -> list[int] | None:
        for lane in leaving[hub]:
            to = int(subproblem.destination[lane])
            if to in on_path:
                return [*path[on_path.index(to) :], lane]
            if to not in done and (result := walk(to, [*path, lane], [*on_path, to])) is not None:
                return result
        done.add(hub)
        return None

    for start in range(len(subproblem.hubs)):
        if start not in done and (result := walk(start, [], [start])) is not None:
            return result
    return None
