"""From tables to series × periods arrays, by factorized look-ups and never series by series.

Here: the grid of periods, the selection of series, and the arrays of each table. Not here: pooled demand and
events (``panel``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import ConfigurationError, InputError, nearest
from foundation.outliers import gross_outliers
from foundation.periods import Frequency, as_timestamp, closed_periods
from foundation.settings import Settings


@dataclass(frozen=True)
class Grid:
    """The periods of a panel: ``n_history`` before ``as_of`` and ``horizon`` from it on.

    Attributes
    ----------
    frequency
        Days or weeks.
    as_of
        First day of the first forecast period.
    n_history, horizon
        Number of known and of forecast periods.
    periods
        First days of all periods, datetime64[us] (n_history + horizon).
    is_closed
        Whether a period is closed, bool (n_history + horizon).

    """

    frequency: Frequency
    as_of: date
    n_history: int
    horizon: int
    periods: np.ndarray
    is_closed: np.ndarray

    @classmethod
    def over(cls, sales: pd.DataFrame, settings: Settings, as_of: date, lookback_days: int) -> Grid:
        """Return the grid from the first sale, at most ``forecast.history_days`` and the look-back ago, to the end of the horizon.

        Raises ``InputError`` without sales before ``as_of``.
        """
        frequency = settings.grid
        first = sales["date"].min()
        if pd.isna(first) or first >= as_timestamp(as_of):
            raise InputError(
                f"sales.date: 0 of {len(sales):,} usable rows lie before as_of {as_of}; load earlier sales, plan a later date (--as-of), "
                "or correct the rows that were left out"
            )
        most = (settings.forecast.history_days + lookback_days) // frequency.days
        known = -(-(as_timestamp(as_of) - first).days // frequency.days)
        n_history = min(known, most)
        periods = frequency.range(frequency.step(as_of, -n_history), n_history + settings.horizon)
        is_closed = closed_periods(periods, settings.series.closed_days, frequency)
        return cls(frequency, as_of, n_history, settings.horizon, periods.to_numpy(), is_closed)

    @property
    def n_periods(self) -> int:
        """Number of known and forecast periods."""
        return self.n_history + self.horizon

    def column(self, dates: pd.Series) -> np.ndarray:
        """Return the column of the period of each date, int64; negative before the grid, without an upper bound."""
        days = (dates.to_numpy("datetime64[D]") - np.datetime64(self.as_of, "D")).astype(np.int64)
        return np.floor_divide(days, self.frequency.days) + self.n_history


@dataclass(frozen=True)
class Sales:
    """Sales on the grid.

    Attributes
    ----------
    demand, units_sold : float32 array (n_series, n_history)
        Units per period; see ``Panel``.
    in_stock_rate : float32 array (n_series, n_history) or None
        Share of the period in stock; None without the column.
    first_period : int array (n_series)
        Period of the first sale.
    """

    demand: np.ndarray
    units_sold: np.ndarray
    in_stock_rate: np.ndarray | None
    first_period: np.ndarray


def codes_of(values: pd.Series, index: pd.Index) -> np.ndarray:
    """Return the position of each value in ``index`` as int32 (n_rows), −1 for unknown ones."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        of_category = index.get_indexer(values.cat.categories.astype(str))
        codes = values.cat.codes.to_numpy()
        return np.where(codes >= 0, of_category[codes], -1).astype(np.int32)
    codes, uniques = pd.factorize(values)
    return np.append(index.get_indexer(pd.Index(uniques).astype(str)), -1)[codes].astype(np.int32)


def expand_sales(sales: pd.DataFrame, chosen: SeriesIndex, settings: Settings, grid: Grid) -> Sales:
    """Return sales as arrays; gaps are zeros or unknown according to ``series.missing_sales``, gross outliers are unknown."""
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
    result = {}
    for name in sorted(set(regional.columns) - {"region", "date"}):
        values = np.full((len(regions), grid.n_periods), np.nan, dtype=np.float32)
        values[row[kept], column[kept]] = regional[name].astype("float32").to_numpy(np.float32, na_value=np.nan)[kept]
        if name not in known:
            values[:, grid.n_history :] = np.nan
        result[name] = values
    return result


def expand_returns(returns: pd.DataFrame | None, chosen: SeriesIndex, grid: Grid) -> np.ndarray | None:
    """Return units returned per series and known period, or None without the table."""
    if returns is None or returns.empty:
        return None
    row, column = chosen.codes(returns), grid.column(returns["date"])
    kept = (row >= 0) & (column >= 0) & (column < grid.n_history)
    returned = np.zeros((len(chosen.frame), grid.n_history), dtype=np.float32)
    np.add.at(returned, (row[kept], column[kept]), returns["units_returned"].to_numpy(np.float32)[kept])
    return returned


