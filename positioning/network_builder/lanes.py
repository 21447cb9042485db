"""Lanes between located places: length, cost, and lead time by a tariff.

Not here: where places are (``places``), what is assumed (``build``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from foundation.network_sections import LaneTariff, Network, Supplier
from foundation.proximity import great_circle_km

COLUMNS = (
    "lane", "origin", "destination", "kind", "lead_time_days", "lead_time_sd_days", "distance_km", "eur_per_unit",
    "eur_per_kg", "eur_per_load", "kg_co2e_per_t_km",
)  # fmt: skip
_KM_DECIMALS, _EUR_DECIMALS = 1, 6
_TARIFF_KM = 500.0


def tariff_lanes(network: Network, hubs: pd.DataFrame, regions: pd.DataFrame, suppliers: pd.DataFrame) -> pd.DataFrame:
    """Return the lanes of all kinds, with the columns of ``COLUMNS``; a column that is empty everywhere is left out.

    Parameters
    ----------
    network : Network
        The tariff.
    hubs, regions, suppliers : DataFrame
        ``latitude`` and ``longitude`` by id; null where the place of a supplier is not known.
    """
    parts = [_deliveries(network, hubs, regions), _transfers(network, hubs), _supply(network, suppliers, hubs)]
    lanes = pd.concat([part for part in parts if len(part)], ignore_index=True)
    lanes["lane"] = _lane_ids(lanes)
    lanes["kg_co2e_per_t_km"] = network.kg_co2e_per_t_km
    lanes = lanes.reindex(columns=list(COLUMNS))
    for name in ("eur_per_kg", "eur_per_load"):
        lanes[name] = lanes[name].where(lanes[name] > 0)
    return lanes.dropna(axis="columns", how="all")


def _lane_ids(lanes: pd.DataFrame) -> pd.Series:
    ids = lanes["origin"] + "-" + lanes["destination"]
    is_repeated = ids.duplicated(keep=False)
    return ids.where(~is_repeated, ids + "-" + lanes["kind"])


def _deliveries(network: Network, hubs: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    lanes = _pairs(network, hubs, regions)
    radius = network.delivery.radius_km
    if radius is not None:
        nearest = lanes.groupby("destination")["distance_km"].transform("min")
        lanes = lanes[(lanes["distance_km"] <= radius) | (lanes["distance_km"] == nearest)]
    return _priced(lanes, network.delivery, "delivery")


def _transfers(network: Network, hubs: pd.DataFrame) -> pd.DataFrame:
    lanes = _pairs(network, hubs, hubs)
    lanes = lanes[lanes["origin"] != lanes["destination"]]
    if network.transfer.radius_km is not None:
        lanes = lanes[lanes["distance_km"] <= network.transfer.radius_km]
    return _priced(lanes, network.transfer, "transfer")


def _supply(network: Network, suppliers: pd.DataFrame, hubs: pd.DataFrame) -> pd.DataFrame:
    if suppliers.empty:
        return pd.DataFrame()
    lanes = _pairs(network, suppliers, hubs)
    known = [network.suppliers.get(name, Supplier()) for name in lanes["origin"]]
    supplied = [not one.hubs or hub in one.hubs for one, hub in zip(known, lanes["destination"], strict=True)]
    if network.supply.radius_km is not None:
        is_near = (lanes["distance_km"].isna() | (lanes["distance_km"] <= network.supply.radius_km)).to_numpy()
        supplied = list(np.array(supplied) & is_near)
    lanes = _priced(lanes, network.supply, "supply")
    base_days = np.array([one.lead_time_days or network.supply.lead_time_days for one in known], dtype="float64")
    lanes["lead_time_days"] = (base_days + lanes["lead_time_days"]).astype("int64")
    lanes["lead_time_sd_days"] = [one.lead_time_sd_days for one in known]
    return lanes[supplied]


def _pairs(network: Network, starts: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Return every pair of places with its length: the great circle times the detour factor; null if a place is not known."""
    first, second = np.repeat(np.arange(len(starts)), len(ends)), np.tile(np.arange(len(ends)), len(starts))
    point = ["latitude", "longitude"]
    start, end = (frame[point].to_numpy(dtype="float64") for frame in (starts, ends))
    km = great_circle_km(start[first], end[second]) * network.detour_factor
    return pd.DataFrame({
        "origin": starts.index.to_numpy()[first], "destination": ends.index.to_numpy()[second],
        "distance_km": np.round(km, _KM_DECIMALS),
    })  # fmt: skip


def _priced(lanes: pd.DataFrame, tariff: LaneTariff, kind: str) -> pd.DataFrame:
    km = lanes["distance_km"].fillna(0.0)
    days = np.ceil(np.round(km / _TARIFF_KM * tariff.days_per_500_km, 6))
    return lanes.assign(
        kind=kind,
        lead_time_days=np.maximum(days, tariff.min_days).astype("int64"),
        lead_time_sd_days=np.nan,
        eur_per_unit=np.round(tariff.eur_per_unit + tariff.eur_per_unit_km * km, _EUR_DECIMALS),
        eur_per_kg=np.round(tariff.eur_per_kg + tariff.eur_per_kg_km * km, _EUR_DECIMALS),
        eur_per_load=getattr(tariff, "eur_per_shipment", 0.0),
    )
