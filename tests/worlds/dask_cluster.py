"""A Dask scheduler and workers, each a process of its own with its own working directory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class DaskCluster:
    """A scheduler at ``address``, and the processes."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: tuple[subprocess.Popen[bytes], ...]


@contextmanager
def dask_cluster(
    folder: Path, n_workers: int = 2, host: str = "127.0.0.1", certificates: Sequence[str] = (), security: Any = None
) -> Iterator[DaskCluster]:
    """Start a scheduler and workers without a nanny, which would start a killed worker again.

    Parameters
    ----------
    folder
        Folder of log files and working directories.
    n_workers
        Number of workers.
    host
        Address to listen on.
    certificates
        Options that name certificates.
    security
        Dask's object for the same certificates; None without.

    """
    place = folder / "scheduler.json"
    listen = ["--host", host, "--no-dashboard", *certificates]
    started = [_start(folder, ["scheduler", "--port", "0", *listen], place)]
    try:
        for index in range(n_workers):
            home = folder / f"worker{index}"
            home.mkdir()
            started.append(_start(home, ["worker", "--no-nanny", "--nthreads", "1", *listen], place))
        yield DaskCluster(_address(place, n_workers, security), started[0], tuple(started[1:]))
    finally:
        for process in started:
            process.kill()
            process.wait()


def _start(folder: Path, options: list[str], place: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *options, "--scheduler-file", str(place)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)  # noqa: S603 (our own)


def _address(place: Path, n_workers: int, security: Any) -> str:
    """Return the scheduler's address as soon as all workers are there."""
    import json

    from distributed import Client

    until = time.monotonic() + 60
    while not place.exists() or not place.read_text().strip().endswith("}"):
        assert time.monotonic() < until, "the scheduler did not start"
        time.sleep(0.1)
    address = str(json.loads(place.read_text())["address"])
    with Client(address, timeout=60, security=security) as client:
        client.wait_for_workers(n_workers, timeout=60)
    return address
