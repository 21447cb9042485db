"""Lock files shared by the processes of one machine, exclusive or shared.

A lock is released when its process ends, even if the process is killed. Not here: the resources that need locks. Delta tables do not.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.store import files


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock file at ``path`` (made with its folder) while the body runs; wait for others first.

    A URL is not locked: an object store has no lock, and there each writer's put is atomic. Raises
    ``OSError`` where the folder cannot be written.
    """
    if files.is_url(path):
        yield
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def share(path: str) -> int:
    """Mark the lock file at ``path`` as in use until ``unshare`` is given the handle returned, or the process ends.

    Waits while another holds it alone. Raises ``OSError`` if the folder cannot be written.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def unshare(handle: int) -> None:
    """Give up one ``share``."""
    os.close(handle)


@contextmanager
def alone(path: str) -> Iterator[bool]:
    """Hold the lock file at ``path`` alone while the body runs, without waiting; gives False where it is in use."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
