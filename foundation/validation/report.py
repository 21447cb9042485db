"""A table on its way through the door: its rows as they arrived and what was found about them.

Here: what the rules read and give. Not here: the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from foundation.errors import KEYS_SHOWN, Fault, shown, structural
from foundation.periods import as_timestamp
from foundation.tables import OUTPUTS, Table


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

    def add(self, column: str, label: str, remedy: str, rows: np.ndarray | pd.Series) -> None:
        """Note that ``rows`` (boolean, nulls count as no) break a rule; nothing where none does."""
        marked = rows.fillna(False).to_numpy(dtype=bool) if isinstance(rows, pd.Series) else rows
        if marked.any():
            self.findings.append(Finding(column, label, remedy, marked))

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


def limit_faults(drafts: Iterable[Draft], limit_rate: float) -> Iterator[Fault]:
    """Yield a fault for each table of which more than ``limit_rate`` of the rows would be set aside."""
    for draft in drafts:
        n_bad = int(draft.at_fault.sum())
        if n_bad > limit_rate * len(draft.frame):
            share = f"{n_bad} of {len(draft.frame)} rows would be set aside, more than inputs.quarantine_rate {limit_rate:.2%}"
            yield structural(draft.name, "", share, "correct them or raise the limit")


def quarantined(drafts: Iterable[Draft], as_of: date) -> pd.DataFrame:
    """Return the output table ``quarantine``: one row per row set aside and column at fault."""
    parts = [_rows(draft, as_of) for draft in drafts if draft.findings]
    columns = OUTPUTS["quarantine"].names
    result = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns, dtype="str")
    return _told_apart(result.astype({name: "str" for name in columns if name != "as_of"}))[columns]


def _rows(draft: Draft, as_of: date) -> pd.DataFrame:
    marked = [(finding, np.flatnonzero(finding.rows)) for finding in draft.findings]
    return pd.DataFrame(
        {
            "as_of": as_timestamp(as_of),
            "table": draft.name,
            "row_key": [key for _, rows in marked for key in draft.keys(rows)],
            "column": [finding.column for finding, rows in marked for _ in rows],
            "fault": [finding.what for finding, rows in marked for _ in rows],
        }
    )


def _told_apart(found: pd.DataFrame) -> pd.DataFrame:
    """Give rows that share key and column a number, so that none is lost: ``sku=X``, ``sku=X (2)``."""
    if found.empty:
        return found.assign(as_of=pd.Series(dtype="datetime64[us]"))
    turn = found.groupby(["table", "row_key", "column"]).cumcount() + 1
    return found.assign(row_key=found["row_key"].where(turn == 1, found["row_key"] + " (" + turn.astype("str") + ")"))


class UnreadableError(Exception):
    """A table that is there and cannot be read: ``what`` is wrong and the ``remedy``.

    ``may_pass`` where its server did not answer: the same may be read a minute later.
    """

    def __init__(self, label: str, remedy: str, may_pass: bool = False) -> None:
        super().__init__(label)
        self.what = label
        self.remedy = remedy
        self.may_pass = may_pass


class Reader(Protocol):
    """Gives tables by name as they stand."""

    def has(self, table: str) -> bool:
        """Say whether there is a table called ``table``."""

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return ``table``; the types of the columns ``as_text`` are not guessed. Raises ``UnreadableError``."""
