"""The release: a preview of its documents, then the release itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from serve.routes.request import day_of, grant_of, plan_content, plan_of, services_of
from serve.templating import page

router = APIRouter(include_in_schema=False)
_MOST_SHOWN = 200


@router.get("/release")
def preview(request: Request, as_of: str = "", form: str = "csv") -> Response:
    """Show the documents that a release would send now."""
    plan, services = plan_of(request, as_of), services_of(request)
    result = services.workspace.preview_release(plan.as_of, form or None, services.clock.now())
    content = {
        "preview": result, "documents": result.documents.head(_MOST_SHOWN).to_dict("records"), "n_documents": len(result.documents),
        "form": form, "may_release": grant_of(request).may("releaser"), "n_lines": len(result.lines),
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
