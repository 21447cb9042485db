"""The industry's default: base stock per hub, fair-share transfers, orders up to the same level.

The level of a hub is μ·(L+R) + z·σ·√(L+R), with the mean μ and the deviation σ of the daily demand of
the regions it is nearest to, lead time L and review period R (Snyder & Shen, Fundamentals of Supply
Chain Theory, ch. 4). Not here: forecasts; the choice of z (choose).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from positioning.simulation.admission import is_thawed
from positioning.simulation.engine import REQUEST_COLUMNS, DecisionPoint, Game, play
from positioning.simulation.ledger import load_eur_per_unit
from positioning.simulation.world import Network, earlier


@dataclass(frozen=True)
class BaseStock:
    """Order up to a level per hub, and share scarce units fairly between hubs.

    Attributes
    ----------
    z
        Safety factor.
    min_fill_rate
        A departure with paid loads leaves only if they are at least this full, inclusive.
    review_days
        Review period R in days, at least; longer if the next decision is later.
    past_periods
        Periods of demand from which mean and deviation are taken.
    name
        Name of the policy in results.

    References
    ----------
    Snyder and Shen, Fundamentals of Supply Chain Theory, chapter 4.

    """

    z: float
    min_fill_rate: float
    review_days: int
    past_periods: int = 91
    name: str = "base_stock"

    def decide(self, point: DecisionPoint) -> pd.DataFrame:
        """Return transfers from hubs above their share to hubs below, then orders up to the level."""
        network = point.network
        mean, deviation = local_demand(point, self.past_periods)
        cover = self._cover_periods(network, max(self.review_days, point.review_days))
        level = mean * cover + self.z * deviation * np.sqrt(cover)
        arriving = point.state.arriving.sum(axis=2)
        position = point.state.on_hand + arriving
        moved = fair_share(point, level, position)
        requests = consolidate(moved, network, self.min_fill_rate)
        after = position.astype(float)
        np.add.at(after, (requests[0], network.lanes.destination[requests[1]]), requests[2])
        np.subtract.at(after, (requests[0], network.lanes.origin[requests[1]]), requests[2])
        return _frame(point, requests, orders(point, level - after))

    def _cover_periods(self, network: Network, review_days: int) -> np.ndarray:
        """Return L + R of each hub in periods (H,): L is its supply lane's, else its slowest transfer's."""
        lanes, days = network.lanes, np.zeros(len(network.hubs.index))
        pick = lanes.is_supply if lanes.is_supply.any() else ~lanes.is_supply
        np.maximum.at(days, lanes.destination[pick], lanes.lead_days[pick])
        return np.ceil((days + review_days) / network.period_days)


def local_demand(point: DecisionPoint, past_periods: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation (K, H) per period of the demand each hub is nearest to.

    Over the last ``past_periods`` periods; unknown ones count as no demand. The demands of a hub's
    regions are added before the deviation is taken.
    """
    past = np.where(point.is_known, point.past, 0)[:, :, -past_periods:]
    nearest = point.network.delivery.nearest
    shape = (past.shape[0], len(point.network.hubs.index))
    mean, deviation = np.zeros(shape), np.zeros(shape)
    for hub in range(shape[1]):
        local = np.einsum("kr,krp->kp", (nearest == hub).astype(float), past)
        mean[:, hub], deviation[:, hub] = local.mean(axis=1), local.std(axis=1)
    return mean, deviation


