"""The page of proposals."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serve.routes.request import grant_of, plan_content, plan_of, services_of
from serve.templating import page

router = APIRouter(include_in_schema=False)
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


@router.get("/proposals")
def proposals(request: Request, as_of: str = "", departure: str = "", search: str = "", status: str = "") -> Response:
    """Show the grid of proposals."""
    plan = plan_of(request, as_of)
    grid = services_of(request).grid(plan)
    return page(
        request,
        "proposals.html.j2",
        {
            **plan_content(request, plan),
            "choices": grid.choices(),
            "filter_names": _FILTERS,
            "columns": _COLUMNS,
            "statuses": list(_STATUS_NAMES),
            "status_names": _STATUS_NAMES,
            "n_lines": len(plan.lines),
            "n_departures": len(plan.departures),
            "may_decide": grant_of(request).may("planner"),
            "chosen": {"departure": departure, "search": search, "status": status},
        },
    )
