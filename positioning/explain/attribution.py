"""What a plan does for one sku, from the model's own terms: money, service, stock, each line's share.

Here: exact evaluation before and after, on the plan's paths and on fresh ones; how likely a hub runs out before its next receipt,
and what share of demand is filled. Not here: tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from foundation.demand_scenarios import draw
from positioning.inputs.costs import N_TERMS, TERM, total
from positioning.inputs.demand import daily_units_beyond, law
from positioning.inputs.problem import Problem
from positioning.inputs.subproblem import Subproblem
from positioning.inputs.time_buckets import Buckets
from positioning.optimizer.parameters import LocalSearchParameters
from positioning.optimizer.pricing import SubproblemCache
from positioning.optimizer.recourse import PricedSubproblem, RecourseSolution, ServiceArcs, improve, slope

# Three-point Gauss–Legendre rule on [0, 1].
_RAY = (0.1127016653792583, 0.5, 0.8872983346207417)
_RAY_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)
_SAME_UNITS, _SAME_EUR = 1e-9, 1e-6


@dataclass(frozen=True)
class Decision:
    """What was decided for a SKU.

    Attributes
    ----------
    sku
        Position of the SKU.
    lanes
        Positions of the shipments in use, ascending, (n_lines,).
    units
        Units on each, (n_lines,), in whole packs.

    """

    sku: int
    lanes: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class Served:
    """Expected units over the cover window by region of the SKU.

    Attributes
    ----------
    local
        Units served by the nearest hub, (R,).
    spilled
        Units served by another hub, (R,).
    late
        Units served after the promise, (R,); they are part of the other two.
    lost
        Units not served, (R,).

    """

    local: np.ndarray
    spilled: np.ndarray
    late: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True)
class Refusal:
    """What refusing one line does to its SKU, without loads.

    Attributes
    ----------
    loss_eur
        Loss after the SKU is improved again without the line, EUR.
    drop_eur
        Loss where no other shipment replaces the line, EUR.
    pays_rate
        Share of demand scenarios in which dropping the line costs more.
    instead
        Shipments of the improved plan that differ, with the units more or less.

    """

    loss_eur: float
    drop_eur: float
    pays_rate: float
    instead: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Outcome:
    """The explained plan of one SKU, with H hubs and R regions of the SKU and L lines.

    Attributes
    ----------
    sku
        Position of the SKU.
    hubs, regions
        Positions of its hubs, (H,), and regions, (R,).
    lanes, units
        Positions of the shipments in use and units on each, (L,).
    before, after
        Expected money terms in EUR and kilograms of CO2e without and with the plan, (N_TERMS,), without loads.
    demand
        Expected units demanded over the cover window, (R,).
    served_before, served_after
        Expected units served and lost without and with the plan.
    sources
        Hubs of each region, cheapest first, ties by hub.
    hub_demand
        Expected units demanded in the regions each hub is nearest to, (H,).
    hub_daily
        The same per day, beyond the cover window, (H,).
    stockout
        Cycle stockout probability, (H,).
    fill_before, fill_after
        Fill rates without and with the plan, (H,); NaN without demand.
    line_terms
        Money terms in EUR per unit and kilograms of each line, (L, N_TERMS).
    shares
        Additive benefit of each line without loads, EUR, (L,).
    refusals
        What refusing each line does.
    hub_value
        Value of one more unit at each hub tonight, EUR, (H,): the mean dual price of its stock in serving demand.

    """

    sku: int
    hubs: np.ndarray
    regions: np.ndarray
    lanes: np.ndarray
    units: np.ndarray
    before: np.ndarray
    after: np.ndarray
    demand: np.ndarray
    served_before: Served
    served_after: Served
    sources: tuple[tuple[int, ...], ...]
    hub_demand: np.ndarray
    hub_daily: np.ndarray
    stockout: np.ndarray
    fill_before: np.ndarray
    fill_after: np.ndarray
    line_terms: np.ndarray
    shares: np.ndarray
    refusals: tuple[Refusal, ...]
    hub_value: np.ndarray


def explain_chunk(cache: SubproblemCache, decisions: list[Decision], dual_prices: np.ndarray) -> list[Outcome]:
    """Explain every decision; ``dual_prices`` (n_resources,) hold back what takes a refused line's place."""
    return [_explain(cache, decision, dual_prices) for decision in decisions]


