"""From prices to a plan: bound, columns, master, in a few passes over all skus.

Here: the order of passes and when to stop. Not here: the work on a sku (``chunk``) or the choice
among columns (``master``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.chunk import Answer, Column, Mix, mix_chunk, price_chunk
from positioning.crew import Crew, chunks_of
from positioning.generation import Ask, Generation, columns_of, priced
from positioning.loads import full_load_prices, opening_prices, shut_prices
from positioning.master import Choice, Pool, best_loads, build_pool, central, choose, paid, relaxed, whole_loads
from positioning.outline import Effort
from positioning.problem import Problem
from positioning.tuning import Sample

_DOUBTFUL = 0.1
_TUNING_ROUNDS = 12
_ROUGH = Effort(share=0.02, nodes=40, searches=3)


@dataclass(frozen=True)
class Course:
    """How many passes look for prices and charges, how many pack the loads chosen, and how hard each looks at a sku."""

    passes: int
    packing_passes: int
    effort: Effort


_FEW = Course(passes=16, packing_passes=4, effort=Effort(share=0.001, nodes=100, searches=6))
_MANY = Course(passes=12, packing_passes=2, effort=Effort(share=0.005, nodes=40, searches=4))


@dataclass(frozen=True)
class Optimum:
    """The plan found and the bound: no plan on these paths costs less than ``bound_eur``, found at ``ask``."""

    choice: Choice
    nothing_eur: dict[int, float]
    plan_eur: float
    bound_eur: float
    ask: Ask


def optimise(problem: Problem, crew: Crew) -> Optimum:
    """Find a plan and a bound: prices for shared room, the best columns at them, a choice among those."""
    return of_few(problem, crew) if problem.has_few_skus else of_many(problem, crew)


def of_many(problem: Problem, crew: Crew) -> Optimum:
    """Generate columns for prices and charges, choose the loads that go, then whole packs for those.

    Prices start from a sample of the skus.
    """
    generation = Generation(problem, crew, Sample(problem, crew).tuned(full_load_prices(problem), _TUNING_ROUNDS))
    generation.run(_MANY.passes, _MANY.effort)
    return _packed(problem, crew, generation, _MANY)


def of_few(problem: Problem, crew: Crew) -> Optimum:
    """Do the same with more passes, from full loads' prices and what every departure would carry alone."""
    generation = Generation(problem, crew, full_load_prices(problem))
    generation.columns += opening_columns(problem, crew, list(range(len(problem.catalogue.skus))))
    generation.run(_FEW.passes, _FEW.effort)
    return _packed(problem, crew, generation, _FEW)


def _packed(problem: Problem, crew: Crew, generation: Generation, course: Course) -> Optimum:
    """Choose loads and columns in turns, and tell plan and bound."""
    loads = _loads(problem, generation.pool())
    for _ in range(course.packing_passes):
        generation.columns += _wanted(problem, crew, generation, (loads, course.effort))
        loads = _loads(problem, generation.pool())
    choice = _chosen(problem, crew, generation.columns, generation.nothing_eur, loads)
    plan_eur = _plan_eur(problem, generation.nothing_eur, choice)
    return Optimum(choice, generation.nothing_eur, plan_eur, generation.bound_eur, generation.best)


def _loads(problem: Problem, pool: Pool) -> np.ndarray:
    """Return whole loads: near those of the relaxed master, with few skus near those a MILP over ``pool`` takes."""
    if problem.has_few_skus:
        best = best_loads(pool, problem.shared)
        return whole_loads(pool, problem.shared, best, np.ones(len(best), dtype=bool))
    split = central(pool, problem.shared, len(problem.catalogue.skus)).loads
    return whole_loads(pool, problem.shared, np.round(split), np.abs(split - np.round(split)) > _DOUBTFUL)


def _wanted(problem: Problem, crew: Crew, generation: Generation, asked: tuple[np.ndarray, Effort]) -> list[Column]:
    """Return what skus want at the master's prices with the loads asked for paid and all others shut."""
    loads, effort = asked
    nobody = np.zeros((len(generation.nothing_eur), len(problem.network.ship_days)))
    prices, _ = relaxed(generation.pool(), paid(problem.shared, loads))
    return columns_of(priced(crew, Ask(np.maximum(prices, shut_prices(problem, loads))[None], nobody), effort))


def _chosen(
    problem: Problem, crew: Crew, columns: list[Column], nothing: dict[int, float], loads: np.ndarray | None = None
) -> Choice:
    """Choose among ``columns``; what the master would split is rounded down, added to them, and it chooses again."""

    def chosen() -> Choice:
        pool = build_pool(columns, nothing, len(problem.shared.resources))
        return choose(pool, problem.shared, len(nothing), has_charges=problem.has_few_skus, loads=loads)

    choice = chosen()
    if not choice.mixes:
        return choice
    columns += crew.run(mix_chunk, _parts(choice.mixes))
    return chosen()


def opening_columns(problem: Problem, crew: Crew, skus: list[int]) -> list[Column]:
    """Return what every sku would send if one departure's loads were paid and all others shut, for each departure.

    Few skus fill no truck between them at any price per litre; the master needs to see what a truck
    would carry once it goes at all.
    """
    rows = opening_prices(problem)
    if not len(rows):
        return []
    nobody = np.zeros((len(skus), len(problem.network.ship_days)))
    answers: list[Answer] = crew.run(price_chunk, [(part, rows, nobody[part], _ROUGH) for part in chunks_of(skus)])
    return [column for answer in answers for column in answer.columns]


def _parts(mixes: tuple[Mix, ...]) -> list[tuple[list[Mix]]]:
    of = {mix.sku: mix for mix in mixes}
    return [([of[sku] for sku in chunk],) for chunk in chunks_of(sorted(of))]


def _plan_eur(problem: Problem, nothing: dict[int, float], choice: Choice) -> float:
    moved = {sku: column.eur for sku, column in choice.column.items()}
    fixed = sum(load.eur * amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True))
    return float(sum(moved.get(sku, eur) for sku, eur in nothing.items()) + fixed)
