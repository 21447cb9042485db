"""The value of a lost sale: the single definition for plan, replay, attribution, and input validation.

Here: the sales price of each SKU and the value of a lost sale. Not here: the number of lost sales.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp


def sales_prices(skus: pd.DataFrame, prices: pd.DataFrame | None, as_of: date | None) -> np.ndarray:
    """Return the sales price of each row of ``skus`` (n,), EUR per unit; NaN where no table has one.

    The price of ``skus`` wins. Otherwise it is the mean over regions of the price in ``prices`` that holds on
    ``as_of``, inclusive: the last row on or before it, or the first one after it where none is earlier. Without
    ``as_of`` the last row of each region holds.
    """
    specified = _numbers(skus, "unit_price_eur")
    if prices is None or not len(prices) or not np.isnan(specified).any():
        return specified
    keys = ["region", "sku"]
    rows = prices[["date", *keys, "unit_price_eur"]].dropna().astype(dict.fromkeys(keys, "str"))
    rows = rows.sort_values([*keys, "date"], kind="stable")
    holds = np.ones(len(rows), dtype=bool) if as_of is None else (rows["date"] <= as_timestamp(as_of)).to_numpy()
    by_region = pd.concat([rows[~holds].drop_duplicates(keys), rows[holds].drop_duplicates(keys, keep="last")])
    mean = by_region.drop_duplicates(keys, keep="last").groupby("sku")["unit_price_eur"].mean()
    return np.where(np.isnan(specified), skus["sku"].astype("str").map(mean).to_numpy(dtype="float64"), specified)


def lost_sale_values(skus: pd.DataFrame, prices: pd.DataFrame | None, as_of: date | None) -> np.ndarray:
    """Return what one lost sale of each row of ``skus`` costs (n,), EUR per unit; NaN where nothing is known of it.

    ``lost_sale_eur`` where it is given, otherwise the price less ``unit_cost_eur``, never below zero; a missing
    cost counts as zero.
    """
    given = _numbers(skus, "lost_sale_eur")
    margin = np.maximum(sales_prices(skus, prices, as_of) - np.nan_to_num(_numbers(skus, "unit_cost_eur")), 0.0)
    return np.where(np.isnan(given), margin, given)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    if name not in frame:
        return np.full(len(frame), np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
