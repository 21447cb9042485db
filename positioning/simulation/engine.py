"""The rules of the game: arrivals, decisions, demand, costs, in that order, period by period.

Not here: any policy, any formula of a cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pandas as pd

from foundation.settings import Settings
from positioning.simulation.admission import Departures, Shipments, admit, departures
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
from positioning.simulation.routing import serve
from positioning.simulation.world import Demand, Network, State

Moved = tuple[int, np.ndarray, np.ndarray, np.ndarray]
WISH_COLUMNS = ["sku", "lane", "units", "ship_date"]


@dataclass(frozen=True)
class Night:
    """What is known at a night: everything before ``as_of``, the stock of that morning, the road.

    ``state`` is the policy's own copy: what is due this morning is on hand. ``past`` and
    ``is_known`` (K, R, periods before ``as_of``) are the demand seen so far; ``moves`` are what left
    on earlier nights (period, sku, lane, units). ``review_days`` pass until the next night that decides, or the
    end where it ``is_last``.
    """

    period: int
    network: Network
    state: State
    leaving: Departures
    past: np.ndarray
    is_known: np.ndarray
    moves: tuple[Moved, ...] = ()
    review_days: int = 1
    is_last: bool = False

    @property
    def as_of(self) -> date:
        """The date of the night."""
        return self.network.start + timedelta(days=self.period * self.network.period_days)


class Policy(Protocol):
    """Decides at a night what should travel."""

    @property
    def name(self) -> str:
        """How results name the policy."""
        ...

    def decide(self, night: Night) -> pd.DataFrame:
        """Return the wishes: `sku`, `lane`, `units`, `ship_date` (and `is_outlook`), dearest first."""
        ...


@dataclass(frozen=True)
class DoNothing:
    """Sends nothing: what every other policy is measured from."""

    name: str = "nothing"

    def decide(self, night: Night) -> pd.DataFrame:
        """Return no wishes."""
        return pd.DataFrame(columns=WISH_COLUMNS)


def night_at(network: Network, demand: Demand, state: State, leaving: Departures, moves: tuple[Moved, ...]) -> Night:
    """Return what a policy may know; the state is copied, demand ends before the night."""
    past, is_known = demand.until(leaving.period)
    return Night(leaving.period, network, state.copy(), leaving, past, is_known, moves)


@dataclass(frozen=True)
class Game:
    """One replay: the network, what was demanded, the opening, and when decisions are taken.

    ``nights`` are the periods whose morning decides, ascending. ``ready_minutes`` is when a night's
    plan is ready, from midnight.
    """

    network: Network
    demand: Demand
    opening: State
    nights: tuple[int, ...]
    prices: Prices
    ready_minutes: int


def read_game(network: Network, demand: Demand, opening: State, nights: Iterable[int], settings: Settings) -> Game:
    """Return a game under the prices and the ready time of ``settings``."""
    hours, minutes = settings.positioning.ready_at.split(":")
    return Game(network, demand, opening, tuple(nights), read_prices(settings), int(hours) * 60 + int(minutes))


def decision_periods(periods: int, nights: int | None, every: int) -> tuple[int, ...]:
    """Return the periods that decide: every ``every``-th from the first, the first ``nights`` of them."""
    return tuple(range(0, periods, every))[:nights]


def review_days(game: Game, period: int) -> int:
    """Return the days from ``period`` to the next night that decides; from the last one, to the end."""
    following = min((night for night in game.nights if night > period), default=game.network.periods)
    return (following - period) * game.network.period_days


def play(game: Game, policy: Policy) -> Ledger:
    """Return the account of ``policy``.

    In each period: goods due arrive; if the night decides, the policy's shipments leave (and those
    that need no time arrive); demand is served; what is left is held. Policies see neither the
    period's demand nor anything later.
    """
    network, state = game.network, game.opening.copy()
    ledger = open_ledger(policy.name, game_shape(game), int(network.delivery.lead_days.max(initial=0)))
    opening_units = _units(state)
    for period in range(network.periods):
        state.receive(period)
        if period in game.nights:
            ships = _decide(game, policy, state, (period, ledger))
            book_shipments(ledger, period, ships, network, game.prices)
            state.receive(period)
        demand = game.demand.ahead[:, :, period]
        is_open = network.hubs.is_open[:, period]
        shipped = serve(state.on_hand, demand, network.delivery.preference, is_open)
        book_service(ledger, period, (shipped, demand), network, game.prices)
        book_stock(ledger, period, state.on_hand, network)
    book_goods(ledger, opening_units, _units(state), network, game.prices)
    return ledger


def game_shape(game: Game) -> tuple[int, int, int]:
    """Return (K, H, T)."""
    return len(game.network.skus.index), len(game.network.hubs.index), game.network.periods


def _units(state: State) -> np.ndarray:
    """Return each article's units on hand and on the road (K,)."""
    return np.asarray(state.on_hand.sum(axis=1) + state.arriving.sum(axis=(1, 2)))


def _decide(game: Game, policy: Policy, state: State, at: tuple[int, Ledger]) -> Shipments:
    """Ask the policy, let the gate cut its wishes, and put what is left on the road."""
    period, ledger = at
    leaving = departures(game.network, period, game.ready_minutes, state.arriving.shape[2])
    night = night_at(game.network, game.demand, state, leaving, tuple(ledger.moves))
    wishes = policy.decide(replace(night, review_days=review_days(game, period), is_last=period == game.nights[-1]))
    ships = admit(wishes, state, game.network, leaving)
    lanes = game.network.lanes
    np.add.at(state.arriving, (ships.sku, lanes.destination[ships.lane], leaving.arrival_period[ships.lane]), ships.units)  # fmt: skip
    from_hub = ~lanes.is_supply[ships.lane]
    np.subtract.at(state.on_hand, (ships.sku[from_hub], lanes.origin[ships.lane[from_hub]]), ships.units[from_hub])
    np.subtract.at(state.available, (lanes.origin[ships.lane[~from_hub]], ships.sku[~from_hub]), ships.units[~from_hub])
    ledger.plans.append((period, wishes))
    ledger.moves.append((period, ships.sku, ships.lane, ships.units))
    ledger.refused_units += ships.refused_units
    return ships
