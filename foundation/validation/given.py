"""What a user provides for one run, as the rules that look at several tables at once read it.

Not here: the rules (``completeness``, ``stale``, ``reach``, ``worth``, ``assumed``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.settings import Settings


@dataclass(frozen=True)
class Given:
    """Validated tables cut to what is known at ``as_of``, by name, and the settings."""

    tables: Mapping[str, pd.DataFrame]
    settings: Settings
    as_of: date

    def has(self, table: str, *columns: str) -> bool:
        """Say whether ``table`` is provided with rows and has all ``columns``."""
        return table in self.tables and len(self.tables[table]) > 0 and set(columns) <= set(self.tables[table].columns)

    def column(self, table: str, column: str) -> pd.Series:
        """Return a column as it stands; all null where the table lacks it."""
        frame = self.tables[table]
        return frame[column] if column in frame else pd.Series(np.nan, index=frame.index)

    def numbers(self, table: str, column: str, default: float = np.nan) -> np.ndarray:
        """Return a numeric column as float64 with ``default`` for nulls; all ``default`` where it is absent."""
        values = self.column(table, column).to_numpy(dtype="float64", na_value=np.nan)
        return np.where(np.isnan(values), default, values)

    def texts(self, table: str, column: str, default: str = "") -> np.ndarray:
        """Return a text column as objects with ``default`` for nulls; all ``default`` where it is absent."""
        values = self.column(table, column).astype(object)
        return values.where(values.notna(), default).astype(str).to_numpy(dtype=object)

    def empty(self, table: str, column: str) -> np.ndarray:
        """Return a boolean per row of ``table``: ``column`` is absent or null there."""
        return self.column(table, column).isna().to_numpy()
