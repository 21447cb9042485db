"""From prices to a plan: bound, columns, master, in a few passes over all skus.

Here: the order of passes and when to stop. Not here: the work on a sku (``chunk``) or the choice
among columns (``master``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from foundation.drafts import Drafts, anew
from positioning.chunk import Column, Mix, mix_chunk, uncycle_chunk
from positioning.crew import Crew, chunks_of
from positioning.generation import Ask, Generation, bound_eur, columns_of, priced
from positioning.joint import Decided, decide
from positioning.loads import full_load_prices, shut_prices
from positioning.master import Choice, Pool, build_pool, central, choose, paid, relaxed, whole_loads
from positioning.outline import Effort
from positioning.problem import Problem
from positioning.tuning import Sample

_DOUBTFUL = 0.1
_TUNING_ROUNDS, _PASSES = 12, 12
_PACKING_PASSES, _PACKING_PASSES_OF_FEW = 2, 4
_EFFORT = Effort(share=0.005, nodes=40, searches=4)
_EFFORT_OF_FEW = Effort(share=0.001, nodes=100, searches=6)


@dataclass(frozen=True)
class Optimum:
    """The plan found and the bound: no plan on these paths costs less than ``bound_eur``."""

    choice: Choice
    nothing_eur: dict[int, float]
    plan_eur: float
    bound_eur: float


def optimise(problem: Problem, crew: Crew, drafts: Drafts = anew) -> Optimum:
    """Find a plan and a bound: prices for shared room, the best columns at them, a choice among those."""
    return _without_cycles(
        problem, crew, of_few(problem, crew, drafts) if problem.has_few_skus else of_many(problem, crew)
    )


def of_many(problem: Problem, crew: Crew) -> Optimum:
    """Generate columns for prices and charges, choose the loads that go, then whole packs for those.

    Prices start from a sample of the skus.
    """
    generation = Generation(problem, crew, Sample(problem, crew).tuned(full_load_prices(problem), _TUNING_ROUNDS))
    generation.run(_PASSES, _EFFORT)
    loads = _loads(problem, generation.pool())
    for _ in range(_PACKING_PASSES):
        generation.columns += _wanted(problem, crew, generation.pool(), (loads, _EFFORT))
        loads = _loads(problem, generation.pool())
    return _optimum(problem, crew, (generation.columns, generation.nothing_eur, loads), generation.bound_eur)


def of_few(problem: Problem, crew: Crew, drafts: Drafts) -> Optimum:
    """Choose loads by one programme of all skus, then whole packs for those."""
    decided = Decided.from_text(drafts("loads", lambda: decide(problem, crew).to_text()))
    columns, loads = crew.run(mix_chunk, _parts(decided.mixes)), decided.loads
    ask = Ask(decided.prices[None], np.zeros((len(problem.catalogue.skus), len(problem.network.ship_days))))
    answers = priced(crew, ask, _EFFORT_OF_FEW)
    columns += columns_of(answers) + _at(problem, crew, decided.prices, (loads, _EFFORT_OF_FEW))

    def pool() -> Pool:
        return build_pool(columns, decided.nothing_eur, len(problem.shared.resources))

    for _ in range(_PACKING_PASSES_OF_FEW):
        columns += _wanted(problem, crew, pool(), (loads, _EFFORT_OF_FEW))
        loads = whole_loads(pool(), problem.shared, loads, np.ones(len(loads), dtype=bool))
    bound = max(decided.bound_eur, bound_eur(problem, answers, ask))  # the other knows whole packs, but no whole loads
    found = _optimum(problem, crew, (columns, decided.nothing_eur, loads), bound)
    return (
        found if decided.packs is None else _better(problem, found, decided, crew.run(mix_chunk, _parts(decided.packs)))
    )


def _better(problem: Problem, found: Optimum, decided: Decided, packed: list[Column]) -> Optimum:
    """Return the cheaper of ``found`` and the columns of the program with whole packs."""
    choice = replace(found.choice, column={column.sku: column for column in packed}, loads=decided.loads)
    eur = _plan_eur(problem, found.nothing_eur, choice)
    return replace(found, choice=choice, plan_eur=eur) if eur < found.plan_eur else found


def _without_cycles(problem: Problem, crew: Crew, found: Optimum) -> Optimum:
    """Return ``found`` without goods that are sent in a circle, which moves nothing."""
    column = found.choice.column
    moved = {
        sku: Mix(sku, _everywhere(problem, column[sku])) for sku in sorted(column) if _may_circle(problem, column[sku])
    }
    changed = crew.run(uncycle_chunk, _parts(tuple(moved.values()))) if moved else []
    kept = {sku: one for sku, one in column.items() if sku not in moved} | {
        one.sku: one for one in changed if len(one.lanes)
    }
    choice = replace(found.choice, column={sku: kept[sku] for sku in sorted(kept)})
    return replace(found, choice=choice, plan_eur=_plan_eur(problem, found.nothing_eur, choice))


def _may_circle(problem: Problem, column: Column) -> bool:
    """Whether a hub both gives and receives the sku by transfers."""
    lanes = problem.network.shipments
    moves = column.lanes[~lanes.is_supply[column.lanes]]
    return bool(np.isin(lanes.origin[moves], lanes.destination[moves]).any())


def _everywhere(problem: Problem, column: Column) -> np.ndarray:
    units = np.zeros(len(problem.network.ship_days))
    units[column.lanes] = column.units
    return units


def _optimum(
    problem: Problem, crew: Crew, found: tuple[list[Column], dict[int, float], np.ndarray], bound_eur: float
) -> Optimum:
    """Choose among the columns found on the loads found."""
    columns, nothing_eur, loads = found
    choice = _chosen(problem, crew, columns, nothing_eur, loads)
    return Optimum(choice, nothing_eur, _plan_eur(problem, nothing_eur, choice), bound_eur)


def _loads(problem: Problem, pool: Pool) -> np.ndarray:
    """Return whole loads near those of the relaxed master."""
    split = central(pool, problem.shared, len(problem.catalogue.skus)).loads
    return whole_loads(pool, problem.shared, np.round(split), np.abs(split - np.round(split)) > _DOUBTFUL)


def _wanted(problem: Problem, crew: Crew, pool: Pool, asked: tuple[np.ndarray, Effort]) -> list[Column]:
    """Return what skus want at the master's prices with the loads asked for paid and all others shut."""
    return _at(problem, crew, relaxed(pool, paid(problem.shared, asked[0]))[0], asked)


