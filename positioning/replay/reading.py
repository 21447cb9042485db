"""Input tables read into the network of a replay; missing columns take the defaults of their definitions.

Not here: what the arrays mean (network).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.errors import InputError
from foundation.settings import Settings
from positioning.replay.columns import classes_allow, codes, flags, numbers, texts, weekdays
from positioning.replay.network import Delivery, Hubs, Lanes, Network, Skus, Supply

_DAYS_PER_YEAR = 365.0


def read_network(tables: dict[str, pd.DataFrame], settings: Settings, start: date, periods: int) -> Network:
    """Return the network of ``tables`` for ``periods`` periods from ``start``.

    Lanes of kinds that ``positioning.kinds`` leaves out are not in it. Raises ``InputError`` when
    hubs, lanes or articles are missing.
    """
    for name in ("hubs", "lanes", "skus", "regions"):
        if tables.get(name) is None or tables[name].empty:
            raise InputError(f"{name}: the table is missing or empty; a replay needs it")
    skus = read_skus(tables["skus"])
    hubs = read_hubs(tables, skus, settings, (start, periods))
    supply = read_supply(tables.get("supply"), skus)
    return Network(
        start, periods, settings.grid.days, skus, hubs,
        read_delivery(tables, skus, hubs), read_lanes(tables, skus, (hubs, supply), settings.positioning.kinds), supply,
    )  # fmt: skip


def read_skus(table: pd.DataFrame) -> Skus:
    """Return the articles in the order of their identifiers; lost sales default to price less cost."""
    frame = table.sort_values("sku", kind="stable")
    cost = numbers(frame, "unit_cost_eur", 0.0)
    lost = numbers(frame, "lost_sale_eur", np.nan)
    margin = np.maximum(numbers(frame, "unit_price_eur", np.nan) - cost, 0.0)
    return Skus(
        pd.Index(frame["sku"].astype(str), name="sku"),
        cost,
        np.nan_to_num(np.where(np.isnan(lost), margin, lost)),
        numbers(frame, "mass_kg", 0.0),
        numbers(frame, "volume_l", 0.0),
        numbers(frame, "pack_units", 1.0).astype(np.int64),
        texts(frame, "handling_class", "ambient"),
    )


def read_hubs(tables: dict[str, pd.DataFrame], skus: Skus, settings: Settings, window: tuple[date, int]) -> Hubs:
    """Return the hubs with their capacities by period and what they may hold."""
    frame = tables["hubs"].sort_values("hub", kind="stable")
    index = pd.Index(frame["hub"].astype(str), name="hub")
    allowed = classes_allow(texts(frame, "handling_classes", ""), skus.handling_class)
    start, periods = window
    caps = _capacities(frame, tables.get("hub_capacity"), index, (start, periods, settings.grid.days))
    limits = _hub_skus(tables.get("hub_skus"), skus, index, start, settings.grid.days)
    days = settings.grid.days
    per_day = numbers(tables["skus"].sort_values("sku", kind="stable"), "holding_eur_per_unit_day", np.nan)
    rate = numbers(frame, "holding_rate_per_year", settings.positioning.default_holding_rate_per_year)
    by_rate = skus.unit_cost_eur[:, None] * rate[None, :] / _DAYS_PER_YEAR
    holding = np.where(np.isnan(per_day)[:, None], by_rate, per_day[:, None]) * days
    storage = skus.volume_l[:, None] * numbers(frame, "storage_eur_per_l_day", 0.0)[None, :] * days
    storage_l, inbound, outbound, is_open = caps
    stocked, minimum, maximum, frozen = limits
    return Hubs(
        index, storage_l, inbound, outbound, is_open, holding, storage, stocked & allowed, minimum, maximum, frozen
    )


def _capacities(
    frame: pd.DataFrame, changes: pd.DataFrame | None, index: pd.Index, window: tuple[date, int, int]
) -> tuple[np.ndarray, ...]:
    """Return storage, inbound, outbound (infinite where absent) and open flags, each (H, T)."""
    start, periods, days = window
    names = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
    caps = [np.repeat(numbers(frame, name, np.inf)[:, None], periods, axis=1) for name in names]
    is_open = np.ones((len(index), periods), dtype=bool)
    if changes is not None and len(changes):
        whole = changes[texts(changes, "handling_class", "") == ""].sort_values("from_date", kind="stable")
        for row in whole.to_dict("records"):
            hub = codes(index, [str(row["hub"])])[0]
            first = max(0, -(-(pd.Timestamp(row["from_date"]).date() - start).days // days))
            for cap, name in zip(caps, names, strict=True):
                if pd.notna(row.get(name)):
                    cap[hub, first:] = float(row[name])
            if pd.notna(row.get("is_open")):
                is_open[hub, first:] = bool(row["is_open"])
    return (*caps, is_open)


def _hub_skus(
    table: pd.DataFrame | None, skus: Skus, hubs: pd.Index, start: date, days: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return is_stocked, min_units, max_units and the first movable period, each (K, H)."""
    shape = (len(skus.index), len(hubs))
    stocked, minimum = np.ones(shape, dtype=bool), np.zeros(shape, dtype=np.int64)
    maximum, frozen = np.full(shape, np.inf), np.zeros(shape, dtype=np.int64)
    if table is None or table.empty:
        return stocked, minimum, maximum, frozen
    at = (codes(skus.index, table["sku"]), codes(hubs, table["hub"]))
    stocked[at] = flags(table, "is_stocked", default=True)
    minimum[at] = numbers(table, "min_units", 0.0).astype(np.int64)
    maximum[at] = numbers(table, "max_units", np.inf)
    if "frozen_until" in table:
        ahead = (pd.to_datetime(table["frozen_until"]) - pd.Timestamp(start)).dt.days.fillna(0).to_numpy()
        frozen[at] = np.maximum(0, np.ceil(ahead / days)).astype(np.int64)
    return stocked, minimum, maximum, frozen