def judge_chunk(cache: SubproblemCache, decisions: list[Decision]) -> list[np.ndarray]:
    """Return what every decision saves in each held-out scenario, without loads, EUR."""
    return [_held_out_benefit(cache, decision) for decision in decisions]


def _explain(cache: SubproblemCache, decision: Decision, dual_prices: np.ndarray) -> Outcome:
    subproblem = cache.subproblem(decision.sku)
    priced = cache.priced_subproblem(subproblem, dual_prices @ subproblem.limits.uses)
    no_shipment, units = np.zeros(len(subproblem.lanes)), units_of(subproblem, decision)
    before = priced.solve_recourse(no_shipment)
    after = priced.solve_recourse(units) if units.any() else before
    lines = np.flatnonzero(units)
    demand = priced.scenarios.demand.mean(axis=0).sum(axis=1)
    served = _served(priced, before), _served(priced, after)
    fill_before, fill_after = (fill_rates(subproblem.nearest, demand, one.lost, len(subproblem.hubs)) for one in served)
    daily = daily_units_beyond(
        cache.problem.demand, decision.sku, cache.problem.buckets, cache.problem.settings.grid.days
    )
    opening = _opening(cache, subproblem)
    saved = float(before.scenario_eur.mean() - after.scenario_eur.mean()) - priced.sending_eur(units)
    return Outcome(
        sku=decision.sku, hubs=subproblem.hubs, regions=subproblem.regions, lanes=subproblem.lanes[lines], units=units[lines],
        before=service_terms(priced.arcs, before) + opening,
        after=service_terms(priced.arcs, after) + units @ subproblem.shipment_terms + opening,
        demand=demand, served_before=served[0], served_after=served[1], fill_before=fill_before, fill_after=fill_after,
        sources=_sources(subproblem), hub_demand=_by_nearest(subproblem, demand), hub_daily=_by_nearest(subproblem, daily[subproblem.regions]),
        stockout=cycle_stockout(cache.problem, subproblem, units), line_terms=subproblem.shipment_terms[lines],
        shares=_shares(priced, units, lines, saved), refusals=tuple(_refusal(priced, units, int(line), cache.parameters.local_search) for line in lines),
        hub_value=after.scenario_value[:, :, 0].mean(axis=0),
    )  # fmt: skip


def service_terms(arcs: ServiceArcs, recourse: RecourseSolution) -> np.ndarray:
    """Return expected money terms and kilograms of serving demand, (N_TERMS,)."""
    return np.tensordot(recourse.flow, arcs.terms, axes=([0, 1], [0, 1]))


def _opening(cache: SubproblemCache, subproblem: Subproblem) -> np.ndarray:
    """Return the worth of goods at the start at cost, taken off the value at the end (N_TERMS,)."""
    goods = subproblem.usable.sum() + subproblem.arrivals.sum()
    terms = np.zeros(N_TERMS)
    terms[TERM["end_value"]] = goods * cache.problem.catalog.unit_cost_eur[subproblem.sku]
    return terms


def _by_nearest(subproblem: Subproblem, by_region: np.ndarray) -> np.ndarray:
    """Sum values by region (…, R) to the hubs the regions are nearest to, (…, H)."""
    has_hub = subproblem.nearest >= 0
    summed = np.zeros((*by_region.shape[:-1], len(subproblem.hubs)))
    np.add.at(summed.T, subproblem.nearest[has_hub], by_region.T[has_hub])
    return summed


