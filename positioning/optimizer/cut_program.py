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
    is_likely
        Cuts that probably bind, (n_rows,): the others enter the program once a solution violates them.

    """

    slope: np.ndarray
    floor: np.ndarray
    group: np.ndarray
    starting: np.ndarray
    is_likely: np.ndarray


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


class Working(NamedTuple):
    """The dictionary with space for all rows, of which only some take part yet.

    Attributes
    ----------
    whole
        The dictionary, with one line per row.
    is_in
        Rows that take part, (n_rows,).
    n_lines
        Number of lines in use, (1,).

    """

    whole: Dictionary
    is_in: np.ndarray
    n_lines: np.ndarray


@njit(cache=True, nogil=True)
def dictionary(rows: CutRows, shipments: Shipments) -> tuple[Working, np.ndarray]:
    """Write the slacks of limits and likely cuts in x and the slacks of the home rows, which stand for θ; return bounds beside.

    Variables: x are 0 … L − 1, the slack of row i is L + i.
    """
    n, n_rows, n_groups = len(shipments.most), len(rows.floor), len(rows.starting)
    is_in = (rows.group < 0) | rows.is_likely
    is_in[rows.starting] = True
    table, constant = np.zeros((n_rows - n_groups, n + n_groups)), np.zeros(n_rows - n_groups)
    basic, n_lines = np.zeros(n_rows - n_groups, np.int64), np.zeros(1, np.int64)
    cost = np.ones(n + n_groups)
    cost[:n] = shipments.unit_eur + shipments.linking_rate
    for row in rows.starting:
        cost[:n] -= rows.slope[row]
    nonbasic = np.concatenate((np.arange(n), n + rows.starting))
    bounds = np.zeros((2, n + n_rows))
    bounds[1] = 4.0 * _highest(rows, shipments) + 1.0
    whole = Dictionary(table, constant, cost, basic, nonbasic, np.zeros(n + n_groups, np.bool_))
    working = Working(whole, is_in, n_lines)
    is_home = np.zeros(n_rows, np.bool_)
    is_home[rows.starting] = True
    for row in range(n_rows):
        if is_in[row] and not is_home[row]:
            line = n_lines[0]
            _write_in_x(rows, row, table[line], constant, line)
            basic[line] = n + row
            n_lines[0] += 1
    return working, bounds


@njit(cache=True, nogil=True)
def _write_in_x(rows: CutRows, row: int, line: np.ndarray, constant: np.ndarray, index: int) -> None:
    """Write the slack of a row in x and the slacks of the home rows."""
    n, group = rows.slope.shape[1], rows.group[row]
    line[:n] = rows.slope[row]
    constant[index] = -rows.floor[row]
    if group >= 0:
        line[:n] -= rows.slope[rows.starting[group]]
        line[n + group] = 1.0
        constant[index] += rows.floor[rows.starting[group]]


@njit(cache=True, nogil=True)
def in_use(working: Working) -> Dictionary:
    """Return the dictionary of the rows that take part, as a view."""
    whole, count = working.whole, working.n_lines[0]
    return Dictionary(
        whole.table[:count], whole.constant[:count], whole.cost, whole.basic[:count], whole.nonbasic, whole.at_upper
    )


@njit(cache=True, nogil=True)
def add_violated(rows: CutRows, working: Working, bounds: np.ndarray, basic_value: np.ndarray, feasible: float) -> bool:
    """Let the most violated cut of each group take part; return whether there was one.

    Parameters
    ----------
    rows
        Cuts and limits.
    working
        The dictionary, changed in place.
    bounds
        Bounds of the variables, (2, L + n_rows), inclusive.
    basic_value
        Values of the basic variables, (n_lines,).
    feasible
        EUR by which a cut may be violated.

    """
    now, n, n_groups = in_use(working), rows.slope.shape[1], len(rows.starting)
    place, value = _variables(rows, now, bounds, basic_value)
    height = rows.floor - rows.slope @ value[:n]
    worst, highest = np.full(n_groups, -1), height[rows.starting] + value[n:] + feasible
    for row in range(len(height)):
        if not working.is_in[row] and height[row] > highest[rows.group[row]]:
            worst[rows.group[row]], highest[rows.group[row]] = row, height[row]
    for row in worst:
        if row >= 0:
            _add_line(rows, working, place, row)
    return bool((worst >= 0).any())


@njit(cache=True, nogil=True)
def _variables(
    rows: CutRows, now: Dictionary, bounds: np.ndarray, basic_value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where x and the slacks of the home rows stand, (L + n_groups,), and their values.

    Places are columns of nonbasic variables, or −1 less the line of basic ones.
    """
    n, n_groups = rows.slope.shape[1], len(rows.starting)
    variable = np.full(bounds.shape[1], -1)
    variable[:n] = np.arange(n)
    for group in range(n_groups):
        variable[n + rows.starting[group]] = n + group
    place, value = np.zeros(n + n_groups, np.int64), np.zeros(n + n_groups)
    for column in range(len(now.nonbasic)):
        which = variable[now.nonbasic[column]]
        if which >= 0:
            place[which] = column
            value[which] = bounds[1 if now.at_upper[column] else 0, now.nonbasic[column]]
    for line in range(len(now.basic)):
        which = variable[now.basic[line]]
        if which >= 0:
            place[which], value[which] = -1 - line, basic_value[line]
    return place, value


@njit(cache=True, nogil=True)
def _add_line(rows: CutRows, working: Working, place: np.ndarray, row: int) -> None:
    """Write the slack of a row in the variables that are nonbasic now."""
    whole, index, n = working.whole, working.n_lines[0], rows.slope.shape[1]
    in_x = np.zeros(len(whole.cost))
    _write_in_x(rows, row, in_x, whole.constant, index)
    line = whole.table[index]
    line[:] = 0.0
    for which in range(len(in_x)):
        if in_x[which] == 0.0:
            continue
        if place[which] >= 0:
            line[place[which]] += in_x[which]
        else:
            other = -1 - place[which]
            for column in range(len(line)):
                line[column] += in_x[which] * whole.table[other, column]
            whole.constant[index] += in_x[which] * whole.constant[other]
    whole.basic[index] = n + row
    working.is_in[row] = True
    working.n_lines[0] += 1


@njit(cache=True, nogil=True)
def _highest(rows: CutRows, shipments: Shipments) -> float:
    """Return what no row's height exceeds by size within the bounds of x: a few times that no slack is ever."""
    highest = 0.0
    for row in range(len(rows.floor)):
        height = abs(rows.floor[row])
        for lane in range(len(shipments.most)):
            height += abs(rows.slope[row, lane]) * shipments.most[lane]
        highest = max(highest, height)
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
