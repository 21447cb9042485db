"""Drafts: what a long stage has finished of its work, so that an interrupted one goes on from there.

Here: what a room sees of them, a function that is handed a name and what makes the text. Not here: where they are
kept (``pipeline.artifacts``).
"""

from __future__ import annotations

from collections.abc import Callable

Drafts = Callable[[str, Callable[[], str]], str]


def anew(_name: str, make: Callable[[], str]) -> str:
    """Return what ``make`` makes: the drafts of a caller who keeps none."""
    return make()
