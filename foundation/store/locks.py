"""One at a time: a lock file that processes of one machine share.

The lock ends with its process, however it ends. Not here: what needs a lock; Delta tables need none.
"""

from __future__ import annotations

import fcntl
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
