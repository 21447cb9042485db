"""The page of proposals: its grid, the rows of the grid, decisions on them, and their release."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import InputError, counted_noun
from foundation.store.table_exports import csv_text
from foundation.wording import Money, moment, rate
from serve import grid
from serve.grid import departure_row
from serve.routes.network import hubs_of
from serve.routes.request import day_of, grant_of, plan_content, plan_of, services_of
from serve.templating import page
from serve.workspace import Conflict, DecisionReply, DecisionRequest, OpenPlan

router = APIRouter(include_in_schema=False)
_MOST_LINES = 5_000
_MOST_UNITS = 1_000_000_000
Name = Annotated[str, Field(min_length=1, max_length=300)]
Version = Annotated[str, Field(max_length=20, pattern=r"^[0-9]+$")]
_FILTERS = (("hub", "Hub"), ("category", "Category"), ("handling_class", "Class"), ("owner", "Owner"), ("kind", "Kind"))
_COLUMNS = (
    ("sku", "SKU", False), ("origin", "From → to", False), ("units", "Units", True), ("benefit_eur", "Saves", True),
    ("cost_eur", "Costs", True), ("loss_if_refused_eur", "If refused", True), ("arrival_date", "Arrives", False),
    ("status", "Status", False), ("departure", "Departure", False),
)  # fmt: skip
_STATUS_NAMES = {
    "proposed": "open",
    **{name: name for name in ("approved", "rejected", "released", "executed", "superseded")},
}
_VIEWS = (("lines", "lines by departure"), ("folded", "departures only"), ("flat", "lines only"))
_MOST_SHOWN = 200
_FILE_COLUMNS = [
    "proposal_id", "departure_id", "kind", "sku", "origin", "destination", "category", "owner", "units", "decided_units", "status", "by", "reason",
    "benefit_eur", "cost_eur", "loss_if_refused_eur", "ship_date", "arrival_date", "decide_by",
]  # fmt: skip


@router.get("/proposals")
def proposals(request: Request, as_of: str = "") -> Response:
    """Show the grid of proposals; the address may name the value of any filter."""
    plan = plan_of(request, as_of)
    grid = services_of(request).grid(plan)
    filters = ("search", "status", "departure", "view", *(name for name, _ in _FILTERS))
    return page(
        request,
        "proposals.html.j2",
        {
            **plan_content(request, plan),
            "choices": grid.choices(),
            "filter_names": _FILTERS,
            "columns": _COLUMNS,
            "statuses": list(_STATUS_NAMES),
            "views": _VIEWS,
            "status_names": _STATUS_NAMES,
            "n_lines": len(plan.lines),
            "n_departures": len(plan.departures),
            "may_decide": grant_of(request).may("planner"),
            "chosen": {name: request.query_params.get(name, "") for name in filters},
        },
    )


class RowQuery(BaseModel):
    """Query of the grid, as parameters of the address."""

    model_config = ConfigDict(extra="forbid")

    as_of: str = ""
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    search: Annotated[str, Field(max_length=200)] = ""
    hub: str = ""
    status: str = ""
    kind: str = ""
    category: str = ""
    handling_class: str = ""
    owner: str = ""
    departure: str = ""
    sort: Literal[grid.SORTS] = "departure"  # type: ignore[valid-type] # the names are listed once
    descending: bool = False
    grouped: bool = True
    folded: bool = False


@router.get("/proposals/rows")
def rows(request: Request, query: Annotated[RowQuery, Query()]) -> dict[str, Any]:
    """Return a window of the grid."""
    plan = plan_of(request, query.as_of)
    parts = query.model_dump(exclude={"as_of", "offset", "limit", "descending", "grouped", "folded"})
    requested = grid.Query(**parts, is_descending=query.descending, is_grouped=query.grouped, is_folded=query.folded)
    services = services_of(request)
    window = services.grid(plan).window(requested, query.offset, query.limit, services.clock.now())
    return {
        "rows": window.rows,
        "n_rows": window.n_rows,
        "n_lines": window.n_lines,
        "offset": window.offset,
        "revision": plan.revision,
    }


class FileQuery(BaseModel):
    """The filters and the order of the grid, as parameters of the address."""

    model_config = ConfigDict(extra="forbid")

    as_of: str = ""
    search: Annotated[str, Field(max_length=200)] = ""
    hub: str = ""
    status: str = ""
    kind: str = ""
    category: str = ""
    handling_class: str = ""
    owner: str = ""
    departure: str = ""
    sort: Literal[grid.SORTS] = "departure"  # type: ignore[valid-type] # the names are listed once
    descending: bool = False


@router.get("/proposals/lines.csv")
def lines_file(request: Request, query: Annotated[FileQuery, Query()]) -> Response:
    """Return the lines that match the filters, in the order of the grid, as CSV for a spreadsheet."""
    plan = plan_of(request, query.as_of)
    parts = query.model_dump(exclude={"as_of", "descending"})
    requested = grid.Query(**parts, is_descending=query.descending, is_grouped=False)
    rows = services_of(request).grid(plan).rows(requested)
    states = plan.states
    lines = plan.lines.iloc[rows].drop(columns="reason").assign(
        status=states.status[rows], decided_units=states.units[rows], by=states.by[rows], reason=states.reason[rows]
    )  # fmt: skip
    headers = {"content-disposition": f'attachment; filename="proposals-{plan.as_of}.csv"'}
    return Response(csv_text(lines[_FILE_COLUMNS]), headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/proposals/revision")
def revision(request: Request, as_of: str = "") -> dict[str, int]:
    """Return the number of changes of the plan since it was opened."""
    return {"revision": plan_of(request, as_of).revision}


@router.get("/proposals/check")
def check(
    request: Request,
    as_of: str,
    id: Annotated[str, Query(max_length=300)],  # noqa: A002 - name of the parameter in the address
    units: Annotated[int, Query(ge=-_MOST_UNITS, le=_MOST_UNITS)],
) -> dict[str, Any]:
    """Return whether a line can be approved for ``units``, and what its departure is then worth."""
    plan, services = plan_of(request, as_of), services_of(request)
    try:
        result = plan.preview(id, units, services.clock.now())
    except InputError as error:
        return {"is_possible": False, "text": str(error).partition("): ")[2] or str(error)}
    return {"is_possible": True, "text": " ".join([_worth(services, result), *_limits(services, plan, id, units)])}


def _worth(services: Any, result: pd.Series) -> str:
    """Return what a departure is worth after a change of units."""
    money = Money(services.workspace.settings.currency)
    value, loads = result["value_eur"], counted_noun(result["loads_needed"], "load")
    fill = "" if pd.isna(result["fill_rate"]) else f", {rate(result['fill_rate'], 0)} full"
    pays = f"saves {money(value)}" if value >= 0 else f"costs {money(-value)} more than it saves"
    return f"The departure then {pays}, with {loads}{fill}."


def _limits(services: Any, plan: OpenPlan, proposal_id: str, units: int) -> list[str]:
    """Return sentences about more units than proposed: how they are valued, and the room at the destination."""
    line = plan.lines.iloc[plan.rows_of([proposal_id])[0]]
    extra = units - int(line["units"])
    if extra <= 0:
        return []
    sentences = ["More units than proposed are valued like the proposed ones."]
    hubs = services.once(("hubs", plan.as_of), plan, lambda: hubs_of(services, plan))
    hub = next((one for one in hubs if one["hub"] == line["destination"]), None)
    volume = services.once(("volumes", plan.as_of), plan, lambda: services.volumes(plan)).get(str(line["sku"]))
    if hub and hub["storage"] is not None and volume:
        share = hub["storage"] + extra * volume / hub["storage_l"]
        full = ", more than it has" if share > 1 else ""
        sentences.append(f"{hub['hub']} then uses {rate(share, 0)} of its storage{full}.")
    return sentences


class DecisionBody(BaseModel):
    """A decision on lines or departures, with the versions that the caller saw."""

    model_config = ConfigDict(extra="forbid")

    as_of: str = Field("", description="Planning date; empty: the newest plan.")
    verb: Literal["approve", "reject", "withdraw"] = Field(description="`withdraw` makes lines undecided again.")
    lines: dict[Name, Version] = Field({}, max_length=_MOST_LINES, description="Version of each line by proposal id.")
    departures: dict[Name, Version] = Field(
        {}, max_length=500, description="Version of each departure by departure id; its open lines are decided."
    )
    units: dict[Name, Annotated[int, Field(ge=-1, le=_MOST_UNITS, strict=True)]] = Field(
        {}, max_length=_MOST_LINES, description="Changed units by proposal id, with `approve`."
    )
    reason: Annotated[str, Field(max_length=500)] | None = Field(None, description="Reason; required to reject.")


@router.post("/decisions")
def decide(request: Request, body: DecisionBody) -> Response:
    """Decide on lines or departures."""
    return decide_and_reply(request, body)


def decide_and_reply(request: Request, body: DecisionBody) -> Response:
    """Decide, and return the affected departures and lines, or with status 409 what somebody else has decided."""
    grant = grant_of(request, "planner")
    plan = plan_of(request, body.as_of)
    services = services_of(request)
    requested = DecisionRequest(body.verb, body.lines, body.departures, body.units, body.reason)
    now = services.clock.now()
    reply = plan.decide(requested, grant.name, now)
    content = {
        "decided": len(reply.decided),
        "lines": dict(reply.decided),
        "skipped": [{"id": name, "why": why} for name, why in reply.skipped],
        "conflicts": [_conflict(one) for one in reply.conflicts],
        "departures": _departures(plan, reply, services.clock.now()),
        "revision": plan.revision,
    }
    return JSONResponse(content, 409 if reply.conflicts else 200)


def _conflict(conflict: Conflict) -> dict[str, str]:
    return {
        "id": conflict.name, "status": conflict.status, "by": conflict.by, "reason": conflict.reason,
        "at": moment(conflict.decided_at),
    }  # fmt: skip


def _departures(plan: OpenPlan, reply: DecisionReply, now: Any) -> list[dict[str, Any]]:
    place = plan.departures["departure_id"].isin(reply.departures).to_numpy().nonzero()[0]
    return [departure_row(plan, int(row), now) for row in place]


@router.get("/release")
def preview(request: Request, as_of: str = "", form: str = "csv") -> Response:
    """Show the documents that a release would send now."""
    plan, services = plan_of(request, as_of), services_of(request)
    result = services.workspace.preview_release(plan.as_of, form or None, services.clock.now())
    content = {
        "preview": result, "documents": result.documents.head(_MOST_SHOWN).to_dict("records"), "n_documents": len(result.documents),
        "form": form, "may_release": grant_of(request).may("releaser"), "may_export": grant_of(request).may("planner"), "n_lines": len(result.lines),
        "units": int(result.lines["units"].sum()) if len(result.lines) else 0,
        "n_released": int(plan.worth["released"].sum()), "outbox": services.workspace.settings.decisions.outbox.receiver if services.workspace.settings.decisions.outbox.target else None,
        "is_shadow": services.workspace.settings.decisions.mode == "shadow",
    }  # fmt: skip
    return page(request, "release.html.j2", {**plan_content(request, plan), **content})


class ReleaseBody(BaseModel):
    """A release of exactly the lines of a preview."""

    model_config = ConfigDict(extra="forbid")

    as_of: str
    token: Annotated[str, Field(min_length=1, max_length=64)]


@router.post("/release")
def release(request: Request, body: ReleaseBody) -> dict[str, object]:
    """Release the lines of a preview and deliver their documents."""
    grant, services = grant_of(request, "releaser"), services_of(request)
    plan = plan_of(request, body.as_of)
    reply = services.workspace.release(day_of(body.as_of) or plan.as_of, body.token, grant.name, services.clock.now())
    return {"released": reply.n_released, "delivery": reply.delivery}


class ExportBody(BaseModel):
    """An export of the released lines of a plan."""

    model_config = ConfigDict(extra="forbid")

    as_of: str
    form: Annotated[str, Field(min_length=1, max_length=64)]


@router.post("/release/documents")
def released_documents(request: Request, body: ExportBody) -> dict[str, str]:
    """Return the released lines of a plan as the file of another system; control numbers of interchanges are recorded."""
    grant_of(request, "planner")
    plan = plan_of(request, body.as_of)
    name, text = services_of(request).workspace.released_documents(plan.as_of, body.form)
    return {"name": name, "text": text}
