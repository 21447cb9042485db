"""The settings of the base-stock baseline, chosen on a window before the one that is played.

The development window has the length of the replay and ends the day before its start; it is played
from the same opening. Nothing of the scored window is looked at. Not here: the policy itself.
"""

from __future__ import annotations

from dataclasses import replace

from positioning.replay.base_stock import BaseStock
from positioning.replay.demand import earlier
from positioning.replay.engine import Game, play

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
