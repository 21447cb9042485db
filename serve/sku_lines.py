"""The lines of a SKU: sentences that argue for a line, its next-best alternative, and its life after the decision.

A sentence uses the stock and demand of the place that the line is for: the destination's need, what the origin keeps, and what a
refusal costs. Not here: the money by term (the column ``reason`` of the plan).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foundation.wording import moment, number, rate
from serve.tables import Tables

_NEXT_BEST = re.compile(r"^(?P<departure>.+) (?P<units>[+-]\d+)$")
_LOW_FILL = 0.995
_VISIBLE = 0.0005
_REGIONS_SHOWN = 4
Row = dict[Any, Any]
_MOST_LINES = 20
_WORDS = {"proposed": "undecided again"}


@dataclass(frozen=True)
class Alternative:
    """What the plan would do without the line: a departure with more units, or fewer."""

    departure: str
    units: int


def alternatives(next_best: object) -> list[Alternative]:
    """Return the alternatives in the column ``next_best``: ``departure +units`` separated by ``|``."""
    if not isinstance(next_best, str):
        return []
    matches = [_NEXT_BEST.match(part.strip()) for part in next_best.split("|")]
    return [Alternative(match["departure"], int(match["units"])) for match in matches if match]


@dataclass(frozen=True)
class Evidence:
    """What the sentences about a line are based on.

    Attributes
    ----------
    origin, destination
        Rows of ``position`` of the two hubs; None for a supplier.
    service
        Rows of ``service`` of the SKU.
    """

    origin: Row | None
    destination: Row | None
    service: pd.DataFrame


def argument(line: Row, evidence: Evidence) -> list[str]:
    """Return sentences that argue for a line: the need of the destination, then what the origin keeps."""
    sentences = []
    if evidence.destination is not None:
        sentences += _need(line, evidence.destination, evidence.service)
    if evidence.origin is not None:
        sentences.append(_spare(line, evidence.origin))
    return sentences


def _need(line: Row, hub: Row, service: pd.DataFrame) -> list[str]:
    name = str(line["destination"])
    stock, coming, demand = (
        float(hub[column]) for column in ("units_on_hand", "units_inbound", "expected_demand_units")
    )
    available, arrival = stock + coming, f"{line['arrival_date']:%b} {line['arrival_date'].day}"
    has = f"{name} has {number(stock)} units{f' and {number(coming)} on the way' if coming else ''}"
    before, after = (
        float(hub[column]) if pd.notna(hub.get(column)) else float("nan")
        for column in ("fill_rate_before", "fill_rate")
    )
    gain = (
        f"With the plan, {rate(after)} of this demand is served from stock instead of {rate(before)}."
        if after - before > _VISIBLE
        else ""
    )
    if demand > available:
        need = f"{has}, but its regions need {number(demand)} in the cover window: {number(demand - available)} are missing, and {number(line['units'])} arrive on {arrival}."
        return [need, gain] if gain else [need]
    if demand > 0 and before < _LOW_FILL:
        need = f"{has} for an expected demand of {number(demand)}. Demand varies: without the plan, {rate(1 - before)} of it would not be served from stock."
        return [need, gain] if gain else [need]
    return [_second_line(name, has, demand, service)]


def _second_line(name: str, has: str, demand: float, service: pd.DataFrame) -> str:
    """Return what a hub with enough stock for its own regions does for the regions of other hubs."""
    hubs = service["source_hubs"].fillna("").str.split("|")
    others = service[np.array([name in one[1:] for one in hubs], dtype=bool)]
    lost_before, lost = float(others["lost_units_before"].sum()), float(others["lost_units"].sum())
    start = (
        f"{has} and is the nearest hub of no region"
        if demand <= 0
        else f"{has}, enough for the {number(demand)} that its own regions need"
    )
    regions = ", ".join(
        others.sort_values("lost_units_before", ascending=False)["region"].astype(str).head(_REGIONS_SHOWN)
    )
    if lost_before > lost + 0.5:
        return f"{start}. It also serves {regions} when their nearest hubs run out: they lose {number(lost_before)} units without the plan and {number(lost)} with it."
    if regions:
        return f"{start}. It also serves {regions}; the units make these deliveries cheaper, or replace a later and more expensive shipment."
    return f"{start}. The units replace a later and more expensive shipment."


def _spare(line: Row, hub: Row) -> str:
    name = line["origin"]
    left, demand = float(hub["target_units"]), float(hub["expected_demand_units"])
    stockout = hub.get("stockout_probability")
    risk = (
        f", with a stockout probability of {rate(stockout, 0)}" if stockout is not None and pd.notna(stockout) else ""
    )
    if demand <= 0:
        return f"{name} keeps {number(left)} units and is the nearest hub of no region."
    days = hub.get("days_of_supply")
    lasts = f", {number(days)} days of supply" if days is not None and pd.notna(days) else ""
    return f"{name} keeps {number(left)} units for an expected demand of {number(demand)}{lasts}{risk}."


def history(tables: Tables, sku: str) -> list[dict[str, Any]]:
    """Return the decided lines of a SKU, the last decided first, each with its events in order."""
    decisions = tables.read("decision")
    decisions = decisions[decisions["sku"] == sku].sort_values("at", kind="stable")
    latest = decisions.groupby("proposal_id")["at"].max().sort_values(ascending=False).head(_MOST_LINES)
    reports, realized = tables.read("execution"), tables.read("realized")
    result = []
    for proposal_id in latest.index:
        rows = decisions[decisions["proposal_id"] == proposal_id]
        events = [(row["at"], _decided(row)) for row in rows.to_dict("records")]
        events += [
            (row["at"], _reported(row)) for row in reports[reports["proposal_id"] == proposal_id].to_dict("records")
        ]
        worth = realized[realized["proposal_id"] == proposal_id]
        line = rows.iloc[-1]
        result.append(
            {
                "proposal_id": proposal_id, "origin": line["origin"], "destination": line["destination"], "ship_date": line["ship_date"],
                "status": line["status"], "planned_eur": line["benefit_eur"],
                "realized_eur": float(worth["realized_benefit_eur"].iloc[-1]) if len(worth) and "realized_benefit_eur" in worth else None,
                "events": [f"{moment(when)}: {text}" for when, text in sorted(events, key=lambda event: event[0])],
            }
        )  # fmt: skip
    return result


def _decided(row: dict[Any, Any]) -> str:
    units = (
        f" for {number(row['units'])} units"
        if row["status"] in ("approved", "released") and pd.notna(row["units"])
        else ""
    )
    reason = f" ({row['reason']})" if pd.notna(row["reason"]) else ""
    return f"{_WORDS.get(row['status'], row['status'])}{units} by {row['by']}{reason}"


def _reported(row: dict[Any, Any]) -> str:
    return f"{row['status']} {number(row['units'])} units, reported by {row['source']}"
