"""The rows of an input table that were known at ``as_of``.

Known rows are: sales, returns, deliveries, and observed regional data dated before ``as_of``; the valid snapshot of stock and inbound; an
external forecast made on or before ``as_of``; the announced plan (prices, calendar, columns known in advance); and static tables. Not here: the meaning and validity of rows.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import Frequency, as_timestamp

OBSERVED_TABLES = ("sales", "returns", "deliveries")
SNAPSHOT_DATES = {"stock": "date", "inbound": "as_of"}
ISSUE_DATES = dict.fromkeys(("external_forecast", "external_forecast_window", "external_forecast_dependence"), "as_of")


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
    if ISSUE_DATES.get(name, "") in frame:
        return ~(frame[ISSUE_DATES[name]] > day).to_numpy()
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


def observed_columns(regional: pd.DataFrame, known_in_advance: tuple[str, ...]) -> list[str]:
    """Return the columns of ``regional`` that are known only when their day is over."""
    return [name for name in regional.columns if name not in ("date", "region", *known_in_advance)]


def hide_observed(regional: pd.DataFrame, is_later: np.ndarray, known_in_advance: tuple[str, ...]) -> pd.DataFrame:
    """Return ``regional`` with the columns that are observed null in later rows.

    Parameters
    ----------
    regional
        Rows of the table.
    is_later : bool array (n_rows)
        Rows dated on or after ``as_of``.
    known_in_advance
        Columns that are not hidden.
    """
    hidden = regional.copy()
    hidden.loc[is_later, observed_columns(regional, known_in_advance)] = np.nan
    return hidden
