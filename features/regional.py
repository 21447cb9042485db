"""Regional numbers: flags known in advance, and observed-only series such as weather or totals.

Windows: 7, 28 days and the same time a year before the target.
"""

from __future__ import annotations

import numpy as np

from features.lags import year_ago
from features.view import Columns, View, share


def regional(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each.

    For columns known in advance: ``<name>``, the value on the target's date, and for flags
    ``<name>_response``, the series' mean demand over the last 112 days at that value of the flag ÷ its mean.
    For observed-only columns: ``<name>_change``, mean of 7 days ÷ mean of 28 days before the origin, and
    ``<name>_season``, the mean around 364 days before the target ÷ the mean of the 28 days that ended 364 days
    before the origin: how much the number will move if it moves as it did last year.
    """
    panel = view.panel
    region = panel.region_code[view.series]
    found: Columns = {}
    for name, values in panel.regional.items():
        if name in panel.known_in_advance:
            found[name] = values[region, view.period]
            if set(np.unique(values[np.isfinite(values)])) <= {0.0, 1.0}:
                found[f"{name}_response"] = _response(view, values)
        else:
            past = view.past_of(values)
            found[f"{name}_change"] = share(past.mean(panel.days(7)), past.mean(panel.days(28)))[region]
            found[f"{name}_season"] = seasonal_index(view, past.values)[region, view.step - 1]
    return found


def seasonal_index(view: View, values: np.ndarray) -> np.ndarray:
    """Return (n, horizon): mean around 364 days before each target ÷ 28-day mean 364 days before the origin.

    ``values`` (n, n_past) end before the origin.
    """
    from features.view import Past

    year, month = view.panel.days(364), view.panel.days(28)
    end = values.shape[1] - year
    before = Past(values[:, max(end - month, 0) : max(end, 0)]).mean(month) if end > 0 else np.full(len(values), np.nan)
    return share(year_ago(view, values), before[:, None])


def _response(view: View, flag: np.ndarray) -> np.ndarray:
    """Return mean demand at the target's value of ``flag`` ÷ mean demand, over the last 112 days."""
    length = min(view.panel.days(112), view.past.values.shape[1])
    if length == 0:
        return np.full(len(view.row), np.nan, np.float32)
    past, region = view.past, view.panel.region_code[view.members]
    raised = np.nan_to_num(flag[region, view.at - length : view.at])
    found = np.empty((len(view.members), 2), np.float32)
    for value, chosen in enumerate((1 - raised, raised)):
        demand = (past.filled[:, -length:] * chosen).sum(axis=1)
        found[:, value] = share(demand, (past.known[:, -length:] * chosen).sum(axis=1))
    now = np.nan_to_num(flag[view.panel.region_code[view.series], view.period]).astype(int)
    return share(found[view.row, now], past.mean(length)[view.row])
