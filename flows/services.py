"""Servers as processes of this machine: a free port, started in a group of its own, waited for, and gone afterwards.

For ``make ui``, the benchmarks and the tests. Not here: the temporary server of one command (``flows.server``).
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from foundation.errors import StageError

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 300
_GRACE_SECONDS = 20


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


def prefect_server(port: int) -> list[str]:
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
            process.wait(timeout=_GRACE_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
