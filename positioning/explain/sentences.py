"""The reason of a proposal and the constraints that bind it, in a planner's words.

Here: sentences. Not here: the figures in them (``positioning.explain.lines``).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from positioning.explain.attribution import Outcome
from positioning.inputs.capacity import shared_constraints
from positioning.inputs.problem import Problem

# The words for each term where it saves money and where it costs money; templates/reasons.js reads them.
_TERM_WORDS = {
    "saved_delivery_eur": ("lower delivery cost", "higher delivery cost"), "saved_late_eur": ("fewer late parcels", "more late parcels"),
    "saved_keeping_eur": ("lower holding cost", "higher holding cost"), "saved_goods_eur": ("higher inventory value", "lower inventory value"),
}  # fmt: skip


def reason(line: Any) -> str:
    """Return one sentence with what the line saves and costs; the amounts add up to its benefit.

    ``line`` is a row of the line table as a named tuple.
    """
    gains = [(line.saved_lost_sales_eur, _fewer_lost(line))]
    gains += [(getattr(line, name), words[getattr(line, name) < 0]) for name, words in _TERM_WORDS.items()]
    text = [f"{words} {eur:.2f}" for eur, words in gains if abs(eur) >= 0.005]
    costs = [(line.saved_moving_eur, "moving"), (-line.fixed_share_eur, "share of the load")]
    text += [f"{words} {eur:.2f}" for eur, words in costs if abs(eur) >= 0.005]
    verb = "Ordering" if line.kind == "supply" else "Moving"
    parts = "; ".join(text) if text else "no term above 0.005"
    unit = "unit" if line.units == 1 else "units"
    return f"{verb} {line.units:.0f} {unit} from {line.origin} to {line.destination} saves {line.benefit_eur:.2f} EUR: {parts}.{_alternative(line)}"


def _alternative(line: Any) -> str:
    """Return a sentence for a line that could be rejected at no loss."""
    if line.loss_if_refused_eur >= 0:
        return ""
    return " Another shipment of the SKU would save as much: the plan is optimal only up to its optimality gap."


def _fewer_lost(line: Any) -> str:
    if line.fewer_lost_units >= 0.05:
        return f"{line.fewer_lost_units:.1f} fewer lost sales"
    return "more lost sales" if line.saved_lost_sales_eur < 0 else "fewer lost sales"


def binding_constraints(problem: Problem, outcome: Outcome, line: Any, slack: pd.Series) -> str:
    """Return the constraints that keep the line from being one pack larger, separated by ``|``."""
    shipment, index = int(line.shipment), list(outcome.lanes).index(int(line.shipment))
    pack = line.units / max(line.packs, 1)
    words, constraints = [], shared_constraints()
    for row, resource in enumerate(problem.shared.resources):
        if shipment in resource.shipments and slack.iloc[row] < resource.use[line.sku_at] * pack - 1e-9:
            words.append(f"{constraints[resource.kind].label} {resource.place}")
    lanes, limits = problem.network.shipments, problem.limits
    if lanes.is_supply[shipment]:
        same = lanes.is_supply[outcome.lanes] & (lanes.origin[outcome.lanes] == lanes.origin[shipment])
        if outcome.units[same].sum() + pack > limits.available[outcome.sku, lanes.origin[shipment]] + 1e-9:
            words.append(f"available at {line.origin}")
    else:
        hub = lanes.origin[shipment]
        same = ~lanes.is_supply[outcome.lanes] & (lanes.origin[outcome.lanes] == hub)
        if outcome.units[same].sum() + pack > limits.give[outcome.sku, hub] + 1e-9:
            words.append(f"stock at {line.origin}")
    if outcome.units[index] <= pack + 1e-9 and pack > 1:
        words.append("pack size")
    return "|".join(words)
