"""What-ifs: a form, the jobs in the background, and the comparison with the plan of record.

Not here: planning a what-if (``workspace``), its appearance (``templates/what_if.html.j2``).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.settings import WhatIf
from foundation.wording import CHANGE_WORDS
from serve.routes.request import grant_of, plan_content, plan_of, services_of
from serve.tables import Tables
from serve.templating import page

router = APIRouter(include_in_schema=False)
_MOST_LINES, _MOST_PLACES = 60, 30


@router.get("/what-if")
def what_if(request: Request, as_of: str = "", name: str = "") -> Response:
    """Show the form, the jobs, and the comparison; with ``name``, the differences of one what-if."""
    plan, services = plan_of(request, as_of), services_of(request)
    rows = comparison(services.tables, plan.as_of)
    known = name if name in {row["name"] for row in rows[1:]} else ""
    content = {
        "rows": rows, "name": known, "differences": differences(services.tables, plan.as_of, known) if known else None,
        "choices": choices(services.network(plan), services.tables, plan.as_of), "jobs": _jobs(request, plan.as_of), "may_decide": grant_of(request).may("planner"),
    }  # fmt: skip
    return page(request, "what_if.html.j2", {**plan_content(request, plan), **content})


class WhatIfBody(BaseModel):
    """A what-if: its name and what it changes, as the keys of ``what_if`` in a configuration."""

    model_config = ConfigDict(extra="forbid")

    as_of: str = ""
    name: Annotated[str, Field(min_length=1, max_length=64)]
    changes: dict[str, Any]


@router.post("/what-if")
def start(request: Request, body: WhatIfBody) -> dict[str, str]:
    """Start a what-if in the background."""
    grant, services = grant_of(request, "planner"), services_of(request)
    plan = plan_of(request, body.as_of)
    try:
        change = WhatIf(**{**body.changes, "name": body.name})
    except (ValidationError, TypeError) as error:
        first: Any = (
            error.errors()[0] if isinstance(error, ValidationError) else {"loc": ("changes",), "msg": str(error)}
        )
        raise HTTPException(
            400, f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
        ) from None
    if change == WhatIf(name=body.name):
        raise HTTPException(400, "The what-if changes nothing; choose a change.")
    services.workspace.start_what_if(plan.as_of, change, grant.name)
    return {"name": body.name}


@router.get("/what-if/jobs")
def jobs(request: Request, as_of: str = "") -> list[dict[str, Any]]:
    """Return the jobs of a planning date, the last one first."""
    return _jobs(request, plan_of(request, as_of).as_of)


def _jobs(request: Request, as_of: object) -> list[dict[str, Any]]:
    return [
        {"name": job.name, "by": job.by, "status": job.status, "lines": list(job.lines)}
        for job in services_of(request).workspace.jobs()
        if job.as_of == as_of
    ]


def comparison(tables: Tables, as_of: date) -> list[dict[str, Any]]:
    """Return the plan of record, then every what-if of a date: what it changes, its cost, savings and service."""
    plan = tables.read("plan", as_of).iloc[-1]
    rows = [_figures(plan, "Plan of record", "", float("nan"))]
    for row in tables.read("what_if", as_of).to_dict("records"):
        changes = "; ".join(
            f"{CHANGE_WORDS.get(name, name.replace('_', ' '))} {_value(value)}"
            for name, value in json.loads(row["changes"]).items()
        )
        reaction = float(row["kept_total_eur"]) - float(row["total_eur"])
        rows.append(
            _figures(row, str(row["what_if"]), changes, reaction)
            | {"is_old": row["plan_id_of_record"] != plan["plan_id"]}
        )
    return rows


def _figures(row: Any, name: str, changes: str, reaction_eur: float) -> dict[str, Any]:
    return {
        "name": name, "changes": changes, "total_eur": row["total_eur"], "saving_eur": row["total_eur_before"] - row["total_eur"],
        "lost_sales_eur": row["lost_sales_eur_after"], "promise_hit_rate": row["promise_hit_rate"],
        "local_fill_rate": row["local_fill_rate"], "n_proposals": row["n_proposals"], "kg_co2e": row["kg_co2e"],
        "reaction_eur": reaction_eur, "is_old": False,
    }  # fmt: skip


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items())
    if isinstance(value, float):
        return f"{value:,g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def differences(tables: Tables, as_of: date, name: str) -> dict[str, Any]:
    """Return the lines and places in which a what-if differs from the plan of record, the largest differences first."""
    lines = tables.read("what_if_line", as_of)
    lines = lines[(lines["what_if"] == name) & (lines["difference"] != "same")]
    change = (lines["benefit_eur"].fillna(0) - lines["benefit_eur_of_record"].fillna(0)).abs()
    shown = lines.assign(_change=change).sort_values("_change", ascending=False)
    places = tables.read("what_if_place", as_of)
    places = places[places["what_if"] == name].assign(
        difference=lambda frame: frame["kpi_value"] - frame["kpi_value_of_record"]
    )
    places = places[places["difference"].abs() > 0.5].sort_values("difference", key=lambda values: -values.abs())
    return {
        "lines": shown.head(_MOST_LINES).to_dict("records"), "n_lines": len(shown),
        "counts": lines["difference"].value_counts().to_dict(), "places": places.head(_MOST_PLACES).to_dict("records"),
    }  # fmt: skip


def choices(inputs: dict[str, pd.DataFrame], tables: Tables, as_of: date) -> dict[str, list[str]]:
    """Return the names that the form offers: hubs, regions, and lanes; those of the plan where its inputs no longer exist."""
    lanes = inputs.get("lanes", tables.read("departure", as_of))
    names = {
        "hubs": inputs.get("hubs", tables.read("position", as_of))["hub"],
        "regions": inputs.get("regions", tables.read("service", as_of))["region"],
        "lanes": lanes.loc[lanes["kind"].astype(str) != "delivery", "lane"],
    }
    return {name: sorted(values.astype(str).unique()) for name, values in names.items()}
