"""Realized benefit: executed shipments played against what was then demanded, with and without each of them.

Here: what each shipment was worth, and what a planner's change of its units was worth. Not here: which shipments were
executed and what is known of them (``pipeline.execution``), policies (``engine``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from positioning.simulation._kernels import serve
from positioning.simulation.admission import Shipments
from positioning.simulation.engine import Game, game_shape
from positioning.simulation.ledger import book_goods, book_service, book_stock, load_costs, open_ledger, purchase_eur
from positioning.simulation.world import Network


@dataclass(frozen=True)
class Moves:
    """Shipments of a game, n of them.

    Attributes
    ----------
    sku, lane
        Positions of SKU and lane, (n,).
    ship_period, arrival_period
        Period in whose morning the units leave the origin, and in whose morning they are usable, (n,).
    shipped, received
        Units that left and units that arrived in good condition, int64, (n,).
    proposed
        Units that the plan proposed, int64, (n,).
    is_background
        Whether the shipment belongs to another plan: it moves in every comparison and gets no value, (n,).

    """

    sku: np.ndarray
    lane: np.ndarray
    ship_period: np.ndarray
    arrival_period: np.ndarray
    shipped: np.ndarray
    received: np.ndarray
    proposed: np.ndarray
    is_background: np.ndarray

    def with_units(self, places: np.ndarray, units: np.ndarray) -> Moves:
        """Return the shipments with other units at ``places``, all of which arrive."""
        shipped, received = self.shipped.copy(), self.received.copy()
        shipped[places] = received[places] = units
        return replace(self, shipped=shipped, received=received)

    def only(self, is_kept: np.ndarray) -> Moves:
        """Return the shipments with no units where ``is_kept`` (n,) is false."""
        return replace(self, shipped=np.where(is_kept, self.shipped, 0), received=np.where(is_kept, self.received, 0))


@dataclass(frozen=True)
class _Outcome:
    """Cost of each SKU without transport and purchase, EUR, (K,), and units served from each hub, (K, H)."""

    eur: np.ndarray
    served: np.ndarray


def realized_benefit(game: Game, moves: Moves) -> pd.DataFrame:
    """Return one row per shipment: ``realized_eur``, ``units_sold``, and ``override_eur``.

    The demand of the game is played without the shipments, and then with more and more of them, once in the order of their
    arrival and once in reverse. ``realized_eur`` is the mean of what the SKU's cost falls by when the shipment joins, less its
    transport with its share of the loads, handling, carbon, churn penalty, and purchase. The values of a SKU's shipments add
    up to the difference between all of them and none; for two shipments they are Shapley values. ``units_sold`` is what the
    destination serves more, the mean of both orders. ``override_eur`` is the cost with the proposed units less the cost with
    the actual ones, all other shipments as they were; NaN where both are equal.

    References
    ----------
    Shapley, L. S. (1953), A Value for n-Person Games.
    """
    is_valued = ~moves.is_background
    ranks = _ranks(moves, is_valued)
    n_of_sku = pd.Series(ranks).groupby(moves.sku).transform("max").to_numpy()
    orders = [_joined(game, moves, order) for order in (ranks, np.where(is_valued, n_of_sku - ranks, -1))]
    everything = _play(game, moves)
    return pd.DataFrame({
        "realized_eur": np.mean([eur for eur, _ in orders], axis=0) - np.where(is_valued, shipment_costs(moves, game), 0.0),
        "units_sold": np.mean([sold for _, sold in orders], axis=0),
        "override_eur": _override_eur(game, moves, everything.eur),
    })  # fmt: skip


def _joined(game: Game, moves: Moves, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each shipment changes when it joins those of lower rank: cost saved, EUR, and units sold, both (n,)."""
    saved, sold = np.zeros(len(moves.sku)), np.zeros(len(moves.sku))
    destination = game.network.lanes.destination[moves.lane]
    before = _play(game, moves.only(moves.is_background))
    for rank in range(int(ranks.max(initial=-1)) + 1):
        after = _play(game, moves.only(moves.is_background | ((ranks >= 0) & (ranks <= rank))))
        joining = np.flatnonzero(ranks == rank)
        sku, hub = moves.sku[joining], destination[joining]
        saved[joining] = before.eur[sku] - after.eur[sku]
        sold[joining] = np.clip(after.served[sku, hub] - before.served[sku, hub], 0, moves.received[joining])
        before = after
    return saved, sold


