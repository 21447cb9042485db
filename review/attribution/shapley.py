"""The Shapley value, which divides damage among causes, and the nearest hubs that attributions compare with.

Each cause is a player; the value of a set of causes is the damage avoided by removing all of them.
Not here: which causes there are, and what removing one means.
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

    φᵢ = Σ over A without i of a! (n − a − 1)! / n! · (left(A) − left(A ∪ i)) with a = |A| is the only division that is
    efficient, symmetric and additive and gives zero to a cause that never matters. Where removing a cause never increases
    the damage, no share is negative.

    Parameters
    ----------
    n_causes
        Number n of causes; a cause is a position 0 … n − 1.
    left
        Damage that remains when a set of causes is removed, an array of any shape.

    References
    ----------
    Shapley (1953), A value for n-person games, Contributions to the Theory of Games II.

    Examples
    --------
    >>> shapley(2, lambda removed: np.array(10.0 - 4.0 * (0 in removed) - 6.0 * (removed == {0, 1}))).tolist()
    [7.0, 3.0]
    """
    known = {removed: left(removed) for removed in _subsets(range(n_causes))}
    shares = []
    for cause in range(n_causes):
        others = [other for other in range(n_causes) if other != cause]
        terms = [
            _weight(len(removed), n_causes) * (known[removed] - known[removed | {cause}])
            for removed in _subsets(others)
        ]
        shares.append(np.sum(terms, axis=0))
    return np.array(shares)


def _weight(size: int, n_causes: int) -> float:
    return factorial(size) * factorial(n_causes - size - 1) / factorial(n_causes)


def _subsets(causes: range | list[int]) -> list[frozenset[int]]:
    return [frozenset(chosen) for size in range(len(causes) + 1) for chosen in combinations(causes, size)]


Frames = dict[str, pd.DataFrame]


def nearest_hubs(tables: Frames) -> pd.DataFrame:
    """Return region, SKU, hub and ``lead_time_days`` of the lane from the nearest hub; no row if there is none.

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
    """Return SKU and handling class, ``ambient`` if it is not given."""
    given = skus["handling_class"] if "handling_class" in skus else pd.Series(None, index=skus.index, dtype=object)
    classes = given.astype(object).where(given.notna(), "ambient").astype(str)
    return pd.DataFrame({"sku": skus["sku"].astype(str), "handling_class": classes})


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
