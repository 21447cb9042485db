"""Who sends a request: a session cookie, the header of a trusted proxy, or a client's token; the token against CSRF; login and logout.

Sessions live in memory: a restart ends them. Not here: the access file (``access``), the refusal of a request (``app``).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from foundation.serve_section import Serve
from serve.access import Access, Grant
from serve.routes.request import form_of, services_of
from serve.templating import page

COOKIE = "forestock_session"
_MOST_SESSIONS = 10_000
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Caller:
    """The sender of a request.

    Attributes
    ----------
    grant
        Name and role.
    csrf
        Token that a changing request from a page must carry; empty for a client with a token, which no other site can use.
    """

    grant: Grant
    csrf: str = ""


@dataclass
class Identity:
    """Identifies callers according to the settings.

    Attributes
    ----------
    settings
        The section ``serve``.
    read_access
        Returns the current content of the access file.
    seconds
        Returns the seconds of a clock that never goes back.
    key
        The login key of ``identity: key``.
    owner
        The person whom the key identifies.
    """

    settings: Serve
    read_access: Callable[[], Access]
    seconds: Callable[[], float]
    key: str = ""
    owner: str = "planner"
    _sessions: dict[str, tuple[Grant, float]] = field(default_factory=dict)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def caller(self, headers: dict[str, str], address: str) -> Caller | None:
        """Return the sender of a request with these headers (lower-case names); None if it is not identified."""
        if token := _bearer(headers):
            grant = self.read_access().by_token(token)
            return Caller(grant) if grant else None
        if self.settings.identity == "proxy":
            return self._behind_proxy(headers, address)
        session = _cookie(headers)
        grant = self._in_session(session)
        return Caller(grant, self._csrf(session)) if grant else None

    def is_forged(self, headers: dict[str, str], address: str) -> bool:
        """Return whether a request names a person as only the trusted proxy may."""
        return self.settings.proxy_header.lower() in headers and not self.trusts(address)

    def log_in(self, name: str, secret: str) -> str | None:
        """Return a new session for a person's password, or for the login key; None if it is wrong."""
        if self.settings.identity == "key":
            is_right = bool(self.key) and hmac.compare_digest(secret.encode(), self.key.encode())
            grant = Grant(self.owner, "releaser") if is_right else None
        elif self.settings.identity == "password":
            grant = self.read_access().by_password(name, secret)
        else:
            grant = None
        return self._new_session(grant) if grant else None

    def log_out(self, headers: dict[str, str]) -> None:
        """End the session of a request."""
        with self._lock:
            self._sessions.pop(_cookie(headers), None)

    def _behind_proxy(self, headers: dict[str, str], address: str) -> Caller | None:
        name = headers.get(self.settings.proxy_header.lower(), "")
        if not name or not self.trusts(address):
            return None
        grant = self.read_access().by_proxy(name, self.settings.default_role)
        return Caller(grant, self._csrf(f"proxy:{name}")) if grant else None

    def trusts(self, address: str) -> bool:
        """Return whether an address is that of a trusted proxy."""
        try:
            one = ipaddress.ip_address(address)
            return any(one in ipaddress.ip_network(known, strict=False) for known in self.settings.trusted_proxies)
        except ValueError:
            return False

    def _in_session(self, session: str) -> Grant | None:
        with self._lock:
            grant, until = self._sessions.get(session, (None, 0.0))
            if grant is None or until < self.seconds():
                self._sessions.pop(session, None)
                return None
        if self.settings.identity != "password":
            return grant
        known = self.read_access().people.get(grant.name)
        return Grant(grant.name, known[0]) if known else None

    def _new_session(self, grant: Grant) -> str:
        session, now = secrets.token_urlsafe(32), self.seconds()
        with self._lock:
            self._sessions = {key: one for key, one in self._sessions.items() if one[1] >= now}
            if len(self._sessions) >= _MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[session] = (grant, now + self.settings.session_hours * 3600)
        return session

    def _csrf(self, session: str) -> str:
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()


def _bearer(headers: dict[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cookie(headers: dict[str, str]) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


@router.get("/login")
def show(request: Request, key: str = "", next: str = "/") -> Response:  # noqa: A002 - name of the parameter in the address
    """Show the form; an address with the login key logs in at once."""
    if key and (session := services_of(request).identity.log_in("", key)):
        return _entered(request, session, next)
    return page(request, "login.html.j2", _content(request, next, "This key is not valid." if key else ""))


@router.post("/login")
async def enter(request: Request) -> Response:
    """Log in with name and password, or with the login key."""
    form = await form_of(request)
    identity = services_of(request).identity
    session = await run_in_threadpool(identity.log_in, form.get("name", ""), form.get("secret", ""))
    if session is None:
        return page(
            request, "login.html.j2", _content(request, form.get("next", "/"), "Name or password is wrong."), 401
        )
    return _entered(request, session, form.get("next", "/"))


@router.post("/logout")
def leave(request: Request) -> Response:
    """End the session."""
    services_of(request).identity.log_out(dict(request.headers))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


def _content(request: Request, target: str, fault: str) -> dict[str, str]:
    return {"target": target, "fault": fault, "identity": services_of(request).workspace.settings.serve.identity}


def _entered(request: Request, session: str, target: str) -> Response:
    response = RedirectResponse(_local(target), 303)
    seconds = int(services_of(request).workspace.settings.serve.session_hours * 3600)
    is_proxied = request.client is not None and services_of(request).identity.trusts(request.client.host)
    is_secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto") if is_proxied else None)
    response.set_cookie(COOKIE, session, max_age=seconds, httponly=True, samesite="lax", secure=is_secure, path="/")
    return response


def _local(target: str) -> str:
    """Return a path of this server; any other target becomes the start page."""
    is_local = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if is_local else "/"
