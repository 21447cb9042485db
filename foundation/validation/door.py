"""The door: every input table is read, put into its types, cut to what is known and checked in one pass.

Here: the order of the checks and what becomes of faulty rows. Not here: single rules (the other
modules of this package), disks (``foundation.store``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

import pandas as pd
import pyarrow as pa

from foundation.faults import Fault, structural
from foundation.keys import sorted_by
from foundation.known import SNAPSHOT_DATES, default_as_of, hide_observed, known_rows, snapshot_date
from foundation.settings import Settings
from foundation.tables import INPUTS, Kind, Table
from foundation.tables.outputs import OUTPUTS
from foundation.validation.columns import column_faults, configured_faults, draft, text_columns, without_dropped
from foundation.validation.draft import Draft
from foundation.validation.normalise import WrongTypeError, normalise

Needs = Literal["forecast", "rebalance"]


class Reader(Protocol):
    """Gives tables by name; a table that cannot be read raises an exception with ``what`` and ``remedy``."""

    def has(self, table: str) -> bool:
        """Say whether there is a table called ``table``."""

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return the table as it stands."""


class UnreadableError(Exception):
    """A table that is there and cannot be read; ``remedy`` says what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass
class Examined:
    """What the door found.

    ``tables`` hold what is known at ``as_of``, sorted by grain, without the rows set aside;
    ``quarantined`` has a row per row set aside and reason; ``faults`` stop the run when ``stops``.
    """

    as_of: date | None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    quarantined: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=OUTPUTS["quarantine"].names))
    stops: bool = False


def examine(reader: Reader, settings: Settings, as_of: date | None, needs: Needs) -> Examined:
    """Read, normalise, cut to ``as_of`` (default: the period after the last sales row) and check all tables."""
    seen = _Pass(reader, settings, as_of, needs)
    for table in INPUTS.values():
        seen.take(table)
    return seen.result()


class _Pass:
    """One pass through the tables; ``INPUTS`` lists sales before all others and stock before inbound."""

    def __init__(self, reader: Reader, settings: Settings, as_of: date | None, needs: Needs) -> None:
        self.reader, self.settings, self.needs = reader, settings, needs
        self.as_of = as_of
        self.stock_date: date | None = None
        self.drafts: dict[str, Draft] = {}
        self.columns: dict[str, list[str]] = {}
        self.faults: list[Fault] = []

    def take(self, table: Table) -> None:
        """Read one table into a draft, or note why not."""
        data = self._read(table)
        if data is None:
            return
        self.columns[table.name] = data.column_names
        self.faults += column_faults(data, table, self.settings)
        data = self._known(data, table)
        made, faults = draft(data, table, self.settings)
        self.faults += faults
        self.drafts[table.name] = made

    def result(self) -> Examined:
        self.faults += configured_faults(self.columns, self.settings)
        tables = {name: self._finished(made) for name, made in self.drafts.items()}
        faults = self.faults + [made.fault(finding) for made in self.drafts.values() for finding in made.findings]
        return Examined(self.as_of, tables, faults, [], stops=bool(faults))

    def _read(self, table: Table) -> pa.Table | None:
        try:
            if self.reader.has(table.name):
                data = self.reader.read(table.name, text_columns(table, self.settings))
                return without_dropped(data, table.name, self.settings.inputs.drop_columns)
        except UnreadableError as error:
            self.faults.append(structural(table.name, "", error.what, error.remedy))
            return None
        if self.needs in table.needed_for:
            self.faults.append(
                structural(table.name, "", f"missing; {self.needs} needs it", "add the table to inputs.path")
            )
        return None

    def _known(self, data: pa.Table, table: Table) -> pa.Table:
        """Drop the rows a run at ``as_of`` may not see before anything is said about them."""
        column = SNAPSHOT_DATES.get(table.name, "date")
        if column not in data.column_names or data.num_rows == 0:
            return data
        try:
            days, _ = normalise(data.column(column), Kind.DATE)
        except WrongTypeError:
            return data
        frame = pd.DataFrame({column: days})
        if table.name == "sales" and self.as_of is None:
            self.as_of = default_as_of(frame, self.settings.grid)
        if self.as_of is None:
            return data
        if table.name == "stock":
            self.stock_date = snapshot_date(days, self.as_of)
        rows = known_rows(table.name, frame, self.as_of, self.stock_date)
        return data if rows.all() else data.filter(pa.array(rows))

    def _finished(self, made: Draft) -> pd.DataFrame:
        frame = made.frame
        if (bad := made.at_fault).any():
            frame = frame[~bad]
        if made.name == "regional" and made.has("date", "region") and self.as_of is not None:
            frame = hide_observed(frame, self.as_of, self.settings.series.known_in_advance)
        for name in frame.select_dtypes("category"):
            frame = frame.assign(**{name: frame[name].cat.remove_unused_categories()})
        order = [name for name in (made.table.grain or tuple(sorted(frame.columns))) if name in frame]
        return sorted_by(frame, order)
