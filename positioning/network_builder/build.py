"""The first network: tables ``hubs``, ``regions``, and ``lanes``, and every assumption behind them.

Here too: the length, cost, and lead time of a lane by a tariff. Not here: coordinates (``places``), reading and writing (``pipeline.network``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.errors import counted_noun, listed
from foundation.network_sections import LaneTariff, Network, Supplier
from foundation.proximity import great_circle_km
from positioning.network_builder.places import COUNTRY, POSTAL_CODE, PostalPlaces, locate

ONLY_SUPPLIER = "SUPPLIER"
_POINT = ["latitude", "longitude"]
COLUMNS = (
    "lane", "origin", "destination", "kind", "lead_time_days", "lead_time_sd_days", "distance_km", "eur_per_unit",
    "eur_per_kg", "eur_per_load", "kg_co2e_per_t_km",
)  # fmt: skip
_KM_DECIMALS, _EUR_DECIMALS = 1, 6
_TARIFF_KM = 500.0


@dataclass(frozen=True)
class Nodes:
    """What the inputs say about places.

    Attributes
    ----------
    hubs : DataFrame
        One row per hub with the columns of the table ``hubs`` that are known, at least ``hub``.
    regions : DataFrame
        The same for regions.
    suppliers : tuple of str
        Ids of the suppliers; empty if none is known.
    has_mass : bool
        Whether every SKU has ``mass_kg``.
    postal : PostalPlaces or None
        Coordinates of postal codes.
    """

    hubs: pd.DataFrame
    regions: pd.DataFrame
    suppliers: tuple[str, ...]
    has_mass: bool
    postal: PostalPlaces | None


@dataclass(frozen=True)
class BuiltNetwork:
    """A network as tables.

    Attributes
    ----------
    hubs, regions, lanes : DataFrame
        The input tables.
    unknown : dict of str to tuple of str
        Hubs and regions whose place is not known, by table; if there are any, there are no lanes.
    assumptions : tuple of (str, str)
        What is assumed, and where to change it.
    """

    hubs: pd.DataFrame
    regions: pd.DataFrame
    lanes: pd.DataFrame
    unknown: dict[str, tuple[str, ...]]
    assumptions: tuple[tuple[str, str], ...]


def network_of(network: Network, nodes: Nodes) -> BuiltNetwork:
    """Return the network that follows from places and tariff."""
    hub_frame, region_frame = nodes.hubs.set_index("hub"), nodes.regions.set_index("region")
    names = nodes.suppliers or (ONLY_SUPPLIER,)
    hubs = locate(hub_frame.index, network.hubs, hub_frame, nodes.postal)
    regions = locate(region_frame.index, network.regions, region_frame, nodes.postal)
    suppliers = locate(names, network.suppliers, None, nodes.postal)
    unknown = {
        table: tuple(frame.index[frame["basis"].isna()])
        for table, frame in (("hubs", hubs), ("regions", regions))
        if frame["basis"].isna().any()
    }
    tables = _with_points(nodes.hubs, hubs), _with_points(nodes.regions, regions, country=True)
    if unknown:
        return BuiltNetwork(*tables, pd.DataFrame(), unknown, ())
    lanes = tariff_lanes(network, hubs, regions, suppliers)
    assumed = [
        *_tariff_notes(network, nodes, suppliers),
        *_place_notes(hubs, regions, suppliers),
        *_supplier_notes(network, nodes),
        *_silent_notes(network, nodes.hubs),
    ]
    return BuiltNetwork(*tables, lanes, {}, tuple(assumed))


def _with_points(table: pd.DataFrame, places: pd.DataFrame, country: bool = False) -> pd.DataFrame:
    """Return a table with coordinates (and countries) where it has none."""
    result = table.copy()
    for name in [*_POINT, *(["country"] if country and places["country"].notna().any() else [])]:
        values = pd.Series(places[name].to_numpy(), index=result.index)
        result[name] = (
            values if name not in result else result[name].astype(values.dtype).where(result[name].notna(), values)
        )
    return result


def _tariff_notes(network: Network, nodes: Nodes, suppliers: pd.DataFrame) -> Iterator[tuple[str, str]]:
    yield (
        f"A road is {network.detour_factor:g} times as long as the great circle.",
        "network.detour_factor",
    )
    is_placed = bool(suppliers["basis"].notna().any())
    for kind in ("delivery", "transfer", "supply"):
        tariff: LaneTariff = getattr(network, kind)
        is_default = tariff.model_dump() == type(tariff)().model_dump()
        default = " These are defaults, not your prices." if is_default else ""
        by_distance = kind != "supply" or is_placed
        yield (
            f"{kind.capitalize()}: {_cost(tariff, by_distance)}; {_time(tariff, by_distance)}.{default}",
            f"network.{kind}",
        )
        if not nodes.has_mass and (tariff.eur_per_kg or tariff.eur_per_kg_km):
            yield "SKUs without mass_kg pay nothing per kilogram.", "skus.mass_kg"
    radius = network.delivery.radius_km
    served = "every hub" if radius is None else f"the hubs within {radius:,.0f} km, or by the nearest hub"
    yield f"Each region is served by {served}.", "network.delivery.radius_km"


def _cost(tariff: LaneTariff, by_distance: bool) -> str:
    parts = [f"{tariff.eur_per_unit:g} per unit"]
    parts += [f"{tariff.eur_per_kg:g} per kg"] * bool(tariff.eur_per_kg)
    if by_distance:
        parts += [f"{tariff.eur_per_unit_km:g} per unit and km"] * bool(tariff.eur_per_unit_km)
        parts += [f"{tariff.eur_per_kg_km:g} per kg and km"] * bool(tariff.eur_per_kg_km)
    fixed = getattr(tariff, "eur_per_shipment", 0.0)
    parts += [f"{fixed:g} per departure"] * bool(fixed)
    return " + ".join(parts)


def _time(tariff: LaneTariff, by_distance: bool) -> str:
    lead = getattr(tariff, "lead_time_days", None)
    base = f"{counted_noun(lead, 'day')} where a supplier has no lead time" if lead else ""
    pace = (
        f"{tariff.days_per_500_km:g} {'day' if tariff.days_per_500_km == 1 else 'days'} per 500 km"
        if by_distance and tariff.days_per_500_km
        else ""
    )
    least = f"at least {counted_noun(tariff.min_days, 'day')}" if tariff.min_days else ""
    return ", ".join(part for part in (base, pace, least) if part) or "no time"


def _place_notes(hubs: pd.DataFrame, regions: pd.DataFrame, suppliers: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for noun, places in (("hub", hubs), ("region", regions), ("supplier", suppliers)):
        rows = places[places["basis"] == COUNTRY]
        if len(rows):
            verb = "is" if len(rows) == 1 else "are"
            yield (
                f"{counted_noun(len(rows), noun)} ({listed(list(rows.index))}) {verb} taken to be at the middle of the country.",
                f"network.{noun}s",
            )
        for _, same in rows.groupby("country"):
            if len(same) > 1:
                yield (
                    f"{noun.capitalize()}s {listed(list(same.index))} are all at the middle of {same['country'].iloc[0]}, "
                    "so distance does not tell them apart. Give coordinates or postal codes.",
                    f"network.{noun}s",
                )
        if n_postal := int((places["basis"] == POSTAL_CODE).sum()):
            yield f"{counted_noun(n_postal, noun)} located by postal code.", f"network.{noun}s"


def _supplier_notes(network: Network, nodes: Nodes) -> Iterator[tuple[str, str]]:
    if nodes.suppliers and (absent := [name for name in network.suppliers if name not in nodes.suppliers]):
        yield f"{listed(absent)} of network.suppliers offers no SKU in the table supply, so it has no lane.", "supply"
    if not nodes.suppliers:
        days = network.supply.lead_time_days
        yield (
            f"No supplier is known: one supplier, {ONLY_SUPPLIER}, delivers every SKU to every hub in {counted_noun(days, 'day')}.",
            "network.suppliers",
        )


def _silent_notes(network: Network, hubs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    if "timezone" not in hubs or hubs["timezone"].isna().any():
        yield "Hubs without a time zone are in UTC.", "hubs.timezone"
    capacities = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
    if all(name not in hubs or hubs[name].isna().all() for name in capacities):
        yield "Hubs have unlimited space and handling capacity, and a lane departs every day.", "hubs, lanes.departs"
    if network.kg_co2e_per_t_km is None:
        yield "Lanes emit no CO2e.", "network.kg_co2e_per_t_km"


def lane_figures(lanes: pd.DataFrame) -> pd.DataFrame:
    """Return per kind of lane: ``n_lanes`` and the smallest and largest length, cost, and lead time (``…_min``, ``…_max``)."""
    columns = {"km": "distance_km", "eur_per_unit": "eur_per_unit", "days": "lead_time_days"}
    grouped = lanes.groupby("kind", sort=False)
    result = pd.DataFrame({"n_lanes": grouped.size()})
    for name, column in columns.items():
        result[f"{name}_min"], result[f"{name}_max"] = grouped[column].min(), grouped[column].max()
    return result.replace({np.inf: np.nan})


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
