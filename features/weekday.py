"""The target's weekday: how the series sells on it. Daily data only.

Windows of 4, 8, 12 and 26 weeks before the origin.
"""

from __future__ import annotations

from features.view import Columns, View, share

WEEKS = (4, 8, 12, 26)


def weekday(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none for weekly data.

    * ``weekday_mean_w``: mean demand on the target's weekday over the last w weeks.
    * ``weekday_share_w``: that mean ÷ the mean of all days of those weeks.
    """
    if view.panel.frequency.days != 1:
        return {}
    phase = (view.step - 1) % 7
    found: Columns = {}
    for weeks in WEEKS:
        profile = view.past.by_phase(weeks, 7)
        found[f"weekday_mean_{weeks}"] = profile[view.row, phase]
    mean = view.past.mean(WEEKS[-1] * 7)
    found[f"weekday_share_{WEEKS[-1]}"] = share(found[f"weekday_mean_{WEEKS[-1]}"], mean[view.row])
    return found
