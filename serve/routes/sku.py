"""The page of a SKU, and the search for SKUs."""

from __future__ import annotations

from typing import Any

import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import Response

from serve.routes.request import plan_content, plan_of, services_of
from serve.sku import sku_view
from serve.templating import page

router = APIRouter(include_in_schema=False)
_MOST_MATCHES = 20


def _known_skus(request: Request, as_of: object) -> list[str]:
    services = services_of(request)
    skus = services.workspace.inputs(as_of, ("skus",)).get("skus", pd.DataFrame({"sku": []}))
    positions = services.tables.read("position", as_of, ["sku"])["sku"].unique()
    return sorted({*skus["sku"].astype(str), *positions})


@router.get("/sku")
def sku(request: Request, as_of: str = "", sku: str = "") -> Response:
    """Show a SKU, with or without a proposal."""
    plan, services = plan_of(request, as_of), services_of(request)
    skus = services.once(("skus", plan.as_of), plan, lambda: _known_skus(request, plan.as_of))
    text = sku.strip()[:300]
    content: dict[str, Any] = {"requested": text, "view": None, "matches": [], "n_skus": len(skus)}
    if text in set(skus):
        content["view"] = sku_view(services.workspace, services.tables, plan, text)
    else:
        content["matches"] = [name for name in skus if text.lower() in name.lower()][:_MOST_MATCHES]
    return page(
        request, "sku.html.j2", {**plan_content(request, plan), **content}, 200 if content["view"] or not text else 404
    )


@router.get("/sku/search")
def search(request: Request, as_of: str = "", q: str = "") -> dict[str, list[str]]:
    """Return SKUs whose id contains a text, those that begin with it first."""
    plan, services = plan_of(request, as_of), services_of(request)
    skus = services.once(("skus", plan.as_of), plan, lambda: _known_skus(request, plan.as_of))
    text = q.strip().lower()[:100]
    matches = [name for name in skus if text in name.lower()]
    return {"skus": sorted(matches, key=lambda name: (not name.lower().startswith(text), name))[:_MOST_MATCHES]}
