"""Decisions on all lines that match the filters of the grid: what they would decide, the decision, and its undo.

A decision carries the token of what was shown: a hash of the lines and their versions. If somebody has decided on one of these lines
since, nothing is changed. Not here: decisions on named lines and departures (``decisions``).
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from serve import grid
from serve.grid import departure_row
from serve.routes.request import grant_of, plan_of, services_of
from serve.workspace import DecisionRequest, OpenPlan

router = APIRouter(include_in_schema=False)
_STATUSES: dict[str, tuple[str, ...]] = {
    "approve": ("proposed",),
    "reject": ("proposed", "approved"),
    "withdraw": ("approved", "rejected"),
}
_MOST_UNDO_LINES, _MOST_LOSING = 300_000, 3
Text = Annotated[str, Field(max_length=300)]
Verb = Literal["approve", "reject", "withdraw"]


class ShownQuery(BaseModel):
    """The filters of the grid, and what is to be decided on the lines that match them."""

    model_config = ConfigDict(extra="forbid")

    as_of: str = ""
    verb: Verb
    search: Annotated[str, Field(max_length=200)] = ""
    hub: Text = ""
    status: Text = ""
    kind: Text = ""
    category: Text = ""
    handling_class: Text = ""
    owner: Text = ""
    departure: Text = ""


class ShownBody(ShownQuery):
    """A decision on the lines that match filters, with the token of what was shown."""

    token: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Annotated[str, Field(max_length=500)] | None = None


class UndoBody(BaseModel):
    """The undo of a decision on many lines."""

    model_config = ConfigDict(extra="forbid")

    undo: Annotated[str, Field(min_length=1, max_length=64)]


@dataclass
class Undos:
    """The lines of the last decisions on many lines, with the version that each gave them, by undo key; they live in memory."""

    _kept: OrderedDict[str, tuple[str, date, Mapping[str, str]]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, by: str, as_of: date, lines: Mapping[str, str]) -> str:
        """Keep the lines of a decision of ``by`` and return the key of its undo."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[key] = (by, as_of, lines)
            while len(self._kept) > 1 and sum(len(kept[2]) for kept in self._kept.values()) > _MOST_UNDO_LINES:
                self._kept.popitem(last=False)
        return key

    def find(self, key: str, by: str) -> tuple[date, Mapping[str, str]] | None:
        """Return plan and lines of a decision of ``by``; None for any other key."""
        with self._lock:
            known = self._kept.get(key)
        return (known[1], known[2]) if known is not None and known[0] == by else None

    def drop(self, key: str) -> None:
        """Drop the decision of a key."""
        with self._lock:
            self._kept.pop(key, None)


@router.get("/decisions/shown")
def shown(request: Request, query: Annotated[ShownQuery, Query()]) -> dict[str, Any]:
    """Return how many lines a decision on all that match the filters would decide, and the token of these lines."""
    plan, now = plan_of(request, query.as_of), services_of(request).clock.now()
    rows, n_late = _rows(request, plan, query, now)
    lines = plan.lines.iloc[rows]
    decided = plan.states.units[rows]
    return {
        "n_lines": len(rows),
        "n_departures": int(lines["departure_id"].nunique()),
        "units": float(np.where(np.isnan(decided), lines["units"].to_numpy("float64"), decided).sum()),
        "benefit": round(float(lines["benefit_eur"].sum()), 2),
        "n_late": n_late,
        "token": _token(plan, rows),
    }


