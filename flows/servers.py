"""The Prefect server a command works with: the user's own, or a temporary one for this command and its processes.

Not here: where Prefect keeps its files (``pipeline.environment``), servers that stay (``flows.servers``).
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, get_current_settings, temporary_settings

from foundation.errors import StageError

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 300
_STOP_SECONDS = 20


def free_port() -> int:
    """Return a port of the loopback address nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def answers(address: str) -> bool:
    """Say whether an address answers with success."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - an address of this machine
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until ``address`` answers; raises ``StageError`` where ``process`` ends before, or five minutes have passed."""
    for _ in range(2 * _PATIENCE_SECONDS):
        if answers(address):
            return
        if process.poll() is not None:
            break
        time.sleep(0.5)
    raise StageError("services", f"{address} does not answer; see {log}")


def command_of(port: int) -> list[str]:
    """Return the command of a guarded Prefect server on a port of this machine."""
    return module("flows.local_server", str(port))


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
    """Run a service while the body runs, in ``folder`` or else beside its log; the whole of its process group is gone afterwards.

    A log of before is written over.
    The group is its own, so that a terminal's Ctrl-C reaches it through us alone.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
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
    """End a service and all of its group: asked first, after 20 s not asked."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=_STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


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
    parts = get_current_settings().to_environment_variables(exclude_unset=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a child keeps the mask it is born with
    try:
        return subprocess.Popen(  # noqa: S603 - our own command
            [*command_of(port), "--follow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **_TEMPORARY, **parts, "PREFECT_SERVER_API_AUTH_STRING": login},
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
