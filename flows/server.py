"""The Prefect server a command works with: the user's own, or a temporary one for this command and its processes.

Not here: where Prefect keeps its files (``flows.environment``), servers that stay (``flows.services``).
"""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

from flows.services import HOST, answers, free_port, new_login
from flows.services import prefect_server as command_of
from foundation.errors import StageError

_GRACE_SECONDS = 5
_GLANCE_SECONDS = 0.1
_KEPT_CHUNKS = 16
# as Prefect starts its own temporary server, whose class takes three seconds to import
_TEMPORARY = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


@contextmanager
def prefect_server() -> Iterator[None]:
    """Let flows of this process and of those it starts use one server; a temporary one where the user has none.

    The flows are imported while a temporary server starts. Raises ``StageError`` where it does not.
    """
    if get_current_settings().api.url:
        yield
        return
    port = free_port()
    api = f"http://{HOST}:{port}/api"
    login = new_login()
    process = _begun(port, login)
    kept = _listened(process)
    atexit.register(_stop, process)  # at the end of this process, after the last log lines have been sent
    import_module("flows.nightly")
    _wait(process, f"{api}/health", kept)
    shared = {"PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": login}  # with processes this one starts
    with temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: login}):
        os.environ |= shared
        try:
            yield
        finally:
            for name in shared:
                del os.environ[name]


def _begun(port: int, login: str) -> subprocess.Popen[bytes]:
    """Start a server that does not hear Ctrl-C and ends with this process.

    A terminal sends it to the whole process group. A server that stops at once leaves the flow run
    retrying to report its end to nobody; this one is stopped when the command ends.
    """
    said = get_current_settings().to_environment_variables(exclude_unset=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a child keeps the mask it is born with
    try:
        return subprocess.Popen(  # noqa: S603 - our own command
            [*command_of(port), "--follow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **_TEMPORARY, **said, "PREFECT_SERVER_API_AUTH_STRING": login},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listened(process: subprocess.Popen[bytes]) -> deque[bytes]:
    """Return the end of what the server writes to its log, kept up to date: a full disk would fill the screen with it."""
    kept: deque[bytes] = deque(maxlen=_KEPT_CHUNKS)
    assert process.stderr is not None  # noqa: S101 - it is a pipe, see above
    handle = process.stderr.fileno()

    def follow() -> None:
        while part := os.read(handle, 4_096):
            kept.append(part)

    threading.Thread(target=follow, daemon=True).start()
    return kept


def _reason(kept: deque[bytes]) -> str:
    """Return the last error the server's log names, in one line; empty where it names none."""
    lines = b"".join(kept).decode("utf-8", "replace").splitlines()
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return f" ({named[-1].rpartition('Error) ')[2][:200]})" if named else ""


def _wait(process: subprocess.Popen[bytes], health: str, kept: deque[bytes]) -> None:
    patience = float(get_current_settings().server.ephemeral.startup_timeout_seconds)
    for _ in range(int(patience / _GLANCE_SECONDS)):
        if answers(health):
            return
        if process.poll() is not None:
            raise StageError("start", f"Prefect's temporary server ended with code {process.returncode}{_reason(kept)}")
        time.sleep(_GLANCE_SECONDS)
    raise StageError("start", f"Prefect's temporary server did not answer within {patience:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
