"""Tables of VN2 as arrays, and the two simple forecasts that serve as baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

STATIC = ("skus", "regions", "hubs", "lanes", "supply")
SEASON = 52
RECENT = 13


def read_tables(folder: Path, names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Return the named tables with all dates in one resolution."""
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}
    for frame in tables.values():
        for column in frame.select_dtypes("datetime"):
            frame[column] = frame[column].astype("datetime64[us]")
    return tables


@dataclass(frozen=True)
class Weeks:
    """Sales as arrays: ``units`` and ``demand`` (n_series, n_weeks), the latter NaN out of stock.

    ``series`` (region, sku) and ``weeks`` name rows and columns.
    """

    series: pd.MultiIndex
    weeks: pd.DatetimeIndex
    units: np.ndarray
    demand: np.ndarray

    @classmethod
    def of(cls, sales: pd.DataFrame) -> Weeks:
        """Return the arrays of the table ``sales``."""
        wide = sales.pivot(index=["region", "sku"], columns="date", values=["units_sold", "in_stock_rate"])
        units, rate = (wide[name].to_numpy(float) for name in ("units_sold", "in_stock_rate"))
        weeks = pd.DatetimeIndex(wide["units_sold"].columns)
        return cls(wide.index, weeks, units, np.where(rate >= 1, units, np.nan))

    def column_of(self, day: pd.Timestamp) -> int:
        """Return the column of the week that starts on ``day``; one past the last column for the following week."""
        return int(self.weeks.searchsorted(day))

    def place(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the array row for the ``region`` and ``sku`` of each row of the frame."""
        return self.series.get_indexer(pd.MultiIndex.from_frame(frame[["region", "sku"]].astype("str")))


def week_of_year(days: pd.DatetimeIndex) -> np.ndarray:
    """Return ISO week numbers from 0."""
    return days.isocalendar().week.to_numpy(np.int64) - 1


def seasonal_naive(demand: np.ndarray, horizon: int) -> np.ndarray:
    """Return the latest known value 52, 104, … weeks before each target, or 0 if there is none, (n_series, horizon)."""
    length = demand.shape[1]
    result = np.full((len(demand), horizon), np.nan)
    for back in range(SEASON, length + horizon, SEASON):
        columns = length + np.arange(horizon) - back
        there = columns >= 0
        result[:, there] = np.where(np.isnan(result[:, there]), demand[:, columns[there]], result[:, there])
    return np.nan_to_num(result)


def seasonal_average(demand: np.ndarray, weeks: pd.DatetimeIndex, horizon: int) -> np.ndarray:
    """Return the game's rule: the deseasonalized mean of 13 weeks, times the season of each target week.

    The season of a week of the year is its mean over series and years, divided by the mean over weeks.
    """
    week = week_of_year(weeks)
    season = pd.Series(np.nanmean(demand, axis=0)).groupby(week).mean()
    season = (season / season.mean()).reindex(range(53)).ffill()
    level = pd.DataFrame(demand / season.to_numpy()[week]).iloc[:, -RECENT:].mean(axis=1).fillna(0).to_numpy()
    ahead = pd.date_range(weeks[-1] + pd.Timedelta(weeks=1), periods=horizon, freq="W-MON")
    return level[:, None] * season.to_numpy()[week_of_year(ahead)]


def markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """Return the rows as a Markdown table whose header is the keys of the first row."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows)]) + "\n"
