"""Sharing an outcome among causes: the Shapley value.

Each cause is a player; the value of a set of causes is what mending all of them would have avoided.
Not here: what causes there are, or what mending one means.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import numpy as np

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
