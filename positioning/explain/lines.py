"""The lines of a plan and their departures: units, dates, money and reasons as flat rows.

Here: sharing fixed loads, dropping lines that are not worth it, identities. Not here: the sentences on a line and the other tables
(``positioning.explain.tables``).
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from positioning.explain.attribution import Outcome, Refusal
from positioning.inputs.costs import KG, TERM
from positioning.inputs.inventory import is_still_rejected
from positioning.inputs.network import date_after
from positioning.inputs.problem import Problem
from positioning.money import unit_eur

_DIGITS = 16
_ALTERNATIVES = 5
# In units of the problem's money.
_NO_LOSS = 0.005
# What a planner reads of the model's terms; costs saved are positive.
SAVINGS = {
    "saved_lost_sales_eur": ("lost_sales",),
    "saved_delivery_eur": ("delivery",),
    "saved_late_eur": ("late",),
    "saved_keeping_eur": ("holding", "storage"),
    "saved_goods_eur": ("supply", "end_value"),
    "saved_moving_eur": ("transfer", "handling", "churn", "carbon"),
}


def line_table(problem: Problem, outcomes: list[Outcome]) -> pd.DataFrame:
    """Return one row per line of the plan with its share of benefit before and after fixed loads."""
    rows = [_row(problem, outcome, index) for outcome in outcomes for index in range(len(outcome.lanes))]
    lines = pd.DataFrame(rows, columns=_COLUMNS)
    lines["fixed_share_eur"] = _fixed_shares(problem, lines)
    lines["benefit_eur"] = lines["share_eur"] - lines["fixed_share_eur"]
    lines["cost_eur"] += lines["fixed_share_eur"]
    is_alone = lines.groupby("shipment")["units"].transform("size") == 1
    saved = np.where(is_alone, lines["fixed_share_eur"], 0.0)
    lines["loss_if_refused_eur"] = lines["loss_eur"] - saved
    lines["drop_eur"] = lines["drop_eur"] - saved
    return lines


def load_table(problem: Problem, lines: pd.DataFrame) -> pd.DataFrame:
    """Return one row per departure in use: loads it takes, their fixed cost, fill by volume and mass."""
    lanes = problem.network.shipments
    summed = lines.groupby("shipment", sort=True)[["liters", "kilograms", "units", "share_eur"]].sum().reset_index()
    index = summed["shipment"].to_numpy(dtype="int64")
    by_volume = summed["liters"].to_numpy(dtype="float64") / lanes.load_l[index]
    by_mass = summed["kilograms"].to_numpy(dtype="float64") / lanes.load_kg[index]
    loads = np.maximum(np.ceil(np.maximum(by_volume, by_mass) - 1e-9), 1.0)
    return summed.assign(
        loads=loads, fixed_eur=loads * lanes.eur_per_load[index],
        volume_fill_rate=np.where(np.isfinite(lanes.load_l[index]), np.minimum(by_volume / loads, 1.0), np.nan),
        mass_fill_rate=np.where(np.isfinite(lanes.load_kg[index]), np.minimum(by_mass / loads, 1.0), np.nan),
    )  # fmt: skip


def unworthy(problem: Problem, lines: pd.DataFrame) -> pd.Series:
    """Return which lines are not proposed: below the least benefit, better left out, or refused lately and not much better now."""
    is_small = (lines["benefit_eur"] < problem.settings.positioning.min_benefit_eur) | (
        lines["drop_eur"] < -_NO_LOSS * unit_eur(problem)
    )
    keys = lines[["kind", "sku", "origin", "destination"]].itertuples(index=False, name=None)
    pairs = zip(keys, lines["benefit_eur"], strict=True)
    is_refused = [is_still_rejected(problem.previous, key, benefit) for key, benefit in pairs]
    return is_small | pd.Series(is_refused, index=lines.index, dtype=bool)


def proposal_id(kind: str, sku: str, origin: str, destination: str, departure_id: str) -> str:
    """Return the identity of a proposal: a hash of what it is, not of how much."""
    text = "\x1f".join((kind, sku, origin, destination, departure_id))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


_COLUMNS = [
    "shipment", "sku_at", "kind", "sku", "origin", "destination", "lane", "departure_id", "proposal_id", "units", "packs",
    "ship_date", "arrival_date", "decide_by", "is_outlook", "cost_eur", "kg_co2e", "liters", "kilograms", "share_eur",
    "loss_eur", "drop_eur", "pays_rate", "next_best", *SAVINGS, "fewer_lost_units",
]  # fmt: skip


def _row(problem: Problem, outcome: Outcome, index: int) -> tuple[object, ...]:
    network, specified = problem.network, problem.catalog
    shipment, units = int(outcome.lanes[index]), float(outcome.units[index])
    lanes = network.shipments
    kind = "supply" if lanes.is_supply[shipment] else "transfer"
    sku, origin = specified.skus[outcome.sku], network.shipment_origin(shipment)
    destination = network.hubs[lanes.destination[shipment]]
    ship = date_after(network.as_of, int(network.ship_days[shipment]))
    departure_id = _departure_id(problem, shipment)
    refusal = outcome.refusals[index]
    pack = problem.limits.sizes(outcome.sku, outcome.lanes[[index]])[0][0]
    terms = outcome.line_terms[index]
    paid = sum(terms[TERM[name]] for name in ("transfer", "supply", "handling", "carbon", "churn"))
    saved = outcome.before - outcome.after
    part = float(outcome.shares[index] / outcome.shares.sum()) if abs(outcome.shares.sum()) > 1e-9 else 0.0
    fewer_lost = float(outcome.served_before.lost.sum() - outcome.served_after.lost.sum())
    return (
        shipment, outcome.sku, kind, sku, origin, destination, lanes.lane[shipment], departure_id,
        proposal_id(kind, sku, origin, destination, departure_id), units, round(units / pack), ship,
        date_after(network.as_of, int(network.arrival_days[shipment])), network.departures[shipment].decide_by,
        network.departures[shipment].is_outlook, paid * units, terms[KG] * units, specified.volume_l[outcome.sku] * units,
        specified.mass_kg[outcome.sku] * units, float(outcome.shares[index]), refusal.loss_eur, refusal.drop_eur, refusal.pays_rate, _next_best(problem, refusal),
        *(part * float(sum(saved[TERM[name]] for name in names)) for names in SAVINGS.values()), part * fewer_lost,
    )  # fmt: skip


def _departure_id(problem: Problem, shipment: int) -> str:
    network = problem.network
    ship = date_after(network.as_of, int(network.ship_days[shipment]))
    return f"{network.shipments.lane[shipment]}@{ship.date().isoformat()}"


def _next_best(problem: Problem, refusal: Refusal) -> str:
    """Return what would be sent differently, most units first: ``A>B@2024-05-27 +12|…``; at most five."""
    ranked = sorted(refusal.instead, key=lambda change: (-abs(change[1]), change[0]))
    return "|".join(f"{_departure_id(problem, shipment)} {units:+.0f}" for shipment, units in ranked[:_ALTERNATIVES])


def _fixed_shares(problem: Problem, lines: pd.DataFrame) -> np.ndarray:
    """Return what each line pays of its departure's loads, EUR."""
    departures = load_table(problem, lines)
    part, gain = _binding_part(problem, lines).to_numpy(), lines["share_eur"].to_numpy(dtype="float64")
    able = np.maximum(gain - problem.settings.positioning.min_benefit_eur, 0.0)
    shares = np.zeros(len(lines))
    shipment = lines["shipment"].to_numpy(dtype="int64")
    for index, fixed_eur in zip(departures["shipment"], departures["fixed_eur"], strict=True):
        rows = np.flatnonzero(shipment == index)
        shares[rows] = paid_shares(float(fixed_eur), part[rows], able[rows])
    return shares


