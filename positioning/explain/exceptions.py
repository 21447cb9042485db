"""The table ``exception``: what the optimizer did not decide, and what needs a person.

Here: one function per kind of exception, its rows and its action. Not here: the cause of a stockout
(``positioning.explain.unmet_demand``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from positioning.explain.attribution import Outcome
from positioning.explain.tables import typed
from positioning.explain.unmet_demand import Diagnosis, Remaining, StockoutCause
from positioning.inputs.capacity import shared_constraints
from positioning.inputs.costs import KG
from positioning.inputs.problem import Problem

_LEAST_LOST_UNITS = 1.0
_LEAST_LOST_RATE = 0.05
_LEAST_OMITTED_RATE = 0.01

Row = dict[str, Any]


@dataclass(frozen=True)
class PlanResults:
    """What exceptions are derived from, beside the problem.

    Attributes
    ----------
    outcomes
        The explained plan of every SKU.
    diagnoses
        Trials of further shipments of every SKU with stockouts, by SKU.
    dual_prices
        Dual price of every shared resource, EUR per unit of it.
    remaining
        What the plan leaves of shared resources, and the loads it uses.
    omitted_eur
        Savings of shipments that are left out because they are small or were rejected, EUR.
    """

    outcomes: list[Outcome]
    diagnoses: dict[int, Diagnosis]
    dual_prices: np.ndarray
    remaining: Remaining
    omitted_eur: float


def exception_frame(problem: Problem, results: PlanResults) -> pd.DataFrame:
    """Return the table ``exception``, one row per kind, hub, region and SKU."""
    rows = [
        *stockouts(problem, results), *binding_capacities(problem, results), *overdue_inbound(problem), *lapsed_inbound(problem),
        *negative_stock(problem), *full_hubs(problem), *missing_forecasts(problem), *unseen_releases(problem),
        *omitted_benefit(results.outcomes, results.omitted_eur),
    ]  # fmt: skip
    names = ["kind", "hub", "region", "sku", "units", "eur", "decide_by", "action"]
    frame = pd.DataFrame([{name: row.get(name) for name in names} for row in rows], columns=names)
    return typed(frame.assign(as_of=as_timestamp(problem.network.as_of)), "exception")


def has_stockout(outcome: Outcome) -> np.ndarray:
    """Return whether each region of the SKU keeps a stockout worth reporting, (R,): at least one unit and 5% of demand."""
    return np.asarray(outcome.served_after.lost >= np.maximum(_LEAST_LOST_UNITS, _LEAST_LOST_RATE * outcome.demand))


def stockouts(problem: Problem, results: PlanResults) -> list[Row]:
    """stockout_remains: demand that stays unmet after the plan, with its binding cause."""
    rows = []
    for outcome in results.outcomes:
        positions = np.flatnonzero(has_stockout(outcome))
        if not len(positions):
            continue
        cause = StockoutCause(problem, outcome, results.diagnoses[outcome.sku], results.remaining)
        for position in positions:
            lost = float(outcome.served_after.lost[position])
            rows.append({
                "kind": "stockout_remains", "region": problem.network.regions[outcome.regions[position]],
                "sku": problem.catalog.skus[outcome.sku], "units": round(lost),
                "eur": lost * problem.catalog.lost_sale_eur[outcome.sku], "action": cause.sentence(int(position)),
            })  # fmt: skip
    return rows


def binding_capacities(problem: Problem, results: PlanResults) -> list[Row]:
    """capacity_blocks: shared capacity that is used up and has a price; EUR is what 10% more would save."""
    result: dict[tuple[str, str], Row] = {}
    for price, left, resource in zip(
        results.dual_prices, results.remaining.slack, problem.shared.resources, strict=True
    ):
        if price <= 1e-9 or left > 0.01 * max(resource.capacity, 1.0) or resource.load >= 0:
            continue
        row = result.setdefault((resource.kind, resource.place), {
            "kind": f"capacity_blocks_{resource.kind}", "hub": resource.place, "eur": 0.0,
            "action": f"Add {resource.kind} capacity at {resource.place}; 10% more would save the amount shown.",
        })  # fmt: skip
        row["eur"] += float(price * max(resource.capacity, 1.0) * 0.1)
    return list(result.values())


def omitted_benefit(outcomes: list[Outcome], omitted_eur: float) -> list[Row]:
    """benefit_omitted: the savings of shipments below the minimum benefit, or rejected recently, together.

    Reported from 1% of what the plan saves with them.
    """
    saved = sum(float((outcome.before - outcome.after)[:KG].sum()) for outcome in outcomes)
    if omitted_eur <= _LEAST_OMITTED_RATE * max(saved + omitted_eur, 0.0) or omitted_eur <= 0.0:
        return []
    text = (
        "Shipments below positioning.min_benefit_eur and shipments rejected recently are not proposed. "
        "Lower the setting to see them; the optimality gap does not count them."
    )
    return [{"kind": "benefit_omitted", "eur": omitted_eur, "action": text}]


def overdue_inbound(problem: Problem) -> list[Row]:
    """inbound_overdue: confirmed arrivals that were due before the stock snapshot."""
    days = problem.settings.positioning.overdue_days
    text = f"Ask the carrier for the arrival date; the plan expects it in {days} days."
    return _by_place(problem, "inbound_overdue", problem.stock.overdue, text)


def lapsed_inbound(problem: Problem) -> list[Row]:
    """inbound_lapsed: arrivals that are overdue for so long that the plan no longer counts them."""
    days = problem.settings.positioning.max_overdue_days
    text = f"Close the order or correct its date; it is more than {days} days overdue and no longer counts as inbound."
    return _by_place(problem, "inbound_lapsed", problem.stock.lapsed, text)


def negative_stock(problem: Problem) -> list[Row]:
    """stock_negative: more units reserved or on hold than on hand."""
    sku, hub = np.nonzero(problem.stock.usable < 0)
    lines = pd.DataFrame({"hub": hub, "sku": sku, "units": -problem.stock.usable[sku, hub]})
    return _by_place(
        problem, "stock_negative", lines, "Count the stock or release reservations; the plan counts it as 0."
    )


def full_hubs(problem: Problem) -> list[Row]:
    """hub_full: hubs without any capacity left before the plan."""
    rows, constraints = {}, shared_constraints()
    for resource in problem.shared.resources:
        if constraints[resource.kind].is_reported_full and resource.capacity <= 0:
            action = f"No {resource.kind} capacity is left after confirmed arrivals, so no shipment can be sent there."
            rows[resource.kind, resource.place] = {
                "kind": f"hub_full_{resource.kind}",
                "hub": resource.place,
                "action": action,
            }
    return list(rows.values())


def missing_forecasts(problem: Problem) -> list[Row]:
    """forecast_missing and sku_replaced: stock, or inbound units, of a SKU without a forecast; it is neither moved nor ordered.

    A SKU that another one replaces has no forecast of its own; its successor is named.
    """
    catalog, stock = problem.catalog, np.maximum(problem.stock.usable, 0.0).sum(axis=1)
    inbound = np.bincount(problem.stock.arrivals["sku"], problem.stock.arrivals["units"], len(catalog.skus))
    rows = []
    for sku in np.flatnonzero(~problem.demand.has_forecast):
        successor = catalog.successors[sku]
        units = float(stock[sku] + (inbound[sku] if successor else 0.0))
        if units <= 0:
            continue
        action = "Check why the SKU has stock but no forecast."
        if successor:
            action = (
                f"{successor} replaces this SKU and has its forecast. If the units can be sold as {successor}, "
                f"book them as {successor} in stock and inbound; otherwise sell them off."
            )
        rows.append({
            "kind": "sku_replaced" if successor else "forecast_missing", "sku": catalog.skus[sku], "units": round(units),
            "eur": units * float(catalog.unit_cost_eur[sku]), "action": action,
        })  # fmt: skip
    return rows


def unseen_releases(problem: Problem) -> list[Row]:
    """release_unseen: released proposals that never appeared in ``inbound``; they no longer count."""
    lines = problem.previous.unseen
    lines = lines[(lines["sku_at"] >= 0) & (lines["hub"] >= 0)]
    lines = pd.DataFrame({"hub": lines["hub"], "sku": lines["sku_at"], "units": lines["units"]})
    return _by_place(problem, "release_unseen", lines, "Check whether it was shipped; it no longer counts as inbound.")


def _by_place(problem: Problem, kind: str, lines: pd.DataFrame, action: str) -> list[Row]:
    """Return one row per hub and SKU of ``lines`` (positions ``hub`` and ``sku``, ``units``), valued at unit cost."""
    summed = lines.groupby(["hub", "sku"], sort=True)["units"].sum()
    keys: list[Any] = list(summed.index)
    return [
        {
            "kind": kind, "hub": problem.network.hubs[int(hub)], "sku": problem.catalog.skus[int(sku)],
            "units": round(float(units)), "eur": float(units * problem.catalog.unit_cost_eur[int(sku)]), "action": action,
        }
        for (hub, sku), units in zip(keys, summed, strict=True)
    ]  # fmt: skip