def _at(problem: Problem, crew: Crew, prices: np.ndarray, asked: tuple[np.ndarray, Effort]) -> list[Column]:
    """Return what skus want at ``prices`` (n_resources,) on the loads asked for."""
    loads, effort = asked
    nobody = np.zeros((len(problem.catalogue.skus), len(problem.network.ship_days)))
    return columns_of(priced(crew, Ask(np.maximum(prices, shut_prices(problem, loads))[None], nobody), effort))


def _chosen(
    problem: Problem, crew: Crew, columns: list[Column], nothing: dict[int, float], loads: np.ndarray
) -> Choice:
    """Choose among ``columns``; what the master would split is rounded down, added to them, and it chooses again."""
    shut = [load.shipment for load, amount in zip(problem.shared.loads, loads, strict=True) if amount <= 0]

    def chosen() -> Choice:
        going = [column for column in columns if not np.isin(column.lanes, shut).any()]  # goods of no size too
        pool = build_pool(going, nothing, len(problem.shared.resources))
        return choose(pool, problem.shared, loads)

    choice = chosen()
    if not choice.mixes:
        return choice
    columns += crew.run(mix_chunk, _parts(choice.mixes))
    return chosen()


def _parts(mixes: tuple[Mix, ...]) -> list[tuple[list[Mix]]]:
    of = {mix.sku: mix for mix in mixes}
    return [([of[sku] for sku in chunk],) for chunk in chunks_of(sorted(of))]


def _plan_eur(problem: Problem, nothing: dict[int, float], choice: Choice) -> float:
    moved = {sku: column.eur for sku, column in choice.column.items()}
    fixed = sum(load.eur * amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True))
    return float(sum(moved.get(sku, eur) for sku, eur in nothing.items()) + fixed)