@router.post("/decisions/shown")
def decide_shown(request: Request, body: ShownBody) -> Response:
    """Decide on exactly the lines that were shown; with status 409 nothing is changed, because they are others now."""
    grant, services = grant_of(request, "planner"), services_of(request)
    plan, now = plan_of(request, body.as_of), services.clock.now()
    plan.catch_up()
    rows, _ = _rows(request, plan, body, now)
    if not len(rows) or _token(plan, rows) != body.token:
        return JSONResponse(
            {"detail": "The lines have changed since they were shown; nothing was decided. Look again."}, 409
        )
    versions = plan.states.decided_at[rows].astype(str)
    seen = dict(zip(plan.lines["proposal_id"].to_numpy(object)[rows].tolist(), versions.tolist(), strict=True))
    reply = plan.decide(DecisionRequest(body.verb, lines=seen, reason=body.reason), grant.name, now)
    if reply.conflicts:
        first = reply.conflicts[0]
        text = f"{first.by} has decided on {first.name} since; nothing was decided. Look again."
        return JSONResponse({"detail": text}, 409)
    undo = (
        services.undos.keep(grant.name, plan.as_of, reply.decided) if body.verb != "withdraw" and reply.decided else ""
    )
    return JSONResponse(
        {
            "decided": len(reply.decided),
            "skipped": [{"id": name, "why": why} for name, why in reply.skipped[:5]],
            "n_skipped": len(reply.skipped),
            "losing": _losing(plan, reply.departures, now),
            "undo": undo,
            "revision": plan.revision,
        }
    )


@router.post("/decisions/undo")
def undo(request: Request, body: UndoBody) -> dict[str, Any]:
    """Make the lines of a decision undecided again, except those that were decided again or released since."""
    grant, services = grant_of(request, "planner"), services_of(request)
    kept = services.undos.find(body.undo, grant.name)
    if kept is None:
        raise HTTPException(404, "This decision can no longer be undone as a whole; withdraw the lines.")
    as_of, lines = kept
    plan = plan_of(request, as_of.isoformat())
    plan.catch_up()
    now_decided = plan.states.decided_at[plan.rows_of(lines)].astype(str)
    same = {name: version for (name, version), now in zip(lines.items(), now_decided, strict=True) if version == now}
    reply = plan.decide(DecisionRequest("withdraw", lines=same), grant.name, services.clock.now()) if same else None
    if reply is not None and reply.conflicts:
        raise HTTPException(409, f"{reply.conflicts[0].by} decides on these lines just now; try again.")
    services.undos.drop(body.undo)
    n_decided = 0 if reply is None else len(reply.decided)
    return {"decided": n_decided, "n_changed": len(lines) - n_decided, "revision": plan.revision}


def _rows(request: Request, plan: OpenPlan, query: ShownQuery, now: pd.Timestamp) -> tuple[np.ndarray, int]:
    """Return the numbers of the lines to decide on, int64, and the number of lines that their cut-off leaves out.

    Lines that are already approved are only rejected where the filter names this status.
    """
    parts = query.model_dump(include={"search", "hub", "status", "departure", *grid.FILTERS})
    matching = services_of(request).grid(plan).matching(grid.Query(**parts))
    statuses = [one for one in _STATUSES[query.verb] if query.status == one or (one == "proposed" and not query.status)]
    matching &= np.isin(plan.states.status.astype(str), statuses) & ~plan.lines["is_outlook"].to_numpy()
    if query.verb != "approve":
        return np.flatnonzero(matching), 0
    is_late = (plan.lines["decide_by"] < now).to_numpy()
    return np.flatnonzero(matching & ~is_late), int((matching & is_late).sum())


def _token(plan: OpenPlan, rows: np.ndarray) -> str:
    """Return a hash of lines and their versions."""
    digest = hashlib.sha256(rows.astype("<i8").tobytes())
    digest.update(plan.states.decided_at[rows].astype("<i8").tobytes())
    return digest.hexdigest()


def _losing(plan: OpenPlan, departures: tuple[str, ...], now: pd.Timestamp) -> list[dict[str, Any]]:
    """Return the departures of a decision that cost more than they save, the most expensive first."""
    here = plan.departures["departure_id"].isin(departures).to_numpy()
    loses = here & (plan.worth["value_eur"] < 0).to_numpy() & (plan.worth["kept"] > 0).to_numpy()
    places = np.flatnonzero(loses)
    worst = places[np.argsort(plan.worth["value_eur"].to_numpy()[places], kind="stable")][:_MOST_LOSING]
    return [departure_row(plan, int(row), now) for row in worst]
