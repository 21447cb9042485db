"""One sku as a small programme of its shipments: cuts, limits and what is asked, compiled.

Here: the programme as a dictionary, bounds from its dual prices, what whole packs cost by the cuts. Not here:
the search (``positioning.branching``), where cuts come from (``positioning.outline``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from positioning.simplex import Dictionary

WHOLE = 1e-6


class Rows(NamedTuple):
    """Rows ``slope · x + θ_group ≥ floor``: cuts of group k = 0 …, and limits on x alone, whose group is −1.

    ``slope`` (n_rows, L), ``floor`` and ``group`` (n_rows,); ``home`` (n_groups,) is one cut of each group to
    start from.
    """

    slope: np.ndarray
    floor: np.ndarray
    group: np.ndarray
    home: np.ndarray


class Offer(NamedTuple):
    """Shipments (L,): EUR ``asked`` per unit and ``charges`` for using one at all, at ``most`` units, in packs.

    ``part`` is the charge per unit when as much as may be is sent; ``least`` the smallest size used.
    """

    asked: np.ndarray
    charges: np.ndarray
    part: np.ndarray
    most: np.ndarray
    pack: np.ndarray
    least: np.ndarray


@njit(cache=True, nogil=True)
def dictionary(rows: Rows, offer: Offer) -> tuple[Dictionary, np.ndarray]:
    """Write all slacks in x and the slacks of the home rows, which stand for θ; return bounds beside.

    Variables: x are 0 … L − 1, the slack of row i is L + i.
    """
    n, n_rows, n_groups = len(offer.most), len(rows.floor), len(rows.home)
    is_home = np.zeros(n_rows, np.bool_)
    is_home[rows.home] = True
    others = np.flatnonzero(~is_home)
    table, constant = np.zeros((len(others), n + n_groups)), -rows.floor[others]
    for at, row in enumerate(others):
        table[at, :n] = rows.slope[row]
        group = rows.group[row]
        if group >= 0:
            table[at, :n] -= rows.slope[rows.home[group]]
            table[at, n + group] = 1.0
            constant[at] += rows.floor[rows.home[group]]
    cost = np.ones(n + n_groups)
    cost[:n] = offer.asked + offer.part
    for row in rows.home:
        cost[:n] -= rows.slope[row]
    nonbasic = np.concatenate((np.arange(n), n + rows.home))
    bounds = np.zeros((2, n + n_rows))
    bounds[1] = 4.0 * _highest(rows, offer) + 1.0
    return Dictionary(table, constant, cost, n + others, nonbasic, np.zeros(n + n_groups, np.bool_)), bounds


@njit(cache=True, nogil=True)
def _highest(rows: Rows, offer: Offer) -> float:
    """Return what no row's height exceeds by size within the bounds of x: a few times that no slack is ever."""
    highest = 0.0
    for row in range(len(rows.floor)):
        highest = max(highest, abs(rows.floor[row]) + (np.abs(rows.slope[row]) * offer.most).sum())
    return highest


@njit(cache=True, nogil=True)
def bound(rows: Rows, now: Dictionary, rest: np.ndarray, bounds: np.ndarray) -> float:
    """Return the Lagrangian bound at the dictionary's dual prices, from the rows themselves: free of rounding errors.

    ``rest`` (L,) are the costs of shipments; it is used up. Prices of a group's cuts are made to add up to one.
    """
    n = len(rest)
    weight = np.zeros(len(rows.home))
    for j in range(len(now.cost)):
        row = now.nonbasic[j] - n
        if row >= 0 and rows.group[row] >= 0 and now.cost[j] > 0:
            weight[rows.group[row]] += now.cost[j]
    if (weight <= 0.0).any():
        return -np.inf
    eur = 0.0
    for j in range(len(now.cost)):
        row = now.nonbasic[j] - n
        if row >= 0 and now.cost[j] > 0:
            price = now.cost[j] / weight[rows.group[row]] if rows.group[row] >= 0 else now.cost[j]
            eur += price * rows.floor[row]
            for lane in range(n):
                rest[lane] -= price * rows.slope[row, lane]
    for lane in range(n):
        eur += min(rest[lane] * bounds[0, lane], rest[lane] * bounds[1, lane])
    return eur


@njit(cache=True, nogil=True)
def may_fit(rows: Rows, lower: np.ndarray, upper: np.ndarray) -> bool:
    """Say whether each limit alone can hold within the bounds."""
    for row in range(len(rows.floor)):
        if rows.group[row] < 0:
            most = np.maximum(rows.slope[row] * lower, rows.slope[row] * upper).sum()
            if most < rows.floor[row] - WHOLE:
                return False
    return True


@njit(cache=True, nogil=True)
def by_cuts(x: np.ndarray, rows: Rows, offer: Offer) -> float:
    """Return what ``x`` costs by the cuts, with the charges of all it uses."""
    most = np.full(len(rows.home), -np.inf)
    height = rows.floor - rows.slope @ x
    for row in range(len(height)):
        if rows.group[row] >= 0:
            most[rows.group[row]] = max(most[rows.group[row]], height[row])
    return most.sum() + (offer.asked * x).sum() + offer.charges[x > WHOLE].sum()


@njit(cache=True, nogil=True)
def rounded(x: np.ndarray, rows: Rows, offer: Offer) -> np.ndarray:
    """Round to the nearest whole packs, at least the smallest size or nothing; take packs back until limits hold."""
    whole = np.floor(x / offer.pack + 0.5) * offer.pack
    for j in range(len(x)):
        while whole[j] > offer.most[j] + 1e-9:
            whole[j] -= offer.pack[j]
        if whole[j] < offer.least[j]:
            is_near = x[j] >= offer.least[j] / 2.0 and offer.most[j] >= offer.least[j]
            whole[j] = offer.least[j] if is_near else 0.0
    for row in range(len(rows.floor)):
        while rows.group[row] < 0 and (rows.slope[row] * whole).sum() < rows.floor[row] - WHOLE:
            over = np.argmax(np.where((rows.slope[row] < 0) & (whole > 0), whole - x, -np.inf))
            whole[over] -= offer.pack[over]
            if whole[over] < offer.least[over]:
                whole[over] = 0.0
    return whole
