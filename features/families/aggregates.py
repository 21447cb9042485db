"""Features of regions and groups: flags known in advance, observed numbers such as weather, totals, and pooled demand.

Windows: 7 days, 28 days, and the same time in the year before the target.
"""

from __future__ import annotations

import numpy as np

from features.family import FeatureFamily
from features.view import Columns, Past, View, share, year_ago


def regional(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    * Columns known in advance: ``<name>``, the value on the target's date, and for flags ``<name>_response``, the series' mean
      demand over the last 112 days at that value of the flag ÷ its mean.
    * Observed columns: ``<name>_change``, the mean of 7 days ÷ the mean of 28 days before the origin, and ``<name>_season``,
      the mean around 364 days before the target ÷ the mean of the 28 days that ended 364 days before the origin. The latter is
      the change if the number moves as in the previous year.
    * The total of the series' kind and region: ``total_change``, ``total_season`` and ``total_weekday``, the target weekday's
      share of the weekly mean over 8 weeks.
    """
    panel = view.panel
    region = panel.region_code[view.series]
    result: Columns = {}
    for name, values in panel.regional.items():
        if name in panel.known_in_advance:
            result[name] = values[region, view.period]
            known = values[:, : panel.n_history]  # announced values must not decide which features a model has
            if set(np.unique(known[np.isfinite(known)])) <= {0.0, 1.0}:
                result[f"{name}_response"] = _response(view, values)
        elif not name.startswith("units_") or panel.totals is None:
            past = view.past_of(values)
            result[f"{name}_change"] = share(past.mean(panel.days(7)), past.mean(panel.days(28)))[region]
            result[f"{name}_season"] = seasonal_index(view, past)[region, view.step - 1]
    return result | _total_features(view)


def _total_features(view: View) -> Columns:
    """Return change, season and weekday share of the total that each row's series belongs to, NaN without a total."""
    totals = view.panel.totals
    if totals is None:
        return {}
    days, past = view.panel.days, view.past_of_totals()
    mean, code = past.mean(days(28)), totals.code[view.series]
    result = {
        "change": share(past.mean(days(7)), mean)[code],
        "season": seasonal_index(view, past)[code, view.step - 1],
    }
    if view.panel.frequency.days == 1:
        result["weekday"] = share(past.by_phase(8, 7), past.mean(56)[:, None])[code, (view.step - 1) % 7]
    return {f"total_{name}": np.where(code >= 0, values, np.float32(np.nan)) for name, values in result.items()}


def seasonal_index(view: View, past: Past) -> np.ndarray:
    """Return (n, horizon): mean around 364 days before each target ÷ 28-day mean 364 days before the origin."""
    year, month = view.panel.days(364), view.panel.days(28)
    half = month // 2
    before = past.around(np.array([past.n_past - year - half]), half)
    return share(year_ago(view, past), before)


def _response(view: View, flag: np.ndarray) -> np.ndarray:
    """Return mean demand at the target's value of ``flag`` ÷ mean demand, over the last 112 days."""
    length = min(view.panel.days(112), view.past.values.shape[1])
    if length == 0:
        return np.full(len(view.row), np.nan, np.float32)
    past, region = view.past, view.panel.region_code[view.members]
    raised = np.nan_to_num(flag[region, view.origin - length : view.origin])
    result = np.empty((len(view.members), 2), np.float32)
    for value, chosen in enumerate((1 - raised, raised)):
        demand = (past.filled[:, -length:] * chosen).sum(axis=1)
        result[:, value] = share(demand, (past.is_known[:, -length:] * chosen).sum(axis=1))
    now = np.nan_to_num(flag[view.panel.region_code[view.series], view.period]).astype(int)
    return share(result[view.row, now], past.mean(length)[view.row])


def pooled(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each, for every group g of the panel.

    * ``g_mean_28``: mean demand per series of the group; ``g_trend``: 7-day mean ÷ 28-day mean.
    * ``g_weekday``: the target weekday's share of the group's weekly mean over 8 weeks (daily data).
    * ``g_season``: the group's seasonal index of the target, see ``regional.seasonal_index``.
    """
    days = view.panel.days
    result: Columns = {}
    for name, group in view.panel.groups.items():
        past = view.past_of(group.mean)
        code = group.code[view.series]
        mean = past.mean(days(28))
        result[f"{name}_mean_{days(28)}"] = mean[code]
        result[f"{name}_trend"] = share(past.mean(days(7)), mean)[code]
        if view.panel.frequency.days == 1:
            profile = past.by_phase(8, 7)
            result[f"{name}_weekday"] = share(profile, past.mean(56)[:, None])[code, (view.step - 1) % 7]
        result[f"{name}_season"] = seasonal_index(view, past)[code, view.step - 1]
    return result


_SEASONAL_SHAPE = ("_(season|weekday)$", "season")
_WEATHER = ("temp|rain|precip|snowfall|wind|humid|sunshine|weather", "weather")
REGIONAL = FeatureFamily(
    "regional",
    regional,
    driver="region",
    driver_by_name=(_WEATHER, _SEASONAL_SHAPE),
    is_for_totals=True,
    rank=7,
    is_by_series=True,
)
POOLED = FeatureFamily(
    "pooled", pooled, driver="level", driver_by_name=(_SEASONAL_SHAPE,), is_for_totals=True, rank=9, is_by_series=True
)
