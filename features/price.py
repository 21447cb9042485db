"""Price and promotion on the target's date, relative to what the customer was used to.

Prices are the announced plan and known for the horizon. Window: the last year before the origin.
"""

from __future__ import annotations

import warnings

import numpy as np

from features.view import Columns, View, share


def price(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none without a price table.

    * ``price``: on the target's date. ``price_to_mean``, ``price_to_min``, ``price_to_max``: ÷ the
      series' mean, lowest and highest price of the last 364 days.
    * ``price_to_last``: ÷ the price of the period before the origin; ``price_to_month``: ÷ its 28-day mean.
    * ``price_to_regions``: ÷ the sku's mean price over all regions on that date.
    * ``is_promoted``: on the target's date; ``promoted_share``: over the last 28 days.
    """
    panel = view.panel
    if panel.price is None:
        return {}
    now = panel.price[view.series, view.period]
    past = panel.price[view.members, max(view.at - view.lookback, 0) : view.at]
    found: Columns = {"price": now}
    for name, base in _bases(past, panel.days(28)).items():
        found[f"price_to_{name}"] = share(now, base[view.row])
    found["price_to_regions"] = share(now, _over_regions(view))
    if panel.is_promoted is not None:
        found["is_promoted"] = panel.is_promoted[view.series, view.period]
        promoted = view.past_of(panel.is_promoted[view.members])
        found["promoted_share"] = promoted.mean(panel.days(28))[view.row]
    return found


def _bases(past: np.ndarray, month: int) -> Columns:
    if past.shape[1] == 0:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a series without any price yet gives NaN
        return {
            "mean": np.nanmean(past, axis=1), "min": np.nanmin(past, axis=1), "max": np.nanmax(past, axis=1),
            "month": np.nanmean(past[:, -month:], axis=1), "last": past[:, -1],
        }  # fmt: skip


def _over_regions(view: View) -> np.ndarray:
    """Return the mean price of each row's sku over all regions on the target's date."""
    panel = view.panel
    assert panel.price is not None  # noqa: S101  (the caller has looked)
    sku = panel.groups["sku"].code
    columns = np.arange(view.at, min(view.at + panel.horizon, panel.price.shape[1]))
    prices = panel.price[:, columns]
    known = np.isfinite(prices)
    total = np.zeros((sku.max() + 1, len(columns)))
    count = np.zeros_like(total)
    np.add.at(total, sku, np.where(known, prices, 0))
    np.add.at(count, sku, known)
    return share(total, count)[sku[view.series], view.period - view.at]
