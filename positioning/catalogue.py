"""What is known of every sku: money, size, packs, what suppliers offer, what hubs may hold.

Here: tables read into arrays with defaults. Not here: stock, demand, lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from positioning.columns import codes, days_after, numbers, table, texts
from positioning.network import Network

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True)
class Catalogue:
    """Arrays by sku (K), hub (H) and supplier (S); empty limits are infinite.

    ``frozen_until_day`` counts from ``as_of``: shipments before it may not take the sku from the hub.
    ``available_units`` is 0 where the supplier does not offer the sku.
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


def build_catalogue(tables: dict[str, pd.DataFrame], network: Network, settings: Settings) -> Catalogue:
    """Read ``skus``, ``supply`` and ``hub_skus`` of every sku, sorted by name."""
    skus_table = table(tables, "skus").sort_values("sku", kind="stable", ignore_index=True)
    skus = tuple(texts(skus_table, "sku"))
    cost = numbers(skus_table, "unit_cost_eur", 0.0)
    price = _prices(tables, skus_table, skus)
    lost = numbers(skus_table, "lost_sale_eur")
    volume = numbers(skus_table, "volume_l", 0.0)
    storage = _by_hub(tables, network, "storage_eur_per_l_day", 0.0)
    return Catalogue(
        skus=skus, unit_cost_eur=cost,
        lost_sale_eur=np.where(np.isnan(lost), np.maximum(price - cost, 0.0), lost),
        mass_kg=numbers(skus_table, "mass_kg", 0.0), volume_l=volume,
        handling_class=tuple(texts(skus_table, "handling_class", "ambient")),
        pack_units=numbers(skus_table, "pack_units", 1.0), shelf_life_days=numbers(skus_table, "shelf_life_days", np.inf),
        holding_eur_per_day=_holding(tables, network, skus_table, settings),
        storage_eur_per_day=volume[:, None] * storage[None, :],
        **_offers(tables, network, skus, cost), **_hub_skus(tables, network, skus),
    )  # fmt: skip


def _prices(tables: dict[str, pd.DataFrame], skus_table: pd.DataFrame, skus: tuple[str, ...]) -> np.ndarray:
    """Return the sales price of each sku; where ``skus`` has none, the mean of the latest ones by region."""
    price = numbers(skus_table, "unit_price_eur")
    if not np.isnan(price).any() or tables.get("prices") is None:
        return np.nan_to_num(price)
    latest = tables["prices"].sort_values("date", kind="stable").groupby(["region", "sku"], observed=True)
    mean = latest["unit_price_eur"].last().groupby("sku", observed=True).mean()
    return np.nan_to_num(np.where(np.isnan(price), mean.reindex(list(skus)).to_numpy(dtype="float64"), price))


def _by_hub(tables: dict[str, pd.DataFrame], network: Network, name: str, default: float) -> np.ndarray:
    hubs = table(tables, "hubs")
    values = np.full(len(network.hubs), default)
    values[codes(texts(hubs, "hub"), network.hubs)] = numbers(hubs, name, default)
    return values


def _holding(
    tables: dict[str, pd.DataFrame], network: Network, skus_table: pd.DataFrame, settings: Settings
) -> np.ndarray:
    """Return EUR per unit and day (K, H): the sku's own, else the hub's yearly rate on the unit cost."""
    own = numbers(skus_table, "holding_eur_per_unit_day")[:, None]
    rate = _by_hub(tables, network, "holding_rate_per_year", settings.positioning.default_holding_rate_per_year)
    by_rate = numbers(skus_table, "unit_cost_eur", 0.0)[:, None] * rate[None, :] / DAYS_PER_YEAR
    return np.where(np.isnan(own), by_rate, own)


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
    at = codes(texts(supply, "sku"), skus), codes(texts(supply, "supplier"), network.suppliers)
    known = (at[0] >= 0) & (at[1] >= 0)
    place = at[0][known], at[1][known]
    offers["available_units"][place] = numbers(supply, "units_available", np.inf)[known]
    offers["order_pack_units"][place] = numbers(supply, "pack_units", 1.0)[known]
    offers["order_min_units"][place] = numbers(supply, "min_order_units", 0.0)[known]
    own = numbers(supply, "unit_cost_eur")[known]
    offers["purchase_eur"][place] = np.where(np.isnan(own), purchase[place], own)
    return offers


def _hub_skus(tables: dict[str, pd.DataFrame], network: Network, skus: tuple[str, ...]) -> dict[str, np.ndarray]:
    shape = (len(skus), len(network.hubs))
    rules = {
        "is_stocked": np.ones(shape, dtype=bool), "min_units": np.zeros(shape),
        "max_units": np.full(shape, np.inf), "frozen_until_day": np.full(shape, -np.inf),
    }  # fmt: skip
    given = table(tables, "hub_skus")
    at = codes(texts(given, "sku"), skus), codes(texts(given, "hub"), network.hubs)
    known = (at[0] >= 0) & (at[1] >= 0)
    place = at[0][known], at[1][known]
    rules["is_stocked"][place] = [
        value is None or pd.isna(value) or bool(value) for value in given["is_stocked"][known]
    ]
    rules["min_units"][place] = numbers(given, "min_units", 0.0)[known]
    rules["max_units"][place] = numbers(given, "max_units", np.inf)[known]
    frozen = days_after(given, "frozen_until", as_timestamp(network.as_of))[known]
    rules["frozen_until_day"][place] = np.where(np.isnan(frozen), -np.inf, frozen)
    return rules
