"""The page Today."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from foundation.wording import Money
from serve.routes.request import plan_content, plan_of, services_of
from serve.templating import page
from serve.today import headline, trends, waiting

router = APIRouter(include_in_schema=False)


@router.get("/")
def today(request: Request, as_of: str = "") -> Response:
    """Show what the plan saves and what waits for a decision."""
    plan, services = plan_of(request, as_of), services_of(request)
    settings = services.workspace.settings
    content = {
        "figures": headline(services.tables, plan.as_of),
        "waiting": waiting(plan, services.clock.now()),
        "charts": trends(services.tables, plan.as_of, settings.serve.trend_runs, Money(settings.currency).sign),
        "findings": services.findings(plan.as_of),
    }
    return page(request, "today.html.j2", {**plan_content(request, plan), **content})
