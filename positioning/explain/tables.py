"""The plan as output tables: ``position``, ``service``, ``transfer``, ``departure``, ``plan``.

Here: columns, types and order of rows. Not here: findings (``positioning.explain.tables``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.tables import OUTPUTS, Kind
from positioning.explain.attribution import Outcome
from positioning.explain.lines import load_table
from positioning.explain.sentences import binding_constraints, reason
from positioning.inputs.capacity import shared_constraints
from positioning.inputs.costs import KG, TERMS
from positioning.inputs.problem import Problem


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

    ``stockout_probability`` and the fill rates are those of ``positioning.inputs.availability``, for the regions the hub is nearest to.
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
        eur = problem.catalog.lost_sale_eur[outcome.sku]
        for index, region in enumerate(outcome.regions):
            lost = float(outcome.served_after.lost[index])
            if lost >= max(_LEAST_LOST_UNITS, _LEAST_LOST_RATE * outcome.demand[index]):
                rows.append({
                    "kind": "stockout_remains", "region": problem.network.regions[region],
                    "sku": problem.catalog.skus[outcome.sku], "units": round(lost), "eur": lost * eur,
                    "action": "Find another source or a faster way; no allowed shipment repairs this at a gain.",
                })  # fmt: skip
    return rows


def blocked_benefit(problem: Problem, prices: np.ndarray, slack: np.ndarray) -> list[Row]:
    """capacity_blocks: shared room that is used up and worth money; EUR is what a tenth more would save."""
    result: dict[tuple[str, str], Row] = {}
    for price, left, resource in zip(prices, slack, problem.shared.resources, strict=True):
        room = resource.capacity
        if price <= 1e-9 or left > 0.01 * max(room, 1.0) or resource.load >= 0:
            continue
        row = result.setdefault((resource.kind, resource.place), {
            "kind": f"capacity_blocks_{resource.kind}", "hub": resource.place, "eur": 0.0,
            "action": f"More {resource.kind} room at {resource.place} would pay; EUR is what a tenth more saves.",
        })  # fmt: skip
        row["eur"] += float(price * max(room, 1.0) * 0.1)
    return list(result.values())


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
    rows, constraints = {}, shared_constraints()
    for resource in problem.shared.resources:
        if constraints[resource.kind].is_reported_full and resource.capacity <= 0:
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
            "kind": "forecast_missing", "sku": problem.catalog.skus[sku], "units": round(float(units[sku])),
            "eur": float(units[sku] * problem.catalog.unit_cost_eur[sku]),
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
        "kind": kind, "hub": problem.network.hubs[hub], "sku": problem.catalog.skus[sku], "units": round(float(units)),
        "eur": float(units * problem.catalog.unit_cost_eur[sku]), "action": action,
    }  # fmt: skip
