"""The contract of the output tables, checked before every write.

Built from the definitions: no unknown column, no null where a value is required, numbers inside
their bounds, a unique grain, and quantiles that do not fall as their level rises.
"""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from foundation.errors import StageError
from foundation.keys import repeated, row_keys
from foundation.tables import Column, Kind, Table

_NUMERIC = (Kind.NUMBER, Kind.WHOLE)


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
    import pandera.pandas as pa  # late: it takes a second

    columns = {column.name: _column(column, column.name in table.required, pa) for column in table.columns}
    return pa.DataFrameSchema(columns, strict=True, name=table.name)


def _column(column: Column, is_required: bool, pa: Any) -> Any:
    checks = []
    if column.kind in _NUMERIC:
        if column.minimum is not None:
            checks.append(pa.Check.ge(column.minimum, error=f"at least {column.minimum:g}"))
        if column.maximum is not None:
            checks.append(pa.Check.le(column.maximum, error=f"at most {column.maximum:g}"))
    if column.kind is Kind.NUMBER:
        checks.append(pa.Check(lambda values: ~np.isinf(values), error="finite"))
    return pa.Column(nullable=not is_required, checks=checks)


def _check_quantiles(frame: pd.DataFrame, table: Table) -> None:
    names = [column.name for column in table.columns if column.name.startswith("q") and column.name[1:].isdigit()]
    for lower, upper in itertools.pairwise(names):
        if crossed := int((frame[lower].to_numpy() > frame[upper].to_numpy()).sum()):
            raise _broken(table, upper, f"not below {lower}", crossed)
