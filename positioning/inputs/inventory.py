"""What stands where: usable stock and confirmed arrivals, one signed position per sku and hub.

Here: netting of the snapshot, open orders and released proposals. Not here: what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from positioning.inputs.frames import codes, days_after, numbers, table, texts
from positioning.inputs.network import Network

_LINE = ["sku", "hub", "units", "day", "origin"]


@dataclass(frozen=True)
class Stock:
    """Positions of every SKU (K) at every hub (H), in units.

    Attributes
    ----------
    usable
        On hand − reserved − on hold + due by ``as_of``, (K, H); may be negative.
    physical
        Everything on the shelf, (K, H).
    arrivals
        One row per line still to come: ``sku``, ``hub``, ``units``, ``day`` after ``as_of``, and ``origin`` hub (−1
        unknown), as positions.
    overdue
        Lines of ``arrivals`` that were due before the snapshot.
    lapsed
        Lines that are overdue for so long that they no longer count.

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
    """Return whether each line is overdue for too long to be expected any more, (n,).

    Parameters
    ----------
    due_days
        Due day of each line, (n,), counted from ``as_of``.
    snapshot_day
        Day of the stock snapshot, counted from ``as_of``.
    settings
        The configuration. A line overdue by ``positioning.max_overdue_days`` still counts.

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


REJECTED_DAYS = 7
REJECTED_GROWTH = 1.5
_COLUMNS = ("proposal_id", "status", "kind", "sku", "origin", "destination", "units", "ship_date", "arrival_date", "benefit_eur", "as_of")  # fmt: skip


@dataclass(frozen=True)
class Previous:
    """Earlier proposals, with SKU, origin, and destination as positions.

    Attributes
    ----------
    open
        Released lines that count at both ends: SKU, origin hub or −1, hub, units, ship and arrival day.
    unseen
        Released lines that timed out without appearing in ``inbound``.
    moves
        Lines that were released or executed.
    rejected
        Benefit in EUR at which a line (kind, SKU, origin, destination) was last rejected.

    """

    open: pd.DataFrame
    unseen: pd.DataFrame
    moves: pd.DataFrame
    rejected: dict[tuple[str, str, str, str], float]


def read_previous(
    earlier: pd.DataFrame | None,
    tables: dict[str, pd.DataFrame],
    network: Network,
    skus: tuple[str, ...],
    settings: Settings,
) -> Previous:
    """Sort earlier proposals (columns of ``transfer`` with their latest status) by what they mean now.

    A released proposal counts until its id is in ``inbound``, a snapshot dated on or after its arrival
    is in, or ``positioning.release_timeout_days`` have passed since it should have left.
    """
    lines = _lines(earlier, network, skus)
    seen = {name for name in texts(table(tables, "inbound"), "proposal_id") if name}
    stock = table(tables, "stock")
    snapshot = float(np.nanmax(days_after(stock, "date", as_timestamp(network.as_of)))) if len(stock) else -np.inf
    is_moved = lines["status"].isin(["released", "executed"])
    is_open = (
        (lines["status"] == "released") & ~lines["proposal_id"].isin(list(seen)) & (lines["arrival_day"] > snapshot)
    )
    has_timed_out = lines["ship_day"] <= -settings.positioning.release_timeout_days
    is_recent = lines["decision_day"] > -REJECTED_DAYS
    return Previous(
        open=lines[is_open & ~has_timed_out].reset_index(drop=True),
        unseen=lines[is_open & has_timed_out].reset_index(drop=True),
        moves=lines[is_moved].reset_index(drop=True),
        rejected=_refused(lines[(lines["status"] == "rejected") & is_recent]),
    )


def with_released(stock: Stock, previous: Previous) -> Stock:
    """Count open released proposals at both ends: gone from the origin, on their way to the destination."""
    if not len(previous.open):
        return stock
    lines = previous.open
    usable = stock.usable.copy()
    out = lines[lines["origin_hub"] >= 0]
    np.subtract.at(usable, (out["sku_at"].to_numpy(), out["origin_hub"].to_numpy()), out["units"].to_numpy())
    coming = pd.DataFrame(
        {
            "sku": lines["sku_at"], "hub": lines["hub"], "units": lines["units"],
            "day": np.maximum(lines["arrival_day"], 0.0), "origin": lines["origin_hub"],
        }
    )  # fmt: skip
    return replace(stock, usable=usable, arrivals=pd.concat([stock.arrivals, coming], ignore_index=True))


def blocked_moves(
    tables: dict[str, pd.DataFrame], previous: Previous, network: Network, skus: tuple[str, ...], settings: Settings
) -> np.ndarray:
    """Return which transfers (K, L) would send units back the way they came within the block window."""
    days = settings.positioning.block_days
    recent = previous.moves[previous.moves["ship_day"] >= -days]
    came = [tuple(int(index) for index in key) for key in recent[["sku_at", "origin_hub", "hub"]].to_numpy()]
    inbound = table(tables, "inbound")
    arrival = days_after(inbound, "arrival_date", as_timestamp(network.as_of))
    rows = (codes(texts(inbound, "sku"), skus), codes(texts(inbound, "origin"), network.hubs), codes(texts(inbound, "hub"), network.hubs))  # fmt: skip
    came += [
        tuple(int(index) for index in key) for key, day in zip(np.transpose(rows), arrival, strict=True) if day >= -days
    ]
    is_blocked = np.zeros((len(skus), len(network.ship_days)), dtype=bool)
    lanes = network.shipments
    for sku, origin, hub in came:
        if sku >= 0 and origin >= 0:
            is_blocked[sku, ~lanes.is_supply & (lanes.origin == hub) & (lanes.destination == origin)] = True
    return is_blocked


def is_still_rejected(previous: Previous, line: tuple[str, str, str, str], benefit_eur: float) -> bool:
    """Return whether (kind, sku, origin, destination) was refused lately and its benefit has not grown by half."""
    refused = previous.rejected.get(line)
    return refused is not None and benefit_eur < REJECTED_GROWTH * refused


def _refused(lines: pd.DataFrame) -> dict[tuple[str, str, str, str], float]:
    """Return the largest benefit each line was refused at."""
    result: dict[tuple[str, str, str, str], float] = {}
    names = (lines[name].tolist() for name in ("kind", "sku", "origin", "destination", "benefit_eur"))
    for kind, sku, origin, destination, benefit_eur in zip(*names, strict=True):
        key = (str(kind), str(sku), str(origin), str(destination))
        result[key] = max(result.get(key, -np.inf), benefit_eur)
    return result


def _lines(earlier: pd.DataFrame | None, network: Network, skus: tuple[str, ...]) -> pd.DataFrame:
    if earlier is None:
        earlier = pd.DataFrame({name: pd.Series(dtype=object) for name in _COLUMNS})
    as_of = as_timestamp(network.as_of)
    lines = earlier[list(_COLUMNS)].sort_values(["as_of", "proposal_id"], kind="stable", ignore_index=True)
    request = "decided_on" if "decided_on" in earlier else "as_of"
    lines = lines.assign(
        units=lines["units"].astype("float64"),
        benefit_eur=lines["benefit_eur"].astype("float64"),
        sku_at=codes(texts(lines, "sku"), skus),
        origin_hub=codes(texts(lines, "origin"), network.hubs),
        hub=codes(texts(lines, "destination"), network.hubs),
        ship_day=days_after(lines, "ship_date", as_of),
        arrival_day=days_after(lines, "arrival_date", as_of),
        decision_day=days_after(
            earlier.sort_values(["as_of", "proposal_id"], kind="stable", ignore_index=True), request, as_of
        ),
    )
    # what is no longer sold or no longer a hub has no place to count at
    return lines[(lines["sku_at"] >= 0) & (lines["hub"] >= 0)].reset_index(drop=True)
