"""What a replay writes down, period by period: euro by term, units and the moves.

Purchase and the value of what is left are kept beside the operating terms: see ``Ledger.value_eur``.
Not here: the formulas of the costs (costs) and of the KPIs (kpis).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from foundation.settings import Settings
from positioning.simulation.admission import Shipments
from positioning.simulation.world import Lanes, Network

OPERATING_TERMS = (
    "transfer_eur", "supply_eur", "handling_eur", "delivery_eur", "late_eur", "lost_sales_eur",
    "holding_eur", "storage_eur", "carbon_eur", "churn_eur",
)  # fmt: skip
GOODS_TERMS = ("purchase_eur", "goods_sold_eur", "stock_change_eur")
TERMS = OPERATING_TERMS + GOODS_TERMS
UNIT_COUNTS = ("demanded", "served", "local", "on_time", "transferred", "supplied")
REPLICATES = 2_000
_SEED = 20_160_425


@dataclass
class Ledger:
    """The account of one policy.

    Attributes
    ----------
    policy
        Name of the policy.
    eur
        Costs in the order of ``TERMS``, EUR, (n_terms, K, T).
    units
        Units in the order of ``UNIT_COUNTS``, int64, (n_counts, K, T).
    kg_co2e
        Emissions, kilograms, (K, T).
    stock
        Units at the end of each period, int64, (K, H, T).
    lead_units
        Units served by days from order to delivery, int64, (n_days,).
    moves
        Period and arrays of SKU, lane, and units of each decision.
    plans
        Period and requests of each decision, outlook lines included.
    refused_units
        Requested units that were not admitted.

    """

    policy: str
    eur: np.ndarray
    units: np.ndarray
    kg_co2e: np.ndarray
    stock: np.ndarray
    lead_units: np.ndarray
    moves: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    plans: list[tuple[int, pd.DataFrame]] = field(default_factory=list)
    refused_units: int = 0

    def count(self, name: str) -> int:
        """Return the units of count ``name`` over the whole replay."""
        return int(self.units[UNIT_COUNTS.index(name)].sum())

    def term_eur(self, name: str) -> float:
        """Return the euro of term ``name`` over the whole replay."""
        return float(self.eur[TERMS.index(name)].sum())

    def sku_eur(self, *, with_goods: bool) -> np.ndarray:
        """Return each SKU's cost (K,): the operating terms, and the goods' terms if asked for."""
        n_terms = len(TERMS) if with_goods else len(OPERATING_TERMS)
        return self.eur[:n_terms].sum(axis=(0, 2))

    def value_eur(self, *, with_goods: bool) -> float:
        """Return V, the cost of the replay; lower is better.

        Without goods: the operating terms. With goods: plus purchase, less the value at cost of the
        units sold (``lost_sale_eur`` is a contribution, so what a sale brings is net of cost), less
        the change of the value of stock and goods on the road, what is left written down to
        ``positioning.terminal_value_rate`` of cost. Every policy's leftovers are valued alike.
        """
        return float(self.sku_eur(with_goods=with_goods).sum())


def open_ledger(policy: str, shape: tuple[int, int, int], longest_days: int) -> Ledger:
    """Return an empty account for (K, H, T) and deliveries of up to ``longest_days``."""
    n_skus, n_hubs, periods = shape
    return Ledger(
        policy,
        np.zeros((len(TERMS), n_skus, periods)),
        np.zeros((len(UNIT_COUNTS), n_skus, periods), dtype=np.int64),
        np.zeros((n_skus, periods)),
        np.zeros((n_skus, n_hubs, periods), dtype=np.int64),
        np.zeros(longest_days + 1, dtype=np.int64),
    )


def tidy(ledger: Ledger, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the euro by policy × date × term, every term on every date."""
    by_term = ledger.eur.sum(axis=1)
    return pd.DataFrame(
        {
            "policy": ledger.policy,
            "date": np.tile(dates.to_numpy(), len(TERMS)),
            "term": np.repeat(np.array(TERMS, dtype=object), len(dates)),
            "eur": by_term.ravel(),
        }
    ).astype({"policy": "str", "term": "str"})


