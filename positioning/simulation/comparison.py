"""The comparison of replayed policies: cost, share of the possible savings, differences with bootstrap intervals.

Not here: KPIs (``kpi``), the lower bound (``perfect_foresight``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from positioning.simulation.ledger import Ledger

REPLICATES = 2_000
_SEED = 20_160_425


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval.

    Attributes
    ----------
    value
        The estimate.
    low, high
        Bounds of the interval, inclusive.

    """

    value: float
    low: float
    high: float


def closed(no_shipment_eur: float, policy_eur: float, bound_eur: float) -> float:
    """Return the share of the possible savings that a policy achieves: 1 at the lower bound, 0 for no shipments.

    NaN where there are no possible savings, or where they are unlimited.
    """
    possible = no_shipment_eur - bound_eur
    return (no_shipment_eur - policy_eur) / possible if 1e-9 < possible < np.inf else float("nan")


def paired_difference(policy_eur: np.ndarray, other_eur: np.ndarray) -> Interval:
    """Return Σ (policy − other) over SKUs with its bootstrap interval; below 0 the policy costs less.

    SKUs are drawn with replacement, both policies together; the bounds are the 2.5% and 97.5% percentiles of the
    replicates.

    Parameters
    ----------
    policy_eur, other_eur
        Cost of each SKU, (K,).

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    """
    difference = policy_eur - other_eur
    return _interval(float(difference.sum()), _weights(len(difference)) @ difference)


def closed_interval(no_shipment_eur: np.ndarray, policy_eur: np.ndarray, bound_eur: np.ndarray) -> Interval:
    """Return ``closed`` over SKUs with its bootstrap interval.

    Parameters
    ----------
    no_shipment_eur, policy_eur, bound_eur
        Cost of each SKU without shipments, of the policy, and at the lower bound, (K,).

    """
    weights = _weights(len(no_shipment_eur))
    gained, possible = weights @ (no_shipment_eur - policy_eur), weights @ (no_shipment_eur - bound_eur)
    value = closed(float(no_shipment_eur.sum()), float(policy_eur.sum()), float(bound_eur.sum()))
    drawn = np.divide(gained, possible, out=np.full(len(gained), np.nan), where=possible > 1e-9)
    return _interval(value, drawn)


def summary(ledgers: list[Ledger], bounds: dict[bool, np.ndarray], judged: str) -> pd.DataFrame:
    """Return one row per policy: cost V, closed with its interval, the differences from no shipments and from ``judged``.

    Parameters
    ----------
    ledgers
        Accounts of the policies; the first one makes no shipments.
    bounds
        Lower bound on the cost of each SKU (K,), without (False) and with inventory value (True).
    judged
        Name of the policy that the others are compared with; ``extra_cost_eur`` is their additional cost.
    """
    rows, reference = [], next(ledger for ledger in ledgers if ledger.policy == judged)
    for ledger in ledgers:
        row: dict[str, object] = {"policy": ledger.policy}
        for with_goods, ending in ((False, ""), (True, "_with_goods")):
            no_shipment, cost = ledgers[0].sku_eur(with_goods=with_goods), ledger.sku_eur(with_goods=with_goods)
            share = closed_interval(no_shipment, cost, bounds[with_goods])
            change = paired_difference(no_shipment, cost)
            more = paired_difference(cost, reference.sku_eur(with_goods=with_goods))
            row |= {
                f"value_eur{ending}": float(cost.sum()),
                f"closed{ending}": share.value, f"closed_low{ending}": share.low, f"closed_high{ending}": share.high,
                f"saved_eur{ending}": change.value, f"saved_eur_low{ending}": change.low, f"saved_eur_high{ending}": change.high,
                f"extra_cost_eur{ending}": more.value, f"extra_cost_eur_low{ending}": more.low, f"extra_cost_eur_high{ending}": more.high,
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).astype({"policy": "str"})


@lru_cache(maxsize=2)
def _weights(size: int) -> np.ndarray:
    """Return how often each SKU is drawn in each replicate, (REPLICATES, size)."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(size, np.full(size, 1.0 / size), REPLICATES).astype(np.float64)


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return Interval(value, float(low), float(high))
