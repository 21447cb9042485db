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
from positioning.loads import carried_prices, full_load_prices, load_terms_eur, opening_prices, paid_prices
from positioning.master import Choice, build_pool, choose
from positioning.problem import Problem
from positioning.tuning import Sample

_FEW_PASSES = 6
_FIRST_ROUNDS, _NEXT_ROUNDS = 24, 8
_GOOD_GAP = 0.005
# Prices a little off show the master what else a sku would do with more or less room.
_CHEAPER, _DEARER = 0.8, 1.2
_SHARP = Effort(nodes=40, share=0.005)
_QUICK = Effort(nodes=0, share=1.0)
_SHARP_OF_MANY = Effort(nodes=12, share=0.02)


@dataclass(frozen=True)
class Ask:
    """What a pass asks: rows of prices, charges by sku and shipment."""

    prices: np.ndarray
    charges: np.ndarray


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
    """Tune prices and choose loads on a sample, correct both by passes over all skus, then choose once.

    The first row of prices is for the bound and shares loads by what they carry; the second has the loads
    of the fleet paid and all others shut, and is where the plan's columns come from, with a third near it.
    """
    skus = list(range(len(problem.catalogue.skus)))
    nobody = np.zeros((len(skus), len(problem.network.ship_days)))
    sample = Sample(problem, crew)
    prices = sample.tuned(full_load_prices(problem), np.zeros(len(problem.shared.resources)), _FIRST_ROUNDS)
    first = Ask(prices[None], nobody)
    answers = _priced(crew, skus, first, _QUICK)
    known, columns = _bound(problem, answers, first), _columns(answers)
    taken = sample.taken(answers, 0)
    prices = sample.tuned(prices, taken, _NEXT_ROUNDS)
    fleet = sample.fleet(taken)
    second = Ask(np.array([prices, fleet.prices, _CHEAPER * fleet.prices]), nobody)
    answers = _priced(crew, skus, second, _QUICK)
    columns += _columns(answers)
    fleet = sample.refit(fleet, sample.taken(answers, 1))
    sharp = prices if _bound(problem, answers, second) > known else first.prices[0]
    last = Ask(np.array([sharp, fleet.prices, _DEARER * fleet.prices]), nobody)
    answers = _priced(crew, skus, last, _SHARP_OF_MANY)
    columns += _columns(answers)
    nothing = {answer.sku: answer.nothing_eur for answer in answers}
    choice = _chosen(problem, crew, columns, nothing, fleet.loads)
    return Optimum(choice, nothing, _plan_eur(problem, nothing, choice), _bound(problem, answers, last), last)


def _columns(answers: list[Answer]) -> list[Column]:
    return [column for answer in answers for column in answer.columns]


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
        answers = _priced(crew, skus, ask, _SHARP)
        nothing = {answer.sku: answer.nothing_eur for answer in answers}
        columns += [column for answer in answers for column in answer.columns]
        choice = _chosen(problem, crew, columns, nothing)
        found = Optimum(choice, nothing, _plan_eur(problem, nothing, choice), _bound(problem, answers, ask), ask)
        best = _better(best, found)
        if best.plan_eur - best.bound_eur <= _GOOD_GAP * (sum(nothing.values()) - best.bound_eur) + 1e-6:
            break
        ask = _next_ask(problem, answers, found, best)
    if best is None:
        raise ValueError("at least one pass is needed")
    return best


def _priced(crew: Crew, skus: list[int], ask: Ask, effort: Effort) -> list[Answer]:
    return crew.run(price_chunk, [(chunk, ask.prices, ask.charges[chunk], effort) for chunk in chunks_of(skus)])


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


def _bound(problem: Problem, answers: list[Answer], ask: Ask) -> float:
    own = float(sum(answer.bounds_eur[0] for answer in answers))
    return own + load_terms_eur(problem, ask.prices[0], ask.charges.sum(axis=0))


def _plan_eur(problem: Problem, nothing: dict[int, float], choice: Choice) -> float:
    moved = {sku: column.eur for sku, column in choice.column.items()}
    fixed = sum(load.eur * amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True))
    return float(sum(moved.get(sku, eur) for sku, eur in nothing.items()) + fixed)
