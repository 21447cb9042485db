"""Drafts on disk, below the identity of what is being made: whole or absent, and gone once it is made.

Not here: what is drafted (the rooms say so by name).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foundation.drafts import Drafts
from foundation.store import files

log = logging.getLogger(__name__)


@contextmanager
def kept_drafts(folder: str, identity: str) -> Iterator[Drafts]:
    """Give what keeps texts in ``folder`` as they are made, under ``identity`` (all they depend on) and their name.

    They are removed once the block has ended of itself. One that is not whole counts as absent.
    """
    paths: list[str] = []

    def drafted(name: str, make: Callable[[], str]) -> str:
        paths.append(files.joined(folder, f"{identity}.{name}"))
        text = _whole(paths[-1])
        if text is None:
            text = make()
            files.write_text(paths[-1], f"{_hashed(text)}\n{text}")
        return text

    yield drafted
    for path in paths:
        files.remove(path)


def _whole(path: str) -> str | None:
    """Return the text kept at ``path``; None where there is none or not all of it."""
    if not files.exists(path):
        return None
    said, _, text = files.read_text(path).partition("\n")
    if said != _hashed(text):
        log.warning("the draft %s is damaged; it is made again", path)
        return None
    log.info("going on from %s", path)
    return text


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
