"""The REST API under ``/api/v1``: plans, proposals, decisions, forecasts, positions, and the value of units.

Clients send their token as ``Authorization: Bearer …``; people who are logged in can read it too. Every answer is JSON. Dates are
ISO 8601, money is in the configured currency, and a missing value is null.
"""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from foundation.tables import OUTPUTS
from serve.grid import departure_row
from serve.routes.decisions import DecisionBody, decide_and_reply
from serve.routes.request import plan_of, services_of
from serve.workspace import OpenPlan

router = APIRouter(prefix="/api/v1", tags=["v1"])
_MOST_ROWS = 10_000
AsOf = Annotated[str, Query(description="Planning date, for example 2016-05-23; empty: the newest plan.")]
Offset = Annotated[int, Query(ge=0, description="Number of rows to skip.")]
Limit = Annotated[int, Query(ge=1, le=_MOST_ROWS, description="Maximum number of rows.")]
Name = Annotated[str, Query(max_length=300, description="Only rows with this value; empty: all.")]


@router.get("/plans")
def plans(request: Request) -> dict[str, Any]:
    """Return the planning dates, and for each the cost and savings of its plan."""
    return _answer(services_of(request).tables.read("plan"), 0, _MOST_ROWS)


@router.get("/plan")
def plan(request: Request, as_of: AsOf = "") -> dict[str, Any]:
    """Return the cost and savings of a plan, and its departures with their value after the decisions."""
    opened, services = plan_of(request, as_of), services_of(request)
    row = _records(services.tables.read("plan", opened.as_of).tail(1))[0]
    now = services.clock.now()
    return {"plan": row, "departures": [departure_row(opened, number, now) for number in range(len(opened.departures))]}


@router.get("/proposals")
def proposals(
    request: Request,
    as_of: AsOf = "",
    status: Name = "",
    departure_id: Name = "",
    offset: Offset = 0,
    limit: Limit = 1_000,
) -> dict[str, Any]:
    """Return the proposals of a plan with their status, decided units, and version."""
    frame = _lines(plan_of(request, as_of))
    for name, value in (("status", status), ("departure_id", departure_id)):
        frame = frame[frame[name] == value] if value else frame
    return _answer(frame, offset, limit)


@router.post("/decisions", responses={409: {"description": "Somebody else has decided since; nothing is changed."}})
def decide(request: Request, body: DecisionBody) -> Response:
    """Approve, reject, or withdraw: the versions of ``proposals`` state what the client saw. Needs the role planner."""
    return decide_and_reply(request, body)


@router.get("/decisions")
def decisions(request: Request, as_of: AsOf = "", offset: Offset = 0, limit: Limit = 1_000) -> dict[str, Any]:
    """Return the ledger of a plan: every decision with who, when, and why, in the order of the decisions."""
    opened = plan_of(request, as_of)
    frame = services_of(request).tables.read("decision")
    frame = frame[frame["proposal_id"].isin(opened.lines["proposal_id"])]
    return _answer(frame.sort_values("at", kind="stable"), offset, limit)


@router.get("/forecasts")
def forecasts(
    request: Request, sku: Annotated[str, Query(min_length=1, max_length=300)], as_of: AsOf = "", region: Name = ""
) -> dict[str, Any]:
    """Return the forecast of a SKU by day and region, with its quantiles."""
    where = {"sku": sku} | ({"region": region} if region else {})
    return _answer(services_of(request).tables.read("forecast", plan_of(request, as_of).as_of, **where), 0, _MOST_ROWS)


@router.get("/positions")
def positions(
    request: Request, as_of: AsOf = "", sku: Name = "", hub: Name = "", offset: Offset = 0, limit: Limit = 1_000
) -> dict[str, Any]:
    """Return the stock of SKUs at hubs before and after the plan."""
    return _table(request, "position", as_of, {"sku": sku, "hub": hub}, (offset, limit))


@router.get("/unit_value")
def unit_value(
    request: Request, as_of: AsOf = "", sku: Name = "", hub: Name = "", offset: Offset = 0, limit: Limit = 1_000
) -> dict[str, Any]:
    """Return the value of one more unit of a SKU at a hub, for the routing of orders."""
    if "unit_value" not in OUTPUTS:
        raise HTTPException(404, "This version does not publish unit values.")
    return _table(request, "unit_value", as_of, {"sku": sku, "hub": hub}, (offset, limit))


@router.get("/exceptions")
def exceptions(request: Request, as_of: AsOf = "", offset: Offset = 0, limit: Limit = 1_000) -> dict[str, Any]:
    """Return the exceptions of a plan with their state, owner, and due date."""
    from serve.routes.exceptions import inbox

    return _answer(inbox(services_of(request).tables, plan_of(request, as_of).as_of), offset, limit)


def _table(
    request: Request, table: str, as_of: str, filters: dict[str, str], window: tuple[int, int]
) -> dict[str, Any]:
    where = {name: value for name, value in filters.items() if value}
    return _answer(services_of(request).tables.read(table, plan_of(request, as_of).as_of, **where), *window)


def _lines(opened: OpenPlan) -> pd.DataFrame:
    states = opened.states
    return opened.lines.assign(
        status=states.status, decided_units=states.units, decided_at=states.moments(pd.RangeIndex(len(opened.lines)).to_numpy()),
        by=states.by, decision_reason=states.reason, version=states.decided_at.astype(str),
    )  # fmt: skip


def _answer(frame: pd.DataFrame, offset: int, limit: int) -> dict[str, Any]:
    return {"total": len(frame), "offset": offset, "rows": _records(frame.iloc[offset : offset + limit])}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows for JSON: dates as texts, missing and infinite numbers as None."""
    columns = {}
    for name, values in frame.items():
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[str(name)] = [None if pd.isna(value) else value.isoformat() for value in values]
        elif pd.api.types.is_datetime64_any_dtype(values):
            columns[str(name)] = [None if pd.isna(value) else value.date().isoformat() for value in values]
        else:
            columns[str(name)] = [_plain(value) for value in values.astype(object)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value) or value in (float("inf"), float("-inf")):
        return None
    return value.item() if hasattr(value, "item") else value
