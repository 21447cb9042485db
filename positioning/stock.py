"""What stands where: usable stock and confirmed arrivals, one signed position per sku and hub.

Here: netting of the snapshot, open orders and released proposals. Not here: what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from positioning.columns import codes, days_after, numbers, table, texts
from positioning.network import Network

_LINE = ["sku", "hub", "units", "day", "origin"]


@dataclass(frozen=True)
class Stock:
    """Positions of every sku (rows) at every hub (columns), in units.

    ``usable`` = on hand − reserved − on hold + due by ``as_of``; may be negative. ``physical`` is
    everything on the shelf. ``arrivals`` has one row per line still to come: sku, hub, units, day
    after ``as_of``, origin hub (−1 unknown). ``overdue`` are those of them that should have come before the snapshot; ``lapsed``
    are lines overdue for so long that they no longer count.
    """

    usable: np.ndarray
    physical: np.ndarray
    arrivals: pd.DataFrame
    overdue: pd.DataFrame
    lapsed: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({name: [] for name in _LINE}))


def read_stock(tables: dict[str, pd.DataFrame], network: Network, skus: tuple[str, ...], settings: Settings) -> Stock:
    """Net the snapshot and the open orders; a hub × sku absent from the snapshot has none.

    Lines due on or before ``as_of`` count as on hand, except those already overdue on the day of the
    snapshot: they are expected ``positioning.overdue_days`` after ``as_of``, or no more where they are overdue by more than
    ``positioning.max_overdue_days``.
    """
    snapshot = table(tables, "stock")
    sku, hub = codes(texts(snapshot, "sku"), skus), codes(texts(snapshot, "hub"), network.hubs)
    known = (sku >= 0) & (hub >= 0)
    shape = (len(skus), len(network.hubs))
    on_hand = numbers(snapshot, "units_on_hand", 0.0)
    blocked = numbers(snapshot, "units_reserved", 0.0) + numbers(snapshot, "units_on_hold", 0.0)
    usable, physical = np.zeros(shape), np.zeros(shape)
    np.add.at(usable, (sku[known], hub[known]), (on_hand - blocked)[known])
    np.add.at(physical, (sku[known], hub[known]), on_hand[known])
    lines = _inbound_lines(tables, network, skus)
    snapshot_day = 0.0
    if len(snapshot):
        snapshot_day = float(np.nanmax(days_after(snapshot, "date", as_timestamp(network.as_of))))
    is_lapsed = has_lapsed(lines["day"].to_numpy(), snapshot_day, settings)
    lapsed, lines = lines[is_lapsed].reset_index(drop=True), lines[~is_lapsed].reset_index(drop=True)
    is_overdue = (lines["day"] < snapshot_day).to_numpy()
    is_here = ((lines["day"] <= 0).to_numpy()) & ~is_overdue
    for target in (usable, physical):
        here = lines[is_here]
        np.add.at(target, (here["sku"].to_numpy(), here["hub"].to_numpy()), here["units"].to_numpy())
    lines.loc[is_overdue, "day"] = float(settings.positioning.overdue_days)
    coming, overdue = lines[~is_here].reset_index(drop=True), lines[is_overdue].reset_index(drop=True)
    return Stock(usable, physical, coming, overdue, lapsed)


def has_lapsed(due_days: np.ndarray, snapshot_day: float, settings: Settings) -> np.ndarray:
    """Say of each line due ``due_days`` after ``as_of`` whether it is overdue for too long to be expected any more.

    ``snapshot_day`` is the day of the stock snapshot, counted from ``as_of`` too.
    """
    return np.asarray(due_days < snapshot_day - settings.positioning.max_overdue_days)


def _inbound_lines(tables: dict[str, pd.DataFrame], network: Network, skus: tuple[str, ...]) -> pd.DataFrame:
    inbound = table(tables, "inbound")
    lines = pd.DataFrame(
        {
            "sku": codes(texts(inbound, "sku"), skus),
            "hub": codes(texts(inbound, "hub"), network.hubs),
            "units": numbers(inbound, "units", 0.0),
            "day": days_after(inbound, "arrival_date", as_timestamp(network.as_of)),
            "origin": codes(texts(inbound, "origin"), network.hubs),
        }
    )
    lines = lines[(lines["sku"] >= 0) & (lines["hub"] >= 0)]
    return lines.sort_values(_LINE, kind="stable", ignore_index=True)
