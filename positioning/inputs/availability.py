"""How likely a hub runs out before its next receipt, and what share of demand is filled.

Here: figures of one SKU from its demand law and the units sent. Not here: what is sent.
"""

from __future__ import annotations

import numpy as np

from foundation.demand_scenarios import draw
from positioning.inputs.demand import law
from positioning.inputs.problem import Problem
from positioning.inputs.subproblem import Subproblem
from positioning.inputs.time_buckets import Buckets


def cycle_stockout(problem: Problem, subproblem: Subproblem, units: np.ndarray) -> np.ndarray:
    """Return the probability that demand before the next receipt exceeds the stock, (H,).

    The demand is that of the regions whose nearest hub it is. The stock is the usable stock at the start, plus what the
    plan brings on that day, less what it takes.

    Parameters
    ----------
    problem
        The problem.
    subproblem
        The SKU's part of it.
    units
        Units on each shipment, (L,).

    """
    grid, specified = problem.settings.grid.days, problem.settings.positioning
    ends = np.maximum(-(-receipt_days(problem, subproblem, units) // grid), 1).astype(np.int64) * grid
    stock = subproblem.usable.copy()
    comes_now = problem.network.arrival_days[subproblem.lanes] <= 0
    np.add.at(stock, subproblem.destination[comes_now], units[comes_now])
    leaves = ~subproblem.is_supply
    np.subtract.at(stock, subproblem.origin[leaves], units[leaves])
    result = np.zeros(len(subproblem.hubs))
    key = (specified.seed, problem.catalog.skus[subproblem.sku], "cycle")
    for end in np.unique(ends):
        cycle = law(problem.demand, subproblem.sku, subproblem.regions, Buckets((0, int(end)), grid))
        demand = draw(cycle, specified.scenarios, key, is_stratified=True)[:, :, 0]
        for hub in np.flatnonzero(ends == end):
            result[hub] = (demand[:, subproblem.nearest == hub].sum(axis=1) > stock[hub] + 1e-9).mean()
    return result


def receipt_days(problem: Problem, subproblem: Subproblem, units: np.ndarray) -> np.ndarray:
    """Return the day after ``as_of`` of each hub's next receipt, (H,), at most the end of the cover window.

    It is the first arrival after the first day of a confirmed order or of a line of the plan. Without one, it is the
    first arrival that a departure decided at the next review could bring.

    Parameters
    ----------
    problem
        The problem.
    subproblem
        The SKU's part of it.
    units
        Units on each shipment, (L,).

    """
    window = float(problem.buckets.days[-1])
    lines = problem.stock.arrivals
    lines = lines[(lines["sku"] == subproblem.sku).to_numpy() & (lines["units"] > 0).to_numpy()]
    due = np.full(len(problem.network.hubs), np.inf)
    np.minimum.at(due, lines["hub"].to_numpy(dtype=np.int64), lines["day"].to_numpy(dtype="float64"))
    due = due[subproblem.hubs]
    arrives = problem.network.arrival_days[subproblem.lanes].astype("float64")
    is_sent = (units > 0) & (arrives > 0)
    np.minimum.at(due, subproblem.destination[is_sent], arrives[is_sent])
    could = np.full(len(subproblem.hubs), window)
    np.minimum.at(could, subproblem.destination, arrives + problem.settings.positioning.review_days)
    return np.asarray(np.minimum(np.where(np.isinf(due), could, due), window))


def fill_rates(nearest: np.ndarray, demand: np.ndarray, lost: np.ndarray, hubs: int) -> np.ndarray:
    """Return 1 − lost ÷ demanded units of the regions each hub is nearest to, (hubs,); NaN without demand.

    Parameters
    ----------
    nearest
        Nearest hub of each region, (R,); −1 without one.
    demand, lost
        Expected units of the cover window, (R,).
    hubs
        Number of hubs.

    """
    known = nearest >= 0
    requested = np.bincount(nearest[known], demand[known], hubs)
    missed = np.bincount(nearest[known], lost[known], hubs)
    rate = 1.0 - np.divide(missed, requested, out=np.full(hubs, np.nan), where=requested > 1e-12)
    return np.asarray(np.clip(rate, 0.0, 1.0))