@dataclass(frozen=True)
class SeriesIndex:
    """The series and the look-up of their codes.

    Attributes
    ----------
    frame
        The series, see ``Panel.series``.
    regions, skus
        Names of all regions and SKUs, sorted.
    region_code
        Position of each series' region, int32 (n_series).
    lookup
        Series code of a region and SKU, int32 (n_regions, n_skus), −1 without a series.
    first_period, last_period
        Columns of the grid, see ``Panel``.
    static
        Names of the numeric attributes in ``frame``.

    """

    frame: pd.DataFrame
    regions: tuple[str, ...]
    skus: pd.Index
    region_code: np.ndarray
    lookup: np.ndarray
    first_period: np.ndarray
    last_period: np.ndarray
    static: tuple[str, ...]

    def codes(self, table: pd.DataFrame) -> np.ndarray:
        """Return the series code of every row of ``table`` by its region and SKU, int32 (n_rows), −1 for none."""
        region = codes_of(table["region"], pd.Index(self.regions))
        sku = codes_of(table["sku"], self.skus)
        result = self.lookup[region, sku]
        result[(region < 0) | (sku < 0)] = -1
        return result


def select_series(tables: dict[str, pd.DataFrame], settings: Settings, grid: Grid) -> SeriesIndex:
    """Return the series to forecast, sorted by region and SKU; raises ``InputError`` without any."""
    regions = pd.Index(sorted(tables["regions"]["region"].astype(str)))
    skus = tables["skus"].assign(sku=tables["skus"]["sku"].astype(str)).sort_values("sku").set_index("sku")
    first = np.full((len(regions), len(skus)), np.iinfo(np.int32).max, dtype=np.int32)
    for name in ("sales", "prices"):
        table = tables.get(name)
        if table is not None:
            _lower_first(first, table, (regions, skus.index), grid)
    last = _column_of(skus.get("delist_date"), len(skus), grid, default=np.iinfo(np.int32).max)
    launch = _column_of(skus.get("launch_date"), len(skus), grid, default=np.iinfo(np.int32).max)
    is_sold = (first < grid.n_history) & (last > grid.n_history)[None, :]
    if not is_sold.any():
        raise InputError("sales: no region and sku has a sales or price row before as_of and is not delisted")
    region_code, sku_code = (code.astype(np.int32) for code in np.nonzero(is_sold))
    frame, static = _attributes(tables, settings, (regions[region_code], skus.index[sku_code]))
    lookup = np.full(first.shape, -1, dtype=np.int32)
    lookup[region_code, sku_code] = np.arange(len(frame), dtype=np.int32)
    first_period = np.minimum(first[region_code, sku_code], launch[sku_code])
    return SeriesIndex(frame, tuple(regions), skus.index, region_code, lookup, first_period, last[sku_code], static)


def _lower_first(first: np.ndarray, table: pd.DataFrame, index: tuple[pd.Index, pd.Index], grid: Grid) -> None:
    region, sku = codes_of(table["region"], index[0]), codes_of(table["sku"], index[1])
    column = grid.column(table["date"])
    known = (region >= 0) & (sku >= 0) & (column < grid.n_history)
    pair = region[known].astype(np.int64) * first.shape[1] + sku[known]
    np.minimum.at(first.reshape(-1), pair, column[known].astype(np.int32))


def _column_of(dates: pd.Series | None, n: int, grid: Grid, default: int) -> np.ndarray:
    columns = np.full(n, default, dtype=np.int32)
    if dates is not None:
        known = dates.notna().to_numpy()
        columns[known] = grid.column(dates[known])
    return columns


def _attributes(
    tables: dict[str, pd.DataFrame], settings: Settings, keys: tuple[pd.Index, pd.Index]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the series frame and the names of its numeric static columns."""
    skus, regions = (tables[name].set_index(key) for name, key in (("skus", "sku"), ("regions", "region")))
    frame = pd.DataFrame({"region": keys[0].astype(str), "sku": keys[1].astype(str)})
    for name in settings.series.hierarchy:
        if name not in skus:
            raise ConfigurationError(
                f"series.hierarchy: skus has no column {name}{nearest(name, skus.columns.astype(str).to_list())}"
            )
        frame[name] = skus[name].reindex(keys[1]).astype(str).to_numpy()
    static = []
    for name in settings.series.features:
        source, by = (skus, keys[1]) if name in skus else (regions, keys[0])
        if name in source:
            frame[name] = pd.to_numeric(source[name].reindex(by)).to_numpy(np.float32)
            static.append(name)
    return frame, tuple(static)
