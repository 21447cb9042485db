"""From prices to a plan: bound, columns, master, in a few passes over all skus.

Here: the order of passes and when to stop. Not here: the work on a sku (``chunk``) or the choice
among columns (``master``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.branching import Effort
from positioning.chunk import Answer, Column, Mix, mix_chunk, price_chunk
from positioning.crew import Crew, chunks_of
from positioning.generation import Ask, Generation, bound_eur, columns_of, nothing_of, priced
from positioning.loads import carried_prices, full_load_prices, opening_prices, paid_prices, shut_prices
from positioning.master import Choice, Pool, build_pool, central, choose, paid, relaxed, whole_loads
from positioning.problem import Problem
from positioning.tuning import Sample

_FEW_PASSES = 6
_SEARCH_PASSES, _WHOLE_PASSES, _PACKING_PASSES = 6, 1, 2
_DOUBTFUL = 0.1
_TUNING_ROUNDS = 12
_GOOD_GAP = 0.005
_SHARP = Effort(nodes=40, share=0.005)
_QUICK = Effort(nodes=0, share=1.0)
_SEARCH = Effort(nodes=40, share=0.005, is_whole=False)
_WHOLE = Effort(nodes=20, share=0.005)


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
    return _of_few(problem, crew) if problem.has_few_skus else of_many(problem, crew)


def of_many(problem: Problem, crew: Crew) -> Optimum:
    """Generate columns for prices and charges, choose the loads that go, then whole packs for those.

    Prices start from a sample of the skus.
    """
    start = Sample(problem, crew).tuned(full_load_prices(problem), _TUNING_ROUNDS)
    generation = Generation(problem, crew, start)
    generation.run(_SEARCH_PASSES, _SEARCH)
    generation.run(_WHOLE_PASSES, _WHOLE)
    generation.round()
    loads = _loads(problem, generation.pool(generation.whole))
    for _ in range(_PACKING_PASSES):
        _pack(problem, crew, generation, loads)
        loads = _loads(problem, generation.pool(generation.whole))
    choice = _chosen(problem, crew, generation.whole, generation.nothing_eur, loads)
    plan_eur = _plan_eur(problem, generation.nothing_eur, choice)
    return Optimum(choice, generation.nothing_eur, plan_eur, generation.bound_eur, generation.best)


def _loads(problem: Problem, pool: Pool) -> np.ndarray:
    """Return whole loads near those of the relaxed master."""
    split = central(pool, problem.shared, len(problem.catalogue.skus)).loads
    return whole_loads(pool, problem.shared, np.round(split), np.abs(split - np.round(split)) > _DOUBTFUL)


def _pack(problem: Problem, crew: Crew, generation: Generation, loads: np.ndarray) -> None:
    """Add whole packs wanted at the master's prices with ``loads`` paid and all others shut."""
    nobody = np.zeros((len(generation.nothing_eur), len(problem.network.ship_days)))
    shut = shut_prices(problem, loads)
    prices, _ = relaxed(generation.pool(generation.whole), paid(problem.shared, loads))
    generation.whole += columns_of(priced(crew, Ask(np.maximum(prices, shut)[None], nobody), _QUICK))


def _of_few(problem: Problem, crew: Crew) -> Optimum:
    """Alternate pricing all skus and choosing among their columns until bound and plan are close.

    The first row of prices gives the bound; the others only look for columns: loads at what they cost
    per unit really carried, and loads of the best plan so far as paid for, all others shut.
    """
    skus = list(range(len(problem.catalogue.skus)))
    ask = Ask(full_load_prices(problem)[None], np.zeros((len(skus), len(problem.network.ship_days))))
    columns = opening_columns(problem, crew, skus)
    best: Optimum | None = None
    for _ in range(_FEW_PASSES):
        answers = priced(crew, ask, _SHARP)
        nothing = nothing_of(answers)
        columns += columns_of(answers)
        choice = _chosen(problem, crew, columns, nothing)
        found = Optimum(choice, nothing, _plan_eur(problem, nothing, choice), bound_eur(problem, answers, ask), ask)
        best = _better(best, found)
        if best.plan_eur - best.bound_eur <= _GOOD_GAP * (sum(nothing.values()) - best.bound_eur) + 1e-6:
            break
        ask = _next_ask(problem, answers, found, best)
    if best is None:
        raise ValueError("at least one pass is needed")
    return best


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
    answers: list[Answer] = crew.run(price_chunk, [(part, rows, nobody[part], _QUICK) for part in chunks_of(skus)])
    return [column for answer in answers for column in answer.columns]


def _parts(mixes: tuple[Mix, ...]) -> list[tuple[list[Mix]]]:
    of = {mix.sku: mix for mix in mixes}
    return [([of[sku] for sku in chunk],) for chunk in chunks_of(sorted(of))]


def _next_ask(problem: Problem, answers: list[Answer], found: Optimum, best: Optimum) -> Ask:
    """Ask between the prices of the best bound and those of the master.

    Smoothing after Wentges, "Weighted Dantzig–Wolfe decomposition for linear mixed-integer programming",
    Int. Trans. Oper. Res. 4 (1997): close to the best when the last pass did not improve it.
    """
    wanted = np.sum([answer.wanted[min(1, len(found.ask.prices) - 1)] for answer in answers], axis=0)
    trust = 0.5 if best.ask is found.ask else 0.25
    rows = [
        best.ask.prices[0] + trust * (found.choice.prices - best.ask.prices[0]),
        carried_prices(problem, wanted, full_load_prices(problem)), paid_prices(problem, best.choice),
    ]  # fmt: skip
    charges = best.ask.charges + trust * (found.choice.charges - best.ask.charges)
    return Ask(np.array(rows), charges)


def _better(best: Optimum | None, found: Optimum) -> Optimum:
    if best is None:
        return found
    kept = best if best.plan_eur <= found.plan_eur else found
    known = best if best.bound_eur >= found.bound_eur else found
    return Optimum(kept.choice, found.nothing_eur, kept.plan_eur, known.bound_eur, known.ask)


def _plan_eur(problem: Problem, nothing: dict[int, float], choice: Choice) -> float:
    moved = {sku: column.eur for sku, column in choice.column.items()}
    fixed = sum(load.eur * amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True))
    return float(sum(moved.get(sku, eur) for sku, eur in nothing.items()) + fixed)
