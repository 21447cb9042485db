"""The program of one SKU over its Benders cuts, compiled: its dictionary, valid bounds, and whole packs near a solution.

The recourse cost is the maximum of the known cuts. Where it is open whether a shipment is used, its linking dual counts in
proportion to the largest shipment, which never exceeds the full amount. Not here: branching (``branch_and_bound``) and
finding cuts (``recourse_function``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from positioning.optimizer._dual_simplex import Dictionary
from positioning.optimizer.tolerances import Branching


class CutRows(NamedTuple):
    """Rows ``slope · x + θ_group ≥ floor``: Benders cuts of groups of scenarios, and limits on x alone.

    Attributes
    ----------
    slope
        Coefficients of the shipments, (n_rows, L).
    floor
        Right-hand sides, (n_rows,), EUR for cuts and units for limits.
    group
        Group of each row, (n_rows,); −1 for a limit.
    starting
        One cut of each group to start from, (n_groups,).

    """

    slope: np.ndarray
    floor: np.ndarray
    group: np.ndarray
    starting: np.ndarray


class Shipments(NamedTuple):
    """The shipments of one SKU, arrays (L,).

    Attributes
    ----------
    unit_eur
        Cost of a unit with dual prices.
    linking_duals
        Cost of using the shipment at all.
    linking_rate
        The same per unit when ``most`` units are sent.
    most
        Units at most, inclusive.
    pack, least
        Pack and smallest size in units.

    """

    unit_eur: np.ndarray
    linking_duals: np.ndarray
    linking_rate: np.ndarray
    most: np.ndarray
    pack: np.ndarray
    least: np.ndarray


class Program(NamedTuple):
    """The program of one SKU.

    Attributes
    ----------
    rows
        Benders cuts and limits.
    shipments
        Shipments.
    tolerances
        Arithmetic of the search.

    """

    rows: CutRows
    shipments: Shipments
    tolerances: Branching = Branching()


@njit(cache=True, nogil=True)
def dictionary(rows: CutRows, shipments: Shipments) -> tuple[Dictionary, np.ndarray]:
    """Write all slacks in x and the slacks of the home rows, which stand for θ; return bounds beside.

    Variables: x are 0 … L − 1, the slack of row i is L + i.
    """
    n, n_rows, n_groups = len(shipments.most), len(rows.floor), len(rows.starting)
    is_home = np.zeros(n_rows, np.bool_)
    is_home[rows.starting] = True
    others = np.flatnonzero(~is_home)
    table, constant = np.zeros((len(others), n + n_groups)), -rows.floor[others]
    for index, row in enumerate(others):
        table[index, :n] = rows.slope[row]
        group = rows.group[row]
        if group >= 0:
            table[index, :n] -= rows.slope[rows.starting[group]]
            table[index, n + group] = 1.0
            constant[index] += rows.floor[rows.starting[group]]
    cost = np.ones(n + n_groups)
    cost[:n] = shipments.unit_eur + shipments.linking_rate
    for row in rows.starting:
        cost[:n] -= rows.slope[row]
    nonbasic = np.concatenate((np.arange(n), n + rows.starting))
    bounds = np.zeros((2, n + n_rows))
    bounds[1] = 4.0 * _highest(rows, shipments) + 1.0
    return Dictionary(table, constant, cost, n + others, nonbasic, np.zeros(n + n_groups, np.bool_)), bounds


@njit(cache=True, nogil=True)
def _highest(rows: CutRows, shipments: Shipments) -> float:
    """Return what no row's height exceeds by size within the bounds of x: a few times that no slack is ever."""
    highest = 0.0
    for row in range(len(rows.floor)):
        highest = max(highest, abs(rows.floor[row]) + (np.abs(rows.slope[row]) * shipments.most).sum())
    return highest


@njit(cache=True, nogil=True)
def bound(rows: CutRows, now: Dictionary, rest: np.ndarray, bounds: np.ndarray) -> float:
    """Return the Lagrangian bound at the dictionary's dual prices, from the rows themselves: free of rounding errors.

    Dual prices of a group's cuts are scaled to add up to one.

    Parameters
    ----------
    rows
        Cuts and limits.
    now
        The dictionary.
    rest
        Cost of a unit on each shipment, (L,); it is overwritten.
    bounds
        Bounds of the variables, (2, L + n_rows), inclusive.

    """
    n = len(rest)
    weight = np.zeros(len(rows.starting))
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
            dual = now.cost[j] / weight[rows.group[row]] if rows.group[row] >= 0 else now.cost[j]
            eur += dual * rows.floor[row]
            for lane in range(n):
                rest[lane] -= dual * rows.slope[row, lane]
    for lane in range(n):
        eur += min(rest[lane] * bounds[0, lane], rest[lane] * bounds[1, lane])
    return eur


@njit(cache=True, nogil=True)
def may_fit(program: Program, lower: np.ndarray, upper: np.ndarray) -> bool:
    """Return whether each limit alone can hold within the bounds.

    Parameters
    ----------
    program
        The program.
    lower, upper
        Bounds of the shipments in units, (L,), inclusive.

    """
    rows = program.rows
    for row in range(len(rows.floor)):
        if rows.group[row] < 0:
            most = np.maximum(rows.slope[row] * lower, rows.slope[row] * upper).sum()
            if most < rows.floor[row] - program.tolerances.whole_units:
                return False
    return True


@njit(cache=True, nogil=True)
def by_cuts(x: np.ndarray, program: Program) -> float:
    """Return the cost of shipments by the cuts, with the linking duals of all that are used.

    Parameters
    ----------
    x
        Units on each shipment, (L,).
    program
        The program.

    """
    rows, shipments = program.rows, program.shipments
    most = np.full(len(rows.starting), -np.inf)
    height = rows.floor - rows.slope @ x
    for row in range(len(height)):
        if rows.group[row] >= 0:
            most[rows.group[row]] = max(most[rows.group[row]], height[row])
    return (
        most.sum() + (shipments.unit_eur * x).sum() + shipments.linking_duals[x > program.tolerances.whole_units].sum()
    )


@njit(cache=True, nogil=True)
def rounded(x: np.ndarray, program: Program) -> np.ndarray:
    """Return whole packs near a solution, (L,): at least the smallest size or none, and within all limits.

    Parameters
    ----------
    x
        Units on each shipment, (L,).
    program
        The program.

    """
    rows, shipments, short = program.rows, program.shipments, program.tolerances.whole_units
    whole = np.floor(x / shipments.pack + 0.5) * shipments.pack
    for j in range(len(x)):
        while whole[j] > shipments.most[j] + 1e-9:
            whole[j] -= shipments.pack[j]
        if whole[j] < shipments.least[j]:
            is_near = x[j] >= shipments.least[j] / 2.0 and shipments.most[j] >= shipments.least[j]
            whole[j] = shipments.least[j] if is_near else 0.0
    for row in range(len(rows.floor)):
        while rows.group[row] < 0 and (rows.slope[row] * whole).sum() < rows.floor[row] - short:
            over = np.argmax(np.where((rows.slope[row] < 0) & (whole > 0), whole - x, -np.inf))
            whole[over] -= shipments.pack[over]
            if whole[over] < shipments.least[over]:
                whole[over] = 0.0
    return whole
