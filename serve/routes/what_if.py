"""What-ifs: a form, the jobs in the background, and the comparison with the plan of record."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.settings import WhatIf
from serve.routes.request import grant_of, plan_content, plan_of, services_of
from serve.templating import page
from serve.what_if import choices, comparison, differences

router = APIRouter(include_in_schema=False)


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
