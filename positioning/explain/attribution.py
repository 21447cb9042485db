"""What a plan does for one sku, from the model's own terms: money, service, stock, each line's share.

Here: exact evaluation before and after, on the plan's paths and on fresh ones. Not here: tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from positioning.inputs.availability import cycle_stockout, fill_rates
from positioning.inputs.costs import N_TERMS, TERM, total
from positioning.inputs.demand import daily_units_beyond
from positioning.inputs.subproblem import SkuProblem
from positioning.optimizer.local_search import improve
from positioning.optimizer.pricing import Desk
from positioning.optimizer.recourse import Case, Service, Ways, slope

# Three-point Gauss–Legendre rule on [0, 1].
_RAY = (0.1127016653792583, 0.5, 0.8872983346207417)
_RAY_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)
_SAME_UNITS, _SAME_EUR = 1e-9, 1e-6


@dataclass(frozen=True)
class Decision:
    """What was decided for a sku: shipments (positions), units, and shipments that stay open to others."""

    sku: int
    lanes: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class Served:
    """Expected units by region of the sku, each (R,)."""

    local: np.ndarray
    spilled: np.ndarray
    late: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True)
class Refusal:
    """What refusing one line does to its sku, EUR without loads.

    ``loss_eur`` when the sku is improved again, which sends ``instead`` (shipment, units more or less);
    ``drop_eur`` when nothing takes the line's place, which costs more on ``pays_rate`` of the demand paths.
    """

    loss_eur: float
    drop_eur: float
    pays_rate: float
    instead: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Outcome:
    """The plan of one sku explained; arrays follow its ``hubs`` (H), ``regions`` (R) or lines.

    ``before`` and ``after`` (N_TERMS,) are expected money terms and kilograms; ``shares`` are additive
    benefits without fixed loads; ``refusals`` say what refusing a line does.
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


def explain_chunk(desk: Desk, decisions: list[Decision], prices: np.ndarray) -> list[Outcome]:
    """Explain every decision; ``prices`` (n_resources,) hold back what takes a refused line's place."""
    return [_explain(desk, decision, prices) for decision in decisions]


def judge_chunk(desk: Desk, decisions: list[Decision]) -> list[np.ndarray]:
    """Return what every decision saves on each fresh path, without loads, EUR."""
    return [_fresh_benefit(desk, decision) for decision in decisions]


def _explain(desk: Desk, decision: Decision, prices: np.ndarray) -> Outcome:
    article = desk.article(decision.sku)
    case = desk.case(article, prices @ article.uses)
    no_shipment, units = np.zeros(len(article.lanes)), _units(article, decision)
    before = case.serve(no_shipment)
    after = case.serve(units) if units.any() else before
    lines = np.flatnonzero(units)
    demand = case.ahead.paths.mean(axis=0).sum(axis=1)
    served = _served(case, before), _served(case, after)
    fill_before, fill_after = (fill_rates(article.nearest, demand, one.lost, len(article.hubs)) for one in served)
    daily = daily_units_beyond(desk.problem.demand, decision.sku, desk.problem.buckets, desk.problem.settings.grid.days)
    opening = _opening(desk, article)
    saved = float(before.path_eur.mean() - after.path_eur.mean()) - case.sending_eur(units)
    return Outcome(
        sku=decision.sku, hubs=article.hubs, regions=article.regions, lanes=article.lanes[lines], units=units[lines],
        before=service_terms(case.ways, before) + opening,
        after=service_terms(case.ways, after) + units @ article.shipment_terms + opening,
        demand=demand, served_before=served[0], served_after=served[1], fill_before=fill_before, fill_after=fill_after,
        sources=_sources(article), hub_demand=_by_nearest(article, demand), hub_daily=_by_nearest(article, daily[article.regions]),
        stockout=cycle_stockout(desk.problem, article, units), line_terms=article.shipment_terms[lines],
        shares=_shares(case, units, lines, saved), refusals=tuple(_refusal(case, units, int(line)) for line in lines),
    )  # fmt: skip


def service_terms(ways: Ways, service: Service) -> np.ndarray:
    """Return expected money terms and kilograms of serving demand, (N_TERMS,)."""
    return np.tensordot(service.flow, ways.terms, axes=([0, 1], [0, 1]))


def _opening(desk: Desk, article: SkuProblem) -> np.ndarray:
    """Return the worth of goods at the start at cost, taken off the value at the end (N_TERMS,)."""
    goods = article.usable.sum() + article.arrivals.sum()
    terms = np.zeros(N_TERMS)
    terms[TERM["end_value"]] = goods * desk.problem.catalogue.unit_cost_eur[article.sku]
    return terms