def read_delivery(tables: dict[str, pd.DataFrame], skus: Skus, hubs: Hubs) -> Delivery:
    """Return the delivery lanes; of two lanes between the same places the cheaper stands."""
    regions = pd.Index(np.sort(tables["regions"]["region"].astype(str).to_numpy()), name="region")
    lanes = tables["lanes"]
    lanes = lanes[texts(lanes, "kind", "") == "delivery"].sort_values("lane", kind="stable")
    shape = (len(skus.index), len(hubs.index), len(regions))
    carriage, kg_co2e = np.full(shape, np.inf), np.zeros(shape)
    lead_days, distance = np.zeros(shape[1:], dtype=np.int64), np.full(shape[1:], np.inf)
    unit_eur, unit_kg = _per_unit(lanes, skus)
    allowed = classes_allow(texts(lanes, "handling_classes", ""), skus.handling_class)
    leads, kms = numbers(lanes, "lead_time_days", 0.0), numbers(lanes, "distance_km", np.inf)
    ends = zip(codes(hubs.index, texts(lanes, "origin", "")), codes(regions, texts(lanes, "destination", "")), strict=True)  # fmt: skip
    for lane, (hub, region) in enumerate(ends):
        better = allowed[:, lane] & hubs.is_stocked[:, hub] & (unit_eur[:, lane] < carriage[:, hub, region])
        carriage[better, hub, region] = unit_eur[better, lane]
        kg_co2e[better, hub, region] = unit_kg[better, lane]
        lead_days[hub, region], distance[hub, region] = int(leads[lane]), kms[lane]
    late, late_eur = _lateness(tables.get("promises"), skus, regions, lead_days)
    cost = carriage + late_eur
    nearest = _first_hub(np.where(np.isfinite(carriage), distance[None], np.nan))
    return Delivery(regions, carriage, late_eur, late, lead_days, kg_co2e, _preference(cost), nearest)


def _per_unit(lanes: pd.DataFrame, skus: Skus) -> tuple[np.ndarray, np.ndarray]:
    """Return euro and kg CO2e of carrying one unit on each lane, (K, L), loads aside."""
    eur = numbers(lanes, "eur_per_unit", 0.0)[None, :] + skus.mass_kg[:, None] * numbers(lanes, "eur_per_kg", 0.0)
    t_km = skus.mass_kg[:, None] / 1000.0 * numbers(lanes, "distance_km", 0.0)[None, :]
    return eur, t_km * numbers(lanes, "kg_co2e_per_t_km", 0.0)[None, :]


