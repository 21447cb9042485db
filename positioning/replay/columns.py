"""Columns of the input tables as arrays, with a default where a column or a value is absent.

Not here: what the columns mean (network) or whether they are valid (the door of the store).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def numbers(frame: pd.DataFrame, name: str, default: float) -> np.ndarray:
    """Return column ``name`` as float64, ``default`` where the column or a value is absent."""
    if name not in frame:
        return np.full(len(frame), default)
    values = frame[name].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), default, values)


def codes(index: pd.Index, values: Sequence[str] | np.ndarray | pd.Series) -> np.ndarray:
    """Return the position of each value in ``index``, -1 where it is not there."""
    return index.get_indexer(pd.Index(np.asarray(values, dtype=object).astype(str)))


def weekdays(departs: np.ndarray) -> np.ndarray:
    """Return (n, 7), Monday first: does the lane leave on that weekday? Empty: every day."""
    rows = [{part.strip().lower()[:3] for part in str(text).split("|") if part.strip()} for text in departs]
    return np.array([[not row or day in row for day in _WEEKDAYS] for row in rows], dtype=bool).reshape(-1, 7)
