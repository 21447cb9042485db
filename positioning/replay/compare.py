"""Policies beside one another: what part of the reachable gain each closes, and how sure that is.

``closed`` = (V(nothing) − V(policy)) ÷ (V(nothing) − bound), with V under the router of the replay.
Not here: how V and the bound come about.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from positioning.replay.ledger import Ledger

REPLICATES = 2_000
_SEED = 20_160_425


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def closed(nothing_eur: float, policy_eur: float, bound_eur: float) -> float:
    """Return the part of the gain in hindsight that a policy reaches: 1 at the bound, 0 for nothing.

    NaN where hindsight has nothing to gain, or no end of it.
    """
    reachable = nothing_eur - bound_eur
    return (nothing_eur - policy_eur) / reachable if 1e-9 < reachable < np.inf else float("nan")


def paired_difference(policy_eur: np.ndarray, other_eur: np.ndarray) -> Interval:
    """Return Σ (policy − other) over articles with its bootstrap interval; below 0 the policy is cheaper.

    Articles (K,) are drawn with replacement, both policies together: 2.5 % and 97.5 % of the
    replicates (Efron & Tibshirani, An Introduction to the Bootstrap, ch. 13).
    """
    difference = policy_eur - other_eur
    return _interval(float(difference.sum()), _weights(len(difference)) @ difference)


def closed_interval(nothing_eur: np.ndarray, policy_eur: np.ndarray, bound_eur: np.ndarray) -> Interval:
    """Return ``closed`` over articles (K,) with its bootstrap interval."""
    weights = _weights(len(nothing_eur))
    gained, reachable = weights @ (nothing_eur - policy_eur), weights @ (nothing_eur - bound_eur)
    value = closed(float(nothing_eur.sum()), float(policy_eur.sum()), float(bound_eur.sum()))
    drawn = np.divide(gained, reachable, out=np.full(len(gained), np.nan), where=reachable > 1e-9)
    return _interval(value, drawn)


def summary(ledgers: list[Ledger], bounds: dict[bool, np.ndarray], judged: str) -> pd.DataFrame:
    """Return one row per policy: V, closed with its interval, the differences to doing nothing and to ``judged``.

    ``ledgers[0]`` does nothing; ``bounds`` are each article's, without (False) and with goods (True). ``dearer_eur`` is
    what a policy costs more than the one named ``judged``.
    """
    rows, beside = [], next(ledger for ledger in ledgers if ledger.policy == judged)
    for ledger in ledgers:
        row: dict[str, object] = {"policy": ledger.policy}
        for with_goods, ending in ((False, ""), (True, "_with_goods")):
            nothing, own = ledgers[0].sku_eur(with_goods=with_goods), ledger.sku_eur(with_goods=with_goods)
            share = closed_interval(nothing, own, bounds[with_goods])
            change = paired_difference(nothing, own)
            more = paired_difference(own, beside.sku_eur(with_goods=with_goods))
            row |= {
                f"value_eur{ending}": float(own.sum()),
                f"closed{ending}": share.value, f"closed_low{ending}": share.low, f"closed_high{ending}": share.high,
                f"saved_eur{ending}": change.value, f"saved_eur_low{ending}": change.low, f"saved_eur_high{ending}": change.high,
                f"dearer_eur{ending}": more.value, f"dearer_eur_low{ending}": more.low, f"dearer_eur_high{ending}": more.high,
            }  # fmt: skip
        rows.append(row | {"refused_units": ledger.refused_units})
    return pd.DataFrame(rows).astype({"policy": "str"})


@lru_cache(maxsize=2)
def _weights(size: int) -> np.ndarray:
    """Return how often each article is drawn in each replicate, (REPLICATES, size)."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(size, np.full(size, 1.0 / size), REPLICATES).astype(np.float64)


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return Interval(value, float(low), float(high))
