"""The plan as output tables: ``position``, ``unit_value``, ``service``, ``transfer``, ``departure``, ``plan``.

Here: columns, types and order of rows, and in a planner's words the reason of a line and the constraints that bind it. Not here: the
figures of a line (``positioning.explain.lines``), the table ``exception`` (``positioning.explain.exceptions``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.tables import OUTPUTS, Kind
from positioning.explain.attribution import Outcome
from positioning.explain.lines import load_table
from positioning.inputs.capacity import shared_constraints
from positioning.inputs.costs import KG, TERMS
from positioning.inputs.problem import Problem

# The words for each term where it saves money and where it costs money; templates/reasons.js reads them.
_TERM_WORDS = {
    "saved_delivery_eur": ("lower delivery cost", "higher delivery cost"), "saved_late_eur": ("fewer late parcels", "more late parcels"),
    "saved_keeping_eur": ("lower holding cost", "higher holding cost"), "saved_goods_eur": ("higher inventory value", "lower inventory value"),
}  # fmt: skip


def typed(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return ``rows`` with exactly the columns of output ``table``, typed, sorted by its grain."""
    defined = OUTPUTS[table]
    columns: dict[str, Any] = {}
    for column in defined.columns:
        values: Any = rows[column.name]
        if column.kind is Kind.WHOLE:
            columns[column.name] = pd.array(np.round(values.astype("float64")), dtype="Int64")
        elif column.kind is Kind.NUMBER:
            columns[column.name] = values.astype("float64").to_numpy() + 0.0
        elif column.kind is Kind.FLAG:
            columns[column.name] = pd.array(values, dtype="boolean")
        elif column.kind is Kind.TIMESTAMP:
            columns[column.name] = pd.to_datetime(values, utc=True).dt.as_unit("us").array
        elif column.kind is Kind.DATE:
            columns[column.name] = pd.to_datetime(values).dt.as_unit("us").array
        else:
            columns[column.name] = pd.array(values, dtype="str")
    frame = pd.DataFrame(columns)
    return frame.sort_values(list(defined.grain), kind="stable", ignore_index=True)


def position_frame(problem: Problem, outcomes: list[Outcome]) -> pd.DataFrame:
    """Return one row per hub × sku that holds, awaits, moves or serves units.

    ``stockout_probability`` and the fill rates are those of ``positioning.explain.attribution``, for the regions the hub is nearest to.
    """
    lanes, rows = problem.network.shipments, []
    for outcome in outcomes:
        units_in, units_out = np.zeros(len(problem.network.hubs)), np.zeros(len(problem.network.hubs))
        np.add.at(units_in, lanes.destination[outcome.lanes], outcome.units)
        out = ~lanes.is_supply[outcome.lanes]
        np.add.at(units_out, lanes.origin[outcome.lanes][out], outcome.units[out])
        for index, hub in enumerate(outcome.hubs):
            usable = max(problem.stock.usable[outcome.sku, hub], 0.0)
            inbound = float(problem.arrivals[outcome.sku, hub, :-1].sum())
            daily = outcome.hub_daily[index]
            rows.append((
                problem.network.hubs[hub], problem.catalog.skus[outcome.sku], usable, inbound, units_out[hub],
                units_in[hub], usable + inbound - units_out[hub] + units_in[hub], outcome.hub_demand[index],
                outcome.stockout[index], usable / daily if daily > 1e-12 else np.nan,
                outcome.fill_after[index], outcome.fill_before[index],
            ))  # fmt: skip
    names = [column for column in OUTPUTS["position"].names if column != "as_of"]
    return typed(pd.DataFrame(rows, columns=names).assign(as_of=as_timestamp(problem.network.as_of)), "position")