def _lateness(
    promises: pd.DataFrame | None, skus: Skus, regions: pd.Index, lead_days: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether a delivery is late and what that costs per unit, (K, H, R) each.

    A row with a handling class goes before the region's row without one; no row is no promise.
    """
    promise = np.full((len(skus.index), len(regions)), np.inf)
    price = np.zeros_like(promise)
    if promises is not None and len(promises):
        classes = texts(promises, "handling_class", "")
        days, eur = numbers(promises, "promise_days", np.inf), numbers(promises, "late_eur_per_unit", 0.0)
        at = codes(regions, texts(promises, "region", ""))
        for row in np.argsort(classes != "", kind="stable"):
            who = np.ones(len(skus.index), dtype=bool) if classes[row] == "" else skus.handling_class == classes[row]
            promise[who, at[row]], price[who, at[row]] = days[row], eur[row]
    late = lead_days[None] > promise[:, None, :]
    return late, np.where(late, price[:, None, :], 0.0)


def _first_hub(values: np.ndarray) -> np.ndarray:
    """Return the hub of the smallest value (K, R), ties to the first; -1 where all are NaN."""
    filled = np.where(np.isnan(values), np.inf, values)
    return np.where(np.isnan(values).all(axis=1), -1, filled.argmin(axis=1)).astype(np.int64)


def _preference(cost: np.ndarray) -> np.ndarray:
    """Return hubs by rising cost, (K, R, H), -1 where there is no lane; ties by hub."""
    by_region = np.swapaxes(cost, 1, 2)
    order = np.argsort(by_region, axis=2, kind="stable")
    known = np.isfinite(np.take_along_axis(by_region, order, axis=2))
    return np.where(known, order, -1).astype(np.int64)


def read_lanes(
    tables: dict[str, pd.DataFrame], skus: Skus, places: tuple[Hubs, Supply], kinds: tuple[str, ...]
) -> Lanes:
    """Return the lanes of ``kinds`` that move stock, in the order of their identifiers.

    ``is_allowed`` says which articles a lane may carry: its handling classes, both hubs' and
    whether the supplier offers the article.
    """
    hubs, supply = places
    lanes = tables["lanes"]
    lanes = lanes[np.isin(texts(lanes, "kind", ""), kinds)].sort_values("lane", kind="stable")
    is_supply = texts(lanes, "kind", "") == "supply"
    destination = codes(hubs.index, texts(lanes, "destination", ""))
    names = texts(lanes, "origin", "")
    origin = np.where(is_supply, codes(supply.index, names), codes(hubs.index, names))
    allowed = classes_allow(texts(lanes, "handling_classes", ""), skus.handling_class)
    allowed &= hubs.is_stocked[:, destination] & (origin >= 0)[None, :]
    offered = np.isfinite(supply.unit_cost_eur).T
    for lane in np.flatnonzero(is_supply & (origin >= 0)):
        allowed[:, lane] &= offered[:, origin[lane]]
    cutoffs = pd.to_timedelta(pd.Series(texts(lanes, "cutoff", "24:00")) + ":00").dt.total_seconds().to_numpy() / 60
    return Lanes(
        pd.Index(lanes["lane"].astype(str), name="lane"), is_supply, origin, destination,
        numbers(lanes, "lead_time_days", 0.0).astype(np.int64), weekdays(texts(lanes, "departs", "")), cutoffs,
        numbers(lanes, "eur_per_load", 0.0), numbers(lanes, "load_l", np.inf), numbers(lanes, "load_kg", np.inf),
        numbers(lanes, "loads_per_departure", np.inf), *_per_unit(lanes, skus), allowed,
    )  # fmt: skip


def read_supply(table: pd.DataFrame | None, skus: Skus) -> Supply:
    """Return what each supplier offers; articles a supplier does not offer cost infinity."""
    if table is None or table.empty:
        empty = np.zeros((0, len(skus.index)))
        return Supply(pd.Index([], name="supplier", dtype=str), empty, empty.astype(np.int64), empty, empty)
    suppliers = pd.Index(np.unique(table["supplier"].astype(str)), name="supplier")
    at = (codes(suppliers, table["supplier"]), codes(skus.index, table["sku"]))
    shape = (len(suppliers), len(skus.index))
    available, least, cost = np.zeros(shape), np.zeros(shape), np.full(shape, np.inf)
    packs = np.ones(shape, dtype=np.int64)
    available[at] = numbers(table, "units_available", np.inf)
    packs[at] = numbers(table, "pack_units", 1.0).astype(np.int64)
    least[at] = numbers(table, "min_order_units", 0.0)
    own = numbers(table, "unit_cost_eur", np.nan)
    cost[at] = np.where(np.isnan(own), skus.unit_cost_eur[at[1]], own)
    return Supply(suppliers, available, packs, least, cost)
