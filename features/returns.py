"""What came back. Window: the last 28 and 112 days before the origin."""

from __future__ import annotations

from features.view import Columns, View, share


def returns(view: View) -> Columns:
    """Return ``returned_rate_d``, units returned ÷ units demanded over the last d days; none without the table."""
    if view.panel.returned is None:
        return {}
    back, found = view.past_of(view.panel.returned[view.members]), {}
    for days in (28, 112):
        length = view.panel.days(days)
        found[f"returned_rate_{days}"] = share(back.mean(length), view.past.mean(length))[view.row]
    return found
