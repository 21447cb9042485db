"""Compiled kernels of the simulation: serving demand from stock, and cutting requested lines to what is left.

Not here: the order of a period (``engine``), the rule of admission (``admission``).
"""

from __future__ import annotations

import numba
import numpy as np

Arrays = tuple[np.ndarray, ...]


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


@numba.njit(cache=True)
def fill(lines: Arrays, sizes: Arrays, ends: Arrays, rows: Arrays) -> np.ndarray:
    """Return units of each line, int64 (n_lines): cut to what is left, in whole packs, and used up in place.

    Parameters
    ----------
    lines
        SKU, lane, and requested units of each line.
    sizes
        Pack and least units of each line.
    ends
        Whether a lane is a supply lane, its origin and destination, what hubs can give, suppliers have, and hubs can receive.
    rows
        First row of each lane's constraints and their rows, what is left of them, the place of their uses, and the uses by SKU.
    """
    sku, lane, requested = lines
    pack, least = sizes
    is_supply, origins, destinations, give, available, receive = ends
    first, row_of, left, place, uses = rows
    got = np.zeros(len(requested), dtype=np.int64)
    for n in range(len(requested)):
        k, d = sku[n], lane[n]
        origin, hub = origins[d], destinations[d]
        most = min(float(requested[n]), receive[k, hub], available[k, origin] if is_supply[d] else give[k, origin])
        for row in row_of[first[d] : first[d + 1]]:
            use = uses[place[row], k]
            if use > 0:
                most = min(most, (left[row] + 1e-6) / use)
        units = np.int64(max(most, 0.0) // pack[n] * pack[n])
        if units == 0 or units < least[n]:
            continue
        got[n] = units
        for row in row_of[first[d] : first[d + 1]]:
            left[row] -= units * uses[place[row], k]
        receive[k, hub] -= units
        if is_supply[d]:
            available[k, origin] -= units
        else:
            give[k, origin] -= units
    return got
