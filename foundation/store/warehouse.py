"""The warehouse: the output tables, as Delta tables partitioned by ``as_of``, checked before every write.

Writing an ``as_of`` replaces its rows in one commit and does not change other dates. Earlier versions stay in the table's history.
Different processes can write different dates at the same time. In a notebook::

    from foundation.store import Warehouse
    Warehouse("warehouse/demo").read("transfer", as_of="2016-05-23")

The check follows from the definitions: no unknown column, no null where a value is required, numbers inside their bounds, a unique
grain, and quantiles that do not fall as their level rises. Not here: input snapshots (``snapshot``), and pages and model texts
(``files``).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from foundation.errors import StageError, nearest
from foundation.keys import repeated, row_keys, sorted_by
from foundation.settings import Settings, parse_as_of
from foundation.store import files
from foundation.store.arrow import arrow_schema, empty_frame, to_arrow, to_frame, typed
from foundation.store.table_files import is_panic
from foundation.tables import OUTPUTS, Column, Kind, Table
from foundation.tables.outputs import QUANTILE_TABLES, with_quantiles

# History is kept: only ``forestock tidy`` drops what was replaced, beyond its retention, and never of append-only tables.
_FOR_GOOD = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}
_ATTEMPTS = 12
_ONE_READER = threading.Lock()  # an open Delta table cannot be read on by two threads at once
_NUMERIC = (Kind.NUMBER, Kind.WHOLE)


class Warehouse:
    """The output tables below one folder or fsspec URL.

    Give ``Settings`` to write; a path is enough to read. Reads return the dtypes of the definitions
    (``datetime64[us]`` dates, ``str`` text) in the order of the table's grain.
    """

    def __init__(self, source: Settings | str | Path) -> None:
        self.settings = source if isinstance(source, Settings) else Settings(warehouse=str(source))
        self.path = files.resolve_folder(self.settings.warehouse, Path.cwd())
        self._opened: dict[str, DeltaTable] = {}

    def definition(self, table: str) -> Table:
        """Return the definition of ``table`` with the configured quantiles; raises ``StageError`` for no such table."""
        if table not in OUTPUTS:
            raise StageError("warehouse", f"there is no table {table!r}{nearest(table, list(OUTPUTS))}")
        defined = OUTPUTS[table]
        return with_quantiles(defined, self.settings.forecast.quantiles) if table in QUANTILE_TABLES else defined

    def write(self, table: str, frame: pd.DataFrame, as_of: str | date) -> None:
        """Replace the rows of ``as_of`` in ``table`` by ``frame``, all or nothing.

        ``frame`` has the grain and columns of the definition (``as_of`` may be left out); its rows
        are stored in the order of the grain. Raises ``StageError`` naming table, column and rule
        when it breaks the output contract; then nothing is written.
        """
        day = parse_as_of(as_of)
        defined = self.definition(table)
        if "as_of" not in defined.grain:
            raise StageError(f"write {table}", f"{table} is not partitioned by as_of; use append")
        data = self._checked(defined, frame.assign(as_of=pd.Timestamp(day)) if "as_of" not in frame else frame, day)
        self._commit(defined, lambda delta: _replace(delta, data, day))

    def append(self, table: str, frame: pd.DataFrame) -> None:
        """Add rows to a table that is never rewritten (``decision``).

        Raises ``StageError`` for a partitioned table or rows that break the output contract.
        """
        defined = self.definition(table)
        if "as_of" in defined.grain:
            raise StageError(f"append {table}", f"{table} is rewritten by as_of; use write")
        data = self._checked(defined, frame, None)
        self._commit(
            defined, lambda delta: write_deltalake(delta, data, mode="append", schema_mode=_merge(delta, data))
        )

    def read(
        self,
        table: str,
        as_of: str | date | None = None,
        columns: Sequence[str] | None = None,
        where: Mapping[str, str] | None = None,
    ) -> pd.DataFrame:
        """Return the rows of ``as_of`` (of all dates where None) in the order of the grain, those with the values of ``where``.

        A table not written yet, or without rows for the date, gives an empty frame with every
        column. Raises ``StageError`` for an unknown table or column, or a warehouse that is not there.
        """
        defined = self.definition(table)
        delta = self._open(defined)
        if delta is None:
            return self._empty(defined, columns)
        filters: list[tuple[str, str, Any]] = [(name, "=", value) for name, value in (where or {}).items()]
        filters += [] if as_of is None else [("as_of", "=", parse_as_of(as_of))]
        requested = None if columns is None else [*dict.fromkeys([*columns, *defined.grain])]
        held = [field.name for field in delta.schema().fields]
        if unknown := sorted(set(columns or ()) - set(held)):
            raise StageError(f"read {table}", f"there is no column {unknown[0]!r}{nearest(unknown[0], held)}")
        frame = to_frame(delta.to_pyarrow_table(filters=filters or None, columns=requested), defined)
        frame = sorted_by(frame, defined.grain)
        return frame if columns is None else frame[list(columns)]

    def dates(self, table: str) -> list[date]:
        """Return the dates ``table`` has rows for, ascending."""
        delta = self._open(self.definition(table))
        return [] if delta is None else sorted({date.fromisoformat(part["as_of"]) for part in delta.partitions()})

    def version(self, table: str) -> int:
        """Return the number of the table's last commit, which grows with every write; -1 if it has not been written.

        The table stays open, so that only newer commits are read.
        """
        with _ONE_READER:
            delta = self._opened.get(table) or self._open(self.definition(table))
            if delta is None:
                return -1
            self._opened[table] = delta
            try:
                delta.update_incremental()
            except (DeltaError, OSError) as error:
                del self._opened[table]
                raise StageError(f"open {table}", self._reason(error)) from error
            return int(delta.version())

    def compact(self, table: str, most_files: int) -> bool:
        """Merge the small files of a table into few, if it has more than ``most_files``; return whether it had.

        Rows and history stay. Many small files, one per append, make every append and read slower.
        """
        defined = self.definition(table)
        delta = self._open(defined)
        if delta is None or len(delta.file_uris()) <= most_files:
            return False
        try:
            delta.optimize.compact()
        except (DeltaError, OSError) as error:
            raise StageError(f"compact {table}", self._reason(error)) from error
        return True

    def has(self, table: str, as_of: str | date | None = None) -> bool:
        """Return whether ``table`` has been written, for ``as_of`` where given."""
        if as_of is not None:
            return parse_as_of(as_of) in self.dates(table)
        return self._open(self.definition(table)) is not None

    def _newest(self, defined: Table) -> DeltaTable | None:
        """Return the table at its last commit; one that ``version`` keeps open is read on from there."""
        if defined.name not in self._opened:
            return self._open(defined)
        self.version(defined.name)
        return self._opened[defined.name]

    def _uri(self, table: str) -> str:
        return files.joined(self.path, table)

    def _open(self, defined: Table) -> DeltaTable | None:
        try:
            return DeltaTable(self._uri(defined.name))
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise StageError(f"open {defined.name}", self._reason(error)) from error

    def _empty(self, defined: Table, columns: Sequence[str] | None) -> pd.DataFrame:
        frame = empty_frame(defined)
        return frame if columns is None else frame[list(columns)]

    def _checked(self, defined: Table, frame: pd.DataFrame, day: date | None) -> pa.Table:
        try:
            ready = typed(frame, defined)
        except ValueError as error:
            raise StageError(f"write {defined.name}", f"{defined.name}.{error}") from error
        check_output(ready, defined, day)
        return to_arrow(sorted_by(ready, defined.grain), defined)

    def _commit(self, defined: Table, write: Callable[[DeltaTable], None]) -> None:
        """Write against the newest version; a conflict with another writer is tried again."""
        stage = f"write {defined.name}"
        for attempt in range(_ATTEMPTS):
            try:
                write(self._newest(defined) or self._create(defined))
            except (CommitFailedError, TableNotFoundError) as error:
                if attempt == _ATTEMPTS - 1:
                    raise StageError(stage, f"given up after {_ATTEMPTS} attempts: {self._reason(error)}") from error
                time.sleep(0.05 * 2 ** min(attempt, 5))
            except (DeltaError, OSError) as error:
                raise StageError(stage, self._reason(error)) from error
            except BaseException as error:
                if not is_panic(error):
                    raise
                raise StageError(stage, self._reason(error)) from None
            else:
                return

    def _reason(self, error: BaseException) -> str:
        return f"{self.path}: {str(error).splitlines()[0]}; check the warehouse's path and rights, and other writers"

    def _create(self, defined: Table) -> DeltaTable:
        """Make the empty table, or open the one another process has just made."""
        partitions = ["as_of"] if "as_of" in defined.grain else None
        return DeltaTable.create(
            self._uri(defined.name),
            arrow_schema(defined),
            mode="ignore",
            partition_by=partitions,
            configuration=_FOR_GOOD,
        )


def _replace(delta: DeltaTable, data: pa.Table, day: date) -> None:
    write_deltalake(
        delta,
        data,
        mode="overwrite",
        predicate=f"as_of = '{day.isoformat()}'",
        schema_mode=_merge(delta, data),
        commit_properties=CommitProperties(max_commit_retries=20),
    )


def _merge(delta: DeltaTable, data: pa.Table) -> str | None:
    """Let new columns in (other quantile levels); old rows then hold nulls there."""
    held = {field.name for field in delta.schema().fields}
    return "merge" if set(data.column_names) - held else None


def check_output(frame: pd.DataFrame, table: Table, as_of: date | None) -> None:
    """Check a typed ``frame`` against ``table``; ``as_of`` is the one date its rows may have.

    Raises ``StageError`` naming table, column, rule and number of rows of the first fault.
    """
    from pandera.errors import SchemaErrors

    if as_of is not None and not (frame["as_of"] == pd.Timestamp(as_of)).all():
        raise _broken(table, "as_of", f"every row must be {as_of}", int((frame["as_of"] != pd.Timestamp(as_of)).sum()))
    try:
        _schema(table).validate(frame, lazy=True)
    except SchemaErrors as errors:
        first = errors.failure_cases.iloc[0]
        same = errors.failure_cases["check"].eq(first["check"]) & errors.failure_cases["column"].eq(first["column"])
        column = str(first["column"])
        rule = str(first["check"]).replace("not_nullable", "not null")
        raise _broken(table, column, rule, int(same.sum())) from None
    if repeats := int(repeated(row_keys(frame, table.grain)).sum()):
        raise _broken(table, ", ".join(table.grain), "unique", repeats)
    _check_quantiles(frame, table)


def _broken(table: Table, column: str, rule: str, n_rows: int) -> StageError:
    return StageError(f"write {table.name}", f"{table.name}.{column} breaks the rule {rule} in {n_rows} rows")


def _schema(table: Table) -> Any:
    import pandera.pandas as pandera  # late: it takes a second

    columns = {column.name: _column(column, column.name in table.required, pandera) for column in table.columns}
    return pandera.DataFrameSchema(columns, strict=True, name=table.name)


def _column(column: Column, is_required: bool, pandera: Any) -> Any:
    checks = []
    if column.kind in _NUMERIC:
        if column.minimum is not None:
            checks.append(pandera.Check.ge(column.minimum, error=f"at least {column.minimum:g}"))
        if column.maximum is not None:
            checks.append(pandera.Check.le(column.maximum, error=f"at most {column.maximum:g}"))
    if column.kind is Kind.NUMBER:
        checks.append(pandera.Check(lambda values: ~np.isinf(values), error="finite"))
    return pandera.Column(nullable=not is_required, checks=checks)


def _check_quantiles(frame: pd.DataFrame, table: Table) -> None:
    names = [column.name for column in table.columns if column.name.startswith("q") and column.name[1:].isdigit()]
    for lower, upper in itertools.pairwise(names):
        if crossed := int((frame[lower].to_numpy() > frame[upper].to_numpy()).sum()):
            raise _broken(table, upper, f"not below {lower}", crossed)
