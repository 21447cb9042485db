"""Pooled signals: how the sku sells everywhere and how its kind sells in the region.

Means over the group's series (see ``groups``). Windows of 7, 28 and 112 days, 8 weeks of weekdays and
the same time a year before the target.
"""

from __future__ import annotations

from features.regional import seasonal_index
from features.view import Columns, View, share


def pooled(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each, for every group g of the panel.

    * ``g_mean_28``: mean demand per series of the group; ``g_trend``: 7-day mean ÷ 28-day mean.
    * ``g_weekday``: the target weekday's share of the group's weekly mean over 8 weeks (daily data).
    * ``g_season``: the group's seasonal index of the target, see ``regional.seasonal_index``.
    """
    days = view.panel.days
    found: Columns = {}
    for name, group in view.panel.groups.items():
        past = view.past_of(group.mean)
        code = group.code[view.series]
        mean = past.mean(days(28))
        found[f"{name}_mean_{days(28)}"] = mean[code]
        found[f"{name}_trend"] = share(past.mean(days(7)), mean)[code]
        if view.panel.frequency.days == 1:
            profile = past.by_phase(8, 7)
            found[f"{name}_weekday"] = share(profile, past.mean(56)[:, None])[code, (view.step - 1) % 7]
        found[f"{name}_season"] = seasonal_index(view, past)[code, view.step - 1]
    return found
