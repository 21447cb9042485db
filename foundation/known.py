"""What was known at ``as_of``: which rows of an input table a run may see.

Sales, returns, deliveries and observed regional numbers dated before ``as_of``; of stock and inbound
the snapshot that counts; the announced plan (prices, calendar, columns known in advance) and static
tables as they stand. Not here: what the rows mean or whether they are valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import Frequency, as_timestamp

OBSERVED_TABLES = ("sales", "returns", "deliveries")
SNAPSHOT_DATES = {"stock": "date", "inbound": "as_of"}


def default_as_of(sales: pd.DataFrame, grid: Frequency) -> date | None:
    """Return the first day of the period after the last sales row; None without a dated row."""
    last = sales["date"].max() if "date" in sales else pd.NaT
    return None if pd.isna(last) else grid.step(last.date(), 1)


def known_rows(name: str, frame: pd.DataFrame, as_of: date, stock_date: date | None = None) -> np.ndarray:
    """Return a boolean per row of the input table ``name``: whether a run at ``as_of`` may see it.

    Rows without a date are kept, so that validation can speak of them. ``stock_date`` is the
    stock snapshot that counts; ``inbound`` rows of the same day count, else its latest day on or
    before ``as_of``.
    """
    day = as_timestamp(as_of)
    if name in OBSERVED_TABLES and "date" in frame:
        return ~(frame["date"] >= day).to_numpy()
    column = SNAPSHOT_DATES.get(name, "")
    if column in frame:
        counting = snapshot_date(frame[column], as_of, stock_date if name == "inbound" else None)
        chosen = frame[column].isna() | (frame[column] == (pd.NaT if counting is None else as_timestamp(counting)))
        return chosen.to_numpy()
    return np.ones(len(frame), dtype=bool)


def snapshot_date(dates: pd.Series, as_of: date, preferred: date | None = None) -> date | None:
    """Return ``preferred`` where it is among ``dates``, else the latest on or before ``as_of``, else None."""
    known = dates[dates <= as_timestamp(as_of)]
    if preferred is not None and (known == as_timestamp(preferred)).any():
        return preferred
    return None if known.empty else known.max().date()


def hide_observed(regional: pd.DataFrame, as_of: date, known_in_advance: tuple[str, ...]) -> pd.DataFrame:
    """Return ``regional`` with observed columns null from ``as_of`` on.

    Later rows stay only where a column known in advance has a value.
    """
    is_later = (regional["date"] >= as_timestamp(as_of)).to_numpy()
    if not is_later.any():
        return regional
    announced = [name for name in known_in_advance if name in regional]
    observed = [name for name in regional.columns if name not in ("date", "region", *announced)]
    hidden = regional.copy()
    hidden.loc[is_later, observed] = np.nan
    has_news = hidden[announced].notna().any(axis=1).to_numpy() if announced else np.zeros(len(hidden), bool)
    return hidden[~is_later | has_news]


def known(
    tables: Mapping[str, pd.DataFrame], as_of: date, known_in_advance: tuple[str, ...]
) -> dict[str, pd.DataFrame]:
    """Return all ``tables`` cut to what was known at ``as_of``; rows keep their order."""
    stock = tables.get("stock")
    stock_date = snapshot_date(stock["date"], as_of) if stock is not None else None
    cut = {name: frame[known_rows(name, frame, as_of, stock_date)] for name, frame in tables.items()}
    if "regional" in cut:
        cut["regional"] = hide_observed(cut["regional"], as_of, known_in_advance)
    return cut
