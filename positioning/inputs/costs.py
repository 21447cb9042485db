"""What things cost: each term of the objective as one small function, in EUR per unit.

The order of ``TERMS`` is the order of the plan's terms; credits are negative here. ``KG`` is one more
entry that counts kilograms of CO2e and costs nothing. Not here: quantities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.inputs.network import Lanes

TERMS = (
    "transfer", "supply", "handling", "delivery", "late", "lost_sales", "holding", "storage", "carbon", "churn", "end_value",
)  # fmt: skip
TERM = {name: position for position, name in enumerate(TERMS)}
KG = len(TERMS)
N_TERMS = len(TERMS) + 1


@dataclass(frozen=True)
class Prices:
    """Prices that the settings give.

    Attributes
    ----------
    carbon_eur_per_t
        Cost of a metric ton of CO2e, EUR.
    churn_eur_per_unit
        Churn penalty per moved unit, EUR.
    handling_eur_per_unit
        Handling cost per transferred unit, EUR.
    terminal_value_rate
        Value of a leftover unit as a share of its cost.

    """

    carbon_eur_per_t: float
    churn_eur_per_unit: float
    handling_eur_per_unit: float
    terminal_value_rate: float


@dataclass(frozen=True)
class SkuCosts:
    """What the cost terms of one SKU need.

    Attributes
    ----------
    unit_cost_eur, lost_sale_eur
        Cost of a unit and of a lost sale, EUR.
    mass_kg, volume_l
        Size of a unit.

    """

    unit_cost_eur: float
    lost_sale_eur: float
    mass_kg: float
    volume_l: float


def total(terms: np.ndarray) -> np.ndarray:
    """Return the cost of ``terms`` (…, N_TERMS): the signed sum without the kilograms."""
    return terms[..., :KG].sum(axis=-1)


def lane_cost(lanes: Lanes, rows: np.ndarray, sku_costs: SkuCosts) -> np.ndarray:
    """Transport of one unit: the lane's price per unit plus per kilogram."""
    return lanes.eur_per_unit[rows] + lanes.eur_per_kg[rows] * sku_costs.mass_kg


def load_share(lanes: Lanes, rows: np.ndarray, sku_costs: SkuCosts) -> np.ndarray:
    """One unit's share of a load's fixed cost when loads leave full, by the dimension that fills first."""
    share = np.maximum(sku_costs.volume_l / lanes.load_l[rows], sku_costs.mass_kg / lanes.load_kg[rows])
    return lanes.eur_per_load[rows] * share


def kg_co2e(lanes: Lanes, rows: np.ndarray, sku_costs: SkuCosts) -> np.ndarray:
    """Emission of one unit, well to wheel: tonnes × kilometers × factor."""
    return lanes.kg_co2e_per_t[rows] * sku_costs.mass_kg / 1000.0


def shipment_terms(
    lanes: Lanes, rows: np.ndarray, sku_costs: SkuCosts, prices: Prices, purchase_eur: np.ndarray
) -> np.ndarray:
    """Return the cost terms of one unit on each shipment, (n, N_TERMS).

    Orders pay transport and purchase. Transfers pay transport, handling, and the churn penalty.

    Parameters
    ----------
    lanes
        Lanes.
    rows
        Positions of lanes, (n,).
    sku_costs
        Costs and size of the SKU.
    prices
        Prices of the settings.
    purchase_eur
        Purchase price of a unit on each shipment, EUR, (n,).

    """
    terms = np.zeros((len(rows), N_TERMS))
    is_supply = lanes.is_supply[rows]
    transport = lane_cost(lanes, rows, sku_costs)
    terms[:, TERM["transfer"]] = np.where(is_supply, 0.0, transport)
    terms[:, TERM["supply"]] = np.where(is_supply, transport + purchase_eur, 0.0)
    terms[:, TERM["handling"]] = np.where(is_supply, 0.0, prices.handling_eur_per_unit)
    terms[:, TERM["churn"]] = np.where(is_supply, 0.0, prices.churn_eur_per_unit)
    return _with_carbon(terms, kg_co2e(lanes, rows, sku_costs), prices)


