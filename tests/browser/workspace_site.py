"""A workspace that listens on a free port, over a synthetic plan, for the browser tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import uvicorn

from foundation.configuration import load_settings
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline.workspace import Workspace
from serve import Access, Clock, Identity, build_app
from serve.access import hashed_password

KEY = "browser-key"
PASSWORD = "correct horse"  # noqa: S105 - of the tests


@dataclass(frozen=True)
class Served:
    """A running workspace: its address and the settings of its warehouse."""

    address: str
    settings: Settings

    def ledger(self) -> pd.DataFrame:
        """Return the ledger in the order of the decisions."""
        return Warehouse(self.settings).read("decision").sort_values("at", ignore_index=True)


@contextmanager
def serving(warehouse: Path, now: str, *overrides: str) -> Iterator[Served]:
    """Serve a warehouse; the clock of decisions stands at ``now``, plus the seconds since the start."""
    settings = load_settings("demo", [f"warehouse={warehouse}", "serve.identity=password", *overrides])
    start, begin = pd.Timestamp(now, tz="UTC").as_unit("us"), time.monotonic()
    people = {
        name: (role, hashed_password(PASSWORD, cost=2))
        for name, role in (("Paul", "planner"), ("Petra", "planner"), ("Rita", "releaser"), ("Vera", "viewer"))
    }
    access = Access(people)  # type: ignore[arg-type] # the role is one of three
    clock = Clock(
        lambda: (start + pd.Timedelta(seconds=time.monotonic() - begin)).as_unit("us"), time.monotonic, is_set=True
    )
    identity = Identity(settings.serve, lambda: access, time.monotonic)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(build_app(Workspace(settings), identity, clock), port=port, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield Served(f"http://127.0.0.1:{port}", settings)
    finally:
        server.should_exit = True
        thread.join(10)