def fair_share(point: DecisionPoint, level: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return SKU, lane, and units of transfers that bring hubs toward their share, the emptiest hub first.

    If the hubs of a SKU hold less than their levels together, each hub's share is its level scaled down alike, so that
    days of supply balance; otherwise it is the level. Hubs above their share give stock on hand to hubs below, over the
    cheapest lanes. Scarce capacity goes first to hubs that hold the smallest part of their level.

    Parameters
    ----------
    point
        The decision point.
    level
        Base-stock level in units, (K, H).
    position
        Units on hand and in transit, (K, H).

    """
    network = point.network
    total, requested = position.sum(axis=1), level.sum(axis=1)
    scale = np.minimum(1.0, np.divide(total, requested, out=np.ones(len(total)), where=requested > 0))
    share = level * scale[:, None]
    need = np.maximum(share - position, 0.0)
    give = np.minimum(np.maximum(position - share, 0.0), point.limits.give)
    give = np.floor(np.maximum(give, 0.0))
    lanes, skus, pack_units = network.lanes, network.skus, point.limits.pack_units
    price = lanes.unit_eur + load_eur_per_unit(lanes, skus.volume_l, skus.mass_kg)
    usable = (
        lanes.is_allowed & is_thawed(network, point.leaving) & (point.leaving.is_decided & ~lanes.is_supply)[None, :]
    )
    lines: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    order = np.argsort(np.where(usable, price, np.inf), axis=1, kind="stable")
    all_skus = np.arange(len(skus.index))
    for rank in range(order.shape[1]):
        lane = order[:, rank]
        packs = np.floor(np.minimum(give[all_skus, lanes.origin[lane]], need[all_skus, lanes.destination[lane]]) / pack_units + 1e-9)  # fmt: skip
        units = np.where(usable[all_skus, lane] & ~lanes.is_supply[lane], packs * pack_units, 0.0)
        movers = np.flatnonzero(units > 0)
        give[movers, lanes.origin[lane[movers]]] -= units[movers]
        need[movers, lanes.destination[lane[movers]]] -= units[movers]
        lines.append((movers, lane[movers], units[movers].astype(np.int64)))
    sku, lane, units = _joined(lines)
    cover = np.divide(position, level, out=np.full(level.shape, np.inf), where=level > 0)
    first = np.argsort(cover[sku, lanes.destination[lane]], kind="stable")
    return sku[first], lane[first], units[first]


def _joined(lines: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    """Return the lines as three arrays, in the order they were found."""
    if not lines:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return tuple(np.concatenate(part) for part in zip(*lines, strict=True))


def consolidate(lines: tuple[np.ndarray, ...], network: Network, min_fill_rate: float) -> tuple[np.ndarray, ...]:
    """Return the lines of departures whose first load is at least ``min_fill_rate`` full, or free."""
    sku, lane, units = lines
    lanes, skus = network.lanes, network.skus
    size = len(lanes.index)
    by_litres = np.bincount(lane, skus.volume_l[sku] * units, size) / lanes.load_l
    by_kilos = np.bincount(lane, skus.mass_kg[sku] * units, size) / lanes.load_kg
    leaves = (np.maximum(by_litres, by_kilos) >= min_fill_rate) | (lanes.eur_per_load == 0)
    keep = leaves[lane]
    return sku[keep], lane[keep], units[keep]


def orders(point: DecisionPoint, missing: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return SKU, lane, and units of orders that fill what is missing, in whole packs and at least the smallest order.

    Of several suppliers with a departure to decide, the first lane that may carry the SKU is used.

    Parameters
    ----------
    point
        The decision point.
    missing
        Units below the level, (K, H); negative above it.

    """
    lanes, limits = point.network.lanes, point.limits
    lines: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    taken = np.zeros(missing.shape, dtype=bool)
    for lane in np.flatnonzero(lanes.is_supply & (lanes.origin >= 0) & point.leaving.is_decided):
        origin, hub = lanes.origin[lane], lanes.destination[lane]
        packs = limits.order_pack_units[:, origin]
        requested = np.ceil(np.maximum(missing[:, hub], 0.0) / packs - 1e-9) * packs
        least = np.ceil(limits.order_min_units[:, origin] / packs) * packs
        units = np.where(requested > 0, np.maximum(requested, least), 0.0)
        movers = np.flatnonzero((units > 0) & lanes.is_allowed[:, lane] & ~taken[:, hub])
        taken[movers, hub] = True
        lines.append((movers, np.full(len(movers), lane), units[movers].astype(np.int64)))
    return _joined(lines)


def _frame(point: DecisionPoint, moved: tuple[np.ndarray, ...], ordered: tuple[np.ndarray, ...]) -> pd.DataFrame:
    """Return transfers, then orders, as wishes."""
    network = point.network
    sku, lane, units = (np.concatenate(pair) for pair in zip(moved, ordered, strict=True))
    ship = pd.Timestamp(network.start) + pd.to_timedelta(point.leaving.ship_day[lane], unit="D")
    columns = (network.skus.index.to_numpy()[sku], network.lanes.index.to_numpy()[lane], units, ship)
    return pd.DataFrame(dict(zip(REQUEST_COLUMNS, columns, strict=True)))


SAFETY_FACTORS = (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
FILL_RATES = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5)


def choose_base_stock(game: Game, review_days: int) -> BaseStock:
    """Return the base-stock policy that costs least on the development window.

    First z, with every load leaving; then, at that z, how full a load must be. Ties go to the smaller
    value. The cost counts the goods, so that a high level pays for what it leaves over.
    """
    development = replace(game, demand=earlier(game.demand, game.network.periods))
    by_factor = [BaseStock(z, FILL_RATES[0], review_days) for z in SAFETY_FACTORS]
    best = _cheapest(development, by_factor)
    return _cheapest(development, [replace(best, min_fill_rate=rate) for rate in FILL_RATES])


def _cheapest(game: Game, policies: list[BaseStock]) -> BaseStock:
    """Return the policy that costs least in ``game``, the first of equals."""
    costs = [play(game, policy).value_eur(with_goods=True) for policy in policies]
    return policies[costs.index(min(costs))]
