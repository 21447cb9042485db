"""The first network: tables ``hubs``, ``regions``, and ``lanes``, and every assumption behind them.

Not here: single lanes (``lanes``), coordinates (``places``), reading and writing (``pipeline.network``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.errors import counted_noun, listed
from foundation.network_sections import LaneTariff, Network
from positioning.network_builder.lanes import tariff_lanes
from positioning.network_builder.places import COUNTRY, POSTAL_CODE, PostalPlaces, locate

ONLY_SUPPLIER = "SUPPLIER"
_POINT = ["latitude", "longitude"]


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