def _by_nearest(article: SkuProblem, by_region: np.ndarray) -> np.ndarray:
    """Sum values by region (…, R) to the hubs the regions are nearest to, (…, H)."""
    has_hub = article.nearest >= 0
    summed = np.zeros((*by_region.shape[:-1], len(article.hubs)))
    np.add.at(summed.T, article.nearest[has_hub], by_region.T[has_hub])
    return summed


def _served(case: Case, service: Service) -> Served:
    """Split the flow to regions into local, spilled, late and lost units."""
    article, n_regions = case.problem, len(case.problem.regions)
    n_buckets = len(article.bucket_days)
    width = n_regions * n_buckets
    flow, via = service.flow[:-1, :width], case.ways.via[:-1, :width]
    region = np.repeat(np.arange(n_regions), n_buckets)
    is_served = via >= 0
    hub = np.where(is_served, article.delivery_hub[via] if len(article.deliveries) else -1, -1)
    is_local = is_served & (hub == article.nearest[region][None, :])
    is_late = is_served & (article.is_late[via] if len(article.deliveries) else False)
    lost = service.flow[-1, :width]

    def by_region(units: np.ndarray) -> np.ndarray:
        rows = np.atleast_2d(units)
        return rows.reshape(len(rows), n_regions, n_buckets).sum(axis=(0, 2))

    return Served(
        by_region(flow * is_local),
        by_region(flow * (is_served & ~is_local)),
        by_region(flow * is_late),
        by_region(lost),
    )


def _sources(article: SkuProblem) -> tuple[tuple[int, ...], ...]:
    """Return the hubs of each region by preference: cheapest cost to serve first, ties by hub."""
    eur = total(article.delivery_terms)
    ranked = []
    for region in range(len(article.regions)):
        rows = np.flatnonzero(article.delivery_region == region)
        order = sorted(rows, key=lambda row: (round(float(eur[row]), 9), article.hubs[article.delivery_hub[row]]))
        ranked.append(tuple(int(article.hubs[article.delivery_hub[row]]) for row in order))
    return tuple(ranked)


def _shares(case: Case, units: np.ndarray, lines: np.ndarray, saved: float) -> np.ndarray:
    """Share ``saved`` EUR among lines: Aumann–Shapley prices along the ray from nothing to the plan.

    A line's share is its units times its mean slope on the ray (Gauss–Legendre); what quadrature leaves
    over is spread by the size of the shares, so that they add up.
    """
    if len(lines) <= 1:
        return np.full(len(lines), saved)
    unpriced = Case(case.problem, case.ways, case.ahead, np.zeros(len(units)))
    shares = np.zeros(len(lines))
    for index, weight in zip(_RAY, _RAY_WEIGHTS, strict=True):
        part = np.floor(units * index + 0.5)
        shares -= weight * slope(unpriced, unpriced.serve(part))[lines] * units[lines]
    size = np.abs(shares)
    size = size / size.sum() if size.sum() > 0 else np.full(len(lines), 1.0 / len(lines))
    return shares + (saved - shares.sum()) * size


def _refusal(case: Case, units: np.ndarray, line: int) -> Refusal:
    """Shut one line and improve the sku again from what is left.

    Room that is freed or taken counts at the case's price, which is what others would make of it: a
    first-order answer to what a plan made anew without the line would lose.
    """

    def path_eur(sent: np.ndarray) -> np.ndarray:
        return case.serve(sent).path_eur + case.sending_eur(sent)

    is_open, rest = np.arange(len(units)) != line, np.where(np.arange(len(units)) == line, 0.0, units)
    shut = replace(case.problem, most=np.where(is_open, case.problem.most, 0.0))
    instead, eur = improve(replace(case, problem=shut), rest)
    now, dropped = path_eur(units), path_eur(rest)
    loss = eur - float(now.mean()) + float(case.price @ (instead - units))
    changed = np.flatnonzero(np.abs(instead - rest) > _SAME_UNITS)
    return Refusal(
        loss, float((dropped - now).mean()), float((dropped > now + _SAME_EUR).mean()),
        tuple((int(case.problem.lanes[index]), float(instead[index] - rest[index])) for index in changed),
    )  # fmt: skip


def _fresh_benefit(desk: Desk, decision: Decision) -> np.ndarray:
    article = desk.article(decision.sku)
    units = _units(article, decision)
    fresh = desk.case(article, np.zeros(len(units)), is_fresh=True)
    return fresh.serve(np.zeros(len(units))).path_eur - fresh.serve(units).path_eur - fresh.sending_eur(units)


def _units(article: SkuProblem, decision: Decision) -> np.ndarray:
    """Return the decision as units on every shipment of the sku, (L,)."""
    units = np.zeros(len(article.lanes))
    units[np.searchsorted(article.lanes, decision.lanes)] = decision.units
    return units