def paid_shares(fixed_eur: float, part: np.ndarray, able: np.ndarray) -> np.ndarray:
    """Return who pays ``fixed_eur``: by ``part`` (n,), which add up to 1, unless a line would pay more than ``able`` (n,).

    Then all pay by what they are able to: while a departure pays for all that its lines must be worth, none of them has
    a reason to stay away, and none is dropped for what its load costs anyway. Where all together are not able to pay it goes by part.

    >>> paid_shares(30.0, np.array([0.5, 0.25, 0.25]), np.array([20.0, 40.0, 40.0])).tolist()
    [15.0, 7.5, 7.5]
    >>> paid_shares(30.0, np.array([0.5, 0.25, 0.25]), np.array([10.0, 40.0, 50.0])).tolist()
    [3.0, 12.0, 15.0]
    """
    by_part, together = fixed_eur * part, able.sum()
    if (by_part <= able).all() or together < fixed_eur or together <= 0.0:
        return by_part
    return fixed_eur * able / together


def _binding_part(problem: Problem, lines: pd.DataFrame) -> pd.Series:
    """Return each line's part of its departure in the dimension that fills first; by units without sizes."""
    lanes, index = problem.network.shipments, lines["shipment"].to_numpy(dtype="int64")
    summed = lines.groupby("shipment")[["liters", "kilograms", "units"]].transform("sum")
    by_volume, by_mass = summed["liters"] / lanes.load_l[index], summed["kilograms"] / lanes.load_kg[index]
    is_volume = (by_volume >= by_mass) & (by_volume > 0)
    part = np.where(is_volume, lines["liters"] / summed["liters"].where(summed["liters"] > 0, 1.0), 0.0)
    mass = lines["kilograms"] / summed["kilograms"].where(summed["kilograms"] > 0, 1.0)
    part = np.where(~is_volume & (by_mass > 0), mass, part)
    has_size = is_volume | (by_mass > 0)
    return pd.Series(np.where(has_size, part, lines["units"] / summed["units"]), index=lines.index)
