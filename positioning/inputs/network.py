"""The network of a run: hubs, regions, suppliers, shipments that may be decided, deliveries.

Here: lanes read into arrays, with the next departure of each. Not here: skus, stock, demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from foundation.errors import InputError
from foundation.periods import WEEKDAYS, as_timestamp
from foundation.proximity import lane_lengths, rank_deliveries
from foundation.settings import Settings
from positioning.inputs.frames import codes, numbers, table, texts

_END_OF_DAY = time(23, 59)


@dataclass(frozen=True)
class Departure:
    """The next departure of a lane.

    Attributes
    ----------
    ship_date
        Day on which it leaves.
    decide_by
        Last moment to decide on it, UTC.
    is_outlook
        Whether a later run still decides on it.

    """

    ship_date: date
    decide_by: datetime
    is_outlook: bool


@dataclass(frozen=True)
class Clock:
    """When runs happen.

    Attributes
    ----------
    as_of
        Planning date of this run.
    ready_at
        Local time at which the plan is ready.
    run_every_days
        Days until the next run.

    """

    as_of: date
    ready_at: time
    run_every_days: int


def next_departure(departs: str, cutoff: str, timezone: str, clock: Clock) -> Departure:
    """Return the first departure on or after ``clock.as_of`` whose cut-off is not missed.

    ``departs`` holds weekdays such as ``Mon|Thu`` (empty: every day), ``cutoff`` is local ``HH:MM``
    (empty: the end of the day). A cut-off before ``ready_at`` on ``as_of`` is missed; one exactly at
    it is kept. A departure commits when the next run is ready only after its cut-off.
    """
    limit = time.fromisoformat(cutoff) if cutoff else _END_OF_DAY
    weekdays = _weekdays(departs)
    zone = ZoneInfo(timezone or "UTC")
    next_ready = datetime.combine(clock.as_of + timedelta(days=clock.run_every_days), clock.ready_at, zone)
    for ahead in range(8):
        day = clock.as_of + timedelta(days=ahead)
        is_missed = ahead == 0 and limit < clock.ready_at
        if day.weekday() in weekdays and not is_missed:
            decide_by = datetime.combine(day, limit, zone)
            return Departure(day, decide_by.astimezone(ZoneInfo("UTC")), decide_by >= next_ready)
    raise InputError(f"lanes: departs {departs!r} names no weekday; write for example Mon|Thu")


def _weekdays(departs: str) -> frozenset[int]:
    if not departs.strip():
        return frozenset(range(7))
    names = [part.strip()[:3].upper() for part in departs.split("|") if part.strip()]
    return frozenset(WEEKDAYS.index(name) for name in names if name in WEEKDAYS)


@dataclass(frozen=True)
class Lanes:
    """Lanes as arrays (n_lanes,), sorted by name.

    Attributes
    ----------
    lane
        Names.
    is_supply
        Whether the lane starts at a supplier.
    origin
        Position of the hub, or of the supplier of a supply lane, −1 where unknown.
    destination
        Position of the hub, or of the region of a delivery lane, −1 where unknown.
    lead_days, lead_sd_days
        Lead time and its standard deviation in days.
    distance_km
        Length, NaN where unknown.
    nearness
        Rank among the deliveries to the region, 0 the nearest; 0 for shipments.
    eur_per_unit, eur_per_kg, eur_per_load
        Prices, EUR; 0 where none is given.
    load_l, load_kg
        Size of a load, infinite without one.
    loads_most
        Loads per departure at most, inclusive, infinite without a limit.
    kg_co2e_per_t
        Emissions per metric ton over the whole lane, kilograms of CO2e.
    classes
        Handling classes that may travel, None for all.

    """

    lane: tuple[str, ...]
    is_supply: np.ndarray
    origin: np.ndarray
    destination: np.ndarray
    lead_days: np.ndarray
    lead_sd_days: np.ndarray
    distance_km: np.ndarray
    nearness: np.ndarray
    eur_per_unit: np.ndarray
    eur_per_kg: np.ndarray
    eur_per_load: np.ndarray
    load_l: np.ndarray
    load_kg: np.ndarray
    loads_most: np.ndarray
    kg_co2e_per_t: np.ndarray
    classes: tuple[frozenset[str] | None, ...]


@dataclass(frozen=True)
class Network:
    """The places and lanes of a run.

    Attributes
    ----------
    as_of
        Planning date.
    hubs, regions, suppliers
        Names, ascending.
    shipments
        Transfer and supply lanes.
    departures
        Next departure of each shipment; empty in a replay.
    ship_days, arrival_days
        Days of departure and arrival of each shipment, (n_shipments,), counted from ``as_of``.
    deliveries
        Delivery lanes.
    hub_classes
        Handling classes of each hub, None for all.

    """

    as_of: date
    hubs: tuple[str, ...]
    regions: tuple[str, ...]
    suppliers: tuple[str, ...]
    shipments: Lanes
    departures: tuple[Departure, ...]
    ship_days: np.ndarray
    arrival_days: np.ndarray
    deliveries: Lanes
    hub_classes: tuple[frozenset[str] | None, ...]

    @property
    def decide_by(self) -> list[datetime]:
        """Last moment to decide each shipment, UTC."""
        return [departure.decide_by for departure in self.departures]

    @property
    def is_outlook(self) -> np.ndarray:
        """Whether a later run decides the shipment."""
        return np.array([departure.is_outlook for departure in self.departures], dtype=bool)

    def shipment_origin(self, shipment: int) -> str:
        """Return the name of the place a shipment starts at."""
        places = self.suppliers if self.shipments.is_supply[shipment] else self.hubs
        return places[self.shipments.origin[shipment]]


def build_network(tables: dict[str, pd.DataFrame], settings: Settings, as_of: date) -> Network:
    """Read hubs, regions and lanes; only ``positioning.kinds`` of shipments are kept."""
    hubs_table = table(tables, "hubs").sort_values("hub", kind="stable")
    hubs = tuple(texts(hubs_table, "hub"))
    regions = tuple(sorted(set(texts(table(tables, "regions"), "region"))))
    lanes = table(tables, "lanes").sort_values("lane", kind="stable", ignore_index=True)
    kinds = pd.Series(texts(lanes, "kind"), dtype=object)
    ships = lanes[kinds.isin(list(settings.positioning.kinds)).to_numpy()]
    suppliers = tuple(sorted(set(texts(ships[(ships["kind"] == "supply").to_numpy()], "origin"))))
    shipments = _lanes(ships, (hubs, regions, suppliers), tables)
    departures = _departures(ships, hubs_table, shipments, settings, as_of)
    ship_days = np.array([(departure.ship_date - as_of).days for departure in departures], dtype="int64")
    return Network(
        as_of=as_of, hubs=hubs, regions=regions, suppliers=suppliers, shipments=shipments,
        departures=departures, ship_days=ship_days, arrival_days=ship_days + shipments.lead_days,
        deliveries=_lanes(lanes[(kinds == "delivery").to_numpy()], (hubs, regions, ()), tables),
        hub_classes=tuple(_classes(text) for text in texts(hubs_table, "handling_classes")),
    )  # fmt: skip


def may_carry(classes: frozenset[str] | None, handling_class: str) -> bool:
    """Return whether a hub or lane with ``classes`` may carry ``handling_class``."""
    return classes is None or handling_class in classes


def _lanes(frame: pd.DataFrame, places: tuple[tuple[str, ...], ...], tables: dict[str, pd.DataFrame]) -> Lanes:
    """Read the lanes of ``frame`` between ``places`` (hubs, regions, suppliers)."""
    hubs, regions, suppliers = places
    kinds = texts(frame, "kind")
    is_supply = np.array([kind == "supply" for kind in kinds], dtype=bool)
    is_delivery = np.array([kind == "delivery" for kind in kinds], dtype=bool)
    starts, ends = texts(frame, "origin"), texts(frame, "destination")
    ends_at = table(tables, "hubs"), table(tables, "regions")
    km = lane_lengths(frame, *ends_at)["km"].to_numpy(dtype="float64")
    nearness = rank_deliveries(frame, *ends_at)["rank"].reindex(frame.index, fill_value=0)
    return Lanes(
        lane=tuple(texts(frame, "lane")), is_supply=is_supply,
        origin=np.where(is_supply, codes(starts, suppliers), codes(starts, hubs)),
        destination=np.where(is_delivery, codes(ends, regions), codes(ends, hubs)),
        lead_days=numbers(frame, "lead_time_days", 0.0).astype("int64"),
        lead_sd_days=numbers(frame, "lead_time_sd_days", 0.0), distance_km=km,
        nearness=nearness.to_numpy(dtype="int64"),
        eur_per_unit=numbers(frame, "eur_per_unit", 0.0), eur_per_kg=numbers(frame, "eur_per_kg", 0.0),
        eur_per_load=numbers(frame, "eur_per_load", 0.0), load_l=numbers(frame, "load_l", np.inf),
        load_kg=numbers(frame, "load_kg", np.inf), loads_most=numbers(frame, "loads_per_departure", np.inf),
        kg_co2e_per_t=np.nan_to_num(km) * numbers(frame, "kg_co2e_per_t_km", 0.0),
        classes=tuple(_classes(text) for text in texts(frame, "handling_classes")),
    )  # fmt: skip


def _departures(
    ships: pd.DataFrame, hubs: pd.DataFrame, lanes: Lanes, settings: Settings, as_of: date
) -> tuple[Departure, ...]:
    zones = texts(hubs, "timezone")
    clock = Clock(as_of, time.fromisoformat(settings.positioning.ready_at), settings.grid.days)
    index = np.where(lanes.is_supply, lanes.destination, lanes.origin)
    rows = zip(texts(ships, "departs"), texts(ships, "cutoff"), index, strict=True)
    return tuple(next_departure(departs, cutoff, zones[hub], clock) for departs, cutoff, hub in rows)


def _classes(text: str) -> frozenset[str] | None:
    names = frozenset(part.strip() for part in text.split("|") if part.strip())
    return names or None


def date_after(as_of: date, days: int) -> pd.Timestamp:
    """Return the day ``days`` after ``as_of``."""
    return as_timestamp(as_of) + pd.Timedelta(days=days)
