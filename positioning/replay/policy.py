"""What a policy is: a function of what is known at a night. And the one that does nothing.

Not here: the policies with a mind of their own (base_stock, planned), the rules of the game (engine).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pandas as pd

from positioning.replay.demand import Demand
from positioning.replay.gate import Departures
from positioning.replay.network import Network
from positioning.replay.state import State

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
