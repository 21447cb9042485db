"""Money counted by the problem's own scale, so that a plan does not depend on the currency's unit.

The optimizer's tolerances are absolute and fit amounts of some units of money per piece. So it works on a problem
whose money is divided by ``unit_eur``, a tenth of what a typical piece is worth, and its answers are multiplied by
it. Here: the unit, and the problem in it. Not here: any decision.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from positioning.explain.attribution import Outcome
from positioning.inputs.costs import KG, Prices
from positioning.inputs.problem import Problem
from positioning.optimizer.column_generation import Optimum

_UNITS_PER_PIECE = 10.0
# Amounts keep so many binary digits: those of two currencies then become the same numbers.
_DIGITS = 2.0**44
_Part = TypeVar("_Part")


def unit_eur(problem: Problem) -> float:
    """Return a tenth of what a piece is worth: the median over skus of cost plus lost sale, of those with demand.

    Where goods and sales have no value it is a tenth of the median cost of a lane, and 1 where those are free too.
    """
    specified, lanes = problem.catalog, problem.network
    requested = problem.demand.mean_units.sum(axis=(1, 2)) > 0
    per_kg = np.median(specified.mass_kg) if len(specified.skus) else 0.0
    lane_costs = [part.eur_per_unit + part.eur_per_kg * per_kg for part in (lanes.shipments, lanes.deliveries)]
    worth = specified.unit_cost_eur + specified.lost_sale_eur
    for amounts in (
        worth[requested],
        worth,
        np.concatenate(lane_costs),
        np.array([load.eur for load in problem.shared.loads]),
    ):
        if (amounts > 0).any():
            return float(np.median(amounts[amounts > 0])) / _UNITS_PER_PIECE
    return 1.0


def in_units(problem: Problem, unit: float) -> Problem:
    """Return ``problem`` with all money divided by ``unit``; settings, which the optimizer reads no money of, stay."""
    network, shared = problem.network, problem.shared
    prices = {field.name: float(_divided(getattr(problem.prices, field.name), unit)) for field in fields(Prices)}
    shared = replace(shared, loads=tuple(replace(load, eur=float(_divided(load.eur, unit))) for load in shared.loads))
    return replace(
        problem.with_shared(shared),
        network=replace(
            network, shipments=_all_divided(network.shipments, unit), deliveries=_all_divided(network.deliveries, unit)
        ),
        catalog=_all_divided(problem.catalog, unit),
        prices=Prices(**prices | {"terminal_value_rate": problem.prices.terminal_value_rate}),
        late_eur=_divided(problem.late_eur, unit),
    )  # fmt: skip


def optimum_in_eur(optimum: Optimum, unit: float) -> Optimum:
    """Return ``optimum`` of a problem in units of ``unit`` EUR, in EUR."""
    choice = optimum.choice
    columns = {sku: replace(column, eur=column.eur * unit) for sku, column in choice.column.items()}
    return Optimum(
        replace(choice, column=columns, dual_prices=choice.dual_prices * unit),
        {sku: eur * unit for sku, eur in optimum.no_shipment_eur.items()}, optimum.plan_eur * unit, optimum.bound_eur * unit,
    )  # fmt: skip


def outcome_in_eur(outcome: Outcome, unit: float) -> Outcome:
    """Return ``outcome`` of a problem in units of ``unit`` EUR, in EUR; kilograms stay."""
    money = np.full(KG + 1, unit)
    money[KG] = 1.0
    refusals = tuple(
        replace(row, loss_eur=row.loss_eur * unit, drop_eur=row.drop_eur * unit) for row in outcome.refusals
    )
    return replace(
        outcome, before=outcome.before * money, after=outcome.after * money, line_terms=outcome.line_terms * money,
        shares=outcome.shares * unit, refusals=refusals, hub_value=outcome.hub_value * unit,
    )  # fmt: skip


def _all_divided(part: _Part, unit: float) -> _Part:
    """Return ``part``, a dataclass, with the fields named as money divided."""
    names = [field.name for field in fields(part) if "eur" in field.name.split("_")]  # type: ignore[arg-type] # a dataclass
    return replace(part, **{name: _divided(getattr(part, name), unit) for name in names})  # type: ignore[type-var] # likewise


def _divided(eur: np.ndarray | float, unit: float) -> np.ndarray:
    mantissa, exponent = np.frexp(np.asarray(eur, dtype="float64") / unit)
    return np.ldexp(np.round(mantissa * _DIGITS) / _DIGITS, exponent)
