"""A Prefect server as a process on the loopback address that serves only its own UI and local clients.

    python -m flows.local_server PORT [--no-ui] [--follow]

Requests with another Host header (DNS rebinding) or from another origin are refused before Prefect handles them. The
login is Prefect's (``PREFECT_SERVER_API_AUTH_STRING``). Not here: starting servers (``flows.servers``, ``forestock.cli.ui``).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from flows.servers import HOST

_GRACE_SECONDS = 5
_REFUSED = b"Requests from other hosts and origins are refused."
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application that passes on requests addressed to this machine, unless another site's page sent them."""

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost", "[::1]")}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer 403, or close a WebSocket, if the Host or Origin header is not this server's."""
        if scope["type"] not in ("http", "websocket") or self._is_local(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            head = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 403, "headers": head})
            await send({"type": "http.response.body", "body": _REFUSED})

    def _is_local(self, scope: Message) -> bool:
        given: dict[bytes, list[str]] = {b"host": [], b"origin": []}
        for name, value in scope["headers"]:
            if name.lower() in given:
                given[name.lower()].append(value.decode("latin-1").lower())
        origins = {f"http://{host}" for host in self._hosts}
        return len(given[b"host"]) == 1 and given[b"host"][0] in self._hosts and set(given[b"origin"]) <= origins


def serve(port: int, is_following: bool) -> None:
    """Serve Prefect's API on ``port`` until SIGTERM or, if ``is_following``, until standard input (a pipe) is closed."""
    if is_following:
        threading.Thread(target=_follow, daemon=True).start()
    from prefect.server.api.server import create_app

    uvicorn.run(
        Guard(create_app(), port),
        host=HOST,
        port=port,
        log_level="error" if is_following else "warning",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _follow() -> None:
    """End with the process at the other end of the pipe, so that a killed command leaves no server running."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str]) -> None:
    """Serve on the port named first."""
    port = int(arguments[0])
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = f"http://{HOST}:{port}"
    os.environ["PREFECT__SERVER_FINAL"] = "1"
    if "--no-ui" in arguments:
        os.environ["PREFECT_SERVER_UI_ENABLED"] = "false"
    serve(port, "--follow" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