def _override_eur(game: Game, moves: Moves, eur: np.ndarray) -> np.ndarray:
    """Return what each change of units saved, (n,); ``eur`` (K,) is the cost of what was done."""
    result = np.full(len(moves.sku), np.nan)
    is_changed = ~moves.is_background & (moves.proposed != moves.shipped)
    ranks = _ranks(moves, is_changed)
    total = shipment_costs(moves, game).sum()
    for rank in range(int(ranks.max(initial=-1)) + 1):
        places = np.flatnonzero(is_changed & (ranks == rank))
        proposed = _play(game, moves.with_units(places, moves.proposed[places]))
        for place in places.tolist():
            alone = moves.with_units(np.array([place]), moves.proposed[[place]])
            transport = shipment_costs(alone, game).sum() - total
            result[place] = proposed.eur[moves.sku[place]] - eur[moves.sku[place]] + transport
    return result


def _ranks(moves: Moves, is_counted: np.ndarray) -> np.ndarray:
    """Return the rank of each counted shipment among those of its SKU by arrival, (n,); -1 for the others."""
    order = np.lexsort((np.arange(len(moves.sku)), moves.arrival_period))
    order = order[is_counted[order]]
    ranks = np.full(len(moves.sku), -1, dtype=np.int64)
    ranks[order] = pd.Series(moves.sku[order]).groupby(moves.sku[order]).cumcount().to_numpy()
    return ranks


def shipment_costs(moves: Moves, game: Game) -> np.ndarray:
    """Return the cost of each shipment, EUR, (n,): transport, its share of loads, handling, carbon, churn, purchase."""
    result = np.zeros(len(moves.sku))
    for period in np.unique(moves.ship_period):
        here = np.flatnonzero(moves.ship_period == period)
        result[here] = _departure_costs(moves, here, game)
    return result


def _departure_costs(moves: Moves, here: np.ndarray, game: Game) -> np.ndarray:
    network, prices = game.network, game.prices
    sku, lane, units = moves.sku[here], moves.lane[here], moves.shipped[here]
    moving = units > 0
    loads = np.zeros(len(here))
    loads[moving] = load_costs(Shipments(sku[moving], lane[moving], units[moving], 0), network)
    handled = np.where(network.lanes.is_supply[lane], 0.0, prices.handling_eur_per_unit + prices.churn_eur_per_unit)
    carbon = network.lanes.kg_co2e[sku, lane] * prices.carbon_eur_per_kg
    per_unit = network.lanes.unit_eur[sku, lane] + handled + carbon + purchase_eur(sku, lane, network)
    return loads + per_unit * units


def _play(game: Game, moves: Moves) -> _Outcome:
    """Play the game with the given shipments; no departure is refused, because it happened."""
    network, state = game.network, game.opening.copy()
    ledger = open_ledger("moves", game_shape(game), int(network.delivery.lead_days.max(initial=0)))
    opening_units = _units_of(state.on_hand, state.arriving)
    served = np.zeros(state.on_hand.shape, dtype=np.int64)
    for period in range(network.periods):
        state.receive(period)
        for place in _leaving(moves, period):
            _ship(place, moves, network, (state.on_hand, state.arriving))
        state.receive(period)
        demand = game.demand.ahead[:, :, period]
        shipped = serve(state.on_hand, demand, network.delivery.preference, network.hubs.is_open[:, period])
        served += shipped.sum(axis=2)
        book_service(ledger, period, (shipped, demand), network, game.prices)
        book_stock(ledger, period, state.on_hand, network)
    book_goods(ledger, opening_units, _units_of(state.on_hand, state.arriving), network, game.prices)
    return _Outcome(ledger.sku_eur(with_goods=True), served)


def _leaving(moves: Moves, period: int) -> Iterator[int]:
    yield from np.flatnonzero((moves.ship_period == period) & (moves.shipped > 0)).tolist()


def _ship(place: int, moves: Moves, network: Network, stock: tuple[np.ndarray, np.ndarray]) -> None:
    """Take the units from the origin and put those that arrive in transit; what the origin does not have does not arrive."""
    on_hand, arriving = stock
    sku, lane = moves.sku[place], moves.lane[place]
    missing = 0
    if not network.lanes.is_supply[lane]:
        origin = network.lanes.origin[lane]
        missing = max(0, int(moves.shipped[place]) - int(on_hand[sku, origin]))
        on_hand[sku, origin] -= moves.shipped[place] - missing
    arrival = min(int(moves.arrival_period[place]), arriving.shape[2] - 1)
    arriving[sku, network.lanes.destination[lane], arrival] += max(0, int(moves.received[place]) - missing)


def _units_of(on_hand: np.ndarray, arriving: np.ndarray) -> np.ndarray:
    return np.asarray(on_hand.sum(axis=1) + arriving.sum(axis=(1, 2)))
