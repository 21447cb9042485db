"""The application: routes, templates and static files, behind the protection of every request.

Not here: the routes (``routes``), the rules of protection (``protection``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from typing import Any

import pandas as pd
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment

from foundation.errors import ForestockError, StageError
from serve.grid import Grid
from serve.identity import Identity
from serve.protection import Protection
from serve.routes import api, decisions, exceptions, login, network, sku, today, what_if
from serve.routes.exceptions import Summary, summary
from serve.routes.network import hub_rows
from serve.tables import Tables
from serve.templating import environment, page
from serve.workspace import OpenPlan, Workspace


@dataclass(frozen=True)
class Clock:
    """The clocks of the workspace.

    Attributes
    ----------
    now
        Returns the time of a decision in UTC.
    seconds
        Returns the seconds of a clock that never goes back.
    is_set
        Whether ``now`` was set to another time than the machine's, for a plan of the past.
    """

    now: Callable[[], pd.Timestamp]
    seconds: Callable[[], float]
    is_set: bool = False


@dataclass
class Services:
    """What routes work with; the application keeps it in its state."""

    workspace: Workspace
    identity: Identity
    clock: Clock
    templates: Environment
    tables: Tables
    _kept: dict[tuple, tuple[OpenPlan, Any]] = field(default_factory=dict)
    _grids: dict[int, tuple[OpenPlan, Grid]] = field(default_factory=dict)

    def grid(self, plan: OpenPlan) -> Grid:
        """Return the grid of a plan, built once per open plan."""
        known = self._grids.get(id(plan))
        if known is None or known[0] is not plan:
            known = (plan, Grid(plan))
            self._grids = dict(list(self._grids.items())[-2:]) | {id(plan): known}
        return known[1]

    def once(self, name: tuple, plan: OpenPlan, compute: Callable[[], Any]) -> Any:
        """Return what ``compute`` returns, computed once per open plan under ``name``."""
        known = self._kept.get(name)
        if known is None or known[0] is not plan:
            known = self._kept[name] = (plan, compute())
        return known[1]

    def network(self, plan: OpenPlan) -> dict[str, pd.DataFrame]:
        """Return the input tables of places, lanes and SKUs, read once per open plan."""
        names = ("hubs", "regions", "skus", "lanes", "hub_capacity")
        return dict(self.once(("network", plan.as_of), plan, lambda: self.workspace.inputs(plan.as_of, names)))

    def hubs(self, plan: OpenPlan) -> list[dict[Any, Any]]:
        """Return the hubs of a plan with their capacities in use."""
        return hub_rows(self.network(plan), self.tables.read("position", plan.as_of), plan)

    def volumes(self, plan: OpenPlan) -> dict[str, float]:
        """Return the volume of a unit in liters by SKU, where it is known."""
        skus = self.network(plan).get("skus", pd.DataFrame())
        if "volume_l" not in skus:
            return {}
        known = skus[skus["volume_l"].notna()]
        return dict(zip(known["sku"].astype(str), known["volume_l"].astype(float), strict=True))

    def findings(self, as_of: date) -> Summary:
        """Return the exceptions of a plan that are not solved."""
        return summary(self.tables, as_of, self.clock.now().date())


def build_app(workspace: Workspace, identity: Identity, clock: Clock) -> Protection:
    """Return the ASGI application over a warehouse."""
    app = FastAPI(
        title="Forestock",
        summary="Plans, proposals, decisions, forecasts and positions of one warehouse.",
        version=version("forestock"),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = Services(
        workspace, identity, clock, environment(workspace.settings), Tables(workspace.settings)
    )
    app.openapi = lambda: _documented(app)  # type: ignore[method-assign] # the documented way to change it
    for module in (login, today, decisions, sku, network, exceptions, what_if, api):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(packages=[("serve", "static")]))
    app.add_exception_handler(ForestockError, _explained)
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind in (HTTPException, 404, 405):
        app.add_exception_handler(kind, _refused)
    return Protection(app, workspace.settings.serve, identity)


def _documented(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document with the token of a client as the security scheme."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"token": []}]
        app.openapi_schema = schema
    return app.openapi_schema


def _explained(request: Request, error: Exception) -> Response:
    assert isinstance(error, ForestockError)  # noqa: S101 - registered for this class
    status = 500 if isinstance(error, StageError) else 400
    return _error(request, status, str(error))


def _invalid(request: Request, error: Exception) -> Response:
    """Answer with where the faults are, without the values: not every number or text that a request can hold can be sent back."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    faults = [
        {"type": str(one["type"]), "loc": [str(part) for part in one["loc"]], "msg": str(one["msg"])}
        for one in error.errors()
    ]
    return _json({"detail": faults}, 422)


def _refused(request: Request, error: Exception) -> Response:
    return _error(request, getattr(error, "status_code", 500), str(getattr(error, "detail", error)))


def _error(request: Request, status: int, text: str) -> Response:
    is_page = "text/html" in request.headers.get("accept", "") and request.method == "GET"
    if is_page and not request.url.path.startswith("/api/") and getattr(request.state, "caller", None):
        return page(request, "error.html.j2", {"text": text, "status": status}, status)
    return _json({"detail": text}, status)


def _json(content: dict[str, Any], status: int) -> Response:
    """Return ASCII, so that every text can be sent."""
    return Response(json.dumps(content), status, media_type="application/json")
