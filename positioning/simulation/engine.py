"""The simulation: arrivals, decisions, demand and costs, in that order, period by period.

Regions are served by their cheapest hubs, unless a policy routes orders itself. Not here: policies, formulas of costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from foundation.settings import Settings
from positioning.inputs.limits import Limits
from positioning.simulation._kernels import serve
from positioning.simulation.admission import Departures, Shipments, admit, departures, limits_at
from positioning.simulation.ledger import (
    Ledger,
    Prices,
    book_goods,
    book_service,
    book_shipments,
    book_stock,
    open_ledger,
    read_prices,
)
from positioning.simulation.state import State
from positioning.simulation.world import Demand, Network

Moved = tuple[int, np.ndarray, np.ndarray, np.ndarray]
REQUEST_COLUMNS = ["sku", "lane", "units", "ship_date"]


@dataclass(frozen=True)
class DecisionPoint:
    """What a policy knows at one decision point: everything before ``as_of``, that morning's stock and arrivals.

    Attributes
    ----------
    period
        Period whose morning decides.
    network
        The network.
    state
        A copy of the stock; shipments due this morning are on hand.
    leaving
        The departures that can be decided.
    limits
        Limits of these departures.
    past, is_known
        Demand before ``as_of`` and whether it is known, (K, R, periods).
    moves
        Earlier shipments: period, and arrays of SKU, lane, and units.
    review_days
        Days until the next decision point, or until the end where it ``is_last``.
    is_last
        Whether no decision follows.

    """

    period: int
    network: Network
    state: State
    leaving: Departures
    limits: Limits
    past: np.ndarray
    is_known: np.ndarray
    moves: tuple[Moved, ...] = ()
    review_days: int = 1
    is_last: bool = False

    @property
    def as_of(self) -> date:
        """The planning date."""
        return self.network.start + timedelta(days=self.period * self.network.period_days)


@runtime_checkable
class OrderRouting(Protocol):
    """A policy that also decides which hub serves an order; without it, the cheapest hub that has the units does."""

    def preference(self, network: Network) -> np.ndarray:
        """Return hubs by preference, (K, R, H), as ``Delivery.preference``."""
        ...


class Policy(Protocol):
    """Decides which shipments to request at a decision point."""

    @property
    def name(self) -> str:
        """Name of the policy in results."""
        ...

    def decide(self, point: DecisionPoint) -> pd.DataFrame:
        """Return the requested shipments in order of priority: `sku`, `lane`, `units`, `ship_date` (and `is_outlook`)."""
        ...


@dataclass(frozen=True)
class NoShipments:
    """Requests no shipments: the baseline of every other policy.

    Attributes
    ----------
    name
        Name of the policy in results.

    """

    name: str = "nothing"

    def decide(self, point: DecisionPoint) -> pd.DataFrame:
        """Return no requests."""
        return pd.DataFrame(columns=REQUEST_COLUMNS)


def decision_point_at(
    network: Network, demand: Demand, state: State, leaving: Departures, moves: tuple[Moved, ...]
) -> DecisionPoint:
    """Return what a policy may know; the state is copied and demand ends before the period."""
    past, is_known = demand.until(leaving.period)
    limits = limits_at(network, state, leaving)
    return DecisionPoint(leaving.period, network, state.copy(), leaving, limits, past, is_known, moves)


@dataclass(frozen=True)
class Game:
    """One replay.

    Attributes
    ----------
    network
        The network.
    demand
        Actual demand.
    opening
        Stock at the start.
    decisions
        Periods whose morning decides, ascending.
    prices
        Prices of the settings.
    ready_minutes
        Time at which a plan is ready, in minutes after midnight.

    """

    network: Network
    demand: Demand
    opening: State
    decisions: tuple[int, ...]
    prices: Prices
    ready_minutes: int


def read_game(network: Network, demand: Demand, opening: State, decisions: Iterable[int], settings: Settings) -> Game:
    """Return the replay with the prices and the ready time of ``settings``."""
    hours, minutes = settings.positioning.ready_at.split(":")
    return Game(network, demand, opening, tuple(decisions), read_prices(settings), int(hours) * 60 + int(minutes))


def decision_periods(periods: int, decisions: int | None, every: int) -> tuple[int, ...]:
    """Return the periods that decide: every ``every``-th from the first, the first ``decisions`` of them."""
    return tuple(range(0, periods, every))[:decisions]


def review_days(game: Game, period: int) -> int:
    """Return the days from ``period`` to the next decision point; from the last one, to the end."""
    following = min((point for point in game.decisions if point > period), default=game.network.periods)
    return (following - period) * game.network.period_days


def play(game: Game, policy: Policy) -> Ledger:
    """Return the account of ``policy``.

    In each period, due shipments arrive. At a decision point the policy's shipments leave, and those with a lead time of 0
    arrive. Then demand is served, and the remaining stock is held. Policies see neither the period's demand nor anything later.
    """
    network, state = game.network, game.opening.copy()
    ledger = open_ledger(policy.name, game_shape(game), int(network.delivery.lead_days.max(initial=0)))
    opening_units = _units(state)
    for period in range(network.periods):
        state.receive(period)
        if period in game.decisions:
            ships = _decide(game, policy, state, (period, ledger))
            book_shipments(ledger, period, ships, network, game.prices)
            state.receive(period)
        demand = game.demand.ahead[:, :, period]
        is_open = network.hubs.is_open[:, period]
        preference = policy.preference(network) if isinstance(policy, OrderRouting) else network.delivery.preference
        shipped = serve(state.on_hand, demand, preference, is_open)
        book_service(ledger, period, (shipped, demand), network, game.prices)
        book_stock(ledger, period, state.on_hand, network)
    book_goods(ledger, opening_units, _units(state), network, game.prices)
    return ledger


def game_shape(game: Game) -> tuple[int, int, int]:
    """Return (K, H, T)."""
    return len(game.network.skus.index), len(game.network.hubs.index), game.network.periods


def _units(state: State) -> np.ndarray:
    """Return the units of each SKU on hand and in transit, (K,)."""
    return np.asarray(state.on_hand.sum(axis=1) + state.arriving.sum(axis=(1, 2)))


def _decide(game: Game, policy: Policy, state: State, booked: tuple[int, Ledger]) -> Shipments:
    """Let the policy request shipments, admit what fits, and put it in transit."""
    period, ledger = booked
    leaving = departures(game.network, period, game.ready_minutes, state.arriving.shape[2])
    point = decision_point_at(game.network, game.demand, state, leaving, tuple(ledger.moves))
    requests = policy.decide(
        replace(point, review_days=review_days(game, period), is_last=period == game.decisions[-1])
    )
    ships = admit(requests, point.limits, game.network, leaving)
    lanes = game.network.lanes
    np.add.at(state.arriving, (ships.sku, lanes.destination[ships.lane], leaving.arrival_period[ships.lane]), ships.units)  # fmt: skip
    from_hub = ~lanes.is_supply[ships.lane]
    np.subtract.at(state.on_hand, (ships.sku[from_hub], lanes.origin[ships.lane[from_hub]]), ships.units[from_hub])
    np.subtract.at(state.available, (lanes.origin[ships.lane[~from_hub]], ships.sku[~from_hub]), ships.units[~from_hub])
    ledger.plans.append((period, requests))
    ledger.moves.append((period, ships.sku, ships.lane, ships.units))
    ledger.refused_units += ships.refused_units
    return ships
