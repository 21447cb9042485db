"""What the door asks of whoever reads the tables. Not here: reading (``foundation.store.sources``)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import pyarrow as pa


class UnreadableError(Exception):
    """A table that is there and cannot be read: ``what`` is wrong and the ``remedy``.

    ``may_pass`` where its server did not answer: the same may be read a minute later.
    """

    def __init__(self, what: str, remedy: str, may_pass: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.may_pass = may_pass


class Reader(Protocol):
    """Gives tables by name as they stand."""

    def has(self, table: str) -> bool:
        """Say whether there is a table called ``table``."""

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return ``table``; the types of the columns ``as_text`` are not guessed. Raises ``UnreadableError``."""
