"""The inbox of exceptions: the exceptions of a plan with their state, owner and due date, the most value at stake first.

Not here: writing a state (``workspace``), its appearance (``templates/exceptions.html.j2``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from serve.routes.request import grant_of, plan_content, plan_of, services_of
from serve.tables import Tables
from serve.templating import page
from serve.workspace import ExceptionChange

router = APIRouter(include_in_schema=False)
_FILTERS = ("kind", "hub", "status", "owner", "search")
STATUSES = ("open", "acknowledged", "solved")
_KEY = ("kind", "hub", "region", "sku")
_SEARCHED = ("kind", "hub", "region", "sku", "action", "owner")
PAGE_ROWS = 100


@router.get("/exceptions")
def exceptions(request: Request, as_of: str = "", number: int = 1) -> Response:
    """Show the exceptions of a plan, a hundred per page."""
    plan, services = plan_of(request, as_of), services_of(request)
    rows = inbox(services.tables, plan.as_of)
    query = {name: request.query_params.get(name, "")[:200] for name in _FILTERS}
    chosen = matching(rows, query)
    n_pages = max(1, -(-len(chosen) // PAGE_ROWS))
    number = min(max(number, 1), n_pages)
    shown = chosen.iloc[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
    choices = {name: sorted({value for value in rows[name].dropna() if value}) for name in ("kind", "hub", "owner")}
    content = {
        "rows": shown.to_dict("records"), "n_rows": len(chosen), "eur": float(chosen["eur"].sum()), "choices": choices,
        "statuses": STATUSES, "query": query, "number": number, "n_pages": n_pages, "may_decide": grant_of(request).may("planner"),
        "today": services.clock.now().date(),
    }  # fmt: skip
    return page(request, "exceptions.html.j2", {**plan_content(request, plan), **content})


class ExceptionBody(BaseModel):
    """A new state of exceptions, with the versions that the caller saw."""

    model_config = ConfigDict(extra="forbid")

    exceptions: Annotated[dict[str, str], Field(min_length=1, max_length=1_000)]
    status: Literal["open", "acknowledged", "solved"]
    owner: Annotated[str, Field(max_length=64)] = ""
    due_date: date | None = None
    reason: Annotated[str, Field(max_length=500)] | None = None


@router.post("/exceptions")
def change(request: Request, body: ExceptionBody) -> Response:
    """Change the state, owner and due date of exceptions; with status 409 if somebody else has."""
    grant, services = grant_of(request, "planner"), services_of(request)
    requested = ExceptionChange(body.exceptions, body.status, body.owner.strip(), body.due_date, body.reason)
    if not all(len(name) == 16 and name.isalnum() for name in body.exceptions):
        raise HTTPException(400, "An exception id has 16 letters and digits.")
    changed = services.workspace.change_exceptions(requested, grant.name, services.clock.now())
    if changed:
        return JSONResponse(
            {"detail": f"{len(changed)} of the exceptions were changed by somebody else; reload the page."}, 409
        )
    return JSONResponse({"changed": len(body.exceptions)})


@dataclass(frozen=True)
class Summary:
    """The exceptions that are not solved: their number and value, and those that are past their due date; and rows by kind."""

    n_open: int
    eur_open: float
    n_overdue: int
    kinds: list[dict[Any, Any]]


def inbox(tables: Tables, as_of: date) -> pd.DataFrame:
    """Return the exceptions of a plan with exception_id, status, owner, due_date, note, by, version, and is_back.

    An exception is open without a state, and again (``is_back``) if it was solved before the planning date and still exists.
    """
    rows = tables.read("exception", as_of)
    keys = rows[list(_KEY)].astype(object).where(rows[list(_KEY)].notna(), "")
    ids = [hashlib.sha256("\x1f".join(map(str, key)).encode()).hexdigest()[:16] for key in keys.itertuples(index=False)]
    states = (
        tables.read("exception_state").sort_values("at", kind="stable").drop_duplicates("exception_id", keep="last")
    )
    known = states.set_index("exception_id").reindex(ids).reset_index(drop=True)
    is_back = (known["status"] == "solved") & (known["at"] < pd.Timestamp(as_of, tz="UTC"))
    status = known["status"].astype(object).where(known["status"].notna() & ~is_back, "open")
    version = known["at"].astype("datetime64[us, UTC]").astype("int64").where(known["at"].notna(), 0).astype(str)
    return rows.reset_index(drop=True).assign(
        exception_id=ids, status=status, owner=known["owner"].astype(object).fillna(""), due_date=known["due_date"],
        note=known["reason"].astype(object).fillna(""), by=known["by"].astype(object).fillna(""), version=version, is_back=is_back,
    ).sort_values(["eur", "kind", "hub", "region", "sku"], ascending=[False, True, True, True, True], kind="stable", na_position="last", ignore_index=True)  # fmt: skip


def summary(tables: Tables, as_of: date, today: date) -> Summary:
    """Return the exceptions of a plan that are not solved, by kind, the most value at stake first."""
    rows = inbox(tables, as_of)
    rows = rows[rows["status"] != "solved"]
    kinds = rows.groupby("kind").agg(n_open=("kind", "size"), eur=("eur", "sum")).sort_values("eur", ascending=False)
    overdue = int((rows["due_date"] < pd.Timestamp(today)).sum())
    return Summary(len(rows), float(rows["eur"].sum()), overdue, kinds.reset_index().to_dict("records"))


def matching(rows: pd.DataFrame, query: dict[str, str]) -> pd.DataFrame:
    """Return the rows that match the filters ``kind``, ``hub``, ``status``, ``owner`` and the words of ``search``."""
    chosen = np.ones(len(rows), dtype=bool)
    for name in ("kind", "hub", "status", "owner"):
        if query.get(name):
            chosen &= (rows[name].fillna("") == query[name]).to_numpy()
    columns = [rows[name].astype(object).fillna("").astype(str).tolist() for name in _SEARCHED]
    texts = pd.Series([" ".join(parts).lower() for parts in zip(*columns, strict=True)], index=rows.index, dtype="str")
    for word in query.get("search", "").lower().split():
        chosen &= texts.str.contains(word, regex=False).to_numpy(dtype=bool)
    return rows[chosen]
