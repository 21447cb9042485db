"""The network a replay plays on: places, articles and lanes as frozen dense arrays.

Axes everywhere: sku × hub × region, each sorted by its identifier; K, H, R are their lengths, L the
number of lanes that move stock and T the number of periods. Missing columns take the defaults of
the table definitions. Not here: stock, demand and what a policy decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Skus:
    """Articles; arrays (K,)."""

    index: pd.Index
    unit_cost_eur: np.ndarray
    lost_sale_eur: np.ndarray
    mass_kg: np.ndarray
    volume_l: np.ndarray
    pack_units: np.ndarray
    handling_class: np.ndarray


@dataclass(frozen=True)
class Hubs:
    """Places that hold stock; capacities are infinite where none is given.

    Attributes
    ----------
    is_bound : (G, K), the SKUs each group of limits binds; the first group is every SKU, the others are handling classes.
    storage_l, inbound_units, outbound_units : (G, H, T), what the hub can hold, receive and transfer
        out of the group in a period.
    is_open : (H, T), whether the hub works; a closed hub neither ships nor receives.
    holding_eur : (K, H), holding a unit for one period.
    storage_eur : (K, H), the space of a unit for one period.
    min_units, max_units : (K, H), what stays and the most the hub may hold.
    frozen_until_day : (K, H), first day, counted from the start, on which the stock may leave; −inf: always.

    """

    index: pd.Index
    is_bound: np.ndarray
    storage_l: np.ndarray
    inbound_units: np.ndarray
    outbound_units: np.ndarray
    is_open: np.ndarray
    holding_eur: np.ndarray
    storage_eur: np.ndarray
    min_units: np.ndarray
    max_units: np.ndarray
    frozen_until_day: np.ndarray


@dataclass(frozen=True)
class Delivery:
    """Lanes hub → region.

    Attributes
    ----------
    cost_eur : (K, H, R), carriage of a unit; infinite where no lane carries the article.
    late_eur : (K, H, R), the price of lateness of a unit; 0 where it is on time.
    is_late : (K, H, R), lead time > promise.
    lead_days : (K, H, R), of the lane that carries the article.
    kg_co2e : (K, H, R), per unit.
    preference : (K, R, H) hubs by carriage plus lateness, then hub id; -1 past the last lane.
    nearest : (K, R) hub of the shortest lane that carries the article, ties by hub id; -1 if none.

    """

    regions: pd.Index
    cost_eur: np.ndarray
    late_eur: np.ndarray
    is_late: np.ndarray
    lead_days: np.ndarray
    kg_co2e: np.ndarray
    preference: np.ndarray
    nearest: np.ndarray


@dataclass(frozen=True)
class Lanes:
    """Lanes that move stock: transfer (hub → hub) and supply (supplier → hub); arrays (L,).

    ``origin`` counts hubs for transfers and suppliers for supply. ``weekdays`` is (L, 7), Monday
    first. ``cutoff_minutes`` is counted from midnight; a lane without one closes at midnight.
    ``unit_eur`` and ``kg_co2e`` are (K, L), per unit, without loads. ``is_allowed`` is (K, L).
    """

    index: pd.Index
    is_supply: np.ndarray
    origin: np.ndarray
    destination: np.ndarray
    lead_days: np.ndarray
    weekdays: np.ndarray
    cutoff_minutes: np.ndarray
    eur_per_load: np.ndarray
    load_l: np.ndarray
    load_kg: np.ndarray
    loads_per_departure: np.ndarray
    unit_eur: np.ndarray
    kg_co2e: np.ndarray
    is_allowed: np.ndarray


@dataclass(frozen=True)
class Supply:
    """What suppliers offer; arrays (supplier, K). ``units_available`` is for the whole replay."""

    index: pd.Index
    units_available: np.ndarray
    pack_units: np.ndarray
    min_order_units: np.ndarray
    unit_cost_eur: np.ndarray


@dataclass(frozen=True)
class Network:
    """Everything that does not change while decisions are replayed."""

    start: date
    periods: int
    period_days: int
    skus: Skus
    hubs: Hubs
    delivery: Delivery
    lanes: Lanes
    supply: Supply
