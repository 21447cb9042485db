"""Attributes of a series: hierarchy, region, numeric attributes, age, availability and returns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.family import FeatureFamily
from features.panel import categories
from features.view import Columns, View, share


def static(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``region`` and each hierarchy column: category codes in the order of the panel's sorted values
      (the matrix carries those values, so codes mean the same in training and forecast).
    * each numeric column of ``series.features``.
    """
    frame = view.panel.series
    result: Columns = {}
    for name in ("region", *view.panel.hierarchy):
        result[name] = (
            pd.Index(categories(frame[name])).get_indexer(pd.Index(frame[name])).astype(np.float32)[view.series]
        )
    for name in view.panel.static:
        result[name] = frame[name].to_numpy(np.float32)[view.series]
    return result


def age(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * ``age``: periods from the first sale, price or launch to the origin, negative before it, at most two years.
    * ``known``: periods with known demand among those of the last year.
    """
    first = view.panel.first_period[view.members]
    years = 2 * view.panel.days(364)
    since = np.minimum(view.origin - first, years).astype(np.float32)
    return {"age": since[view.row], "known": view.past.known(view.panel.days(364)).astype(np.float32)[view.row]}


def stockout(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none without ``sales.in_stock_rate``.

    * ``in_stock_d``: mean share of the last d days in which the SKU was in stock.
    * ``sold_28``: mean units sold in the last 28 days, in stock or not.
    """
    panel = view.panel
    if panel.in_stock_rate is None:
        return {}
    rate = view.past_of(panel.in_stock_rate[view.members])
    sold = view.past_of(panel.units_sold[view.members])
    result = {f"in_stock_{days}": rate.mean(panel.days(days)) for days in (7, 28)}
    result["sold_28"] = sold.mean(panel.days(28))
    return {name: values[view.row] for name, values in result.items()}


def returns(view: View) -> Columns:
    """Return ``returned_rate_d``, units returned ÷ units demanded over the last d days; none without the table."""
    if view.panel.returned is None:
        return {}
    back, result = view.past_of(view.panel.returned[view.members]), {}
    for days in (28, 112):
        length = view.panel.days(days)
        result[f"returned_rate_{days}"] = share(back.mean(length), view.past.mean(length))[view.row]
    return result


STATIC = FeatureFamily("static", static, driver="region", is_for_totals=True, rank=8, is_by_series=True)
AGE = FeatureFamily("age", age, driver="level", rank=10, is_by_series=True)
STOCKOUT = FeatureFamily("stockout", stockout, driver="level", rank=11, is_by_series=True)
RETURNS = FeatureFamily("returns", returns, driver="level", rank=12, is_by_series=True)
