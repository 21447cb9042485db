"""The store: the only code that touches a disk, an object store or a database.

Here: reading a user's tables (``sources``), keeping what a night may know (``snapshot``), the
output tables (``warehouse``) and small artefacts (``files``). Not here: what a valid table is
(``foundation.tables``, ``foundation.validation``) or what was known when (``foundation.visibility``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foundation.store.warehouse import Warehouse

__all__ = ["Warehouse"]


def __getattr__(name: str) -> object:
    """Import the warehouse when it is asked for: reading a configuration must not wait for Delta and pandas."""
    if name == "Warehouse":
        from foundation.store.warehouse import Warehouse

        return Warehouse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
