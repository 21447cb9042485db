"""The door: every input table is read, put into its types, cut to what is known and checked in one pass.

Here: the order of the checks and what they add up to. Not here: single rules (the other modules of
this package), disks (``foundation.store``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandas as pd
import pyarrow as pa

from foundation.assumptions import Assumption, collected
from foundation.errors import KEYS_SHOWN, Doubt, Fault, shown, structural
from foundation.keys import sorted_by
from foundation.periods import as_timestamp
from foundation.renames import replacement_faults
from foundation.settings import Settings
from foundation.tables import INPUTS, Kind, Table
from foundation.validation import stale, time
from foundation.validation.assumed import assumptions
from foundation.validation.columns import column_faults, configured_faults, draft, text_columns, without_dropped
from foundation.validation.doubts import doubts
from foundation.validation.given import Given
from foundation.validation.isolated import isolated
from foundation.validation.network import check_network
from foundation.validation.normalise import WrongTypeError, normalise
from foundation.validation.report import Draft, Reader, UnreadableError, limit_faults, quarantined
from foundation.validation.rows import check_rows
from foundation.visibility import (
    SNAPSHOT_DATES,
    default_as_of,
    hide_observed,
    known_rows,
    observed_columns,
    snapshot_date,
)

Needs = Literal["forecast", "rebalance"]
# Where other tables' ids stand; these tables are checked before those that refer to them.
_IDS = {"skus": "sku", "regions": "region", "hubs": "hub", "supply": "supplier"}


@dataclass(frozen=True)
class Examined:
    """What the door found.

    ``tables`` hold what is known at ``as_of``, sorted by grain, without the rows at fault;
    ``quarantined`` has a row per row set aside and column; ``faults`` stop the run when ``stops``.
    ``warnings`` are doubts about what breaks no rule; those of them about missing, cut or old data are ``incomplete``, as the
    faults they are under ``inputs.on_warning: stop``. ``assumptions`` are the defaults taken where the input is silent, most money first.
    ``as_of`` is None where none was given and the sales have no date; ``may_pass`` where a server did not answer, so that
    looking again later may help.
    """

    as_of: date | None
    faults: tuple[Fault, ...]
    stops: bool
    warnings: tuple[str, ...] = ()
    incomplete: tuple[Fault, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    quarantined: pd.DataFrame = field(default_factory=pd.DataFrame)
    may_pass: bool = False


def examine(reader: Reader, settings: Settings, as_of: date | None, needs: Needs) -> Examined:
    """Read, normalise, cut to ``as_of`` (default: the period after the last sales row) and check all tables.

    Only rows known at ``as_of`` are spoken of: what comes later can neither stop nor change a run.
    """
    seen = _Pass(reader, settings, as_of, needs)
    for table in INPUTS.values():
        seen.take(table)
    seen.check()
    return seen.result()


class _Pass:
    """One pass through the tables; ``INPUTS`` lists sales before all others and stock before inbound."""

    def __init__(self, reader: Reader, settings: Settings, as_of: date | None, needs: Needs) -> None:
        self.reader, self.settings, self.needs, self.as_of = reader, settings, needs, as_of
        self.stock_date: date | None = None
        self.drafts: dict[str, Draft] = {}
        self.columns: dict[str, list[str]] = {}
        self.faults: list[Fault] = []
        self.may_pass = False
        self.doubts: list[Doubt] = []
        self.snapshots = pd.Series(dtype="datetime64[us]")

    def take(self, table: Table) -> None:
        """Read one table into a draft, or note why not."""
        data = self._read(table)
        if data is None:
            return
        self.columns[table.name] = data.column_names
        self.faults += column_faults(data, table, self.settings)
        if data.num_rows == 0 and self.needs in table.needed_for:
            self.faults.append(
                structural(table.name, "", "empty: it has no rows", f"{self.needs} needs them; load the table")
            )
            return
        built, faults = draft(self._known(data, table), table, self.settings)
        self.faults += faults
        self.drafts[table.name] = self._as_announced(built) if table.name == "regional" else built

    def check(self) -> None:
        """Run all rules; tables others refer to come first, so that quarantine can follow references."""
        self.faults += configured_faults(self.columns, self.settings)
        known_ids: dict[str, pd.Series] = {}
        for built in sorted(self.drafts.values(), key=lambda built: (built.name not in _IDS, built.name == "supply")):
            check_rows(built, known_ids)
            check_network(built, known_ids)
            time.check_grid(built, self.settings.grid)
            if (name := _IDS.get(built.name)) and built.has(name):
                kept = built.frame.loc[~built.at_fault, name] if self._sets_aside else built.frame[name]
                known_ids[built.name] = kept.dropna().drop_duplicates()
        if "skus" in self.drafts and self.drafts["skus"].has("sku", "replaces"):
            self.faults += replacement_faults(self.drafts["skus"].frame)
        if self.as_of is not None:
            self._check_time(self.as_of)

    def result(self) -> Examined:
        """Return what was found; rows at fault are out of the tables whether the run stops or not."""
        drafts = self.drafts.values()
        if self._sets_aside:
            self.faults += limit_faults(drafts, self.settings.inputs.quarantine_rate)
        result = [built.fault(finding) for built in drafts for finding in built.findings]
        faults = (*self.faults, *result)
        stops = any(fault.is_structural for fault in faults) or (bool(faults) and not self._sets_aside)
        if stops or self.as_of is None:
            return Examined(self.as_of, faults, True, may_pass=self.may_pass)
        given = Given({built.name: self._finished(built) for built in drafts}, self.settings, self.as_of)
        found_doubts = [*self.doubts, *doubts(given, self.needs, self.snapshots)]
        return Examined(
            as_of=self.as_of,
            faults=faults,
            stops=False,
            warnings=tuple(str(doubt) for doubt in found_doubts),
            incomplete=tuple(doubt.as_fault() for doubt in found_doubts if doubt.is_incomplete),
            assumptions=collected(assumptions(given, self.needs)),
            tables=dict(given.tables),
            quarantined=quarantined(drafts, self.as_of),
        )

    @property
    def _sets_aside(self) -> bool:
        return self.settings.inputs.on_fault == "quarantine"

    def _read(self, table: Table) -> pa.Table | None:
        try:
            if self.reader.has(table.name):
                data = self.reader.read(table.name, text_columns(table, self.settings))
                return without_dropped(data, table.name, self.settings.inputs.drop_columns)
        except UnreadableError as error:
            self.faults.append(structural(table.name, "", error.what, error.remedy))
            self.may_pass |= error.may_pass
            return None
        if self.needs in table.needed_for:
            self.faults.append(structural(table.name, "", "missing", f"{self.needs} needs it; add it to inputs.path"))
        return None

    def _known(self, data: pa.Table, table: Table) -> pa.Table:
        """Drop the rows a run at ``as_of`` may not see before anything is said about them."""
        column = SNAPSHOT_DATES.get(table.name, "date")
        if data.column_names.count(column) != 1 or data.num_rows == 0:
            return data
        try:
            days, _ = normalise(data.column(column), Kind.DATE)
        except WrongTypeError:
            return data
        if table.name == "sales":
            data, days = self._without_isolated(data, days)
        frame = pd.DataFrame({column: days})
        if table.name == "sales" and self.as_of is None:
            self.as_of = default_as_of(frame, self.settings.grid)
        if self.as_of is None:
            return data
        self._note_snapshot(table.name, days, self.as_of)
        if table.name == "stock" and self.needs == "rebalance":
            self._compare_snapshots(data, days)
        rows = known_rows(table.name, frame, self.as_of, self.stock_date)
        return data if rows.all() else data.filter(pa.array(rows))

    def _without_isolated(self, sales: pa.Table, days: pd.Series) -> tuple[pa.Table, pd.Series]:
        """Leave out sales rows dated far from all others, and say which; a given ``as_of`` hides what comes after it."""
        seen = days if self.as_of is None else days.where(days < as_timestamp(self.as_of))
        alone = isolated(seen, self.settings.grid.days)
        if not alone.any():
            return sales, days
        keys = pd.DataFrame({"date": days[alone].dt.strftime("%Y-%m-%d")})
        for name in ("region", "sku"):
            if sales.column_names.count(name) == 1:
                keys[name] = sales.column(name).filter(pa.array(alone)).to_pandas().astype(str).to_numpy()
        rows = keys.sort_values(list(keys.columns)).head(KEYS_SHOWN).to_dict("records")
        first = tuple(", ".join(f"{name}={shown(value)}" for name, value in row.items()) for row in rows)
        ends = f"{seen[~alone].min():%Y-%m-%d} to {seen[~alone].max():%Y-%m-%d}"
        label = f"dated far from all others, which run from {ends}; left out"
        self.doubts.append(
            Doubt(
                "sales",
                "date",
                label,
                "correct the date or remove the row",
                int(alone.sum()),
                first,
                is_incomplete=True,
            )
        )
        return sales.filter(pa.array(~alone)), days[~alone].reset_index(drop=True)

    def _as_announced(self, regional: Draft) -> Draft:
        """Forget what ``regional`` says of days from ``as_of`` on, and its faults, but for columns known in advance."""
        if self.as_of is None or not regional.has("date", "region"):
            return regional
        is_later = (regional.frame["date"] >= as_timestamp(self.as_of)).to_numpy()
        in_advance = self.settings.series.known_in_advance
        regional.frame = hide_observed(regional.frame, is_later, in_advance)
        observed = observed_columns(regional.frame, in_advance)
        regional.findings = [
            finding.within(~is_later) if finding.column in observed else finding for finding in regional.findings
        ]
        announced = [name for name in in_advance if regional.has(name)]
        return regional.only(~is_later | regional.at_fault | regional.frame[announced].notna().any(axis=1).to_numpy())

    def _note_snapshot(self, name: str, days: pd.Series, as_of: date) -> None:
        if name == "stock":
            self.stock_date = snapshot_date(days, as_of)
            self.snapshots = days[days <= as_timestamp(as_of)]
        elif name == "inbound" and self.stock_date is not None:
            counting = snapshot_date(days, as_of, self.stock_date)
            if counting not in (None, self.stock_date):
                label = f"none of {self.stock_date}, the stock snapshot that counts; lines of {counting} are used"
                self.doubts.append(
                    Doubt("inbound", "as_of", label, f"load those of {self.stock_date}", is_incomplete=True)
                )

    def _compare_snapshots(self, stock: pa.Table, days: pd.Series) -> None:
        if self.stock_date is None or stock.column_names.count("hub") != 1:
            return
        is_compared = days.isin(stale.compared_snapshots(days, self.stock_date)).to_numpy()
        try:
            hubs, _ = normalise(stock.column("hub").filter(pa.array(is_compared)), Kind.TEXT, is_coded=True)
        except WrongTypeError:
            return
        if doubt := stale.thin_hubs(days[is_compared].reset_index(drop=True), hubs):
            self.doubts.append(doubt)

    def _check_time(self, as_of: date) -> None:
        self.faults += time.as_of_faults(as_of, self.settings.grid)
        if "sales" in self.drafts:
            self.faults += time.sales_faults(self.drafts["sales"], as_of, self.settings)
        if "stock" in self.drafts and self.needs == "rebalance":
            oldest_days = self.settings.positioning.max_stock_age_days
            self.faults += time.snapshot_faults(self.drafts["stock"], as_of, oldest_days)

    def _finished(self, built: Draft) -> pd.DataFrame:
        frame = built.frame
        if (bad := built.at_fault).any():
            frame = frame[~bad]
        used = {
            name: frame[name].cat.remove_unused_categories()
            for name in frame.columns
            if frame[name].dtype == "category"
        }
        return sorted_by(frame.assign(**used), built.order)
