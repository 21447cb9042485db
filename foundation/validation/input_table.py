"""Input tables under validation: one table with the findings about its rows, and all tables once they are valid.

Here: what the rules read and return. Not here: the rules (the other modules of this package).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from foundation.errors import KEYS_SHOWN, Fault, counted_noun, shown, structural
from foundation.outliers import sales_outliers
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.tables import OUTPUTS, Table

RECENT_DAYS = 28  # of sales in figures of messages


@dataclass(frozen=True)
class Finding:
    """Rows of one table that break one rule.

    Attributes
    ----------
    column, problem, remedy
        Column that the rule is about, what is wrong, and what to do.
    rows : bool array (n_rows)
        Rows of the table's frame that break the rule.
    shown_values
        What the first of them held where the frame cannot show it (text in a number has become null there).
    """

    column: str
    problem: str
    remedy: str
    rows: np.ndarray
    shown_values: tuple[str, ...] = ()

    def within(self, rows: np.ndarray) -> Finding:
        """Return the finding about some of the table's rows alone.

        Parameters
        ----------
        rows : bool array (n_rows)
            Rows that are kept.
        """
        both = self.rows & rows
        return self if (both == self.rows).all() else replace(self, rows=both, shown_values=())


@dataclass(frozen=True)
class Spelling:
    """Ids of one column that differ only in capitals and blanks: as they are written, and whether they are read as one id."""

    written: tuple[str, ...]
    is_one_id: bool

    def __str__(self) -> str:
        """Return the ids in quotes, joined by ``and``."""
        return " and ".join(f"'{shown(text)}'" for text in self.written[:KEYS_SHOWN])


@dataclass
class InputTable:
    """One input table under validation: converted, cut to what is known, with the findings about its rows."""

    definition: Table
    frame: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    spellings: dict[str, tuple[Spelling, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.definition.name

    def has(self, *columns: str) -> bool:
        """Say whether the frame holds all ``columns``."""
        return set(columns) <= set(self.frame.columns)

    def add(self, column: str, problem: str, remedy: str, rows: np.ndarray | pd.Series) -> None:
        """Note that rows break a rule; nothing where none does.

        Parameters
        ----------
        column, problem, remedy
            Column that the rule is about, what is wrong, and what to do.
        rows : bool array or series (n_rows)
            Rows that break the rule; a null counts as no.
        """
        marked = rows.fillna(False).to_numpy(dtype=bool) if isinstance(rows, pd.Series) else rows
        if marked.any():
            self.findings.append(Finding(column, problem, remedy, marked))

    @property
    def at_fault(self) -> np.ndarray:
        """A boolean per row: whether any finding names it."""
        marked = np.zeros(len(self.frame), dtype=bool)
        for finding in self.findings:
            marked |= finding.rows
        return marked

    def only(self, rows: np.ndarray) -> InputTable:
        """Return the table with some of its rows alone; findings that name none of them are gone.

        Parameters
        ----------
        rows : bool array (n_rows)
            Rows that are kept.
        """
        kept = [replace(finding, rows=finding.rows[rows]) for finding in self.findings if finding.rows[rows].any()]
        return InputTable(self.definition, self.frame[rows].reset_index(drop=True), kept, self.spellings)

    def fault(self, finding: Finding) -> Fault:
        """Return ``finding`` as a fault with the keys of its first rows."""
        first = np.flatnonzero(finding.rows)[:KEYS_SHOWN]
        keys = self.keys(first)
        if finding.shown_values:
            keys = [f"{key} ({value})" for key, value in zip(keys, finding.shown_values, strict=False)]
        elif finding.column in self.frame and finding.column not in self.key_columns:
            values = self.frame[finding.column].iloc[first]
            keys = [
                key if pd.isna(value) else f"{key} ({shown(value)})" for key, value in zip(keys, values, strict=True)
            ]
        return Fault(self.name, finding.column, finding.problem, finding.remedy, int(finding.rows.sum()), tuple(keys))

    @property
    def key_columns(self) -> list[str]:
        """The columns a row is named by: its grain, or the required columns that say which row it is."""
        named = self.definition.grain or tuple(
            name for name in self.definition.required if not name.startswith("units")
        )
        return [name for name in named if name in self.frame and not self._is_all_null(name)]

    @property
    def order(self) -> list[str]:
        """The columns that put rows into an order that depends on their content alone."""
        return [name for name in (self.definition.grain or sorted(self.frame.columns)) if name in self.frame]

    def keys(self, rows: np.ndarray) -> list[str]:
        """Return rows as ``name=value, …``; without a key, as their place in the file.

        Parameters
        ----------
        rows : int array (n)
            Positions of the rows.
        """
        columns = self.key_columns
        if not columns:
            return [f"row {row + 1}" for row in rows]
        values = self.frame[columns].iloc[rows].itertuples(index=False, name=None)
        return [", ".join(f"{name}={shown(value)}" for name, value in zip(columns, row, strict=True)) for row in values]

    def _is_all_null(self, name: str) -> bool:
        return name in self.definition.nullable_grain and bool(self.frame[name].isna().all())


@dataclass(frozen=True)
class ValidInputs:
    """Validated tables cut to what is known at ``as_of``, by name, and the settings."""

    tables: Mapping[str, pd.DataFrame]
    settings: Settings
    as_of: date

    @cached_property
    def outliers(self) -> tuple[np.ndarray, np.ndarray]:
        """Which rows of ``sales`` are gross outliers, and the usual maximum of the series of each; none without the columns."""
        if not self.has("sales", "region", "sku", "units_sold"):
            return np.zeros(len(self.tables.get("sales", ())), dtype=bool), np.zeros(0)
        return sales_outliers(self.tables["sales"])

    @cached_property
    def plausible_sales(self) -> pd.DataFrame:
        """``sales`` without gross outliers: what was sold, for figures in messages."""
        is_outlier, _ = self.outliers
        sales = self.tables["sales"]
        return sales[~is_outlier] if is_outlier.any() else sales

    @cached_property
    def recent_units(self) -> pd.DataFrame:
        """Units sold in the last four weeks before ``as_of`` by region and SKU: ``region sku units_sold``."""
        if not self.has("sales", "date", "region", "sku", "units_sold"):
            empty = {
                name: pd.Series(dtype=kind)
                for name, kind in (("region", "str"), ("sku", "str"), ("units_sold", "float64"))
            }
            return pd.DataFrame(empty)
        sales = self.plausible_sales
        recent = sales[sales["date"] >= as_timestamp(self.as_of) - pd.Timedelta(days=RECENT_DAYS)]
        summed = recent.groupby(["region", "sku"], observed=True)["units_sold"].sum().reset_index()
        return summed.astype({"region": "str", "sku": "str"})

    def has(self, table: str, *columns: str) -> bool:
        """Say whether ``table`` is provided with rows and has all ``columns``."""
        return table in self.tables and len(self.tables[table]) > 0 and set(columns) <= set(self.tables[table].columns)

    def column(self, table: str, column: str) -> pd.Series:
        """Return a column as it stands; all null where the table lacks it."""
        frame = self.tables[table]
        return frame[column] if column in frame else pd.Series(np.nan, index=frame.index)

    def numbers(self, table: str, column: str, default: float = np.nan) -> np.ndarray:
        """Return a numeric column as float64 (n_rows) with ``default`` for nulls; all ``default`` where it is absent."""
        values = self.column(table, column).to_numpy(dtype="float64", na_value=np.nan)
        return np.where(np.isnan(values), default, values)

    def texts(self, table: str, column: str, default: str = "") -> np.ndarray:
        """Return a text column as objects (n_rows) with ``default`` for nulls; all ``default`` where it is absent."""
        values = self.column(table, column).astype(object)
        return values.where(values.notna(), default).astype(str).to_numpy(dtype=object)

    def empty(self, table: str, column: str) -> np.ndarray:
        """Return a boolean per row of ``table``: ``column`` is absent or null there."""
        return self.column(table, column).isna().to_numpy()


def limit_faults(checked_tables: Iterable[InputTable], limit_rate: float) -> Iterator[Fault]:
    """Yield a fault for each table of which more than ``limit_rate`` of the rows, or all of them, would be set aside."""
    for checked in checked_tables:
        n_bad = int(checked.at_fault.sum())
        if limit_rate >= 1 and 0 < n_bad == len(checked.frame):
            rows = f"{n_bad} of {counted_noun(n_bad, 'row')} would be set aside"
            yield structural(checked.name, "", rows, "correct them, because nothing of the table would be left")
        elif n_bad > limit_rate * len(checked.frame):
            share = f"{n_bad} of {len(checked.frame)} rows would be set aside, more than inputs.quarantine_rate {limit_rate:.2%}"
            yield structural(checked.name, "", share, "correct them or raise the limit")


def quarantined(checked_tables: Iterable[InputTable], as_of: date) -> pd.DataFrame:
    """Return the output table ``quarantine``: one row per row set aside and column at fault."""
    parts = [_rows(checked, as_of) for checked in checked_tables if checked.findings]
    columns = OUTPUTS["quarantine"].names
    result = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns, dtype="str")
    return _with_unique_keys(result.astype({name: "str" for name in columns if name != "as_of"}))[columns]


def _rows(checked: InputTable, as_of: date) -> pd.DataFrame:
    marked = [(finding, np.flatnonzero(finding.rows)) for finding in checked.findings]
    return pd.DataFrame(
        {
            "as_of": as_timestamp(as_of),
            "table": checked.name,
            "row_key": [key for _, rows in marked for key in checked.keys(rows)],
            "column": [finding.column for finding, rows in marked for _ in rows],
            "fault": [finding.problem for finding, rows in marked for _ in rows],
        }
    )


def _with_unique_keys(rows: pd.DataFrame) -> pd.DataFrame:
    """Give rows that share key and column a number, so that none is lost: ``sku=X``, ``sku=X (2)``."""
    if rows.empty:
        return rows.assign(as_of=pd.Series(dtype="datetime64[us]"))
    turn = rows.groupby(["table", "row_key", "column"]).cumcount() + 1
    return rows.assign(row_key=rows["row_key"].where(turn == 1, rows["row_key"] + " (" + turn.astype("str") + ")"))


class UnreadableError(Exception):
    """A table that is there and cannot be read: the ``problem`` and the ``remedy``.

    ``may_pass`` where its server did not answer: the same may be read a minute later.
    """

    def __init__(self, problem: str, remedy: str, may_pass: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.may_pass = may_pass


class Reader(Protocol):
    """Gives tables by name as they stand."""

    def has(self, table: str) -> bool:
        """Say whether there is a table called ``table``."""

    def read(self, table: str, as_text: Collection[str]) -> pa.Table:
        """Return ``table``; the types of the columns ``as_text`` are not guessed. Raises ``UnreadableError``."""
