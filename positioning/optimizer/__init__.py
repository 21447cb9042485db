"""The two-stage stochastic program and how it is solved: column generation, pricing, recourse, branch and bound.

Importing the package lets numba compile kernels again that an earlier version compiled and kept on disk: numba reads its index of
compiled functions before it checks whether their source has changed. Where an index names a class that has since been renamed,
reading it raises ``AttributeError``, and so would the first plan after an upgrade.
"""

from __future__ import annotations

from typing import Any

from numba.core.caching import IndexDataCacheFile

_load_index = IndexDataCacheFile._load_index


def _load_readable_index(file: Any) -> dict[Any, str]:
    """Return the index of ``file``; an empty one where it names what is no longer there."""
    try:
        return dict(_load_index(file))
    except (AttributeError, ImportError):
        return {}


def recompile_after_upgrades() -> None:
    """Let numba compile again what an index it cannot read stands for."""
    IndexDataCacheFile._load_index = _load_readable_index


recompile_after_upgrades()  # before any kernel of this package is loaded
