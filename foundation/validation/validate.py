"""Input validation: every table is read, converted to its types, cut to what is known at ``as_of`` and checked in one pass.

Here: the order of the checks and how their results are combined. Not here: single rules (the other modules of this
package), reading from disk (``foundation.store``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from foundation.assumptions import Assumption, collected
from foundation.errors import KEYS_SHOWN, Fault, InputWarning, shown, structural
from foundation.keys import sorted_by
from foundation.outliers import outlier_warning
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.tables import Kind, Table, tables_in_use
from foundation.validation import stock, time
from foundation.validation.assumptions import assumptions
from foundation.validation.columns import (
    column_faults,
    configured_faults,
    converted,
    spelling_warnings,
    text_columns,
    without_dropped,
)
from foundation.validation.completeness import absent_regions, sales_warnings
from foundation.validation.coverage import external_warnings, reach_warnings
from foundation.validation.input_table import (
    InputTable,
    Reader,
    UnreadableError,
    ValidInputs,
    limit_faults,
    quarantined,
)
from foundation.validation.normalize import WrongTypeError, normalize
from foundation.validation.renames import rename_warnings, replaced_stock_warnings, replacement_faults
from foundation.validation.rows import check_network, check_quantiles, check_rows, quantile_faults
from foundation.validation.worth import worth_warnings
from foundation.visibility import (
    ISSUE_DATES,
    SNAPSHOT_DATES,
    default_as_of,
    hide_observed,
    known_rows,
    observed_columns,
    snapshot_date,
)

Needs = Literal["forecast", "rebalance"]
# The id column of the tables that other tables refer to; these tables are checked first.
_BUILT = ("hubs", "lanes")  # tables that forestock network builds
_IDS = {"skus": "sku", "regions": "region", "hubs": "hub", "supply": "supplier"}


@dataclass(frozen=True)
class ValidationResult:
    """The result of one validation.

    Attributes
    ----------
    as_of : date or None
        The planning date; None where none was given and the sales have no date.
    faults : tuple of Fault
        Broken rules. They stop the run where ``stops`` is true.
    stops : bool
        Whether the run must stop.
    warnings : tuple of str
        One line each about data that break no rule and are probably not meant.
    incomplete : tuple of Fault
        The warnings about missing, truncated or old data, as the faults they are under ``inputs.on_warning: stop``.
    assumptions : tuple of Assumption
        Defaults taken where the input is silent, most money first.
    tables : dict of str to DataFrame
        The tables as known at ``as_of``, sorted by grain, without the rows at fault.
    quarantined : DataFrame
        One row per row set aside and column at fault.
    may_pass : bool
        Whether a server did not answer, so that a later attempt may succeed.
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


def validate(reader: Reader, settings: Settings, as_of: date | None, needs: Needs) -> ValidationResult:
    """Read, convert, cut to ``as_of`` and check all input tables.

    Rows that are not known at ``as_of`` are dropped before any check, so they can neither stop nor change a run.

    Parameters
    ----------
    reader : Reader
        Source of the tables.
    settings : Settings
        The configuration.
    as_of : date or None
        The planning date; None takes the period after the last sales row.
    needs : {"forecast", "rebalance"}
        Which stages will run; it decides which tables are required.
    """
    validation = _Pass(reader, settings, as_of, needs)
    for definition in tables_in_use(settings):
        validation.read(definition)
    validation.check()
    return validation.result()