def _served(priced: PricedSubproblem, recourse: RecourseSolution) -> Served:
    """Split the flow to regions into local, spilled, late and lost units."""
    subproblem, n_regions = priced.problem, len(priced.problem.regions)
    n_buckets = len(subproblem.bucket_days)
    width = n_regions * n_buckets
    flow, via = recourse.flow[:-1, :width], priced.arcs.via[:-1, :width]
    region = np.repeat(np.arange(n_regions), n_buckets)
    is_served = via >= 0
    hub = np.where(is_served, subproblem.delivery_hub[via] if len(subproblem.deliveries) else -1, -1)
    is_local = is_served & (hub == subproblem.nearest[region][None, :])
    is_late = is_served & (subproblem.is_late[via] if len(subproblem.deliveries) else False)
    lost = recourse.flow[-1, :width]

    def by_region(units: np.ndarray) -> np.ndarray:
        rows = np.atleast_2d(units)
        return rows.reshape(len(rows), n_regions, n_buckets).sum(axis=(0, 2))

    return Served(
        by_region(flow * is_local),
        by_region(flow * (is_served & ~is_local)),
        by_region(flow * is_late),
        by_region(lost),
    )


def _sources(subproblem: Subproblem) -> tuple[tuple[int, ...], ...]:
    """Return the hubs of each region by preference: cheapest cost to serve first, ties by hub."""
    eur = total(subproblem.delivery_terms)
    ranked = []
    for region in range(len(subproblem.regions)):
        rows = np.flatnonzero(subproblem.delivery_region == region)
        order = sorted(rows, key=lambda row: (round(float(eur[row]), 9), subproblem.hubs[subproblem.delivery_hub[row]]))
        ranked.append(tuple(int(subproblem.hubs[subproblem.delivery_hub[row]]) for row in order))
    return tuple(ranked)


def _shares(priced: PricedSubproblem, units: np.ndarray, lines: np.ndarray, saved: float) -> np.ndarray:
    """Share ``saved`` EUR among lines: Aumann–Shapley prices along the ray from nothing to the plan.

    A line's share is its units times its mean slope on the ray (Gauss–Legendre); what quadrature leaves
    over is spread by the size of the shares, so that they add up.
    """
    if len(lines) <= 1:
        return np.full(len(lines), saved)
    unpriced = replace(priced, dual_price=np.zeros(len(units)))
    shares = np.zeros(len(lines))
    for index, weight in zip(_RAY, _RAY_WEIGHTS, strict=True):
        part = np.floor(units * index + 0.5)
        shares -= weight * slope(unpriced, unpriced.solve_recourse(part))[lines] * units[lines]
    size = np.abs(shares)
    size = size / size.sum() if size.sum() > 0 else np.full(len(lines), 1.0 / len(lines))
    return shares + (saved - shares.sum()) * size


def _refusal(priced: PricedSubproblem, units: np.ndarray, line: int, parameters: LocalSearchParameters) -> Refusal:
    """Shut one line and improve the sku again from what is left.

    Room that is freed or taken counts at the case's price, which is what others would make of it: a
    first-order answer to what a new plan without the line would lose.
    """

    def scenario_eur(sent: np.ndarray) -> np.ndarray:
        return priced.solve_recourse(sent).scenario_eur + priced.sending_eur(sent)

    is_open, rest = np.arange(len(units)) != line, np.where(np.arange(len(units)) == line, 0.0, units)
    limits = priced.problem.limits
    shut = replace(limits, most=np.where(is_open, limits.most, 0.0))
    without = replace(priced, problem=replace(priced.problem, limits=shut))
    instead, eur = improve(without, rest, parameters)
    now, dropped = scenario_eur(units), scenario_eur(rest)
    loss = eur - float(now.mean()) + float(priced.dual_price @ (instead - units))
    changed = np.flatnonzero(np.abs(instead - rest) > _SAME_UNITS)
    return Refusal(
        loss, float((dropped - now).mean()), float((dropped > now + _SAME_EUR).mean()),
        tuple((int(priced.problem.lanes[index]), float(instead[index] - rest[index])) for index in changed),
    )  # fmt: skip


def _held_out_benefit(cache: SubproblemCache, decision: Decision) -> np.ndarray:
    subproblem = cache.subproblem(decision.sku)
    units = units_of(subproblem, decision)
    held_out = cache.priced_subproblem(subproblem, np.zeros(len(units)), is_held_out=True)
    return (
        held_out.solve_recourse(np.zeros(len(units))).scenario_eur
        - held_out.solve_recourse(units).scenario_eur
        - held_out.sending_eur(units)
    )


