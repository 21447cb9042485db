"""From prices to a plan: bound, columns, master, in a few passes over all skus.

Here: the order of passes and when to stop. Not here: the work on a sku (``chunk``) or the choice
among columns (``master``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from positioning.branching import Effort
from positioning.capacity import Shared
from positioning.chunk import Answer, Column, Mix, mix_chunk, price_chunk
from positioning.crew import Crew, chunks_of
from positioning.master import Choice, build_pool, choose, relaxed_prices
from positioning.problem import Problem

_FEW_SKUS = 300
_SAMPLE_SKUS = 128
_SAMPLE_ROUNDS = 20


@dataclass(frozen=True)
class _Plan:
    """How hard to try: most passes, effort of the bound, and the gap of benefit that is good enough."""

    passes: int
    effort: Effort
    good_gap: float


_OF_FEW = _Plan(6, Effort(nodes=40, share=0.005), 0.005)
_OF_MANY = _Plan(3, Effort(nodes=10, share=0.03), 0.035)
_TUNING = Effort(nodes=0, share=1.0)


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
    """Alternate pricing all skus and choosing among their columns until bound and plan are close.

    The first row of prices gives the bound; the others only look for columns: loads at what they cost
    per unit really carried, and loads of the best plan so far as paid for, all others shut.
    """
    skus = list(range(len(problem.catalogue.skus)))
    is_few = len(skus) <= _FEW_SKUS
    how = _OF_FEW if is_few else _OF_MANY
    prices = full_load_prices(problem) if is_few else tuned_prices(problem, crew)
    rows = prices[None] if is_few else np.array([prices, 1.3 * prices, 0.7 * prices])
    ask = Ask(rows, np.zeros((len(skus), len(problem.network.ship_days))))
    columns = opening_columns(problem, crew, skus) if is_few else []
    best: Optimum | None = None
    for _ in range(how.passes):
        chunks = [(chunk, ask.prices, ask.charges[chunk], how.effort) for chunk in chunks_of(skus)]
        answers: list[Answer] = crew.run(price_chunk, chunks)
        nothing = {answer.sku: answer.nothing_eur for answer in answers}
        columns += [column for answer in answers for column in answer.columns]
        pool = build_pool(columns, nothing, len(problem.shared.resources))
        choice = choose(pool, problem.shared, len(skus), has_charges=is_few)
        if choice.mixes:
            columns += crew.run(mix_chunk, _parts(choice.mixes))
            pool = build_pool(columns, nothing, len(problem.shared.resources))
            choice = choose(pool, problem.shared, len(skus), has_charges=is_few)
        found = Optimum(choice, nothing, _plan_eur(problem, nothing, choice), _bound(problem, answers, ask), ask)
        best = _better(best, found)
        nothing_eur = sum(nothing.values())
        if best.plan_eur - best.bound_eur <= how.good_gap * (nothing_eur - best.bound_eur) + 1e-6:
            break
        ask = _next_ask(problem, answers, found, best)
    if best is None:
        raise ValueError("at least one pass is needed")
    return best


def opening_columns(problem: Problem, crew: Crew, skus: list[int]) -> list[Column]:
    """Return what every sku would send if one departure's loads were paid and all others shut, for each departure.

    Few skus fill no truck between them at any price per litre; the master needs to see what a truck
    would carry once it goes at all.
    """
    rows = opening_prices(problem)
    if not len(rows):
        return []
    nobody = np.zeros((len(skus), len(problem.network.ship_days)))
    answers: list[Answer] = crew.run(price_chunk, [(part, rows, nobody[part], _TUNING) for part in chunks_of(skus)])
    return [column for answer in answers for column in answer.columns]


def opening_prices(problem: Problem) -> np.ndarray:
    """Return a row of prices (n_loads, n_resources) per departure with loads: its own free, a unit on others a load."""
    shut = np.zeros(len(problem.shared.resources))
    eur = {load.shipment: load.eur for load in problem.shared.loads}
    load_of = np.array([resource.load for resource in problem.shared.resources], dtype="int64")
    for row, load in enumerate(load_of):
        shut[row] = eur[load] if load >= 0 else 0.0
    return np.array([np.where(load_of == shipment, 0.0, shut) for shipment in sorted(eur)])


def tuned_prices(problem: Problem, crew: Crew) -> np.ndarray:
    """Return prices found on a sample of skus whose share of all rooms and loads is scaled to its size.

    Every so-manieth sku in the order of expected litres, so that large and small ones are alike.
    """
    litres = problem.demand.mean_units.sum(axis=(1, 2)) * problem.catalogue.volume_l
    order = np.lexsort((np.arange(len(litres)), -litres))
    sample = sorted(int(sku) for sku in order[:: max(1, len(order) // _SAMPLE_SKUS)])
    part = replace(problem, shared=scaled(problem.shared, len(sample) / len(order)))
    nobody = np.zeros((len(order), len(problem.network.ship_days)))
    asked = best = full_load_prices(problem)
    best_eur, trust, columns = -np.inf, 0.5, list[Column]()
    for _ in range(_SAMPLE_ROUNDS):
        chunks = [(chunk, asked[None], nobody[chunk], _TUNING) for chunk in chunks_of(sample)]
        answers: list[Answer] = crew.run(price_chunk, chunks)
        columns += [column for answer in answers for column in answer.columns]
        nothing = {answer.sku: answer.nothing_eur for answer in answers}
        eur = _bound(part, answers, Ask(asked[None], nobody))
        trust = 0.5 if eur > best_eur else trust * 0.7
        best, best_eur = (asked, eur) if eur > best_eur else (best, best_eur)
        asked = best + trust * (relaxed_prices(build_pool(columns, nothing, len(best)), part.shared) - best)
    return best


def scaled(shared: Shared, share: float) -> Shared:
    """Return ``shared`` with ``share`` of every room and of every number of loads."""
    rows = tuple(row if row.load >= 0 else replace(row, room=row.room * share) for row in shared.resources)
    return replace(shared, resources=rows, loads=tuple(replace(load, most=load.most * share) for load in shared.loads))


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


def carried_prices(problem: Problem, wanted: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Return prices at which the loads ``wanted`` use are paid in full by what they carry.

    Slope scaling: cost of the loads ÷ use, after Kim & Pardalos, "A solution approach to the fixed
    charge network flow problem using a dynamic slope scaling procedure", OR Letters 24 (1999).
    """
    eur = {load.shipment: load.eur for load in problem.shared.loads}
    carried = prices.copy()
    for row, resource in enumerate(problem.shared.resources):
        if resource.load >= 0 and prices[row] > 0 and wanted[row] > 1e-6:
            carried[row] = max(
                prices[row], eur[resource.load] * np.ceil(wanted[row] / resource.room - 1e-9) / wanted[row]
            )
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


def _bound(problem: Problem, answers: list[Answer], ask: Ask) -> float:
    own = float(sum(answer.bounds_eur[0] for answer in answers))
    return own + load_terms_eur(problem, ask.prices[0], ask.charges.sum(axis=0))


def _plan_eur(problem: Problem, nothing: dict[int, float], choice: Choice) -> float:
    moved = {sku: column.eur for sku, column in choice.column.items()}
    fixed = sum(load.eur * amount for load, amount in zip(problem.shared.loads, choice.loads, strict=True))
    return float(sum(moved.get(sku, eur) for sku, eur in nothing.items()) + fixed)
