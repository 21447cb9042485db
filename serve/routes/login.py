"""Login and logout."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from serve.identity import COOKIE
from serve.routes.request import form_of, services_of
from serve.templating import page

router = APIRouter(include_in_schema=False)


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
