"""What earlier nights decided: released proposals still open, rejected lines, moves not to undo.

Here: reading the frame of earlier proposals. Not here: writing decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from positioning.columns import codes, days_after, table, texts
from positioning.network import Network
from positioning.stock import Stock

REJECTED_DAYS = 7
REJECTED_GROWTH = 1.5
_COLUMNS = ("proposal_id", "status", "kind", "sku", "origin", "destination", "units", "ship_date", "arrival_date", "benefit_eur", "as_of")  # fmt: skip


@dataclass(frozen=True)
class Previous:
    """Earlier proposals as frames with sku, origin and destination as positions.

    ``open`` count at both ends (sku, origin hub or −1, hub, units, ship and arrival day); ``unseen``
    were released, never seen in ``inbound`` and have timed out; ``moves`` happened or will; ``rejected``
    holds the benefit a line (kind, sku, origin, destination) had when it was refused.
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
    is_recent = lines["asked_day"] > -REJECTED_DAYS
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
    """Say which transfers (K, L) would send units back the way they came within the block window."""
    days = settings.positioning.block_days
    recent = previous.moves[previous.moves["ship_day"] >= -days]
    came = [tuple(int(at) for at in key) for key in recent[["sku_at", "origin_hub", "hub"]].to_numpy()]
    inbound = table(tables, "inbound")
    arrival = days_after(inbound, "arrival_date", as_timestamp(network.as_of))
    rows = (codes(texts(inbound, "sku"), skus), codes(texts(inbound, "origin"), network.hubs), codes(texts(inbound, "hub"), network.hubs))  # fmt: skip
    came += [tuple(int(at) for at in key) for key, day in zip(np.transpose(rows), arrival, strict=True) if day >= -days]
    is_blocked = np.zeros((len(skus), len(network.ship_days)), dtype=bool)
    lanes = network.shipments
    for sku, origin, hub in came:
        if sku >= 0 and origin >= 0:
            is_blocked[sku, ~lanes.is_supply & (lanes.origin == hub) & (lanes.destination == origin)] = True
    return is_blocked


def is_still_rejected(previous: Previous, line: tuple[str, str, str, str], benefit_eur: float) -> bool:
    """Say whether (kind, sku, origin, destination) was refused lately and its benefit has not grown by half."""
    refused = previous.rejected.get(line)
    return refused is not None and benefit_eur < REJECTED_GROWTH * refused


def _refused(lines: pd.DataFrame) -> dict[tuple[str, str, str, str], float]:
    """Return the largest benefit each line was refused at."""
    found: dict[tuple[str, str, str, str], float] = {}
    names = (lines[name].tolist() for name in ("kind", "sku", "origin", "destination", "benefit_eur"))
    for kind, sku, origin, destination, benefit_eur in zip(*names, strict=True):
        key = (str(kind), str(sku), str(origin), str(destination))
        found[key] = max(found.get(key, -np.inf), benefit_eur)
    return found


def _lines(earlier: pd.DataFrame | None, network: Network, skus: tuple[str, ...]) -> pd.DataFrame:
    if earlier is None:
        earlier = pd.DataFrame({name: pd.Series(dtype=object) for name in _COLUMNS})
    as_of = as_timestamp(network.as_of)
    lines = earlier[list(_COLUMNS)].sort_values(["as_of", "proposal_id"], kind="stable", ignore_index=True)
    asked = "decided_on" if "decided_on" in earlier else "as_of"
    lines = lines.assign(
        units=lines["units"].astype("float64"),
        benefit_eur=lines["benefit_eur"].astype("float64"),
        sku_at=codes(texts(lines, "sku"), skus),
        origin_hub=codes(texts(lines, "origin"), network.hubs),
        hub=codes(texts(lines, "destination"), network.hubs),
        ship_day=days_after(lines, "ship_date", as_of),
        arrival_day=days_after(lines, "arrival_date", as_of),
        asked_day=days_after(
            earlier.sort_values(["as_of", "proposal_id"], kind="stable", ignore_index=True), asked, as_of
        ),
    )
    # what is no longer sold or no longer a hub has no place to count at
    return lines[(lines["sku_at"] >= 0) & (lines["hub"] >= 0)].reset_index(drop=True)