class _Pass:
    """One pass through the tables; ``INPUTS`` lists sales before all others and stock before inbound."""

    def __init__(self, reader: Reader, settings: Settings, as_of: date | None, needs: Needs) -> None:
        self.reader, self.settings, self.needs, self.as_of = reader, settings, needs, as_of
        self.stock_date: date | None = None
        self.tables: dict[str, InputTable] = {}
        self.columns: dict[str, list[str]] = {}
        self.faults: list[Fault] = []
        self.may_pass = False
        self.warnings: list[InputWarning] = []
        self.snapshots = pd.Series(dtype="datetime64[us]")

    def read(self, definition: Table) -> None:
        """Read and convert one table, or record why that is impossible."""
        data = self._read(definition)
        if data is None:
            return
        self.columns[definition.name] = data.column_names
        self.faults += column_faults(data, definition, self.settings)
        if data.num_rows == 0 and self.needs in definition.needed_for:
            self.faults.append(
                structural(definition.name, "", "empty: it has no rows", f"{self.needs} needs them; load the table")
            )
            return
        table, faults = converted(self._known(data, definition), definition, self.settings)
        self.faults += faults
        self.tables[definition.name] = self._without_observations_ahead(table) if table.name == "regional" else table

    def check(self) -> None:
        """Run all rules; tables that others refer to come first, so that quarantine can follow references."""
        self.faults += configured_faults(self.columns, self.settings)
        self.faults += quantile_faults(self.columns, self.settings)
        known_ids: dict[str, pd.Series] = {}
        for table in sorted(self.tables.values(), key=lambda table: (table.name not in _IDS, table.name == "supply")):
            check_rows(table, known_ids)
            check_network(table, known_ids)
            time.check_grid(table, self.settings.grid)
            check_quantiles(table, self.settings)
            if (name := _IDS.get(table.name)) and table.has(name):
                kept = table.frame.loc[~table.at_fault, name] if self._sets_aside else table.frame[name]
                known_ids[table.name] = kept.dropna().drop_duplicates()
        if "skus" in self.tables and self.tables["skus"].has("sku", "replaces"):
            self.faults += replacement_faults(self.tables["skus"].frame)
        if self.as_of is not None:
            self._check_time(self.as_of)

    def result(self) -> ValidationResult:
        """Return the result; rows at fault are left out of the tables whether the run stops or not."""
        tables = self.tables.values()
        if self._sets_aside:
            self.faults += limit_faults(tables, self.settings.inputs.quarantine_rate)
        faults = (*self.faults, *(table.fault(finding) for table in tables for finding in table.findings))
        located = getattr(self.reader, "located", lambda fault: fault)
        faults = tuple(located(fault) for fault in faults)
        stops = any(fault.is_structural for fault in faults) or (bool(faults) and not self._sets_aside)
        if stops or self.as_of is None:
            return ValidationResult(self.as_of, faults, True, may_pass=self.may_pass)
        inputs = ValidInputs({table.name: self._finished(table) for table in tables}, self.settings, self.as_of)
        spelled = [warning for table in tables for warning in spelling_warnings(table)]
        warnings = [
            located(warning) for warning in (*self.warnings, *spelled, *_warnings(inputs, self.needs, self.snapshots))
        ]
        mapped = getattr(self.reader, "assumptions", ())
        return ValidationResult(
            as_of=self.as_of,
            faults=faults,
            stops=False,
            warnings=tuple(str(warning) for warning in warnings),
            incomplete=tuple(warning.as_fault() for warning in warnings if warning.is_incomplete),
            assumptions=collected(assumptions(inputs, self.needs), mapped),
            tables=dict(inputs.tables),
            quarantined=quarantined(tables, self.as_of),
        )

    @property
    def _sets_aside(self) -> bool:
        return self.settings.inputs.on_fault == "quarantine"

    def _read(self, definition: Table) -> pa.Table | None:
        try:
            if self.reader.has(definition.name):
                data = self.reader.read(definition.name, text_columns(definition, self.settings))
                return without_dropped(data, definition.name, self.settings.inputs.drop_columns)
        except UnreadableError as error:
            self.faults.append(structural(definition.name, "", error.problem, error.remedy))
            self.may_pass |= error.may_pass
            return None
        if self.needs in definition.needed_for:
            self.faults.append(
                structural(definition.name, "", "missing", f"{self.needs} needs it; {_added(definition.name)}")
            )
        return None

    def _known(self, data: pa.Table, definition: Table) -> pa.Table:
        """Drop the rows a run at ``as_of`` may not see before any rule reads them."""
        column = ISSUE_DATES.get(definition.name) or SNAPSHOT_DATES.get(definition.name, "date")
        if data.column_names.count(column) != 1 or data.num_rows == 0:
            return data
        try:
            days, _ = normalize(data.column(column), Kind.DATE)
        except WrongTypeError:
            return data
        if definition.name == "sales":
            data, days = self._without_isolated(data, days)
        frame = pd.DataFrame({column: days})
        if definition.name == "sales" and self.as_of is None:
            self.as_of = default_as_of(frame, self.settings.grid)
        if self.as_of is None:
            return data
        self._record_snapshot(definition.name, days, self.as_of)
        if definition.name == "stock" and self.needs == "rebalance":
            self._compare_snapshots(data, days)
        rows = known_rows(definition.name, frame, self.as_of, self.stock_date)
        if definition.name in ISSUE_DATES and not rows.all():
            self._record_later(definition, rows)
        return data if rows.all() else data.filter(pa.array(rows))

    def _without_isolated(self, sales: pa.Table, days: pd.Series) -> tuple[pa.Table, pd.Series]:
        """Leave out sales rows dated far from all others, with a warning; a given ``as_of`` hides what comes after it."""
        visible = days if self.as_of is None else days.where(days < as_timestamp(self.as_of))
        alone = time.isolated(visible, self.settings.grid.days)
        if not alone.any():
            return sales, days
        keys = pd.DataFrame({"date": days[alone].dt.strftime("%Y-%m-%d")})
        for name in ("region", "sku"):
            if sales.column_names.count(name) == 1:
                keys[name] = sales.column(name).filter(pa.array(alone)).to_pandas().astype(str).to_numpy()
        rows = keys.sort_values(list(keys.columns)).head(KEYS_SHOWN).to_dict("records")
        first = tuple(", ".join(f"{name}={shown(value)}" for name, value in row.items()) for row in rows)
        ends = f"{visible[~alone].min():%Y-%m-%d} to {visible[~alone].max():%Y-%m-%d}"
        problem = f"dated far from all others, which run from {ends}; left out"
        remedy = "correct the date or remove the row"
        self.warnings.append(
            InputWarning("sales", "date", problem, remedy, int(alone.sum()), first, is_incomplete=True)
        )
        return sales.filter(pa.array(~alone)), days[~alone].reset_index(drop=True)

    def _without_observations_ahead(self, regional: InputTable) -> InputTable:
        """Hide values of ``regional`` from ``as_of`` on, and their faults, except in columns known in advance."""
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

    def _record_snapshot(self, name: str, days: pd.Series, as_of: date) -> None:
        if name == "stock":
            self.stock_date = snapshot_date(days, as_of)
            self.snapshots = days.dropna()
        elif name == "inbound" and self.stock_date is not None:
            counting = snapshot_date(days, as_of, self.stock_date)
            if counting not in (None, self.stock_date):
                problem = f"none of {self.stock_date}, the stock snapshot that counts; lines of {counting} are used"
                remedy = f"load those of {self.stock_date}"
                self.warnings.append(InputWarning("inbound", "as_of", problem, remedy, is_incomplete=True))

    def _record_later(self, definition: Table, rows: np.ndarray) -> None:
        """Note an external forecast that was made after ``as_of``: a fault where there is no other."""
        if rows.any():
            problem, remedy = f"made after {self.as_of}; left out", "a later run reads them"
            self.warnings.append(InputWarning(definition.name, "as_of", problem, remedy, int((~rows).sum())))
        else:
            problem = f"every row was made after {self.as_of}, and a run reads only what was known"
            self.faults.append(structural(definition.name, "as_of", problem, "load the forecast made on or before it"))

    def _compare_snapshots(self, data: pa.Table, days: pd.Series) -> None:
        if self.stock_date is None or data.column_names.count("hub") != 1:
            return
        is_compared = days.isin(stock.compared_snapshots(days, self.stock_date)).to_numpy()
        try:
            hubs, _ = normalize(data.column("hub").filter(pa.array(is_compared)), Kind.TEXT, is_coded=True)
        except WrongTypeError:
            return
        if warning := stock.thin_hubs(days[is_compared].reset_index(drop=True), hubs):
            self.warnings.append(warning)

    def _check_time(self, as_of: date) -> None:
        self.faults += time.as_of_faults(as_of, self.settings.grid)
        if "sales" in self.tables and not _has_unread_dates(self.tables["sales"]):
            self.faults += time.sales_faults(self.tables["sales"], as_of, self.settings)
        if "stock" in self.tables and self.needs == "rebalance":
            oldest_days = self.settings.positioning.max_stock_age_days
            self.faults += time.snapshot_faults(self.tables["stock"], self.snapshots, as_of, oldest_days)

    def _finished(self, table: InputTable) -> pd.DataFrame:
        frame = table.frame
        if (bad := table.at_fault).any():
            frame = frame[~bad]
        used = {
            name: frame[name].cat.remove_unused_categories()
            for name in frame.columns
            if frame[name].dtype == "category"
        }
        return sorted_by(frame.assign(**used), table.order)


