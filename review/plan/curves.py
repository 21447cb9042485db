"""Forecast curves with recent sales: the numbers of one small chart per SKU and region.

Here: the quantiles of the prediction intervals, how far back sales are shown, and the rows. Not here: the
drawing (``templates/curves.js``).
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings, quantile_columns
from review.packing import numbers
from review.plan.proposals import Rows, rows_by

_MOST_PERIODS = 56
_BANDS = ((0.025, 0.975), (0.25, 0.75))


def recent_sales(tables: dict[str, pd.DataFrame], settings: Settings, as_of: date) -> pd.DataFrame:
    """Return the sales of the periods a chart shows: twice the horizon before ``as_of``, at most 56 periods.

    The column ``ago`` counts periods before ``as_of``: 1 is the last one.
    """
    sales = tables.get("sales", pd.DataFrame())
    if sales.empty:
        return pd.DataFrame(columns=["sku", "region", "ago", "units_sold"])
    first, end = settings.grid.step(as_of, -_periods(settings)), as_timestamp(as_of)
    recent = sales[(sales["date"] >= as_timestamp(first)) & (sales["date"] < end)]
    return recent.assign(ago=(end - recent["date"]).dt.days // settings.grid.days)


def _periods(settings: Settings) -> int:
    return min(2 * settings.horizon, _MOST_PERIODS)


def curve_rows(forecast: pd.DataFrame, sales: pd.DataFrame, settings: Settings) -> Rows:
    """Return by SKU: region, units sold by period, oldest first, then mean and interval bounds by forecast period.

    ``sales`` come from ``recent_sales``. A missing period after the first one with sales counts as
    zero or unknown, by ``series.missing_sales``. Intervals are given by lower and upper bound, the widest first.
    """
    bands = _band_columns(settings)
    if forecast.empty or not set(bands) <= set(forecast.columns):
        return {}
    frame = forecast.sort_values(["sku", "region", "date"])
    is_first = (frame[["sku", "region"]] != frame[["sku", "region"]].shift()).any(axis=1).to_numpy()
    cuts = np.append(np.flatnonzero(is_first), len(frame))
    keys = frame.loc[is_first, ["sku", "region"]]
    past = _past(sales, settings).reindex(pd.MultiIndex.from_frame(keys)).to_numpy(float)
    columns = [_cut(numbers(frame["mean_units"], 2), cuts), *(_cut(numbers(frame[band], 1), cuts) for band in bands)]
    flat = _cut(numbers(pd.Series(past.ravel()), 2), np.arange(len(past) + 1) * past.shape[1])
    return rows_by(keys["sku"], [keys["region"], flat, *columns])


def _past(sales: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return units sold by (SKU, region) with one column per period, oldest first."""
    columns = range(_periods(settings), 0, -1)
    sold = sales.pivot_table(index=["sku", "region"], columns="ago", values="units_sold", aggfunc="sum")
    sold = sold.reindex(columns=columns).astype(float)
    if settings.series.missing_sales == "zero":
        sold = sold.mask(sold.isna() & sold.notna().cummax(axis=1), 0.0)
    return sold


def _cut(values: list[Any], cuts: np.ndarray) -> list[list[Any]]:
    return [values[start:end] for start, end in pairwise(cuts)]


def _bands(settings: Settings) -> list[tuple[float, float]]:
    """Return up to two pairs of quantile levels, the widest first: those nearest to 2.5–97.5% and 25–75%."""
    levels = settings.forecast.quantiles
    pairs = [(_nearest(low, levels), _nearest(high, levels)) for low, high in _BANDS]
    return list(dict.fromkeys(pair for pair in pairs if pair[0] < pair[1]))


def _nearest(requested: float, levels: tuple[float, ...]) -> float:
    return min(levels, key=lambda level: abs(level - requested))


def _band_columns(settings: Settings) -> list[str]:
    return quantile_columns(tuple(level for pair in _bands(settings) for level in pair))


def band_names(settings: Settings) -> list[str]:
    """Return the nominal coverage of each interval, the widest first, for example ``95%``."""
    return [f"{100 * (high - low):.3g}%" for low, high in _bands(settings)]
