"""Conversion between data frames and Arrow, by the table definitions: dates without time, and a type for every column.

Here: types. Not here: files (other modules of the store) and rules (validation).
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from foundation.tables import Kind, Table

ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
    Kind.NUMBER: pa.float64(),
    Kind.WHOLE: pa.int64(),
    Kind.FLAG: pa.bool_(),
}


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of ``table``: every defined column, in order, nullable."""
    return pa.schema([pa.field(column.name, ARROW_TYPES[column.kind]) for column in table.columns])


def empty_frame(table: Table) -> pd.DataFrame:
    """Return a frame without rows that has every defined column in its dtype."""
    return pd.DataFrame({column.name: pd.Series(dtype=column.kind.value) for column in table.columns})


def typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return ``frame`` with exactly the defined columns in order and in their dtypes.

    A defined column that is absent becomes nulls. Raises ``ValueError`` naming the column for an
    unknown column or for values that do not fit the dtype without loss.
    """
    if unknown := sorted(set(frame.columns) - set(table.names)):
        raise ValueError(f"{unknown[0]}: not a column of {table.name}")
    return pd.DataFrame(
        {column.name: _cast(frame, column.name, column.kind.value) for column in table.columns},
        index=pd.RangeIndex(len(frame)),
    )


def to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    """Return a ``typed`` frame as Arrow in the table's schema."""
    return untyped_arrow(frame).cast(arrow_schema(table))


def to_frame(data: pa.Table, table: Table) -> pd.DataFrame:
    """Return Arrow data as a frame in the dtypes of ``table``; columns it does not define keep their own."""
    frame = untyped_frame(data)
    return frame.astype({column.name: column.kind.value for column in table.columns if column.name in frame})


def untyped_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return ``frame`` as Arrow, each column in the type of its dtype; the index is no content."""
    return pa.table({name: _array(frame[name]) for name in frame.columns})


def untyped_frame(data: pa.Table) -> pd.DataFrame:
    """Return Arrow data as a frame; whole numbers and flags are nullable, as after validation."""
    mapped = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return data.to_pandas(date_as_object=False, types_mapper=mapped.get)


def _array(values: pd.Series) -> pa.Array:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return pa.array(values.dt.tz_convert(None), from_pandas=True).cast(pa.timestamp("us", "UTC"))
    return pa.array(values, from_pandas=True)


def _cast(frame: pd.DataFrame, name: str, dtype: Any) -> pd.Series:
    if name not in frame:
        return pd.Series(pd.NA if dtype in {"Int64", "boolean"} else None, index=range(len(frame)), dtype=dtype)
    values = frame[name].reset_index(drop=True)
    try:
        if str(values.dtype) == dtype:
            return _days(values) if dtype == Kind.DATE.value else values
        if isinstance(values.dtype, pd.DatetimeTZDtype) and dtype == Kind.DATE.value:
            raise TypeError("it has a time zone")
        if dtype == Kind.TIMESTAMP.value:
            return pd.Series(pd.to_datetime(values, utc=True)).astype(dtype)
        if dtype == Kind.DATE.value:
            return _days(pd.Series(pd.to_datetime(values)).astype(dtype))
        return values.astype(dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {values.dtype} cannot be {dtype} ({str(error).splitlines()[0]})") from error


def _days(values: pd.Series) -> pd.Series:
    if (values != values.dt.normalize()).where(values.notna(), False).any():
        raise ValueError("it has a time of day")
    return values
