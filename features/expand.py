"""Tables become series × periods arrays by factorised look-ups, never series by series.

Not here: which series there are (``series``), pooled signals (``groups``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foundation.errors import InputError
from foundation.outliers import gross_outliers
from foundation.periods import Frequency, as_timestamp, closed_periods
from foundation.settings import Settings

if TYPE_CHECKING:
    from features.series import SeriesIndex


@dataclass(frozen=True)
class Grid:
    """The periods of a panel: ``n_history`` before ``as_of`` and ``horizon`` from it on."""

    frequency: Frequency
    as_of: date
    n_history: int
    horizon: int
    periods: np.ndarray
    is_closed: np.ndarray

    @classmethod
    def over(cls, sales: pd.DataFrame, settings: Settings, as_of: date, lookback_days: int) -> Grid:
        """Return the grid from the first sale (at most history and look-back ago) to the horizon's end.

        Raises ``InputError`` when nothing was sold before ``as_of``.
        """
        frequency = settings.grid
        first = sales["date"].min()
        if pd.isna(first) or first >= as_timestamp(as_of):
            raise InputError(f"sales: no row before as_of {as_of}")
        most = (settings.forecast.history_days + lookback_days) // frequency.days
        known = -(-(as_timestamp(as_of) - first).days // frequency.days)
        n_history = min(known, most)
        periods = frequency.range(frequency.step(as_of, -n_history), n_history + settings.horizon)
        is_closed = closed_periods(periods, settings.series.closed_days, frequency)
        return cls(frequency, as_of, n_history, settings.horizon, periods.to_numpy(), is_closed)

    @property
    def n_periods(self) -> int:
        """Known and forecast periods together."""
        return self.n_history + self.horizon

    def column(self, dates: pd.Series) -> np.ndarray:
        """Return the period each date falls in, int64; negative before the grid, no upper bound."""
        days = (dates.to_numpy("datetime64[D]") - np.datetime64(self.as_of, "D")).astype(np.int64)
        return np.floor_divide(days, self.frequency.days) + self.n_history


@dataclass(frozen=True)
class Sales:
    """Sales on the grid; see ``Panel`` for the arrays."""

    demand: np.ndarray
    units_sold: np.ndarray
    in_stock_rate: np.ndarray | None
    first_period: np.ndarray


def codes_of(values: pd.Series, index: pd.Index) -> np.ndarray:
    """Return the position of each value in ``index`` as int32, −1 for unknown ones."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        of_category = index.get_indexer(values.cat.categories.astype(str))
        codes = values.cat.codes.to_numpy()
        return np.where(codes >= 0, of_category[codes], -1).astype(np.int32)
    codes, uniques = pd.factorize(values)
    return np.append(index.get_indexer(pd.Index(uniques).astype(str)), -1)[codes].astype(np.int32)


def expand_sales(sales: pd.DataFrame, chosen: SeriesIndex, settings: Settings, grid: Grid) -> Sales:
    """Return sales as arrays; gaps are zeros or unknown as ``series.missing_sales`` says, gross outliers unknown."""
    row, column = chosen.codes(sales), grid.column(sales["date"])
    kept = (row >= 0) & (column < grid.n_history)
    first = np.full(len(chosen.frame), grid.n_history, dtype=np.int32)
    np.minimum.at(first, row[kept], column[kept].astype(np.int32))
    kept &= column >= 0
    row, column = row[kept], column[kept]
    shape = (len(chosen.frame), grid.n_history)
    sold = np.full(shape, np.nan, dtype=np.float32)
    if settings.series.missing_sales == "zero":
        sold[np.arange(grid.n_history)[None, :] >= first[:, None]] = 0
    units = sales["units_sold"].to_numpy(np.float32)[kept]
    sold[row, column] = np.where(gross_outliers(row, units)[0], np.float32(np.nan), units)
    sold[:, grid.is_closed[: grid.n_history]] = np.nan
    rate = None
    demand = sold
    if "in_stock_rate" in sales:
        rate = np.ones(shape, dtype=np.float32)
        rate[row, column] = sales["in_stock_rate"].fillna(1).to_numpy(np.float32)[kept]
        demand = np.where(rate >= 1, sold, np.float32(np.nan))
    return Sales(demand, sold, rate, first)


def expand_prices(
    prices: pd.DataFrame | None, chosen: SeriesIndex, grid: Grid
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return price and promotion flag per series and period; a row holds until the next one."""
    if prices is None or prices.empty:
        return None, None
    row, column = chosen.codes(prices), grid.column(prices["date"])
    kept = (row >= 0) & (column < grid.n_periods)
    order = np.argsort(column[kept], kind="stable")
    row, column = row[kept][order], np.maximum(column[kept][order], 0)
    shape = (len(chosen.frame), grid.n_periods)
    latest = np.zeros(shape, dtype=np.int32)  # position of the latest row, counted from 1
    latest[row, column] = np.arange(1, len(row) + 1, dtype=np.int32)
    _fill_forward(latest)

    def spread(name: str) -> np.ndarray:
        values = prices[name].astype("float32").to_numpy(np.float32, na_value=np.nan)[kept][order]
        return np.append(np.float32(np.nan), values)[latest]

    return spread("unit_price_eur"), spread("is_promoted") if "is_promoted" in prices else None


def _fill_forward(latest: np.ndarray) -> None:
    """Carry the last non-zero entry of each row forward, in place."""
    for column in range(1, latest.shape[1]):
        here = latest[:, column]
        np.copyto(here, latest[:, column - 1], where=here == 0)


def expand_regional(
    regional: pd.DataFrame | None, regions: tuple[str, ...], known: tuple[str, ...], grid: Grid
) -> dict[str, np.ndarray]:
    """Return numeric regional columns per region and period, observed-only ones NaN from ``as_of``."""
    if regional is None:
        return {}
    row, column = codes_of(regional["region"], pd.Index(regions)), grid.column(regional["date"])
    kept = (row >= 0) & (column >= 0) & (column < grid.n_periods)
    found = {}
    for name in sorted(set(regional.columns) - {"region", "date"}):
        values = np.full((len(regions), grid.n_periods), np.nan, dtype=np.float32)
        values[row[kept], column[kept]] = regional[name].astype("float32").to_numpy(np.float32, na_value=np.nan)[kept]
        if name not in known:
            values[:, grid.n_history :] = np.nan
        found[name] = values
    return found


def expand_returns(returns: pd.DataFrame | None, chosen: SeriesIndex, grid: Grid) -> np.ndarray | None:
    """Return units returned per series and known period, or None without the table."""
    if returns is None or returns.empty:
        return None
    row, column = chosen.codes(returns), grid.column(returns["date"])
    kept = (row >= 0) & (column >= 0) & (column < grid.n_history)
    returned = np.zeros((len(chosen.frame), grid.n_history), dtype=np.float32)
    np.add.at(returned, (row[kept], column[kept]), returns["units_returned"].to_numpy(np.float32)[kept])
    return returned
