"""What is known of every sku: money, size, packs, what suppliers offer, what hubs may hold.

Here: tables read into arrays with defaults. Not here: stock, demand, lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.lost_sales import lost_sale_values
from foundation.periods import as_timestamp
from foundation.settings import Settings
from positioning.inputs.frames import codes, days_after, numbers, table, texts
from positioning.inputs.network import Network, may_carry

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True)
class Catalog:
    """SKUs as arrays by SKU (K), hub (H), and supplier (S).

    Attributes
    ----------
    skus
        Names, ascending.
    unit_cost_eur, lost_sale_eur
        Cost of a unit and of a lost sale, EUR, (K,).
    mass_kg, volume_l
        Size of a unit, (K,).
    handling_class
        Handling class of each SKU.
    pack_units
        Pack of transfers in units, (K,).
    shelf_life_days
        Shelf life in days, (K,), infinite without one; a lead time must be below it.
    holding_eur_per_day, storage_eur_per_day
        Cost of holding and storing a unit for a day, EUR, (K, H).
    available_units
        Units that each supplier has, (K, S): 0 where it does not offer the SKU, infinite without a limit.
    order_pack_units, order_min_units
        Pack and smallest order in units, (K, S).
    purchase_eur
        Purchase price of a unit, EUR, (K, S).
    is_stocked
        Whether each hub may stock the SKU, (K, H).
    min_units, max_units
        Units that stay at each hub, and units it may hold at most, (K, H), inclusive; the maximum is infinite without
        one.
    frozen_until_day
        First day, counted from ``as_of``, on which the stock may leave the hub, (K, H); −inf: always.
    successors
        Name of the SKU that replaces each one, where none does.

    """

    skus: tuple[str, ...]
    unit_cost_eur: np.ndarray
    lost_sale_eur: np.ndarray
    mass_kg: np.ndarray
    volume_l: np.ndarray
    handling_class: tuple[str, ...]
    pack_units: np.ndarray
    shelf_life_days: np.ndarray
    holding_eur_per_day: np.ndarray
    storage_eur_per_day: np.ndarray
    available_units: np.ndarray
    order_pack_units: np.ndarray
    order_min_units: np.ndarray
    purchase_eur: np.ndarray
    is_stocked: np.ndarray
    min_units: np.ndarray
    max_units: np.ndarray
    frozen_until_day: np.ndarray
    successors: tuple[str, ...]


def build_catalog(tables: dict[str, pd.DataFrame], network: Network, settings: Settings) -> Catalog:
    """Read ``skus``, ``supply`` and ``hub_skus`` of every sku, sorted by name."""
    skus_table = table(tables, "skus").sort_values("sku", kind="stable", ignore_index=True)
    skus = tuple(texts(skus_table, "sku"))
    cost = numbers(skus_table, "unit_cost_eur", 0.0)
    volume = numbers(skus_table, "volume_l", 0.0)
    storage = _by_hub(tables, network, "storage_eur_per_l_day", 0.0)
    return Catalog(
        skus=skus, unit_cost_eur=cost,
        lost_sale_eur=np.nan_to_num(lost_sale_values(skus_table, tables.get("prices"), network.as_of)),
        mass_kg=numbers(skus_table, "mass_kg", 0.0), volume_l=volume,
        handling_class=tuple(texts(skus_table, "handling_class", "ambient")),
        pack_units=numbers(skus_table, "pack_units", 1.0), shelf_life_days=numbers(skus_table, "shelf_life_days", np.inf),
        holding_eur_per_day=_holding(tables, network, skus_table, settings),
        storage_eur_per_day=volume[:, None] * storage[None, :],
        **_offers(tables, network, skus, cost), **_hub_skus(tables, network, skus), successors=_successors(skus_table, skus),
    )  # fmt: skip


def carries(classes: tuple[frozenset[str] | None, ...], handling_class: str) -> np.ndarray:
    """Return whether each place or lane with ``classes`` may carry ``handling_class``, (n,)."""
    return np.array([may_carry(allowed, handling_class) for allowed in classes], dtype=bool)


def read_promises(
    tables: dict[str, pd.DataFrame], network: Network, catalog: Catalog
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return the handling classes and, by region and class, promised days (infinite without) and the late cost.

    A row with a handling class goes before the region's row without one.
    """
    classes = tuple(sorted(set(catalog.handling_class)))
    days = np.full((len(network.regions), len(classes)), np.inf)
    late = np.zeros_like(days)
    promises = table(tables, "promises")
    region, named = codes(texts(promises, "region"), network.regions), texts(promises, "handling_class")
    promised, eur = numbers(promises, "promise_days"), numbers(promises, "late_eur_per_unit", 0.0)
    for is_specific in (False, True):
        for row in np.flatnonzero(region >= 0):
            if bool(named[row]) == is_specific:
                columns = [i for i, name in enumerate(classes) if not is_specific or name == named[row]]
                days[region[row], columns], late[region[row], columns] = promised[row], eur[row]
    return classes, days, late


