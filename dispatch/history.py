"""What a night must know of earlier decisions: approved, rejected and released lines, as they stand at its ``as_of``.

Here: which decisions were effective by then and the line each is about. Not here: how released units
count or how long a rejection holds (``positioning``).
"""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pandas as pd

from dispatch.ledger import LINE_COLUMNS, states
from foundation.keys import among
from foundation.periods import as_timestamp


def ready_moment(as_of: date, ready_at: str, timezones: pd.Series) -> pd.Timestamp:
    """Return the moment by which decisions count at ``as_of``: ``ready_at`` local to the westernmost hub, in UTC.

    A decision of the evening before is on record by then at every hub, whatever UTC calls that day.
    ``timezones`` are those of the hubs, null: UTC.
    """
    zones = set(timezones.fillna("UTC")) or {"UTC"}
    local = (datetime.combine(as_of, time.fromisoformat(ready_at), ZoneInfo(zone)) for zone in zones)
    return max(pd.Timestamp(moment).tz_convert("UTC") for moment in local)


def earlier_proposals(
    decisions: pd.DataFrame, transfer: pd.DataFrame, as_of: date, ready: pd.Timestamp
) -> pd.DataFrame:
    """Return the proposals of earlier nights with a decision made before ``ready``, one row each, by id.

    Columns of ``transfer`` with ``status`` and ``units`` as decided, and ``decided_on``, the UTC day of
    the decision. The line is the ledger's own; where it says none, the proposal as last proposed before
    ``as_of``. ``transfer`` may hold any nights. Decisions on a plan of ``as_of`` itself or later ones are not known yet.
    """
    known = states(decisions[decisions["at"] < ready])
    known = known.rename(columns={"status": "said_status", "units": "said_units"})
    lines = _last_proposed(transfer, known["proposal_id"], as_of)
    joined = known.merge(lines, on="proposal_id", how="left", suffixes=("", "_proposed"))
    for name in LINE_COLUMNS:
        joined[name] = joined[name].fillna(joined[f"{name}_proposed"])
    joined = joined.assign(
        status=joined["said_status"],
        units=joined["said_units"].fillna(joined["units"]),
        decided_on=joined["at"].dt.tz_localize(None).dt.normalize().astype("datetime64[us]"),
    )
    is_known = (joined["as_of"] < as_timestamp(as_of)) & joined["sku"].notna() & joined["units"].notna()
    columns = [*transfer.columns, "decided_on"]
    return joined.loc[is_known, columns].sort_values("proposal_id", kind="stable", ignore_index=True)


def _last_proposed(transfer: pd.DataFrame, wanted: pd.Series, as_of: date) -> pd.DataFrame:
    is_wanted = (transfer["as_of"] < as_timestamp(as_of)) & among(transfer["proposal_id"], wanted)
    return transfer[is_wanted].sort_values("as_of", kind="stable").drop_duplicates("proposal_id", keep="last")