def unit_value_frame(problem: Problem, outcomes: list[Outcome]) -> pd.DataFrame:
    """Return one row per hub × sku that the hub may hold: the value of one more unit there tonight, after the plan."""
    rows = [
        (problem.network.hubs[hub], problem.catalog.skus[outcome.sku], value)
        for outcome in outcomes
        for hub, value in zip(outcome.hubs, outcome.hub_value, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["hub", "sku", "value_eur"])
    return typed(frame.assign(as_of=as_timestamp(problem.network.as_of)), "unit_value")


def service_frame(problem: Problem, outcomes: list[Outcome]) -> pd.DataFrame:
    """Return one row per region × sku with demand: how it is served before and after, expected units."""
    rows = []
    for outcome in outcomes:
        before, after = outcome.served_before, outcome.served_after
        for index, region in enumerate(outcome.regions):
            hubs = "|".join(problem.network.hubs[hub] for hub in outcome.sources[index])
            rows.append((
                problem.network.regions[region], problem.catalog.skus[outcome.sku], outcome.demand[index],
                after.local[index], after.spilled[index], after.late[index], after.lost[index],
                before.local[index], before.spilled[index], before.late[index], before.lost[index], hubs,
            ))  # fmt: skip
    names = [column for column in OUTPUTS["service"].names if column != "as_of"]
    frame = pd.DataFrame(rows, columns=names).assign(as_of=as_timestamp(problem.network.as_of))
    units = [name for name in names if name.endswith(("_units", "_before"))]
    return typed(frame.assign(**{name: frame[name].astype("float64").clip(lower=0.0) for name in units}), "service")


def transfer_frame(
    problem: Problem, outcomes: list[Outcome], lines: pd.DataFrame, slack: pd.Series, plan_id: str
) -> pd.DataFrame:
    """Return the proposals; ``slack`` is the room left of every shared resource."""
    by_sku = {outcome.sku: outcome for outcome in outcomes}
    text: list[Any] = list(lines.itertuples(index=False))
    frame = lines.assign(
        as_of=as_timestamp(problem.network.as_of), plan_id=plan_id, status="proposed",
        reason=[reason(line) for line in text],
        binding_constraints=[binding_constraints(problem, by_sku[line.sku_at], line, slack) for line in text],
        loss_if_dropped_eur=lines["drop_eur"],
    )  # fmt: skip
    return typed(frame, "transfer")


def departure_frame(problem: Problem, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the departures the proposals travel on, with loads, fill and worth."""
    loads = load_table(problem, lines)
    first = lines.drop_duplicates("shipment").set_index("shipment")
    same = ["departure_id", "lane", "kind", "origin", "destination", "ship_date", "arrival_date", "decide_by"]
    grouped = lines.groupby("shipment")
    frame = loads.join(first[same], on="shipment").assign(
        as_of=as_timestamp(problem.network.as_of),
        benefit_eur=loads["shipment"].map(grouped["benefit_eur"].sum()),
        lines=loads["shipment"].map(grouped.size()),
    )
    return typed(frame, "departure")


def plan_frame(
    problem: Problem, outcomes: list[Outcome], lines: pd.DataFrame, figures: dict[str, object]
) -> pd.DataFrame:
    """Return the plan's one row; ``figures`` holds bound, gaps, sampling figures and versions."""
    before = np.sum([outcome.before for outcome in outcomes], axis=0)
    after = np.sum([outcome.after for outcome in outcomes], axis=0)
    after = after + fixed_terms(problem, lines)
    demand = sum(float(outcome.demand.sum()) for outcome in outcomes)
    local = sum(float(outcome.served_after.local.sum()) for outcome in outcomes)
    missed = sum(float(outcome.served_after.late.sum() + outcome.served_after.lost.sum()) for outcome in outcomes)
    row: dict[str, object] = {"as_of": as_timestamp(problem.network.as_of), **figures}
    for index, term in enumerate(TERMS):
        sign = -1.0 if term == "end_value" else 1.0
        row[f"{term}_eur_before"], row[f"{term}_eur_after"] = sign * before[index], sign * after[index]
    row["total_eur_before"], row["total_eur"] = float(before[:KG].sum()), float(after[:KG].sum())
    row["kg_co2e"] = after[KG]
    row["local_fill_rate"] = min(local / demand, 1.0) if demand > 0 else 1.0
    row["promise_hit_rate"] = min(max(1.0 - missed / demand, 0.0), 1.0) if demand > 0 else 1.0
    row["n_proposals"] = len(lines)
    return typed(pd.DataFrame([row]), "plan")


def fixed_terms(problem: Problem, lines: pd.DataFrame) -> np.ndarray:
    """Return what the loads cost, in the terms of transfers and orders (N_TERMS,)."""
    terms = np.zeros(KG + 1)
    loads = load_table(problem, lines)
    is_supply = problem.network.shipments.is_supply[loads["shipment"].to_numpy(dtype="int64")]
    terms[TERMS.index("supply")] = loads["fixed_eur"].to_numpy(dtype="float64")[is_supply].sum()
    terms[TERMS.index("transfer")] = loads["fixed_eur"].to_numpy(dtype="float64")[~is_supply].sum()
    return terms


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
