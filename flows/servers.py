"""Servers on this machine: start, wait, stop; the Prefect server of a command, the user's or a temporary one; and its process.

    python -m flows.servers PORT [--no-ui] [--follow]

is a Prefect server on the loopback address that serves only its own UI and local clients: requests with another Host header (DNS
rebinding) or from another origin are refused before Prefect handles them. The login is Prefect's
(``PREFECT_SERVER_API_AUTH_STRING``). Not here: where Prefect keeps its files (``pipeline.environment``).
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

from foundation.errors import StageError

if TYPE_CHECKING:
    from pipeline.doctor import Check

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 300
_STOP_SECONDS = 20
_GRACE_SECONDS = 5
_REFUSED = b"Requests from other hosts and origins are refused."
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
_TIMEOUT_SECONDS = 5.0
_FIX = "start the server (prefect server start, or make ui), or correct PREFECT_API_URL and PREFECT_API_AUTH_STRING"


def free_port() -> int:
    """Return an unused port of the loopback address."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether a port of the loopback address is unused."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def answers(address: str) -> bool:
    """Return whether an address answers with status 200."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - an address of this machine
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until ``address`` answers; raises ``StageError`` if ``process`` ends first or after five minutes."""
    for _ in range(2 * _PATIENCE_SECONDS):
        if answers(address):
            return
        if process.poll() is not None:
            break
        time.sleep(0.5)
    raise StageError("services", f"{address} does not answer; see {log}")


def command_of(port: int) -> list[str]:
    """Return the command of a guarded Prefect server on a port of this machine."""
    return module("flows.servers", str(port))


def new_login() -> str:
    """Return a login, ``forestock:`` and a new random password, for one start of a server."""
    return f"forestock:{secrets.token_urlsafe(18)}"


def module(*command: str) -> list[str]:
    """Return the command that runs a module with the Python of this process."""
    return [sys.executable, "-m", *command]


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service while the body runs, in ``folder`` (default: the folder of its log), and stop its process group afterwards.

    An earlier log is overwritten. The service has its own process group, so that a terminal's Ctrl-C reaches it only
    through this process.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - a fixed command
            list(command),
            cwd=folder or log.parent,
            env=dict(environment),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a service and its process group: SIGTERM, then SIGKILL after 20 seconds."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=_STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


_POLL_SECONDS = 0.1
_KEPT_CHUNKS = 16
# the settings Prefect uses for its own temporary server, whose class takes three seconds to import
_TEMPORARY = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


@contextmanager
def prefect_server() -> Iterator[None]:
    """Use one Prefect server for the flows of this process and its child processes: the user's, else a temporary one.

    The flows are imported while a temporary server starts. Raises ``StageError`` if it does not start.
    """
    if get_current_settings().api.url:
        yield
        return
    port = free_port()
    api = f"http://{HOST}:{port}/api"
    login = new_login()
    process = _start_server(port, login)
    log_tail = _log_tail(process)
    atexit.register(_stop, process)  # at the end of this process, after the last log lines have been sent
    import_module("flows.nightly")
    _wait(process, f"{api}/health", log_tail)
    shared = {"PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": login}  # with processes this one starts
    with temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: login}):
        os.environ |= shared
        try:
            yield
        finally:
            for name in shared:
                del os.environ[name]


def _start_server(port: int, login: str) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own that ends with this process.

    A terminal sends Ctrl-C, and ``timeout`` SIGTERM, to the whole process group. If the server stopped at once, the flow run
    could not report its end; this server is stopped when the command ends.
    """
    variables = get_current_settings().to_environment_variables(exclude_unset=True)
    return subprocess.Popen(  # noqa: S603 - a fixed command
        [*command_of(port), "--follow"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **_TEMPORARY, **variables, "PREFECT_SERVER_API_AUTH_STRING": login},
        start_new_session=True,
    )


def _log_tail(process: subprocess.Popen[bytes]) -> deque[bytes]:
    """Return the last chunks of the server's log, kept up to date; they are not printed, because a full disk floods the log."""
    kept: deque[bytes] = deque(maxlen=_KEPT_CHUNKS)
    assert process.stderr is not None  # noqa: S101 - it is a pipe, see above
    handle = process.stderr.fileno()

    def follow() -> None:
        while part := os.read(handle, 4_096):
            kept.append(part)

    threading.Thread(target=follow, daemon=True).start()
    return kept


def _reason(kept: deque[bytes]) -> str:
    """Return the last error in the server's log in one line; empty if there is none."""
    lines = b"".join(kept).decode("utf-8", "replace").splitlines()
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return f" ({named[-1].rpartition('Error) ')[2][:200]})" if named else ""


def _wait(process: subprocess.Popen[bytes], health: str, kept: deque[bytes]) -> None:
    patience = float(get_current_settings().server.ephemeral.startup_timeout_seconds)
    for _ in range(int(patience / _POLL_SECONDS)):
        if answers(health):
            return
        if process.poll() is not None:
            raise StageError("start", f"Prefect's temporary server ended with code {process.returncode}{_reason(kept)}")
        time.sleep(_POLL_SECONDS)
    raise StageError("start", f"Prefect's temporary server did not answer within {patience:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
    import uvicorn  # late: only this process serves
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


def prefect_check() -> Check:
    """Return whether the configured Prefect API answers with the configured login; without one, commands start their own."""
    import httpx

    from pipeline.doctor import Check

    url = PREFECT_API_URL.value()
    if not url:
        return Check("Prefect", "no PREFECT_API_URL; each command uses a temporary server of its own")
    if get_current_settings().api.key is not None:
        return Check("Prefect", f"{url} is Prefect Cloud or has an API key; it is not contacted")
    login = PREFECT_API_AUTH_STRING.value()
    name, _, password = (login or "").partition(":")
    try:
        answer = httpx.post(
            f"{url.rstrip('/')}/flows/count",
            json={},
            auth=(name, password) if login else None,
            timeout=_TIMEOUT_SECONDS,
        )
    except httpx.HTTPError as error:
        return Check("Prefect", f"{url} does not answer ({type(error).__name__})", _FIX)
    if answer.status_code != httpx.codes.OK:
        return Check("Prefect", f"{url} answers with status {answer.status_code}", _FIX)
    return Check("Prefect", f"{url} answers")
