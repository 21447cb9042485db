"""Who serves whom in one period: a fixed router, the same for every policy.

Not here: which units stand where (policies) and what serving costs (costs).
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def serve(on_hand: np.ndarray, demand: np.ndarray, preference: np.ndarray, is_open: np.ndarray) -> np.ndarray:
    """Serve one period's demand from stock; return units (K, H, R) and reduce ``on_hand`` in place.

    Each region is served by its cheapest hub first, then by the next, until no hub is left; the rest is lost. All
    regions turn to their n-th hub at the same time, so a hub serves the regions that prefer it before those that spill
    over. A hub that is short shares its stock in proportion to the units requested, in whole units by largest
    remainder; ties go to the first region.

    Parameters
    ----------
    on_hand
        Units, int64, (K, H).
    demand
        Units, int64, (K, R).
    preference
        Hubs by rising cost, int64, (K, R, H); −1 where there is no further one.
    is_open
        Whether each hub ships in this period, (H,).

    """
    n_skus, n_regions, n_hubs = preference.shape
    shipped = np.zeros((n_skus, n_hubs, n_regions), dtype=np.int64)
    unmet = np.zeros(n_regions, dtype=np.int64)
    for k in range(n_skus):
        if demand[k].sum() == 0:
            continue
        unmet[:] = demand[k]
        for choice in range(n_hubs):
            for hub in range(n_hubs):
                if on_hand[k, hub] > 0 and is_open[hub]:
                    _share(on_hand[k], unmet, preference[k, :, choice], (hub, shipped[k, hub]))
    return shipped


@numba.njit(cache=True)
def _share(
    stock: np.ndarray, unmet: np.ndarray, requested_hub: np.ndarray, hub_and_units: tuple[int, np.ndarray]
) -> None:
    """Share the stock of one hub among the regions that ask it now; updates all arrays in place."""
    hub, shipped = hub_and_units
    request = 0
    for region in range(len(unmet)):
        if requested_hub[region] == hub:
            request += unmet[region]
    if request == 0:
        return
    have = min(stock[hub], request)
    remainders = np.full(len(unmet), -1, dtype=np.int64)
    left = have
    for region in range(len(unmet)):
        if requested_hub[region] == hub and unmet[region] > 0:
            given = unmet[region] * have // request
            remainders[region] = unmet[region] * have % request
            shipped[region] += given
            left -= given
    _largest_remainders(remainders, left, shipped)
    stock[hub] -= have
    for region in range(len(unmet)):
        if requested_hub[region] == hub:
            unmet[region] -= _given(unmet[region], have, request, remainders[region])


@numba.njit(cache=True)
def _largest_remainders(remainders: np.ndarray, left: int, shipped: np.ndarray) -> None:
    """Give ``left`` single units to the largest remainders; those served are marked -2."""
    for _ in range(left):
        best = np.argmax(remainders)
        shipped[best] += 1
        remainders[best] = -2


@numba.njit(cache=True)
def _given(unmet: int, have: int, requested: int, mark: int) -> int:
    """Return what a region got: its floor share, one more where its remainder was marked."""
    return unmet * have // requested + (1 if mark == -2 else 0)