def _successors(skus_table: pd.DataFrame, skus: tuple[str, ...]) -> tuple[str, ...]:
    replaced = {old: new for old, new in zip(texts(skus_table, "replaces"), skus, strict=True) if old}
    return tuple(replaced.get(sku, "") for sku in skus)


def _by_hub(tables: dict[str, pd.DataFrame], network: Network, name: str, default: float) -> np.ndarray:
    hubs = table(tables, "hubs")
    values = np.full(len(network.hubs), default)
    values[codes(texts(hubs, "hub"), network.hubs)] = numbers(hubs, name, default)
    return values


def _holding(
    tables: dict[str, pd.DataFrame], network: Network, skus_table: pd.DataFrame, settings: Settings
) -> np.ndarray:
    """Return EUR per unit and day (K, H): the sku's own, else the hub's yearly rate on the unit cost."""
    specified = numbers(skus_table, "holding_eur_per_unit_day")[:, None]
    rate = _by_hub(tables, network, "holding_rate_per_year", settings.positioning.default_holding_rate_per_year)
    by_rate = numbers(skus_table, "unit_cost_eur", 0.0)[:, None] * rate[None, :] / DAYS_PER_YEAR
    return np.where(np.isnan(specified), by_rate, specified)


def _offers(
    tables: dict[str, pd.DataFrame], network: Network, skus: tuple[str, ...], cost: np.ndarray
) -> dict[str, np.ndarray]:
    shape = (len(skus), len(network.suppliers))
    purchase = np.repeat(cost[:, None], shape[1], axis=1)
    offers = {
        "available_units": np.full(shape, np.inf if "supply" not in tables else 0.0),
        "order_pack_units": np.ones(shape), "order_min_units": np.zeros(shape), "purchase_eur": purchase,
    }  # fmt: skip
    supply = table(tables, "supply")
    index = codes(texts(supply, "sku"), skus), codes(texts(supply, "supplier"), network.suppliers)
    known = (index[0] >= 0) & (index[1] >= 0)
    place = index[0][known], index[1][known]
    offers["available_units"][place] = numbers(supply, "units_available", np.inf)[known]
    offers["order_pack_units"][place] = numbers(supply, "pack_units", 1.0)[known]
    offers["order_min_units"][place] = numbers(supply, "min_order_units", 0.0)[known]
    specified = numbers(supply, "unit_cost_eur")[known]
    offers["purchase_eur"][place] = np.where(np.isnan(specified), purchase[place], specified)
    return offers


def _hub_skus(tables: dict[str, pd.DataFrame], network: Network, skus: tuple[str, ...]) -> dict[str, np.ndarray]:
    shape = (len(skus), len(network.hubs))
    rules = {
        "is_stocked": np.ones(shape, dtype=bool), "min_units": np.zeros(shape),
        "max_units": np.full(shape, np.inf), "frozen_until_day": np.full(shape, -np.inf),
    }  # fmt: skip
    given = table(tables, "hub_skus")
    index = codes(texts(given, "sku"), skus), codes(texts(given, "hub"), network.hubs)
    known = (index[0] >= 0) & (index[1] >= 0)
    place = index[0][known], index[1][known]
    rules["is_stocked"][place] = [
        value is None or pd.isna(value) or bool(value) for value in given["is_stocked"][known]
    ]
    rules["min_units"][place] = numbers(given, "min_units", 0.0)[known]
    rules["max_units"][place] = numbers(given, "max_units", np.inf)[known]
    frozen = days_after(given, "frozen_until", as_timestamp(network.as_of))[known]
    rules["frozen_until_day"][place] = np.where(np.isnan(frozen), -np.inf, frozen)
    return rules
