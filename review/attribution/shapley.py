"""Sharing an outcome among causes: the Shapley value.

Each cause is a player; the value of a set of causes is what mending all of them would have avoided.
Not here: what causes there are, or what mending one means.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from foundation.proximity import rank_deliveries

Value = Callable[[frozenset[int]], np.ndarray]


def shapley(n_causes: int, left: Value) -> np.ndarray:
    """Return each cause's share of ``left(∅) − left(all)``, (n_causes, …).

    ``left`` gives what remains of the damage when a set of causes is mended. With a = |A|, n causes:
    φᵢ = Σ over A without i of a! (n − a − 1)! / n! · (left(A) − left(A ∪ i)), the one division that is
    efficient, symmetric, additive and gives nothing to a cause that never matters (Shapley 1953,
    Contributions to the Theory of Games II). Where mending never does harm, no share is negative.

    >>> shapley(2, lambda mended: np.array(10.0 - 4.0 * (0 in mended) - 6.0 * (mended == {0, 1}))).tolist()
    [7.0, 3.0]
    """
    known = {mended: left(mended) for mended in _subsets(range(n_causes))}
    shares = []
    for cause in range(n_causes):
        others = [other for other in range(n_causes) if other != cause]
        terms = [
            _weight(len(mended), n_causes) * (known[mended] - known[mended | {cause}]) for mended in _subsets(others)
        ]
        shares.append(np.sum(terms, axis=0))
    return np.array(shares)


def _weight(size: int, n_causes: int) -> float:
    return factorial(size) * factorial(n_causes - size - 1) / factorial(n_causes)


def _subsets(causes: range | list[int]) -> list[frozenset[int]]:
    return [frozenset(chosen) for size in range(len(causes) + 1) for chosen in combinations(causes, size)]


Frames = dict[str, pd.DataFrame]


def nearest_hubs(tables: Frames) -> pd.DataFrame:
    """Return region, sku, hub and ``lead_time_days`` of the lane from the nearest hub; absent where there is none.

    ``tables`` hold ``skus``, ``hubs``, ``regions`` and ``lanes``.
    """
    classes = handling_classes(tables["skus"])
    lanes = delivery_lanes(tables)
    result = [_nearest(lanes, tables["hubs"], name) for name in sorted(classes["handling_class"].unique())]
    by_class = pd.concat(result, ignore_index=True)
    return classes.merge(by_class, on="handling_class")[["region", "sku", "hub", "lead_time_days"]]


def delivery_lanes(tables: Frames) -> pd.DataFrame:
    """Return hub, region, lead_time_days, ``rank`` (0: nearest to its region), classes and prices of every delivery lane."""
    lanes = tables["lanes"]
    ranked = rank_deliveries(lanes, tables["hubs"], tables["regions"])
    for name in ("eur_per_unit", "eur_per_kg"):
        ranked[name] = lanes[name].astype("float64").fillna(0.0) if name in lanes else 0.0
    classes = lanes.get("handling_classes", None)
    return ranked.assign(handling_classes=classes).reset_index(drop=True)


def handling_classes(skus: pd.DataFrame) -> pd.DataFrame:
    """Return sku and handling class; ambient where it is not said."""
    given = skus["handling_class"] if "handling_class" in skus else pd.Series(None, index=skus.index, dtype=object)
    parts = given.astype(object).where(given.notna(), "ambient").astype(str)
    return pd.DataFrame({"sku": skus["sku"].astype(str), "handling_class": parts})


def _may_carry(rows: pd.DataFrame, handling_class: str) -> np.ndarray:
    """Return whether each hub or lane may carry ``handling_class``, (n,)."""
    if "handling_classes" not in rows:
        return np.ones(len(rows), dtype=bool)
    listed = rows["handling_classes"].astype(object).where(rows["handling_classes"].notna(), "").astype(str)
    return np.array([not text.strip() or handling_class in {part.strip() for part in text.split("|")} for text in listed], dtype=bool)  # fmt: skip


def _nearest(lanes: pd.DataFrame, hubs: pd.DataFrame, handling_class: str) -> pd.DataFrame:
    may = set(hubs.loc[_may_carry(hubs, handling_class), "hub"].astype(str))
    carried = lanes[lanes["hub"].isin(may).to_numpy() & _may_carry(lanes, handling_class)]
    ranked = carried.sort_values(["region", "rank"], kind="stable").drop_duplicates("region")
    return ranked[["region", "hub", "lead_time_days"]].assign(handling_class=handling_class)