@dataclass(frozen=True)
class Prices:
    """Prices that the settings give.

    Attributes
    ----------
    carbon_eur_per_kg
        Cost of a kilogram of CO2e, EUR.
    churn_eur_per_unit
        Churn penalty per moved unit, EUR.
    handling_eur_per_unit
        Handling cost per transferred unit, EUR.
    terminal_value_rate
        Value of a leftover unit as a share of its cost.

    """

    carbon_eur_per_kg: float
    churn_eur_per_unit: float
    handling_eur_per_unit: float
    terminal_value_rate: float


def read_prices(settings: Settings) -> Prices:
    """Return the prices of ``settings.positioning``."""
    specified = settings.positioning
    return Prices(specified.carbon_eur_per_t / 1000.0, specified.churn_eur_per_unit, specified.handling_eur_per_unit, specified.terminal_value_rate)  # fmt: skip


def load_costs(ships: Shipments, network: Network) -> np.ndarray:
    """Return each line's share (n,) of the loads its departure pays.

    A departure pays ``eur_per_load`` for every started load, by volume or by mass, whichever needs
    more. Lines share by the dimension that decides; a lane with unlimited loads pays one.
    """
    lanes, skus = network.lanes, network.skus
    size = len(lanes.index)
    litres, kilos = skus.volume_l[ships.sku] * ships.units, skus.mass_kg[ships.sku] * ships.units
    by_litres = np.bincount(ships.lane, litres, size) / lanes.load_l
    by_kilos = np.bincount(ships.lane, kilos, size) / lanes.load_kg
    used = np.bincount(ships.lane, ships.units, size) > 0
    loads = np.where(used, np.maximum(np.ceil(np.maximum(by_litres, by_kilos) - 1e-9), 1.0), 0.0)
    weight = np.where((by_litres >= by_kilos)[ships.lane], litres, kilos)
    total = np.bincount(ships.lane, weight, size)
    units = np.bincount(ships.lane, ships.units, size)
    has_weight = (total > 0)[ships.lane]
    share = np.where(has_weight, weight, ships.units) / np.where(has_weight, total[ships.lane], units[ships.lane])
    return share * (loads * lanes.eur_per_load)[ships.lane]


def book_shipments(ledger: Ledger, period: int, ships: Shipments, network: Network, prices: Prices) -> None:
    """Book transport, loads, handling, churn, carbon and purchase of what leaves in ``period``."""
    lanes, n_skus = network.lanes, len(network.skus.index)
    sku, lane, units = ships.sku, ships.lane, ships.units
    transport = lanes.unit_eur[sku, lane] * units + load_costs(ships, network)
    is_supply = lanes.is_supply[lane]

    def add(term: str, eur: np.ndarray) -> None:
        ledger.eur[TERMS.index(term), :, period] += np.bincount(sku, eur, n_skus)

    def count(name: str, rows: np.ndarray) -> None:
        ledger.units[UNIT_COUNTS.index(name), :, period] += np.bincount(sku, units * rows, n_skus).astype(np.int64)

    add("transfer_eur", np.where(is_supply, 0.0, transport))
    add("supply_eur", np.where(is_supply, transport, 0.0))
    add("handling_eur", np.where(is_supply, 0.0, units * prices.handling_eur_per_unit))
    add("churn_eur", np.where(is_supply, 0.0, units * prices.churn_eur_per_unit))
    add("purchase_eur", purchase_eur(sku, lane, network) * units)
    kg_co2e = lanes.kg_co2e[sku, lane] * units
    add("carbon_eur", kg_co2e * prices.carbon_eur_per_kg)
    ledger.kg_co2e[:, period] += np.bincount(sku, kg_co2e, n_skus)
    count("transferred", ~is_supply)
    count("supplied", is_supply)


