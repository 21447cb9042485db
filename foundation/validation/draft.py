"""A table on its way through the door: its rows as they arrived and what was found about them.

Here: what the rules read and give. Not here: the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from foundation.faults import KEYS_SHOWN, Fault, shown
from foundation.tables import Table


@dataclass(frozen=True)
class Finding:
    """Rows of one table that break one rule.

    ``rows`` is a boolean per row of the draft's frame; ``given`` shows what the first of them held
    where the frame cannot (text in a number has become null there).
    """

    column: str
    what: str
    remedy: str
    rows: np.ndarray
    given: tuple[str, ...] = ()

    def within(self, rows: np.ndarray) -> Finding:
        """Return the finding about ``rows`` (boolean) alone."""
        both = self.rows & rows
        return self if (both == self.rows).all() else replace(self, rows=both, given=())


@dataclass
class Draft:
    """One input table, normalised and cut to what is known, with the findings about its rows."""

    table: Table
    frame: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    def has(self, *columns: str) -> bool:
        """Say whether the frame holds all ``columns``."""
        return set(columns) <= set(self.frame.columns)

    def add(self, column: str, what: str, remedy: str, rows: np.ndarray | pd.Series) -> None:
        """Note that ``rows`` (boolean, nulls count as no) break a rule; nothing where none does."""
        marked = rows.fillna(False).to_numpy(dtype=bool) if isinstance(rows, pd.Series) else rows
        if marked.any():
            self.findings.append(Finding(column, what, remedy, marked))

    @property
    def at_fault(self) -> np.ndarray:
        """A boolean per row: whether any finding names it."""
        marked = np.zeros(len(self.frame), dtype=bool)
        for finding in self.findings:
            marked |= finding.rows
        return marked

    def only(self, rows: np.ndarray) -> Draft:
        """Return the draft of ``rows`` (boolean) alone; findings that name none of them are gone."""
        kept = [replace(finding, rows=finding.rows[rows]) for finding in self.findings if finding.rows[rows].any()]
        return Draft(self.table, self.frame[rows].reset_index(drop=True), kept)

    def fault(self, finding: Finding) -> Fault:
        """Return ``finding`` as a fault with the keys of its first rows."""
        first = np.flatnonzero(finding.rows)[:KEYS_SHOWN]
        keys = self.keys(first)
        if finding.given:
            keys = [f"{key} ({value})" for key, value in zip(keys, finding.given, strict=False)]
        elif finding.column in self.frame and finding.column not in self.key_columns:
            values = self.frame[finding.column].iloc[first]
            keys = [
                key if pd.isna(value) else f"{key} ({shown(value)})" for key, value in zip(keys, values, strict=True)
            ]
        return Fault(self.name, finding.column, finding.what, finding.remedy, int(finding.rows.sum()), tuple(keys))

    @property
    def key_columns(self) -> list[str]:
        """The columns a row is named by: its grain, or the required columns that say which row it is."""
        named = self.table.grain or tuple(name for name in self.table.required if not name.startswith("units"))
        return [name for name in named if name in self.frame and not self._is_all_null(name)]

    @property
    def order(self) -> list[str]:
        """The columns that put rows into an order that depends on their content alone."""
        return [name for name in (self.table.grain or sorted(self.frame.columns)) if name in self.frame]

    def keys(self, rows: np.ndarray) -> list[str]:
        """Return the rows at these positions as ``name=value, …``; without a key, as their place in the file."""
        columns = self.key_columns
        if not columns:
            return [f"row {row + 1}" for row in rows]
        values = self.frame[columns].iloc[rows].itertuples(index=False, name=None)
        return [", ".join(f"{name}={shown(value)}" for name, value in zip(columns, row, strict=True)) for row in values]

    def _is_all_null(self, name: str) -> bool:
        return name in self.table.nullable_grain and bool(self.frame[name].isna().all())
