"""From prices to a plan: bound, columns, master, in a few passes over all skus.

Here: the order of passes and when to stop. Not here: the work on a sku (``chunk``) or the choice
among columns (``master``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.branching import Effort
from positioning.chunk import Answer, Column, price_chunk
from positioning.crew import Crew, chunks_of
from positioning.master import Choice, build_pool, choose
from positioning.problem import Problem

_PASSES = 3
_PASSES_OF_FEW = 12
_FEW_SKUS = 300
_GOOD_GAP_OF_BENEFIT = 0.005
_EFFORT = Effort(nodes=12, share=0.03)
_EFFORT_OF_FEW = Effort(nodes=40, share=0.005)


@dataclass(frozen=True)
class Optimum:
    """The plan found and the bound: no plan on these paths costs less than ``bound_eur``."""

    choice: Choice
    nothing_eur: dict[int, float]
    plan_eur: float
    bound_eur: float


@dataclass(frozen=True)
class _Ask:
    """What the next pass asks: rows of prices, charges by sku and shipment."""

    prices: np.ndarray
    charges: np.ndarray


def optimise(problem: Problem, crew: Crew) -> Optimum:
    """Alternate pricing all skus and choosing among their columns until bound and plan are close.

    The first row of prices gives the bound; the others only look for columns: loads at what they cost
    per unit really carried, and loads of the best plan so far as paid for, all others shut.
    """
    skus = list(range(len(problem.catalogue.skus)))
    is_few = len(skus) <= _FEW_SKUS
    effort = _EFFORT_OF_FEW if is_few else _EFFORT
    ask = _Ask(full_load_prices(problem)[None], np.zeros((len(skus), len(problem.network.ship_days))))
    columns: list[Column] = []
    best: Optimum | None = None
    for _ in range(_PASSES_OF_FEW if is_few else _PASSES):
        chunks = [(chunk, ask.prices, ask.charges[chunk], effort) for chunk in chunks_of(skus)]
        answers: list[Answer] = crew.run(price_chunk, chunks)
        nothing = {answer.sku: answer.nothing_eur for answer in answers}
        columns += [column for answer in answers for column in answer.columns]
        pool = build_pool(columns, nothing, len(problem.shared.resources))
        choice = choose(pool, problem.shared, len(skus), has_charges=is_few)
        found = Optimum(choice, nothing, _plan_eur(problem, nothing, choice), _bound(problem, answers, ask))
        best = _better(best, found)
        nothing_eur = sum(nothing.values())
        if best.plan_eur - best.bound_eur <= _GOOD_GAP_OF_BENEFIT * (nothing_eur - best.bound_eur) + 1e-6:
            break
        ask = _next_ask(problem, ask, answers, found.choice, best.choice)
    assert best is not None
    return best


def _next_ask(problem: Problem, ask: _Ask, answers: list[Answer], found: Choice, best: Choice) -> _Ask:
    wanted = np.sum([answer.wanted[-1 if len(ask.prices) == 1 else 1] for answer in answers], axis=0)
    last = ask.prices[0] if len(ask.prices) > 1 else found.prices
    rows = [(last + found.prices) / 2.0, carried_prices(problem, wanted, full_load_prices(problem)), paid_prices(problem, best)]
    charges = found.charges if not ask.charges.any() else (ask.charges + found.charges) / 2.0
    return _Ask(np.array(rows), charges)


def _better(best: Optimum | None, found: Optimum) -> Optimum:
    if best is None:
        return found
    kept = best if best.plan_eur <= found.plan_eur else found
    return Optimum(kept.choice, found.nothing_eur, kept.plan_eur, max(best.bound_eur, found.bound_eur))


def carried_prices(problem: Problem, wanted: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Return prices at which the loads ``wanted`` use are paid in full by what they carry.

    Slope scaling: cost of the loads ÷ use, after Kim & Pardalos, "A solution approach to the fixed
    charge network flow problem using a dynamic slope scaling procedure", OR Letters 24 (1999).
    """
    eur = {load.shipment: load.eur for load in problem.shared.loads}
    carried = prices.copy()
    for row, resource in enumerate(problem.shared.resources):
        if resource.load >= 0 and prices[row] > 0 and wanted[row] > 1e-6:
            carried[row] = max(prices[row], eur[resource.load] * np.ceil(wanted[row] / resource.room - 1e-9) / wanted[row])
    return carried


def paid_prices(problem: Problem, choice: Choice) -> np.ndarray:
    """Return prices at which loads of ``choice`` are free and a unit on any other costs a whole load."""
    paid = {load.shipment: amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True)}
    eur = {load.shipment: load.eur for load in problem.shared.loads}
    prices = choice.prices.copy()
    for row, resource in enumerate(problem.shared.resources):
        if resource.load >= 0:
            prices[row] = 0.0 if paid[resource.load] > 0 else eur[resource.load]
    return prices


def full_load_prices(problem: Problem) -> np.ndarray:
    """Return the price of each resource when loads leave full: their cost by what they carry, else 0.

    Where both volume and mass are limited the volume carries the price.
    """
    eur = {load.shipment: load.eur for load in problem.shared.loads}
    prices, priced = np.zeros(len(problem.shared.resources)), set()
    for row in sorted(range(len(prices)), key=lambda row: problem.shared.resources[row].kind != "load_volume"):
        resource = problem.shared.resources[row]
        if resource.load >= 0 and resource.load not in priced and resource.room > 0:
            prices[row] = eur[resource.load] / resource.room
            priced.add(resource.load)
    return prices


def load_terms_eur(problem: Problem, prices: np.ndarray, owed: np.ndarray) -> float:
    """Return what loads and room add to the bound at ``prices`` when skus owe ``owed`` (L,) for loads.

    min over whole loads n of n (cost − Σ size × price) − (n ≥ 1) owed is 0, one load or the most;
    room of other resources is sold at its price.
    """
    worth = {load.shipment: 0.0 for load in problem.shared.loads}
    sold = 0.0
    for price, row in zip(prices, problem.shared.resources, strict=True):
        if row.load >= 0:
            worth[row.load] += price * row.room
        else:
            sold += price * row.room
    saved = 0.0
    for load in problem.shared.loads:
        surplus = worth[load.shipment] - load.eur
        most = load.most if surplus > 1e-9 else 1.0
        saved += max(0.0, most * surplus + owed[load.shipment]) if load.most >= 1 else 0.0
    return -(sold + saved)


def _bound(problem: Problem, answers: list[Answer], ask: _Ask) -> float:
    own = float(sum(answer.bounds_eur[0] for answer in answers))
    return own + load_terms_eur(problem, ask.prices[0], ask.charges.sum(axis=0))


def _plan_eur(problem: Problem, nothing: dict[int, float], choice: Choice) -> float:
    moved = {sku: column.eur for sku, column in choice.column.items()}
    fixed = sum(load.eur * amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True))
    return float(sum(moved.get(sku, eur) for sku, eur in nothing.items()) + fixed)
