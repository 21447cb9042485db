"""What was demanded in the horizon of a panel, once it is known: the other half of a backtest.

Not here: anything a forecast may see.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.panel import Panel
from foundation.settings import Settings


def actual_demand(panel: Panel, sales: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Return units demanded, float64 (n_series, horizon), of the panel's series from its ``as_of`` on.

    ``sales`` hold the horizon too. NaN where a period is closed, the sku is no longer sold or was not in stock
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
    found = np.full((panel.n_series, panel.horizon), np.nan)
    if settings.series.missing_sales == "zero":
        found[np.arange(panel.horizon) >= begun[:, None]] = 0.0
    found[row, step] = within["units_sold"].to_numpy(float)[known]
    if "in_stock_rate" in within:
        in_stock = within["in_stock_rate"].fillna(1).to_numpy(float)[known]
        found[row, step] = np.where(in_stock >= 1, found[row, step], np.nan)
    period = panel.n_history + np.arange(panel.horizon)
    is_sold = ~panel.is_closed[period] & (period < panel.last_period[:, None])
    return np.where(is_sold, found, np.nan)
