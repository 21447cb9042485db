"""The whole plan as one mixed-integer program: slow, obvious, for small worlds only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, lil_array

from positioning.inputs.problem import Problem
from positioning.inputs.subproblem import build_subproblem
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache
from tests.oracle.sku_lp import Instance, build_program


@dataclass(frozen=True)
class Oracle:
    """Optimum (an upper bound where time ran out) and proven lower bound, EUR."""

    eur: float
    bound_eur: float


def all_open(sku: int, shipment: int) -> bool:
    """Close no shipment."""
    return False


def all_closed(sku: int, shipment: int) -> bool:
    """Close every shipment: the optimum is then the cost of sending no shipment."""
    return True


def solve_at_once(problem: Problem, seconds: float = 20.0, is_closed: Callable[[int, int], bool] = all_open) -> Oracle:
    """Solve all SKUs together with whole packs, minimum orders, shared capacities and whole loads.

    ``is_closed(sku, shipment)`` returns whether this run may not send a shipment; their later departures stay open.
    """
    cache = SubproblemCache(problem, Parameters())
    parts = []
    for sku in range(len(problem.catalog.skus)):
        subproblem = build_subproblem(problem, sku)
        instance = Instance(subproblem, cache.demand_scenarios(subproblem), cache.arrival[:, subproblem.lanes])
        parts.append((subproblem, build_program(instance)))
    sizes = [len(program.cost) for _, program in parts]
    sends = [len(subproblem.lanes) for subproblem, _ in parts]
    starts = np.cumsum([0, *sizes])
    first_pack, n_lanes = int(starts[-1]), int(sum(sends))
    first_open = first_pack + n_lanes
    first_load = first_open + n_lanes
    width = first_load + len(problem.shared.loads)
    cost, upper, whole = np.zeros(width), np.full(width, np.inf), np.zeros(width)
    whole[first_pack:] = 1
    upper[first_open:first_load] = 1
    for index, load in enumerate(problem.shared.loads):
        cost[first_load + index], upper[first_load + index] = load.eur, load.most
    rows, offset, lane = [], 0.0, 0
    shared = lil_array((len(problem.shared.resources), width))
    for (subproblem, program), start in zip(parts, starts, strict=False):
        end = start + len(program.cost)
        cost[start:end], upper[start:end] = program.cost, program.most
        offset += program.offset
        wide = csr_array((program.matrix.shape[0], width)).tolil()
        wide[:, start:end] = program.matrix.toarray()
        rows.append(LinearConstraint(wide.tocsr(), program.lower, program.upper))
        for send in range(len(subproblem.lanes)):
            if is_closed(subproblem.sku, int(subproblem.lanes[send])):
                upper[start + send] = 0.0
            most = min(float(subproblem.limits.most[send]), 500.0)
            packs = lil_array((3, width))
            packs[0, [start + send, first_pack + lane]] = [1.0, -subproblem.limits.pack[send]]
            packs[1, [start + send, first_open + lane]] = [1.0, -most]
            packs[2, [start + send, first_open + lane]] = [1.0, -subproblem.limits.least[send]]
            rows.append(LinearConstraint(packs.tocsr(), [0, -np.inf, 0], [0, 0, np.inf]))
            for row in range(len(problem.shared.resources)):
                shared[row, start + send] = subproblem.limits.uses[row, send]
            lane += 1
    place = {load.shipment: first_load + index for index, load in enumerate(problem.shared.loads)}
    opened = first_open
    for subproblem, _ in parts:
        for send in range(len(subproblem.lanes)):
            if int(subproblem.lanes[send]) in place:  # a departure in use pays a load, whatever the goods' size
                paid = lil_array((1, width))
                paid[0, [opened, place[int(subproblem.lanes[send])]]] = [1.0, -1.0]
                rows.append(LinearConstraint(paid.tocsr(), -np.inf, 0.0))
            opened += 1
    capacity = np.zeros(len(problem.shared.resources))
    for row, resource in enumerate(problem.shared.resources):
        if resource.load >= 0:
            shared[row, place[resource.load]] = -resource.capacity
        else:
            capacity[row] = resource.capacity
    if len(capacity):
        rows.append(LinearConstraint(shared.tocsr(), -np.inf, capacity))
    result = milp(
        cost,
        constraints=rows,
        bounds=Bounds(0, upper),
        integrality=whole,
        options={"time_limit": seconds, "mip_rel_gap": 1e-6},
    )
    assert result.status in (0, 1), result.message  # sending nothing is always possible
    eur = np.inf if result.fun is None else float(result.fun)
    bound = -np.inf if result.mip_dual_bound is None else float(result.mip_dual_bound)
    return Oracle(eur + offset, bound + offset)