def later_shipment_terms(
    lanes: Lanes, rows: np.ndarray, sku_costs: SkuCosts, prices: Prices, purchase_eur: np.ndarray
) -> np.ndarray:
    """Return the cost terms of one unit on later departures, (n, N_TERMS), with a share of a full load.

    Parameters
    ----------
    lanes
        Lanes.
    rows
        Positions of lanes, (n,).
    sku_costs
        Costs and size of the SKU.
    prices
        Prices of the settings.
    purchase_eur
        Purchase price of a unit on each shipment, EUR, (n,).

    """
    terms = shipment_terms(lanes, rows, sku_costs, prices, purchase_eur)
    share = load_share(lanes, rows, sku_costs)
    terms[:, TERM["transfer"]] += np.where(lanes.is_supply[rows], 0.0, share)
    terms[:, TERM["supply"]] += np.where(lanes.is_supply[rows], share, 0.0)
    return terms


def delivery_terms(
    lanes: Lanes, rows: np.ndarray, sku_costs: SkuCosts, prices: Prices, late_eur: np.ndarray
) -> np.ndarray:
    """Return the cost terms of serving one unit on each delivery lane, (n, N_TERMS).

    A unit sold credits its unit cost (``end_value``): a lost sale is charged its contribution only, so the goods of a
    sale must not count as spent.

    Parameters
    ----------
    lanes
        Lanes.
    rows
        Positions of lanes, (n,).
    sku_costs
        Costs and size of the SKU.
    prices
        Prices of the settings.
    late_eur
        Cost of lateness where the lane is slower than the promise, else 0, EUR, (n,).

    """
    terms = np.zeros((len(rows), N_TERMS))
    terms[:, TERM["delivery"]] = lane_cost(lanes, rows, sku_costs)
    terms[:, TERM["late"]] = late_eur
    terms[:, TERM["end_value"]] = -sku_costs.unit_cost_eur
    return _with_carbon(terms, kg_co2e(lanes, rows, sku_costs), prices)


def keeping_terms(holding_eur: float, storage_eur: float, days: float) -> np.ndarray:
    """Cost of keeping one unit at a hub for ``days``, (N_TERMS,)."""
    terms = np.zeros(N_TERMS)
    terms[TERM["holding"]] = holding_eur * days
    terms[TERM["storage"]] = storage_eur * days
    return terms


def lost_sale_terms(sku_costs: SkuCosts) -> np.ndarray:
    """Cost of one unit of demand not met, (N_TERMS,)."""
    terms = np.zeros(N_TERMS)
    terms[TERM["lost_sales"]] = sku_costs.lost_sale_eur
    return terms


def end_values(sku_costs: SkuCosts, prices: Prices, keeping_eur: np.ndarray, waits_days: np.ndarray) -> np.ndarray:
    """Return the value of one unit left by hub and rank, (n_hubs, n_ranks), falling and never negative.

    It is max(0, c·rate − k·w): unit cost c less aging, less the keeping cost k until demand beyond the window uses it
    after w days.

    Parameters
    ----------
    sku_costs
        Costs and size of the SKU.
    prices
        Prices of the settings; ``terminal_value_rate`` is the rate.
    keeping_eur
        Keeping cost k per day, EUR, (n_hubs,).
    waits_days
        Wait w, (n_hubs, n_ranks), days; infinite beyond the shelf life, where nothing is left.

    """
    waited = np.where(np.isinf(waits_days), 0.0, waits_days) * keeping_eur[:, None]
    value = sku_costs.unit_cost_eur * prices.terminal_value_rate - waited
    return np.where(np.isinf(waits_days), 0.0, np.maximum(value, 0.0))


def _with_carbon(terms: np.ndarray, kg: np.ndarray, prices: Prices) -> np.ndarray:
    terms[:, KG] = kg
    terms[:, TERM["carbon"]] = kg * prices.carbon_eur_per_t / 1000.0
    return terms
