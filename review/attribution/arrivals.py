"""What a hub was waiting for: order lines and released proposals, when they should have come and when they did.

Here: the rules by which a line counts as on time, late, or not brought by its lane. Not here: what its absence cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from foundation.periods import as_timestamp
from review.attribution.nearest import Frames

if TYPE_CHECKING:
    from review.attribution.stockouts import Happened

_TEXTS = ("inbound_id", "hub", "sku", "origin", "proposal_id")
_COLUMNS = ["hub", "sku", "units", "meant_for", "came_on", "cause"]


def awaited(happened: Happened) -> pd.DataFrame:
    """Return hub, sku, units, ``meant_for``, ``came_on`` (null: not yet) and cause of every line awaited at the night.

    A line that is no longer in ``inbound`` has come when it was meant to, unless a later look says otherwise:

    * an order line still there has come on the day it says now, or not yet where that day has passed;
    * a released proposal that is neither in ``inbound`` now nor executed has not come where its lane stopped;
    * what is late by a lane that no longer runs, or between hubs that closed, is the lane's; the rest is late.
    """
    lines = pd.concat([_orders(happened), _proposals(happened)], ignore_index=True)
    is_missed = lines["came_on"].isna() | (lines["came_on"] > lines["meant_for"])
    stopped = _stopped(lines, happened)
    lines["cause"] = "on_time"
    lines.loc[is_missed, "cause"] = "late_arrival"
    lines.loc[is_missed & stopped, "cause"] = "lane"
    is_due = lines["meant_for"] < as_timestamp(happened.until)
    return lines.loc[is_due, _COLUMNS].reset_index(drop=True)


def _orders(happened: Happened) -> pd.DataFrame:
    """Return the order lines of the night's snapshot with the day they came on."""
    then, now = _inbound(happened.then), _inbound(happened.now)
    later = now.drop_duplicates("inbound_id").set_index("inbound_id")["arrival_date"]
    said = _looked_up(later, then["inbound_id"])
    snapshot = _snapshot_day(happened.now)
    came = said.where(said >= snapshot) if snapshot is not None else said
    return then.assign(meant_for=then["arrival_date"], came_on=came.where(said.notna(), then["arrival_date"]))


def _proposals(happened: Happened) -> pd.DataFrame:
    """Return the released proposals the night did not see in ``inbound``, with the day they came on."""
    then, now = _inbound(happened.then), _inbound(happened.now)
    lines = happened.released[~happened.released["proposal_id"].isin(then["proposal_id"].dropna())]
    lines = lines.rename(columns={"destination": "hub"})
    lines = lines.assign(units=lines["units"].astype("float64"), meant_for=_moments(lines["arrival_date"]))
    seen = now[now["proposal_id"].notna()].drop_duplicates("proposal_id").set_index("proposal_id")["arrival_date"]
    said = _looked_up(seen, lines["proposal_id"])
    came = said.where(said.notna(), lines["meant_for"])
    is_lost = _stopped(lines, happened) & said.isna() & (lines["status"] != "executed")
    return lines.assign(came_on=came.mask(is_lost))


def _inbound(tables: Frames) -> pd.DataFrame:
    """Return the order lines with every column that is looked at, unknown ones null."""
    given = tables.get("inbound")
    if given is None or given.empty:
        return pd.DataFrame({"arrival_date": pd.Series(dtype="datetime64[us]"), **dict.fromkeys(_TEXTS, pd.Series(dtype="str")), "units": pd.Series(dtype="float64")})  # fmt: skip
    texts = {
        name: given[name].astype("str") if name in given else pd.Series(pd.NA, given.index, "str") for name in _TEXTS
    }
    return pd.DataFrame({**texts, "units": given["units"].astype("float64"), "arrival_date": given["arrival_date"]})


def _looked_up(days: pd.Series, names: pd.Series) -> pd.Series:
    return _moments(days.reindex(pd.Index(names.astype(object))).set_axis(names.index))


def _moments(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).astype("datetime64[us]")


def _snapshot_day(tables: Frames) -> pd.Timestamp | None:
    stock = tables.get("stock")
    return None if stock is None or stock.empty else pd.Timestamp(stock["date"].max())


def _stopped(lines: pd.DataFrame, happened: Happened) -> pd.Series:
    """Say which lines hang on a lane that no longer runs, or on a hub that was closed before they were to come."""
    now, then = happened.now["lanes"], happened.then["lanes"]
    pairs = [set(zip(t["origin"].astype(str), t["destination"].astype(str), strict=True)) for t in (now, then)]
    origin = lines["origin"].astype(object) if "origin" in lines else pd.Series(None, index=lines.index, dtype=object)
    way = list(zip(origin.astype(str), lines["hub"].astype(str), strict=True))
    is_gone = [pair in pairs[1] and pair not in pairs[0] for pair in way]
    closed = _closed(happened)
    is_closed = [
        any(place in closed and closed[place] <= day for place in pair)
        for pair, day in zip(way, lines["meant_for"], strict=True)
    ]
    return pd.Series(is_gone, index=lines.index, dtype=bool) | pd.Series(is_closed, index=lines.index, dtype=bool)


def _closed(happened: Happened) -> dict[str, pd.Timestamp]:
    """Return the hubs that were closed during the time looked at, with the day it began."""
    changes = happened.now.get("hub_capacity")
    if changes is None or "is_open" not in changes:
        return {}
    shut = changes[(~changes["is_open"].astype("boolean").fillna(True)).to_numpy(bool)]
    shut = shut[shut["from_date"] < as_timestamp(happened.until)]
    return {str(hub): pd.Timestamp(day) for hub, day in shut.groupby("hub", observed=True)["from_date"].min().items()}
