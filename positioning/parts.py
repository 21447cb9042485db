"""Where a sku falls apart: hubs and regions that no lane and no supplier ties to others.

The cost of serving demand is then a sum over the parts, each a function of its own shipments alone, so one
evaluation tells a cut of every part at once. Here: finding the parts. Not here: cuts (``positioning.outline``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from positioning.article import N_RANKS, SkuProblem


@dataclass(frozen=True)
class Parts:
    """How many parts, the part of each shipment (L,) and of each sink but the dump (n_sinks − 1,)."""

    count: int
    of_lane: np.ndarray
    of_sink: np.ndarray

    def split(self, by_lane: np.ndarray) -> np.ndarray:
        """Return values (L,) as rows (count, L), each part's own beside zeros."""
        return np.where(self.of_lane == np.arange(self.count)[:, None], by_lane, 0.0)

    def summed(self, by_sink: np.ndarray) -> np.ndarray:
        """Return the sums (count,) of values (n_sinks − 1,)."""
        return np.bincount(self.of_sink, weights=by_sink, minlength=self.count)


def parts_of(article: SkuProblem) -> Parts:
    """Return the parts of a sku.

    Places are tied by shipments and later departures between hubs, by deliveries, and by a supplier whose
    units are limited.
    """
    n_hubs, n_regions, n_buckets = len(article.hubs), len(article.regions), len(article.bucket_days)
    supplier = n_hubs + n_regions + np.where(article.is_supply, article.origin, 0)
    is_limited = article.is_supply & np.isfinite(
        np.append(article.available, np.inf)[np.where(article.is_supply, article.origin, -1)]
    )
    ties = [
        (article.origin[~article.is_supply], article.destination[~article.is_supply]),
        (supplier[is_limited], article.destination[is_limited]),
        (article.delivery_hub, n_hubs + article.delivery_region),
    ]  # fmt: skip
    one, other = (np.concatenate([tie[side] for tie in ties]) for side in (0, 1))
    n_places = n_hubs + n_regions + len(article.available)
    tied = coo_array((np.ones(len(one)), (one, other)), shape=(n_places, n_places))
    _, of_place = connected_components(tied, directed=False)
    kept, of_place = np.unique(of_place[: n_hubs + n_regions], return_inverse=True)
    of_region = np.repeat(of_place[n_hubs:], n_buckets)
    return Parts(len(kept), of_place[article.destination], np.append(of_region, np.repeat(of_place[:n_hubs], N_RANKS)))