def purchase_eur(sku: np.ndarray, lane: np.ndarray, network: Network) -> np.ndarray:
    """Return the purchase price of a unit of each line, EUR, (n,); 0 for a transfer.

    Parameters
    ----------
    sku, lane
        Positions of SKU and lane, (n,).
    network
        The network.

    """
    is_supply, origin = network.lanes.is_supply[lane], network.lanes.origin[lane]
    if not len(network.supply.index):
        return np.zeros(len(sku))
    price = network.supply.unit_cost_eur[np.where(is_supply, origin, 0), sku]
    return np.where(is_supply, price, 0.0)


def book_service(ledger: Ledger, period: int, served_demand: tuple[np.ndarray, np.ndarray], network: Network, prices: Prices) -> None:  # fmt: skip
    """Book what was shipped (K, H, R) against the demand (K, R) of the period."""
    delivery, skus = network.delivery, network.skus
    shipped, demand = served_demand
    kg_co2e = np.einsum("khr,khr->k", delivery.kg_co2e, shipped)
    served = shipped.sum(axis=(1, 2))
    lost = demand.sum(axis=1) - served
    index = (slice(None), period)
    carriage = np.where(shipped > 0, delivery.cost_eur, 0.0)
    terms = {
        "delivery_eur": np.einsum("khr,khr->k", carriage, shipped),
        "late_eur": np.einsum("khr,khr->k", delivery.late_eur, shipped),
        "lost_sales_eur": lost * skus.lost_sale_eur,
        "goods_sold_eur": -served * skus.unit_cost_eur,
        "carbon_eur": kg_co2e * prices.carbon_eur_per_kg,
    }
    for term, eur in terms.items():
        ledger.eur[TERMS.index(term)][index] += eur
    ledger.kg_co2e[index] += kg_co2e
    hubs = np.arange(shipped.shape[1])[None, :, None]
    counts = {
        "demanded": demand.sum(axis=1),
        "served": served,
        "local": np.where(delivery.nearest[:, None, :] == hubs, shipped, 0).sum(axis=(1, 2)),
        "on_time": np.where(delivery.is_late, 0, shipped).sum(axis=(1, 2)),
    }
    for name, units in counts.items():
        ledger.units[UNIT_COUNTS.index(name)][index] += units
    ledger.lead_units += np.bincount(delivery.lead_days.ravel(), shipped.ravel(), len(ledger.lead_units)).astype(
        np.int64
    )


def book_stock(ledger: Ledger, period: int, on_hand: np.ndarray, network: Network) -> None:
    """Book holding and storage of what is left at the end of the period, (K, H)."""
    ledger.eur[TERMS.index("holding_eur"), :, period] += (on_hand * network.hubs.holding_eur).sum(axis=1)
    ledger.eur[TERMS.index("storage_eur"), :, period] += (on_hand * network.hubs.storage_eur).sum(axis=1)
    ledger.stock[:, :, period] = on_hand


def book_goods(ledger: Ledger, opening_units: np.ndarray, left_units: np.ndarray, network: Network, prices: Prices) -> None:  # fmt: skip
    """Book the change of the value of goods on the last day: opening at cost, what is left written down.

    Both (K,), stock and road together. Bought − sold − (opening − left) = 0, so with purchase at cost
    the goods' terms together are the write-down of what is left.
    """
    cost = network.skus.unit_cost_eur
    change = cost * opening_units - cost * prices.terminal_value_rate * left_units
    ledger.eur[TERMS.index("stock_change_eur"), :, -1] += change


