"""The panel: all series on one grid of periods, as dense arrays.

A column is a period and a row is a series, so a gap in the dates cannot shift a lag, and a lag cannot reach into another series.
Not here: building a panel from tables (``panel_builder``) and features (``families``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.events import Events
from features.pooling import Group
from foundation.periods import Frequency
from foundation.settings import Settings

LOOKBACK_DAYS = 400  # the longest window of any feature (364 days) and a little more


@dataclass(frozen=True)
class Totals:
    """Long totals of region × kind.

    Attributes
    ----------
    panel : their own panel; its demand is divided by ``scale``.
    scale : float64 (n_totals), mean units per period.
    code : int32 (n_series), the total each series belongs to, −1 for none.
    is_covered : bool (n_totals), whether the series add up to the total.

    """

    panel: Panel
    scale: np.ndarray
    code: np.ndarray
    is_covered: np.ndarray


@dataclass(frozen=True)
class Panel:
    """Series × periods. Column ``n_history`` is the first forecast period, ``as_of``.

    Attributes
    ----------
    frequency : the grid's frequency.
    periods : datetime64[us] (n_history + horizon), first days of the periods.
    n_history, horizon : known and forecast periods.
    series : frame (n_series) sorted by region, SKU: `region`, `sku`, the hierarchy columns and the
        static numeric features; its position is the series code.
    region_code : int32 (n_series), position in ``regions``.
    regions : names of the regions, sorted.
    demand : float32 (n_series, n_history): units demanded; NaN before the first row, when closed, when
        missing and unknown, and when the SKU was not in stock for the whole period.
    units_sold : float32 (n_series, n_history): what was sold, in stock or not; NaN as above.
    in_stock_rate : float32 (n_series, n_history), or None where no table says.
    first_period : int32 (n_series): column of the first sign of life (sale, price or launch), negative
        before the panel's first column, ``n_history`` if there is none.
    last_period : int32 (n_series): first column in which the SKU is no longer sold.
    price, is_promoted : float32 (n_series, n_history + horizon), or None.
    mean_price : float32 (n_skus, n_history + horizon): over the regions, by code of the group `sku`, or None.
    returned : float32 (n_series, n_history), or None.
    regional : name → float32 (n_regions, n_history + horizon); observed-only ones NaN from ``as_of``.
    known_in_advance : the names in ``regional`` known for the horizon.
    events : event codes per region and period.
    everyone : float32 (n_history), mean demand of all series with a known value.
    groups : pooled means of demand, by name of the group.
    totals : totals of the series' own kind and region, where ``regional`` brings them.
    is_closed : bool (n_history + horizon).
    static : names of numeric static columns of ``series``.
    hierarchy : names of the hierarchy columns, finest first.

    """

    frequency: Frequency
    periods: np.ndarray
    n_history: int
    horizon: int
    series: pd.DataFrame
    region_code: np.ndarray
    regions: tuple[str, ...]
    demand: np.ndarray
    units_sold: np.ndarray
    in_stock_rate: np.ndarray | None
    first_period: np.ndarray
    last_period: np.ndarray
    price: np.ndarray | None
    is_promoted: np.ndarray | None
    mean_price: np.ndarray | None
    returned: np.ndarray | None
    regional: dict[str, np.ndarray]
    known_in_advance: tuple[str, ...]
    events: Events
    is_closed: np.ndarray
    static: tuple[str, ...]
    hierarchy: tuple[str, ...]
    everyone: np.ndarray
    groups: dict[str, Group] = field(default_factory=dict)
    totals: Totals | None = None

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.series)

    def days(self, days: int) -> int:
        """Return ``days`` as whole periods, at least one."""
        return max(days // self.frequency.days, 1)


def actual_demand(panel: Panel, sales: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return units demanded, float64 (n_series, horizon), of the panel's series from its ``as_of`` on.

    ``sales`` hold the horizon too. NaN where a period is closed, the SKU is no longer sold or was not in stock
    for the whole period, before the first row of a series, and for gaps when ``series.missing_sales`` is
    unknown; other gaps are 0.
    """
    codes = pd.MultiIndex.from_frame(panel.series[["region", "sku"]].astype("str"))
    first = panel.periods[panel.n_history].astype("datetime64[D]")
    ahead = (sales["date"].to_numpy("datetime64[D]") - first).astype(np.int64) // panel.frequency.days
    within = sales[(ahead >= 0) & (ahead < panel.horizon)]
    row = codes.get_indexer(pd.MultiIndex.from_frame(within[["region", "sku"]].astype("str")))
    known = row >= 0
    row, step = row[known], ahead[(ahead >= 0) & (ahead < panel.horizon)][known]
    begun = np.full(panel.n_series, panel.horizon)
    np.minimum.at(begun, row, step)
    begun[np.isfinite(panel.units_sold).any(axis=1)] = 0
    result = np.full((panel.n_series, panel.horizon), np.nan)
    if settings.series.missing_sales == "zero":
        result[np.arange(panel.horizon) >= begun[:, None]] = 0.0
    result[row, step] = within["units_sold"].to_numpy(float)[known]
    if "in_stock_rate" in within:
        in_stock = within["in_stock_rate"].fillna(1).to_numpy(float)[known]
        result[row, step] = np.where(in_stock >= 1, result[row, step], np.nan)
    period = panel.n_history + np.arange(panel.horizon)
    is_sold = ~panel.is_closed[period] & (period < panel.last_period[:, None])
    return np.where(is_sold, result, np.nan)
