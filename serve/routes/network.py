"""The network page."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serve.hubs import capacity_prices
from serve.network import network_map
from serve.routes.request import plan_content, plan_of, services_of
from serve.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/network")
def network(request: Request, as_of: str = "") -> Response:
    """Show the map with flows, the hubs with their capacities in use, and the value of more capacity."""
    plan, services = plan_of(request, as_of), services_of(request)
    drawn = network_map(services.network(plan), plan)
    content = {
        "map": drawn,
        "flows": list(reversed(drawn.flows)) if drawn.places else [],
        "hubs": services.hubs(plan),
        "prices": capacity_prices(services.tables, plan.as_of, services.workspace.settings.serve.trend_runs),
    }
    return page(request, "network.html.j2", {**plan_content(request, plan), **content})
