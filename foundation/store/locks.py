"""Lock files that processes of one machine share: one at a time, or in use by some.

The lock ends with its process, however it ends. Not here: what needs a lock; Delta tables need none.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

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


def share(path: str) -> BinaryIO:
    """Return an open handle that marks the lock file at ``path`` as in use until it is closed.

    Waits while another holds it alone. Raises ``OSError`` where the folder cannot be written.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = Path(path).open("ab")  # noqa: SIM115 (the caller closes it: the lock lives as long as the handle)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


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
