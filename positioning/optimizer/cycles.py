"""Goods of a sku sent round in a circle between hubs: each of them is sent less until none is.

Sending a sku both ways between two hubs, or around a cycle of hubs, in one plan moves nothing. Where moving is free
the optimizer is indifferent to it. Here: taking it back. Not here: what a plan costs without it.
"""

from __future__ import annotations

import numpy as np

from positioning.inputs.subproblem import Subproblem


def without_cycles(subproblem: Subproblem, units: np.ndarray) -> list[np.ndarray]:
    """Return units without cycles of transfers: one plan, or two where a smallest size is in the way.

    Every shipment of a cycle is reduced by the least of them. What is left below its smallest size is not sent, or, in
    the second plan, raised to that size.

    Parameters
    ----------
    subproblem
        The SKU.
    units
        Units on each shipment, (L,).

    """
    down = up = units
    while (cycle := _cycle(subproblem, down)) is not None:
        down = _reduced(subproblem, down, cycle, is_raised=False)
    while (cycle := _cycle(subproblem, up)) is not None:
        up = _reduced(subproblem, up, cycle, is_raised=True)
    return [down] if (down == up).all() else [down, up]


def _reduced(subproblem: Subproblem, units: np.ndarray, cycle: list[int], *, is_raised: bool) -> np.ndarray:
    left = units.copy()
    left[cycle] -= units[cycle].min()
    small = (left > 0) & (left < subproblem.limits.least)
    return np.where(small, subproblem.limits.least if is_raised else 0.0, left)


def _cycle(subproblem: Subproblem, units: np.ndarray) -> list[int] | None:
    """Return the shipments of a cycle, found from the first hub on, or None."""
    used = np.flatnonzero((units > 0) & ~subproblem.is_supply)
    leaving = {
        hub: [int(lane) for lane in used if subproblem.origin[lane] == hub] for hub in range(len(subproblem.hubs))
    }
    done: set[int] = set()

    def walk(hub: int, path: list[int], on_path: list[int]) -> list[int] | None:
        for lane in leaving[hub]:
            to = int(subproblem.destination[lane])
            if to in on_path:
                return [*path[on_path.index(to) :], lane]
            if to not in done and (result := walk(to, [*path, lane], [*on_path, to])) is not None:
                return result
        done.add(hub)
        return None

    for start in range(len(subproblem.hubs)):
        if start not in done and (result := walk(start, [], [start])) is not None:
            return result
    return None
