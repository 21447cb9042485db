"""The application: routes, templates, and static files, behind the protection of every request.

Requests are checked before any route: host, size, rate, identity, CSRF; and the headers of the response. A route cannot forget a check: whatever
is not explicitly public needs an identified caller, and whatever changes something needs a planner's role and the token of the page. Routes that
need more check it themselves. Not here: the routes (``routes``), how callers are identified (``identity``).
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment

from foundation.errors import ForestockError, StageError
from foundation.serve_section import Serve
from serve import identity as login
from serve.grid import Grid
from serve.identity import Caller, Identity
from serve.routes import api, bulk, decisions, exceptions, network, sku, today, what_if
from serve.routes.exceptions import Summary, summary
from serve.tables import Tables
from serve.templating import environment, page
from serve.workspace import OpenPlan, Workspace

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

CSRF_HEADER = "x-csrf-token"
_SAFE = ("GET", "HEAD")
_PUBLIC = ("/login", "/static/")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # no-referrer would send the origin of a form as null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_MOST_BUCKETS = 20_000
_LOGINS_PER_MINUTE = 10


@dataclass
class Rates:
    """Token buckets: a caller may send ``per_minute`` requests at once and that many per minute after.

    Attributes
    ----------
    per_minute
        Size of a bucket and its refill per minute.
    seconds
        Returns the seconds of a clock that never goes back.
    """

    per_minute: int
    seconds: Callable[[], float]
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admits(self, name: str) -> bool:
        """Take one request from the bucket of ``name`` and return whether it had one."""
        now = self.seconds()
        with self._lock:
            if len(self._buckets) > _MOST_BUCKETS:
                self._buckets.clear()
            left, since = self._buckets.get(name, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - since) * self.per_minute / 60)
            is_admitted = left >= 1
            self._buckets[name] = (left - 1 if is_admitted else left, now)
        return is_admitted


class Protection:
    """The ASGI middleware around the application."""

    def __init__(self, app: App, settings: Serve, identity: Identity) -> None:
        self._app = app
        self._settings = settings
        self._identity = identity
        self._rates = Rates(settings.requests_per_minute, identity.seconds)
        self._logins = Rates(_LOGINS_PER_MINUTE, identity.seconds)
        self._hosts = {"localhost", "127.0.0.1", "::1", settings.host, *settings.allowed_hosts}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Check a request, then pass it on, or answer with the refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no WebSocket is in use
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        address = scope["client"][0] if scope.get("client") else ""
        names = [name.decode("latin-1").lower() for name, _ in scope["headers"]]
        if names.count(self._settings.proxy_header.lower()) > 1:
            twice = "The header of the proxy is there twice; let the proxy replace that of the client."
            await _refuse(scope, _with_headers(send, scope["path"]), 403, twice)
            return
        caller = self._identity.caller(headers, address)
        if refusal := self._refusal(scope, headers, address, caller):
            await _refuse(scope, _with_headers(send, scope["path"]), *refusal)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._pass_on(scope, receive, _with_headers(send, scope["path"]))

    def _refusal(
        self, scope: Message, headers: dict[str, str], address: str, caller: Caller | None
    ) -> tuple[int, str] | None:
        """Return status and reason if the request is refused."""
        path, is_change = scope["path"], scope["method"] not in _SAFE
        if _host_name(headers.get("host", "")) not in self._hosts:
            return 400, "This name of the server is not allowed; see serve.allowed_hosts."
        if self._identity.is_forged(headers, address):
            return 403, "The header of the proxy comes from an address that is not trusted; see serve.trusted_proxies."
        if not self._rates.admits(caller.grant.name if caller else f"address:{address}"):
            return 429, "Too many requests; wait a minute."
        if _declared_length(headers) > self._settings.max_body_kb * 1024:
            return 413, "The request is too large."
        if is_change and not _is_same_origin(headers):
            return 403, "The request comes from another site."
        if path == "/login" and is_change and not self._logins.admits(address):
            return 429, "Too many logins; wait a minute."
        if any(path == public or (public.endswith("/") and path.startswith(public)) for public in _PUBLIC):
            return None
        if caller is None:
            return 401, "Log in first."
        return _refused_change(headers, caller, path) if is_change else None

    async def _pass_on(self, scope: Message, receive: Receive, send: Send) -> None:
        most, length, is_refused = self._settings.max_body_kb * 1024, 0, False

        async def limited() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            return message if length <= most else {"type": "http.disconnect"}

        async def checked(message: Message) -> None:
            nonlocal is_refused
            if length <= most:
                await send(message)
            elif not is_refused:
                is_refused = True
                await _refuse(scope, send, 413, "The request is too large.")

        await self._app(scope, limited, checked)
        if length > most and not is_refused:
            await _refuse(scope, send, 413, "The request is too large.")


def _refused_change(headers: dict[str, str], caller: Caller, path: str) -> tuple[int, str] | None:
    if not caller.grant.is_client and not hmac.compare_digest(
        headers.get(CSRF_HEADER, "").encode(), caller.csrf.encode()
    ):
        return 403, "The token of the page is missing or old; reload the page."
    if path != "/logout" and not caller.grant.may("planner"):
        return 403, "Your role may only read."
    return None


def _host_name(host: str) -> str:
    return (urlsplit(f"//{host}").hostname or "") if host.isprintable() and " " not in host else ""


def _declared_length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdigit() and len(length) < 19 else 2**62


def _is_same_origin(headers: dict[str, str]) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


def _with_headers(send: Send, path: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = {name.lower() for name, _ in message["headers"]}
            extra = dict(_HEADERS)
            if not path.startswith("/static/"):
                extra["cache-control"] = "no-store"
            added = [(name.encode(), value.encode()) for name, value in extra.items() if name.encode() not in kept]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending


async def _refuse(scope: Message, send: Send, status: int, reason: str) -> None:
    """Answer with the reason, or lead a browser that is not logged in to the login."""
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    accepts = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
    if status == 401 and scope["method"] in _SAFE and "text/html" in accepts and not scope["path"].startswith("/api/"):
        query = scope.get("query_string", b"").decode("latin-1")
        place = quote(scope["path"] + (f"?{query}" if query else ""), safe="/?&=")
        status, headers = 303, [(b"location", f"/login?next={quote(place, safe='')}".encode())]
    elif status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": reason}).encode()})


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
    undos: bulk.Undos = field(default_factory=bulk.Undos)
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
        names = ("hubs", "regions", "skus", "lanes", "hub_capacity", "inbound")
        return dict(self.once(("network", plan.as_of), plan, lambda: self.workspace.inputs(plan.as_of, names)))

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
    for module in (login, today, bulk, decisions, sku, network, exceptions, what_if, api):
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
