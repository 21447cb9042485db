"""The inbox of exceptions."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from serve.inbox import PAGE_ROWS, STATUSES, inbox, matching
from serve.routes.request import grant_of, plan_content, plan_of, services_of
from serve.templating import page
from serve.workspace import ExceptionChange

router = APIRouter(include_in_schema=False)
_FILTERS = ("kind", "hub", "status", "owner", "search")


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
