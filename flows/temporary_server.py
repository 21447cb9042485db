"""Prefect's temporary server as a process: it serves until it is told to stop, or whoever started it is gone.

Run by ``flows.server``. Not here: who needs one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import uvicorn

from flows.services import HOST

_GRACE_SECONDS = 5


def serve(port: int) -> None:
    """Serve Prefect's API on ``port`` of this machine until SIGTERM, or until our input, a pipe, is closed."""
    threading.Thread(target=_follow, daemon=True).start()
    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host=HOST,
        port=port,
        log_level="error",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _follow() -> None:
    """End with the process at the other end of the pipe, however that ends: a killed command leaves no server behind."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
