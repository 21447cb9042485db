"""The Prefect server a command works with: the user's own, or a temporary one for this command and its processes.

Not here: where Prefect keeps its files (``flows.environment``).
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings


class _Server(SubprocessASGIServer):
    """A temporary server that does not hear Ctrl-C.

    A terminal sends it to the whole process group. A server that stops at once leaves the flow run
    retrying to report its end to nobody; this one is stopped when the command ends.
    """

    def _run_uvicorn_command(self) -> subprocess.Popen[Any]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a child keeps the mask it is born with
        try:
            return super()._run_uvicorn_command()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def prefect_server() -> Iterator[None]:
    """Let flows of this process and of those it starts use one server; a temporary one where the user has none."""
    if get_current_settings().api.url:
        yield
        return
    server = _Server()
    server.start()  # Prefect stops it when the process ends, after the last log lines have been sent to it
    with temporary_settings({PREFECT_API_URL: server.api_url}):
        os.environ["PREFECT_API_URL"] = server.api_url
        try:
            yield
        finally:
            del os.environ["PREFECT_API_URL"]
