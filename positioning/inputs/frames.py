"""Input frames with every optional column present and its default applied.

Here: what a null or an absent column means. Not here: arithmetic on the values.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from foundation.tables import INPUTS, Kind


def table(tables: dict[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Return table ``name`` with all its defined columns; empty when the table is absent."""
    defined = INPUTS[name]
    frame = tables.get(name)
    if frame is None:
        frame = pd.DataFrame({column: pd.Series(dtype=object) for column in defined.required})
    missing = {column.name: _empty(column.kind, len(frame)) for column in defined.columns if column.name not in frame}
    return frame.assign(**missing) if missing else frame


def numbers(frame: pd.DataFrame, name: str, default: float = np.nan) -> np.ndarray:
    """Return column ``name`` as float64, null replaced by ``default``."""
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    return np.where(np.isnan(values), default, values)


def texts(frame: pd.DataFrame, name: str, default: str = "") -> list[str]:
    """Return column ``name`` as text, null replaced by ``default``."""
    return [default if value is None or pd.isna(value) else str(value) for value in frame[name]]


def days_after(frame: pd.DataFrame, name: str, as_of: pd.Timestamp) -> np.ndarray:
    """Return column ``name`` in days after ``as_of`` as float64, NaN where null."""
    dates = pd.to_datetime(frame[name]).to_numpy(dtype="datetime64[D]")
    away = (dates - np.datetime64(as_of.date(), "D")) / np.timedelta64(1, "D")
    return np.where(np.isnat(dates), np.nan, away)


def codes(values: list[str], known: tuple[str, ...]) -> np.ndarray:
    """Return the position of each value in ``known``, −1 where it is not there."""
    place = {name: position for position, name in enumerate(known)}
    return np.array([place.get(value, -1) for value in values], dtype="int64")


def _empty(kind: Kind, rows: int) -> pd.Series:
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        return pd.Series(pd.NaT, index=range(rows)).array
    return pd.Series(np.nan if kind in (Kind.NUMBER, Kind.WHOLE) else None, index=range(rows)).array
