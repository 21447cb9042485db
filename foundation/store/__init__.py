"""The store: the only code that accesses a disk, an object store, or a database.

Here: reading input tables (``sources``), storing input snapshots (``snapshot``), output tables (``warehouse``), and small files
(``files``). Not here: the definition of valid tables (``foundation.tables``, ``foundation.validation``) and of the data known at a date
(``foundation.visibility``).
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