def _has_unread_dates(sales: InputTable) -> bool:
    """Return whether so many dates cannot be read that periods without rows say nothing."""
    unread = sum(int(finding.rows.sum()) for finding in sales.findings if finding.column == "date")
    return unread > 0.1 * len(sales.frame)


def _added(table: str) -> str:
    """Return how to provide a missing table."""
    return "build it with forestock network, or add it to inputs.path" if table in _BUILT else "add it to inputs.path"


def _warnings(inputs: ValidInputs, needs: Needs, snapshots: pd.Series) -> Iterator[InputWarning]:
    """Yield all warnings: what looks missing first, then what a plan cannot use or value.

    ``snapshots`` holds the date of every stock row.
    """
    yield from sales_warnings(inputs)
    yield from absent_regions(inputs)
    yield from time.unknown_warnings(inputs)
    yield from rename_warnings(inputs)
    yield from external_warnings(inputs)
    if inputs.has("sales", "date") and (warning := outlier_warning(inputs.tables["sales"], *inputs.outliers)):
        yield warning
    if needs == "rebalance":
        yield from stock.stock_warnings(inputs, snapshots[snapshots <= as_timestamp(inputs.as_of)])
        yield from replaced_stock_warnings(inputs)
        yield from worth_warnings(inputs)
        yield from reach_warnings(inputs)
