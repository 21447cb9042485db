"""The dual simplex on a dictionary of a small linear program, compiled.

A dictionary writes the basic variables and the objective in the nonbasic ones (Chvátal, "Linear
Programming", 1983, chapters 3 and 8). All variables have two finite bounds, so a dictionary can always be
made dual feasible by moving nonbasic variables to their other bound. Here: the pivots alone. What rows
mean stands in ``positioning.optimizer.branch_and_bound``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from positioning.optimizer.tolerances import DualSimplex


class Dictionary(NamedTuple):
    """``basic[i] = constant[i] + table[i] · nonbasic``; the objective grows by ``cost[j]`` per unit of nonbasic j.

    Attributes
    ----------
    table
        Coefficients, (m, n).
    constant
        Constants, (m,).
    cost
        Reduced costs, (n,).
    basic, nonbasic
        Numbers of the variables, (m,) and (n,).
    at_upper
        Whether each nonbasic variable is at its upper bound, (n,).

    References
    ----------
    Chvátal, "Linear Programming", 1983, chapters 3 and 8.

    """

    table: np.ndarray
    constant: np.ndarray
    cost: np.ndarray
    basic: np.ndarray
    nonbasic: np.ndarray
    at_upper: np.ndarray


@njit(cache=True, nogil=True)
def settle(now: Dictionary, bounds: np.ndarray, simplex: DualSimplex) -> tuple[bool, np.ndarray]:
    """Pivot until the basic variables keep their bounds.

    Parameters
    ----------
    now
        The dictionary, changed in place.
    bounds
        Lower and upper bound of each variable, (2, m + n), inclusive and finite.
    simplex
        Arithmetic.

    Returns
    -------
    is_solved
        Whether all bounds are kept; False where no values keep them, or after too many pivots.
    value
        Values of the basic variables, (m,).

    """
    value = _stand(now, bounds, simplex.tie_eur)
    feasible = allowed(bounds, simplex)
    basic_value = now.constant + now.table @ value
    is_flipped = np.zeros(len(value), np.bool_)
    for _ in range(simplex.pivots):
        row, gap = _most_violated(basic_value, bounds, now.basic, feasible)
        if row < 0:
            return True, basic_value
        column = _entering(now, bounds, (row, gap, feasible), is_flipped, simplex)
        if column < 0:
            return False, basic_value
        for j in range(len(value)):
            if is_flipped[j]:
                there = bounds[0 if now.at_upper[j] else 1, now.nonbasic[j]]
                _move(basic_value, now.table, j, there - value[j])
                value[j], now.at_upper[j] = there, not now.at_upper[j]
        bound = bounds[0 if gap > 0 else 1, now.basic[row]]
        step = (bound - basic_value[row]) / now.table[row, column]
        _move(basic_value, now.table, column, step)
        basic_value[row], value[column] = value[column] + step, bound
        now.at_upper[column] = gap < 0
        _exchange(now, row, column)
    return False, basic_value


@njit(cache=True, nogil=True)
def allowed(bounds: np.ndarray, simplex: DualSimplex) -> float:
    """Return by how much a variable may be outside its ``bounds`` (2, m + n)."""
    return max(simplex.feasible_units, simplex.feasible_rate * bounds[1].max())


@njit(cache=True, nogil=True)
def add_cost(now: Dictionary, variable: int, eur: float) -> None:
    """Raise the cost of a unit of ``variable`` by ``eur``."""
    for j in range(len(now.nonbasic)):
        if now.nonbasic[j] == variable:
            now.cost[j] += eur
            return
    for row in range(len(now.basic)):
        if now.basic[row] == variable:
            for j in range(len(now.cost)):
                now.cost[j] += eur * now.table[row, j]
            return


@njit(cache=True, nogil=True)
def _stand(now: Dictionary, bounds: np.ndarray, tie_eur: float) -> np.ndarray:
    """Put every nonbasic variable at the bound its cost prefers; return their values (n,)."""
    value = np.empty(len(now.cost))
    for j in range(len(value)):
        if abs(now.cost[j]) > tie_eur:
            now.at_upper[j] = now.cost[j] < 0
        value[j] = bounds[1 if now.at_upper[j] else 0, now.nonbasic[j]]
    return value


@njit(cache=True, nogil=True)
def _move(basic_value: np.ndarray, table: np.ndarray, column: int, units: float) -> None:
    """Let the nonbasic variable of ``column`` grow by ``units``."""
    for i in range(len(basic_value)):
        basic_value[i] += table[i, column] * units


@njit(cache=True, nogil=True)
def _most_violated(value: np.ndarray, bounds: np.ndarray, basic: np.ndarray, feasible: float) -> tuple[int, float]:
    """Return the basic variable furthest outside its bounds and how much it must grow; −1 when none is."""
    row, worst, gap = -1, feasible, 0.0
    for i in range(len(value)):
        below, above = bounds[0, basic[i]] - value[i], value[i] - bounds[1, basic[i]]
        if below > worst:
            row, worst, gap = i, below, below
        elif above > worst:
            row, worst, gap = i, above, -above
    return row, gap


@njit(cache=True, nogil=True)
def _entering(
    now: Dictionary,
    bounds: np.ndarray,
    requested: tuple[int, float, float],
    is_flipped: np.ndarray,
    simplex: DualSimplex,
) -> int:
    """Return the nonbasic variable that enters for a row, −1 when its gap cannot be closed; mark those to flip.

    ``requested`` is the row, its gap, and how closely bounds are kept.

    Least cost per unit of gap closed; one whose whole range does not close the gap is flipped and the next one
    taken (Maros, "Computational Techniques of the Simplex Method", 2003, chapter 10).
    """
    row, gap, feasible = requested
    is_flipped[:] = False
    left, rate = abs(gap), np.zeros(len(now.cost))
    for j in range(len(rate)):
        if bounds[1, now.nonbasic[j]] > bounds[0, now.nonbasic[j]]:
            rate[j] = now.table[row, j] if (gap > 0) != now.at_upper[j] else -now.table[row, j]
    while True:
        best = _cheapest(now.cost, rate, simplex)
        if best < 0:
            return -1
        left -= rate[best] * (bounds[1, now.nonbasic[best]] - bounds[0, now.nonbasic[best]])
        if left < feasible:
            return best
        is_flipped[best], rate[best] = True, 0.0


@njit(cache=True, nogil=True)
def _cheapest(cost: np.ndarray, rate: np.ndarray, simplex: DualSimplex) -> int:
    """Return the variable of least cost per ``rate``, of nearly equal ones that of the largest rate; −1 without any."""
    limit = np.inf
    for j in range(len(rate)):
        if rate[j] > simplex.smallest_pivot:
            limit = min(limit, (abs(cost[j]) + simplex.tie_eur) / rate[j])
    best, largest = -1, simplex.smallest_pivot
    for j in range(len(rate)):
        if rate[j] > largest and abs(cost[j]) <= limit * rate[j]:
            best, largest = j, rate[j]
    return best


@njit(cache=True, nogil=True)
def _exchange(now: Dictionary, row: int, column: int) -> None:
    """Exchange the basic variable of ``row`` with the nonbasic one of ``column``."""
    table, constant = now.table, now.constant
    n_rows, n = table.shape
    now.basic[row], now.nonbasic[column] = now.nonbasic[column], now.basic[row]
    pivot = table[row, column]
    for j in range(n):
        table[row, j] /= -pivot
    table[row, column] = 1.0 / pivot
    constant[row] /= -pivot
    for i in range(n_rows):
        rate = table[i, column]
        if i != row and rate != 0.0:
            table[i, column] = 0.0
            for j in range(n):
                table[i, j] += rate * table[row, j]
            constant[i] += rate * constant[row]
    rate = now.cost[column]
    now.cost[column] = 0.0
    for j in range(n):
        now.cost[j] += rate * table[row, j]
