"""Prices of loads: what a unit of capacity costs on loads that leave full or do not run, and what loads add to the bound.

Here: dual prices that follow from load costs. Not here: those of the restricted master problem (``master``).
"""

from __future__ import annotations

import numpy as np

from positioning.inputs.problem import Problem
from positioning.optimizer.master import MasterSolution
from positioning.optimizer.parameters import Parameters


def marginal_prices(problem: Problem, choice: MasterSolution, parameters: Parameters) -> np.ndarray:
    """Return prices for small changes of ``choice``: room at its price, loads that do not go at a whole load a unit.

    With few skus the price of a load's room is what its own columns make of it, not others: it is 0 then.
    """
    dual_prices = choice.dual_prices
    if parameters.are_few(len(problem.catalog.skus)):
        dual_prices = np.where([row.load >= 0 for row in problem.shared.resources], 0.0, dual_prices)
    return np.maximum(dual_prices, shut_prices(problem, choice.loads))


def shut_prices(problem: Problem, loads: np.ndarray) -> np.ndarray:
    """Return a dual price of a whole load per unit of capacity on loads that do not go, 0 elsewhere, (n_resources,).

    Parameters
    ----------
    problem
        The problem.
    loads
        Loads by entry of ``shared.loads``, (n_loads,).

    """
    shut = {load.shipment: load.eur for load, amount in zip(problem.shared.loads, loads, strict=True) if amount <= 0}
    return np.array([shut.get(resource.load, 0.0) for resource in problem.shared.resources])


def full_load_prices(problem: Problem) -> np.ndarray:
    """Return the price of each resource when loads leave full: their cost by what they carry, else 0.

    Where both volume and mass are limited the volume carries the price.
    """
    eur = {load.shipment: load.eur for load in problem.shared.loads}
    dual_prices, priced = np.zeros(len(problem.shared.resources)), set()
    for row in sorted(range(len(dual_prices)), key=lambda row: problem.shared.resources[row].kind != "load_volume"):
        resource = problem.shared.resources[row]
        if resource.load >= 0 and resource.load not in priced and resource.capacity > 0:
            dual_prices[row] = eur[resource.load] / resource.capacity
            priced.add(resource.load)
    return dual_prices


def load_terms_eur(problem: Problem, dual_prices: np.ndarray, owed: np.ndarray) -> float:
    """Return what loads and capacity add to the lower bound at given dual prices.

    For a load, the minimum over whole numbers n of n (cost − Σ size × price) − (n ≥ 1) owed is at 0, at one load, or at
    the most. Capacity of other resources is sold at its price.

    Parameters
    ----------
    problem
        The problem.
    dual_prices
        Dual price of each resource, (n_resources,), at least 0.
    owed
        Linking duals of all SKUs by shipment, EUR, (n_shipments,).

    """
    worth = {load.shipment: 0.0 for load in problem.shared.loads}
    sold = 0.0
    for price, row in zip(dual_prices, problem.shared.resources, strict=True):
        if row.load >= 0:
            worth[row.load] += price * row.capacity
        else:
            sold += price * row.capacity
    saved = 0.0
    for load in problem.shared.loads:
        surplus = worth[load.shipment] - load.eur
        most = load.most if surplus > 1e-9 else 1.0
        saved += max(0.0, most * surplus + owed[load.shipment]) if load.most >= 1 else 0.0
    return -(sold + saved)