def load_eur_per_unit(lanes: Lanes, volume_l: np.ndarray, mass_kg: np.ndarray) -> np.ndarray:
    """Return a unit's share of a full load, EUR, (K, L), by the dimension that the mean SKU fills first.

    One dimension per lane, so that the loads of a departure never cost less than these shares of all units on it: loads
    ≥ volume ÷ load_l and loads ≥ mass ÷ load_kg. Loads without a size share 0.

    Parameters
    ----------
    lanes
        The lanes.
    volume_l, mass_kg
        Size of a unit, (K,).

    """
    by_litres = volume_l.mean() / lanes.load_l >= mass_kg.mean() / lanes.load_kg
    full = np.where(by_litres, lanes.load_l, lanes.load_kg)
    size = np.where(by_litres[None, :], volume_l[:, None], mass_kg[:, None])
    return np.asarray(size / full[None, :] * lanes.eur_per_load[None, :])


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval.

    Attributes
    ----------
    value
        The estimate.
    low, high
        Bounds of the interval, inclusive.

    """

    value: float
    low: float
    high: float


def closed(no_shipment_eur: float, policy_eur: float, bound_eur: float) -> float:
    """Return the share of the possible savings that a policy achieves: 1 at the lower bound, 0 for no shipments.

    NaN where there are no possible savings, or where they are unlimited.
    """
    possible = no_shipment_eur - bound_eur
    return (no_shipment_eur - policy_eur) / possible if 1e-9 < possible < np.inf else float("nan")


def paired_difference(policy_eur: np.ndarray, other_eur: np.ndarray) -> Interval:
    """Return Σ (policy − other) over SKUs with its bootstrap interval; below 0 the policy costs less.

    SKUs are drawn with replacement, both policies together; the bounds are the 2.5% and 97.5% percentiles of the
    replicates.

    Parameters
    ----------
    policy_eur, other_eur
        Cost of each SKU, (K,).

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    """
    difference = policy_eur - other_eur
    return _interval(float(difference.sum()), _weights(len(difference)) @ difference)


def closed_interval(no_shipment_eur: np.ndarray, policy_eur: np.ndarray, bound_eur: np.ndarray) -> Interval:
    """Return ``closed`` over SKUs with its bootstrap interval.

    Parameters
    ----------
    no_shipment_eur, policy_eur, bound_eur
        Cost of each SKU without shipments, of the policy, and at the lower bound, (K,).

    """
    weights = _weights(len(no_shipment_eur))
    gained, possible = weights @ (no_shipment_eur - policy_eur), weights @ (no_shipment_eur - bound_eur)
    value = closed(float(no_shipment_eur.sum()), float(policy_eur.sum()), float(bound_eur.sum()))
    drawn = np.divide(gained, possible, out=np.full(len(gained), np.nan), where=possible > 1e-9)
    return _interval(value, drawn)


def summary(ledgers: list[Ledger], bounds: dict[bool, np.ndarray], judged: str) -> pd.DataFrame:
    """Return one row per policy: cost V, closed with its interval, the differences from no shipments and from ``judged``.

    Parameters
    ----------
    ledgers
        Accounts of the policies; the first one makes no shipments.
    bounds
        Lower bound on the cost of each SKU (K,), without (False) and with inventory value (True).
    judged
        Name of the policy that the others are compared with; ``extra_cost_eur`` is their additional cost.
    """
    rows, reference = [], next(ledger for ledger in ledgers if ledger.policy == judged)
    for ledger in ledgers:
        row: dict[str, object] = {"policy": ledger.policy}
        for with_goods, ending in ((False, ""), (True, "_with_goods")):
            no_shipment, cost = ledgers[0].sku_eur(with_goods=with_goods), ledger.sku_eur(with_goods=with_goods)
            share = closed_interval(no_shipment, cost, bounds[with_goods])
            change = paired_difference(no_shipment, cost)
            more = paired_difference(cost, reference.sku_eur(with_goods=with_goods))
            row |= {
                f"value_eur{ending}": float(cost.sum()),
                f"closed{ending}": share.value, f"closed_low{ending}": share.low, f"closed_high{ending}": share.high,
                f"saved_eur{ending}": change.value, f"saved_eur_low{ending}": change.low, f"saved_eur_high{ending}": change.high,
                f"extra_cost_eur{ending}": more.value, f"extra_cost_eur_low{ending}": more.low, f"extra_cost_eur_high{ending}": more.high,
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).astype({"policy": "str"})


@lru_cache(maxsize=2)
def _weights(size: int) -> np.ndarray:
    """Return how often each SKU is drawn in each replicate, (REPLICATES, size)."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(size, np.full(size, 1.0 / size), REPLICATES).astype(np.float64)


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return Interval(value, float(low), float(high))
