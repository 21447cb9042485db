"""Price and promotion on the target's date, relative to past prices.

Prices are the announced plan and are known for the horizon. Window: the last year before the origin.
"""

from __future__ import annotations

import numpy as np

from features.family import FeatureFamily
from features.view import Columns, View, share
from foundation.seasonality import ratio


def price(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none without a price table.

    * ``price``: on the target's date. ``price_to_mean``, ``price_to_min``, ``price_to_max``: ÷ the
      series' mean, lowest and highest price of the last 364 days.
    * ``price_to_last``: ÷ the price of the period before the origin; ``price_to_month``: ÷ its 28-day mean.
    * ``price_to_regions``: ÷ the SKU's mean price over all regions on that date.
    * ``is_promoted``: on the target's date; ``promoted_share``: over the last 28 days.
    """
    panel = view.panel
    if panel.price is None or panel.mean_price is None:
        return {}
    now = panel.price[view.series, view.period]
    past = panel.price[view.members, max(view.origin - view.lookback, 0) : view.origin]
    result: Columns = {"price": now}
    for name, base in _bases(past, panel.days(28)).items():
        result[f"price_to_{name}"] = share(now, base[view.row])
    sku = panel.groups["sku"].code[view.series]
    result["price_to_regions"] = share(now, panel.mean_price[sku, view.period])
    if panel.is_promoted is not None:
        result["is_promoted"] = panel.is_promoted[view.series, view.period]
        promoted = view.past_of(panel.is_promoted[view.members])
        result["promoted_share"] = promoted.mean(panel.days(28))[view.row]
    return result


def _bases(past: np.ndarray, month: int) -> Columns:
    """Return the past prices to compare with: mean, extremes, 28-day mean and latest value, (n_members) each.

    A price holds until the next one, so a price that is known once stays known.
    """
    known = np.isfinite(past)
    filled = np.where(known, past, np.float32(0))
    return {
        "mean": ratio(filled.sum(axis=1), known.sum(axis=1)),
        "min": np.fmin.reduce(past, axis=1),
        "max": np.fmax.reduce(past, axis=1),
        "month": ratio(filled[:, -month:].sum(axis=1), known[:, -month:].sum(axis=1)),
        "last": past[:, -1],
    }


PRICE = FeatureFamily(
    "price", price, driver="price", driver_by_name=(("promo", "promotion"),), rank=6, is_by_series=True
)
