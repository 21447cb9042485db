"""The store: the only code that touches a disk, an object store or a database.

Here: reading a user's tables (``sources``), keeping what a night may know (``snapshot``), the
output tables (``warehouse``) and small artefacts (``files``). Not here: what a valid table is
(``foundation.tables``, ``foundation.validation``) or what was known when (``foundation.known``).
"""

from foundation.store.warehouse import Warehouse

__all__ = ["Warehouse"]
