"""What was left undone and why, and what needs a person: the rows of ``exception``.

Here: one small function per kind of finding, each with its action. Not here: how reviews rank them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from positioning.costs import KG
from positioning.explain import Outcome
from positioning.frames import typed
from positioning.problem import Problem

_LEAST_LOST_UNITS = 1.0
_LEAST_LOST_RATE = 0.05
_LEAST_OMITTED_RATE = 0.01

Row = dict[str, Any]


def exception_frame(
    problem: Problem, outcomes: list[Outcome], rooms: tuple[np.ndarray, np.ndarray], omitted_eur: float
) -> pd.DataFrame:
    """Return all findings, one row per kind, hub, region and sku.

    ``rooms`` is the price and the slack of every shared resource; ``omitted_eur`` what lines left out on purpose would save.
    """
    prices, slack = rooms
    rows = [
        *stockouts(problem, outcomes), *blocked_benefit(problem, prices, slack), *overdue_inbound(problem), *lapsed_inbound(problem),
        *negative_stock(problem), *full_hubs(problem), *missing_forecasts(problem), *unseen_releases(problem),
        *omitted_benefit(outcomes, omitted_eur),
    ]  # fmt: skip
    names = ["kind", "hub", "region", "sku", "units", "eur", "decide_by", "action"]
    frame = pd.DataFrame([{name: row.get(name) for name in names} for row in rows], columns=names)
    return typed(frame.assign(as_of=as_timestamp(problem.network.as_of)), "exception")


def stockouts(problem: Problem, outcomes: list[Outcome]) -> list[Row]:
    """stockout_remains: demand that stays unmet after the plan, at least one unit and a twentieth."""
    rows = []
    for outcome in outcomes:
        eur = problem.catalogue.lost_sale_eur[outcome.sku]
        for at, region in enumerate(outcome.regions):
            lost = float(outcome.served_after.lost[at])
            if lost >= max(_LEAST_LOST_UNITS, _LEAST_LOST_RATE * outcome.demand[at]):
                rows.append({
                    "kind": "stockout_remains", "region": problem.network.regions[region],
                    "sku": problem.catalogue.skus[outcome.sku], "units": round(lost), "eur": lost * eur,
                    "action": "Find another source or a faster way; no allowed shipment repairs this at a gain.",
                })  # fmt: skip
    return rows


def blocked_benefit(problem: Problem, prices: np.ndarray, slack: np.ndarray) -> list[Row]:
    """capacity_blocks: shared room that is used up and worth money; EUR is what a tenth more would save."""
    found: dict[tuple[str, str], Row] = {}
    for price, left, resource in zip(prices, slack, problem.shared.resources, strict=True):
        room = resource.room
        if price <= 1e-9 or left > 0.01 * max(room, 1.0) or resource.load >= 0:
            continue
        row = found.setdefault((resource.kind, resource.place), {
            "kind": f"capacity_blocks_{resource.kind}", "hub": resource.place, "eur": 0.0,
            "action": f"More {resource.kind} room at {resource.place} would pay; EUR is what a tenth more saves.",
        })  # fmt: skip
        row["eur"] += float(price * max(room, 1.0) * 0.1)
    return list(found.values())


def omitted_benefit(outcomes: list[Outcome], omitted_eur: float) -> list[Row]:
    """benefit_omitted: what shipments below the minimum benefit, or rejected lately, would save together.

    Reported from a hundredth of what the plan saves with them.
    """
    saved = sum(float((outcome.before - outcome.after)[:KG].sum()) for outcome in outcomes)
    if omitted_eur <= _LEAST_OMITTED_RATE * max(saved + omitted_eur, 0.0) or omitted_eur <= 0.0:
        return []
    text = "Not proposed: shipments below positioning.min_benefit_eur, or rejected lately. Lower it to see them; the gap does not count them."
    return [{"kind": "benefit_omitted", "eur": omitted_eur, "action": text}]


def overdue_inbound(problem: Problem) -> list[Row]:
    """inbound_overdue: confirmed arrivals that should have come before the snapshot."""
    days = problem.settings.positioning.overdue_days
    text = f"Ask where it is; the plan expects it in {days} days."
    summed = problem.stock.overdue.groupby(["hub", "sku"], sort=True)["units"].sum()
    keys: list[Any] = list(summed.index)
    return [
        _at(problem, "inbound_overdue", key[0], key[1], units, text) for key, units in zip(keys, summed, strict=True)
    ]


def lapsed_inbound(problem: Problem) -> list[Row]:
    """inbound_lapsed: arrivals overdue for so long that the plan no longer counts them."""
    days = problem.settings.positioning.max_overdue_days
    text = (
        f"Close the order or correct its date; it is more than {days} days overdue and no longer counts as on its way."
    )
    summed = problem.stock.lapsed.groupby(["hub", "sku"], sort=True)["units"].sum()
    keys: list[Any] = list(summed.index)
    return [
        _at(problem, "inbound_lapsed", int(key[0]), int(key[1]), units, text)
        for key, units in zip(keys, summed, strict=True)
    ]


def negative_stock(problem: Problem) -> list[Row]:
    """stock_negative: more reserved or held than there is."""
    text = "Count the stock or release reservations; the plan takes it as empty."
    sku, hub = np.nonzero(problem.stock.usable < 0)
    return [
        _at(problem, "stock_negative", int(h), int(k), -problem.stock.usable[k, h], text)
        for k, h in zip(sku, hub, strict=True)
    ]


def full_hubs(problem: Problem) -> list[Row]:
    """hub_full: hubs without any room to add to before the plan."""
    rows = {}
    for resource in problem.shared.resources:
        if resource.kind in ("storage", "inbound") and resource.room <= 0:
            action = f"No {resource.kind} room is left after confirmed arrivals; nothing can be sent there."
            rows[resource.kind, resource.place] = {
                "kind": f"hub_full_{resource.kind}",
                "hub": resource.place,
                "action": action,
            }
    return list(rows.values())


def missing_forecasts(problem: Problem) -> list[Row]:
    """forecast_missing: stock of a sku that nobody forecast; it is neither moved nor ordered."""
    units = np.maximum(problem.stock.usable, 0.0).sum(axis=1)
    return [
        {
            "kind": "forecast_missing", "sku": problem.catalogue.skus[sku], "units": round(float(units[sku])),
            "eur": float(units[sku] * problem.catalogue.unit_cost_eur[sku]),
            "action": "Check why the sku has stock but no forecast.",
        }
        for sku in np.flatnonzero(~problem.demand.has_forecast & (units > 0))
    ]  # fmt: skip


def unseen_releases(problem: Problem) -> list[Row]:
    """release_unseen: released proposals that never appeared in inbound; they no longer count."""
    lines = problem.previous.unseen
    lines = lines[(lines["sku_at"] >= 0) & (lines["hub"] >= 0)]
    text = "Ask whether it was sent; it no longer counts as on its way."
    summed = lines.groupby(["hub", "sku_at"], sort=True)["units"].sum()
    keys: list[Any] = list(summed.index)
    return [
        _at(problem, "release_unseen", key[0], key[1], units, text) for key, units in zip(keys, summed, strict=True)
    ]


def _at(problem: Problem, kind: str, hub: int, sku: int, units: float, action: str) -> Row:
    return {
        "kind": kind, "hub": problem.network.hubs[hub], "sku": problem.catalogue.skus[sku], "units": round(float(units)),
        "eur": float(units * problem.catalogue.unit_cost_eur[sku]), "action": action,
    }  # fmt: skip
