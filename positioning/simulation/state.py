"""The state of a replay: units in stock, in transit, and at suppliers, and how a replay opens.

Here: reading the snapshot and the inbound lines that count at the start. Not here: what changes the state (``engine``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from foundation.errors import InputError
from foundation.settings import Settings
from positioning.inputs.inventory import has_lapsed
from positioning.simulation.world import Network, codes, numbers


@dataclass
class State:
    """Units in stock and in transit, changed in place by the replay alone.

    Attributes
    ----------
    on_hand
        Usable units, int64, (K, H).
    arriving
        Units on hand from the morning of each period, int64, (K, H, P). P exceeds the number of periods, and the last
        column holds everything that arrives later.
    available
        Units that suppliers can still give, float64, (S, K).

    """

    on_hand: np.ndarray
    arriving: np.ndarray
    available: np.ndarray

    def copy(self) -> State:
        """Return an independent copy, so that every policy starts from the same opening."""
        return State(self.on_hand.copy(), self.arriving.copy(), self.available.copy())

    def receive(self, period: int) -> None:
        """Put what arrives in the morning of ``period`` on hand."""
        self.on_hand += self.arriving[:, :, period]
        self.arriving[:, :, period] = 0


def period_of(day: np.ndarray | int, period_days: int) -> np.ndarray:
    """Return the first period whose morning is not before ``day`` (days from the start), at least 0."""
    return np.maximum(0, -(-np.asarray(day) // period_days))


def open_state(tables: dict[str, pd.DataFrame], network: Network, settings: Settings) -> State:
    """Return the opening of ``network.start``: the snapshot that counts and the goods on their way.

    The latest ``stock`` snapshot on or before the start counts; usable is on hand less reserved less
    on hold, and what is owed beyond the stock is taken from what arrives by the start. Of ``inbound`` only that snapshot's rows count. Lines due on or before
    the start are on hand, those due before the snapshot was taken ``positioning.overdue_days`` later, those overdue by more than
    ``positioning.max_overdue_days`` not at all.

    Raises ``InputError`` without a snapshot on or before the start, or with one that is too old.
    """
    stock, snapshot = _snapshot(tables.get("stock"), network.start, settings)
    shape = (len(network.skus.index), len(network.hubs.index))
    on_hand = np.zeros(shape, dtype=np.int64)
    usable = (
        numbers(stock, "units_on_hand", 0) - numbers(stock, "units_reserved", 0) - numbers(stock, "units_on_hold", 0)
    )
    _add(on_hand, stock, network, (usable.astype(np.int64),))
    arriving = np.zeros((*shape, network.periods + _reach(network)), dtype=np.int64)
    lines = _lines(tables.get("inbound"), snapshot)
    if len(lines):
        due = (pd.to_datetime(lines["arrival_date"]) - pd.Timestamp(network.start)).dt.days.to_numpy()
        is_expected = ~has_lapsed(due, (snapshot - network.start).days, settings)
        lines, due = lines[is_expected], due[is_expected]
        overdue = due < (snapshot - network.start).days
        due = np.where(overdue, settings.positioning.overdue_days, due)
        period = np.minimum(period_of(due, network.period_days), arriving.shape[2] - 1)
        _add(arriving, lines, network, (period, numbers(lines, "units", 0).astype(np.int64)))
    owed = np.minimum(on_hand, 0)
    arriving[:, :, 0] = np.maximum(arriving[:, :, 0] + owed, 0)
    return State(np.maximum(on_hand, 0), arriving, network.supply.units_available.copy())


def _snapshot(stock: pd.DataFrame | None, start: date, settings: Settings) -> tuple[pd.DataFrame, date]:
    """Return the rows and the date of the snapshot that counts at ``start``."""
    dates = np.array([], dtype="datetime64[D]")
    if stock is not None:
        dates = pd.to_datetime(stock["date"]).to_numpy(dtype="datetime64[D]")
    before = dates[dates <= np.datetime64(start, "D")]
    if stock is None or not len(before):
        raise InputError(f"stock: no snapshot on or before {start}; a replay opens with one")
    snapshot = pd.Timestamp(before.max()).date()
    oldest = start - timedelta(days=settings.positioning.max_stock_age_days)
    if snapshot < oldest:
        raise InputError(f"stock: the latest snapshot before {start} is of {snapshot}, older than positioning.max_stock_age_days")  # fmt: skip
    return stock[dates == np.datetime64(snapshot, "D")], snapshot


def _lines(inbound: pd.DataFrame | None, snapshot: date) -> pd.DataFrame:
    """Return the order lines of the snapshot; without ``as_of`` all lines count."""
    if inbound is None or inbound.empty:
        return pd.DataFrame()
    if "as_of" not in inbound:
        return inbound
    taken = pd.to_datetime(inbound["as_of"])
    return inbound[(taken.isna() | (taken == pd.Timestamp(snapshot))).to_numpy()]


def _reach(network: Network) -> int:
    """Return how many periods past the end the road is watched: the longest lane, and one."""
    longest = int(network.lanes.lead_days.max(initial=0)) + 7
    return int(period_of(longest, network.period_days)) + 1


def _add(target: np.ndarray, rows: pd.DataFrame, network: Network, rest: tuple[np.ndarray, ...]) -> None:
    """Add units (last of ``rest``) to ``target`` at sku, hub and the other indices of ``rest``."""
    sku = codes(network.skus.index, rows["sku"])
    hub = codes(network.hubs.index, rows["hub"])
    known = (sku >= 0) & (hub >= 0)
    np.add.at(target, (sku[known], hub[known], *(index[known] for index in rest[:-1])), rest[-1][known])
