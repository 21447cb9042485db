"""Drafts on disk, below the identity of what is being made: whole or absent, and gone once it is made.

Not here: what is drafted (the rooms say so by name).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foundation.drafts import Drafts
from foundation.errors import StageError
from foundation.store import files

log = logging.getLogger(__name__)

_KEPT_DAYS = 30


@contextmanager
def kept_drafts(folder: str, identity: str) -> Iterator[Drafts]:
    """Give what keeps texts in ``folder`` as they are made, under ``identity`` (all they depend on) and their name.

    They are removed once the block has ended of itself, and with them what interrupted work nobody went on with has
    left there for a month. One that is not whole counts as absent.
    """
    paths: list[str] = []

    def drafted(name: str, make: Callable[[], str]) -> str:
        paths.append(files.joined(folder, f"{identity}.{name}"))
        text = _whole(paths[-1])
        if text is None:
            text = make()
            kept = text.encode()
            files.write_bytes(paths[-1], b"%s\n%s" % (_hashed(kept), kept))
        return text

    yield drafted
    for path in paths:
        files.remove(path)
    files.remove_older(folder, _KEPT_DAYS)


def _whole(path: str) -> str | None:
    """Return the text kept at ``path``; None where there is none, or not all of it."""
    try:
        said, _, text = files.read_bytes(path).partition(b"\n")
    except StageError:
        return None
    if said != _hashed(text):
        log.warning("the draft %s is damaged; it is made again", path)
        return None
    log.info("going on from %s", path)
    return text.decode()


def _hashed(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
