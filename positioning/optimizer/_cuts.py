"""What shipments put where in each scenario, and which cuts lie on top of them, compiled.

Here: the kernels alone, plain arrays in and out. What cuts mean stands in ``positioning.optimizer.recourse_function``.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def units_at_sources(
    units: np.ndarray,
    stands: tuple[np.ndarray, np.ndarray, np.ndarray],
    lanes: tuple[np.ndarray, np.ndarray, np.ndarray],
    arrival: np.ndarray,
    useful: float,
) -> np.ndarray:
    """Return units at each hub by bucket and at each supplier, in every scenario, (n, H × (B + 1) + S).

    Parameters
    ----------
    units
        Units on each shipment, (L,).
    stands
        Units that can be served or sent, (H,), confirmed units by bucket, (H, B + 1), and units that suppliers have, (S,).
    lanes
        Whether each shipment is an order, its origin, and its destination, (L,) each.
    arrival
        Bucket each shipment arrives in, (n, L).
    useful
        Units at most that a later order to a supplier can use.

    """
    usable, confirmed, available = stands
    is_supply, origin, destination = lanes
    n_hubs, width = confirmed.shape
    left = available.copy()
    for lane in range(len(units)):
        if is_supply[lane]:
            left[origin[lane]] -= units[lane]
    sources = np.empty((len(arrival), n_hubs * width + len(available)))
    for path in range(len(arrival)):
        for hub in range(n_hubs):
            for bucket in range(width):
                sources[path, hub * width + bucket] = confirmed[hub, bucket] + (usable[hub] if bucket == 0 else 0.0)
        for lane in range(len(units)):
            if units[lane] != 0.0:
                if not is_supply[lane]:
                    sources[path, origin[lane] * width] -= units[lane]
                sources[path, destination[lane] * width + arrival[path, lane]] += units[lane]
        for supplier in range(len(available)):
            sources[path, n_hubs * width + supplier] = max(min(left[supplier], useful), 0.0)
    return sources


@njit(cache=True, nogil=True)
def unit_slopes(
    hub_value: np.ndarray,
    supplier_value: np.ndarray,
    lanes: tuple[np.ndarray, np.ndarray, np.ndarray],
    arrival: np.ndarray,
) -> np.ndarray:
    """Return what a unit more on each shipment costs in each scenario but for sending it, EUR, (n, L).

    Parameters
    ----------
    hub_value
        Value of a unit by scenario, hub, and bucket, (n, H, B + 1).
    supplier_value
        Value of a unit that a supplier can give later, (n, S).
    lanes
        Whether each shipment is an order, its origin, and its destination, (L,) each.
    arrival
        Bucket each shipment arrives in, (n, L).

    """
    is_supply, origin, destination = lanes
    slopes = np.empty((len(arrival), len(origin)))
    for path in range(len(arrival)):
        for lane in range(len(origin)):
            given = supplier_value[path, origin[lane]] if is_supply[lane] else hub_value[path, origin[lane], 0]
            slopes[path, lane] = given - hub_value[path, destination[lane], arrival[path, lane]]
    return slopes


@njit(cache=True, nogil=True)
def note_solutions(
    cuts: tuple[np.ndarray, np.ndarray, np.ndarray],
    is_near: np.ndarray,
    solutions: np.ndarray,
    on_rate: float,
    idle: np.ndarray,
) -> bool:
    """Count in ``idle`` how long no solution lay on each cut; return whether a cut that is not near lies above all that are.

    Parameters
    ----------
    cuts
        Slope (n, L), right-hand side (n,), and group (n,) of each, −1 for limits, which are left out.
    is_near
        Whether the solutions come from a program with the cut, (n,).
    solutions
        Units on each shipment by solution, (L, n_solutions).
    on_rate
        A solution lies on a cut within this share of the cost there, or this amount where the cost is below 1.
    idle
        Searches since a solution lay on the cut, (n,), changed in place.

    """
    slope, floor, group = cuts
    n_groups, n_solutions = 0, solutions.shape[1]
    for of in group:
        n_groups = max(n_groups, of + 1)
    height = np.empty((len(floor), n_solutions))
    top = np.full((n_groups, n_solutions), -np.inf)
    near_top = np.full((n_groups, n_solutions), -np.inf)
    for row in range(len(floor)):
        if group[row] < 0:
            continue
        for index in range(n_solutions):
            height[row, index] = floor[row]
        for lane in range(slope.shape[1]):
            if slope[row, lane] != 0.0:
                for index in range(n_solutions):
                    height[row, index] -= slope[row, lane] * solutions[lane, index]
        for index in range(n_solutions):
            top[group[row], index] = max(top[group[row], index], height[row, index])
            if is_near[row]:
                near_top[group[row], index] = max(near_top[group[row], index], height[row, index])
    is_missed = False
    for of in range(n_groups):
        for index in range(n_solutions):
            top[of, index] -= on_rate * max(1.0, abs(top[of, index]))
            is_missed |= near_top[of, index] < top[of, index]
    for row in range(len(floor)):
        if group[row] >= 0:
            idle[row] += 1
            for index in range(n_solutions):
                if height[row, index] >= top[group[row], index]:
                    idle[row] = 0
    return is_missed
