"""Classes that define columns and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """Type of a column; the value is its dtype after validation."""

    TEXT = "str"
    DATE = "datetime64[us]"
    TIMESTAMP = "datetime64[us, UTC]"
    NUMBER = "float64"
    WHOLE = "Int64"
    FLAG = "boolean"


@dataclass(frozen=True)
class Column:
    """One column: its kind, unit, description, and bounds (``minimum`` and ``maximum`` inclusive).

    ``largest`` is the largest plausible value of an input (inclusive). It does not apply to outputs.
    """

    name: str
    kind: Kind
    text: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    largest: float | None = None


@dataclass(frozen=True)
class Table:
    """One table: its description, key, columns, and references.

    ``grain`` is the key. Only the columns in ``nullable_grain`` can be null.
    ``references`` maps a column to the input table (and column) that must contain its values.
    ``needed_for`` is a subset of ``{"forecast", "rebalance"}``; empty means optional.
    ``extra_columns`` states whether other columns are kept.
    """

    name: str
    text: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    required: tuple[str, ...]
    needed_for: tuple[str, ...] = ()
    nullable_grain: tuple[str, ...] = ()
    references: dict[str, str] = field(default_factory=dict)
    extra_columns: bool = False

    def __getitem__(self, name: str) -> Column:
        """Return the column ``name``; raises ``KeyError`` if the table does not have it."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")

    @property
    def names(self) -> list[str]:
        """The names of all defined columns, in order."""
        return [column.name for column in self.columns]