def units_of(subproblem: Subproblem, decision: Decision) -> np.ndarray:
    """Return the decision as units on every shipment of the sku, (L,)."""
    units = np.zeros(len(subproblem.lanes))
    units[np.searchsorted(subproblem.lanes, decision.lanes)] = decision.units
    return units


def cycle_stockout(problem: Problem, subproblem: Subproblem, units: np.ndarray) -> np.ndarray:
    """Return the probability that demand before the next receipt exceeds the stock, (H,).

    The demand is that of the regions whose nearest hub it is. The stock is the usable stock at the start, plus what the
    plan brings on that day, less what it takes.

    Parameters
    ----------
    problem
        The problem.
    subproblem
        The SKU's part of it.
    units
        Units on each shipment, (L,).

    """
    grid, specified = problem.settings.grid.days, problem.settings.positioning
    ends = np.maximum(-(-receipt_days(problem, subproblem, units) // grid), 1).astype(np.int64) * grid
    stock = subproblem.usable.copy()
    comes_now = problem.network.arrival_days[subproblem.lanes] <= 0
    np.add.at(stock, subproblem.destination[comes_now], units[comes_now])
    leaves = ~subproblem.is_supply
    np.subtract.at(stock, subproblem.origin[leaves], units[leaves])
    result = np.zeros(len(subproblem.hubs))
    key = (specified.seed, problem.catalog.skus[subproblem.sku], "cycle")
    for end in np.unique(ends):
        cycle = law(problem.demand, subproblem.sku, subproblem.regions, Buckets((0, int(end)), grid))
        demand = draw(cycle, specified.scenarios, key, is_stratified=True)[:, :, 0]
        for hub in np.flatnonzero(ends == end):
            result[hub] = (demand[:, subproblem.nearest == hub].sum(axis=1) > stock[hub] + 1e-9).mean()
    return result


def receipt_days(problem: Problem, subproblem: Subproblem, units: np.ndarray) -> np.ndarray:
    """Return the day after ``as_of`` of each hub's next receipt, (H,), at most the end of the cover window.

    It is the first arrival after the first day of a confirmed order or of a line of the plan. Without one, it is the
    first arrival that a departure decided at the next review could bring.

    Parameters
    ----------
    problem
        The problem.
    subproblem
        The SKU's part of it.
    units
        Units on each shipment, (L,).

    """
    window = float(problem.buckets.days[-1])
    lines = problem.stock.arrivals
    lines = lines[(lines["sku"] == subproblem.sku).to_numpy() & (lines["units"] > 0).to_numpy()]
    due = np.full(len(problem.network.hubs), np.inf)
    np.minimum.at(due, lines["hub"].to_numpy(dtype=np.int64), lines["day"].to_numpy(dtype="float64"))
    due = due[subproblem.hubs]
    arrives = problem.network.arrival_days[subproblem.lanes].astype("float64")
    is_sent = (units > 0) & (arrives > 0)
    np.minimum.at(due, subproblem.destination[is_sent], arrives[is_sent])
    could = np.full(len(subproblem.hubs), window)
    np.minimum.at(could, subproblem.destination, arrives + problem.settings.positioning.review_days)
    return np.asarray(np.minimum(np.where(np.isinf(due), could, due), window))


def fill_rates(nearest: np.ndarray, demand: np.ndarray, lost: np.ndarray, hubs: int) -> np.ndarray:
    """Return 1 − lost ÷ demanded units of the regions each hub is nearest to, (hubs,); NaN without demand.

    Parameters
    ----------
    nearest
        Nearest hub of each region, (R,); −1 without one.
    demand, lost
        Expected units of the cover window, (R,).
    hubs
        Number of hubs.

    """
    known = nearest >= 0
    requested = np.bincount(nearest[known], demand[known], hubs)
    missed = np.bincount(nearest[known], lost[known], hubs)
    rate = 1.0 - np.divide(missed, requested, out=np.full(hubs, np.nan), where=requested > 1e-12)
    return np.asarray(np.clip(rate, 0.0, 1.0))
