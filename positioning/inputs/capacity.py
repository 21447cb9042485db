"""What skus share: room at hubs and loads on lanes.

Each resource is one row Σ measure × units ≤ room over some shipments. Capacities limit what a plan
adds, after what is confirmed; room is never below zero. Not here: limits of one sku alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.periods import as_timestamp
from positioning.inputs.catalog import Catalog
from positioning.inputs.frames import codes, days_after, numbers, table, texts
from positioning.inputs.inventory import Stock
from positioning.inputs.network import Lanes, Network, date_after
from positioning.inputs.time_buckets import Buckets

UNITS, LITRES, KILOGRAMS = 0, 1, 2


@dataclass(frozen=True)
class Resource:
    """One shared limit.

    ``name`` is its row in the model, ``kind`` its word for planners, ``shipments`` the rows it binds,
    ``measure`` what a unit takes of it, ``handling_class`` the skus it binds (None: all), ``room`` its
    right-hand side. Loads have ``load`` = the shipment whose number of loads multiplies ``room``.
    """

    name: str
    kind: str
    place: str
    shipments: tuple[int, ...]
    measure: int
    handling_class: str | None
    room: float
    load: int = -1


@dataclass(frozen=True)
class Load:
    """Loads of one departure: fixed cost each, most of them (may be infinite)."""

    shipment: int
    eur: float
    most: float


@dataclass(frozen=True)
class Shared:
    """All shared resources and loads of a night.

    ``is_open`` is (n_hubs, n_days); ``binds`` (n_resources, n_shipments) says what binds what.
    """

    resources: tuple[Resource, ...]
    loads: tuple[Load, ...]
    is_open: np.ndarray
    binds: np.ndarray


@dataclass(frozen=True)
class _Held:
    """Volume and units by hub, class and day that are there or confirmed."""

    hub: np.ndarray
    handling_class: np.ndarray
    day: np.ndarray
    units: np.ndarray
    litres: np.ndarray


def build_shared(
    tables: dict[str, pd.DataFrame], network: Network, catalog: Catalog, stock: Stock, buckets: Buckets
) -> Shared:
    """Read hub capacities, their changes and loads into resources, sorted by name."""
    limits = Limits(tables, network)
    held = _held(catalog, stock)
    resources = [
        *_storage(network, limits, held, buckets.days[-1]),
        *_per_period(network, limits, held, "inbound", buckets.period_days),
        *_per_period(network, limits, held, "outbound", buckets.period_days),
        *_load_rows(network),
    ]
    days = int(max(network.arrival_days.max(initial=0), buckets.days[-1])) + 1
    rows = tuple(sorted(resources, key=lambda row: row.name))
    binds = np.zeros((len(rows), len(network.ship_days)), dtype=bool)
    for index, row in enumerate(rows):
        binds[index, list(row.shipments)] = True
    return Shared(rows, tuple(_loads(network.shipments)), limits.is_open(days), binds)


class Limits:
    """Capacity of a hub (and class) on a day: the last change that says something, else the hub's own."""

    def __init__(self, tables: dict[str, pd.DataFrame], network: Network) -> None:
        hubs = table(tables, "hubs")
        self._hubs = network.hubs
        self._own = {
            name: dict(zip(codes(texts(hubs, "hub"), network.hubs), numbers(hubs, name, np.inf), strict=True))
            for name in ("storage_l", "inbound_units_per_period", "outbound_units_per_period")
        }
        changes = table(tables, "hub_capacity")
        self._changes = pd.DataFrame(
            {
                "hub": codes(texts(changes, "hub"), network.hubs),
                "day": days_after(changes, "from_date", as_timestamp(network.as_of)),
                "handling_class": texts(changes, "handling_class"),
                "is_open": pd.Series(list(changes["is_open"]), dtype=object),
                **{name: numbers(changes, name) for name in self._own},
            }
        ).sort_values("day", kind="stable", ignore_index=True)

    def classes(self, hub: int) -> list[str]:
        """Return "" (all classes) and the classes with limits of their own."""
        return sorted({"", *self._changes.loc[self._changes["hub"] == hub, "handling_class"]})

    def by_period(self, name: str, handling_class: str, starts: np.ndarray) -> np.ndarray:
        """Return ``on`` of every hub and every day of ``starts`` at once, (n_hubs, n_periods)."""
        specified = [float("inf") if handling_class else self._own[name][hub] for hub in range(len(self._hubs))]
        limits = np.repeat(np.array(specified, dtype="float64")[:, None], len(starts), axis=1)
        rows = self._changes
        rows = rows[(rows["handling_class"] == handling_class) & rows[name].notna() & (rows["hub"] >= 0)]
        for hub, day, value in zip(rows["hub"], rows["day"], rows[name], strict=True):
            limits[int(hub), starts >= day] = value
        return limits

    def on(self, name: str, hub: int, handling_class: str, day: float) -> float:
        """Return the limit ``name`` that holds on ``day``; infinite when there is none."""
        rows = self._changes
        rows = rows[(rows["hub"] == hub) & (rows["handling_class"] == handling_class) & (rows["day"] <= day)]
        parts = rows[name].dropna()
        if len(parts):
            return float(parts.iloc[-1])
        return float(self._own[name][hub]) if not handling_class else float("inf")

    def steps(self, hub: int, end: int) -> list[float]:
        """Return the days in (0, end) on which something changes at the hub."""
        days = self._changes.loc[self._changes["hub"] == hub, "day"]
        return sorted({float(day) for day in days if 0 < day < end})

    def is_open(self, days: int) -> np.ndarray:
        """Return (n_hubs, days): whether the hub works on each day."""
        is_open = np.ones((len(self._hubs), days), dtype=bool)
        parts = self._changes[self._changes["is_open"].notna() & (self._changes["hub"] >= 0)]
        parts = parts[parts["handling_class"] == ""]
        for hub, day, value in zip(parts["hub"], parts["day"], parts["is_open"], strict=True):
            is_open[int(hub), max(int(day), 0) :] = bool(value)
        return is_open


def _held(catalog: Catalog, stock: Stock) -> _Held:
    sku, hub = np.nonzero(stock.physical)
    lines = stock.arrivals
    all_sku = np.concatenate([sku, lines["sku"].to_numpy(dtype="int64")])
    units = np.concatenate([stock.physical[sku, hub], lines["units"].to_numpy()])
    day = np.concatenate([np.full(len(sku), -1.0), lines["day"].to_numpy()])
    classes = np.array(catalog.handling_class, dtype=object)
    return _Held(
        np.concatenate([hub, lines["hub"].to_numpy(dtype="int64")]), classes[all_sku], day, units,
        units * catalog.volume_l[all_sku],
    )  # fmt: skip


def _storage(network: Network, limits: Limits, held: _Held, end: int) -> list[Resource]:
    """storage: volume added by a day ≤ storage − stock − confirmed arrivals by then."""
    rows = []
    for hub, name in enumerate(network.hubs):
        into = np.flatnonzero(network.shipments.destination == hub)
        starts = [0.0, *limits.steps(hub, end)]
        for handling_class in limits.classes(hub):
            for start, stop in zip(starts, [*starts[1:], np.inf], strict=True):
                limit = limits.on("storage_l", hub, handling_class, start)
                members = tuple(into[network.arrival_days[into] < stop])
                if np.isfinite(limit) and members:
                    selected = (held.hub == hub) & (held.day < stop) & _of_class(held, handling_class)
                    label = f"storage[{name}{_suffix(handling_class)},{_day(network, start)}]"
                    room = max(0.0, limit - float(held.litres[selected].sum()))
                    rows.append(Resource(label, "storage", name, members, LITRES, handling_class or None, room))
    return rows


def _per_period(network: Network, limits: Limits, held: _Held, way: str, period_days: int) -> list[Resource]:
    """inbound, outbound: units added in a period ≤ limit − confirmed arrivals of that period."""
    is_in = way == "inbound"
    index = (
        network.shipments.destination if is_in else np.where(network.shipments.is_supply, -1, network.shipments.origin)
    )
    period = (network.arrival_days if is_in else network.ship_days) // period_days
    rows = []
    for hub, name in enumerate(network.hubs):
        for now in np.unique(period[index == hub]):
            members = tuple(int(i) for i in np.flatnonzero((index == hub) & (period == now)))
            for handling_class in limits.classes(hub):
                limit = limits.on(f"{way}_units_per_period", hub, handling_class, float(now * period_days))
                if not np.isfinite(limit):
                    continue
                selected = (held.hub == hub) & (held.day // period_days == now) & _of_class(held, handling_class)
                taken = float(held.units[selected].sum()) if is_in else 0.0
                label = f"{way}[{name}{_suffix(handling_class)},{_day(network, float(now * period_days))}]"
                rows.append(Resource(label, way, name, members, UNITS, handling_class or None, max(0.0, limit - taken)))
    return rows


def _load_rows(network: Network) -> list[Resource]:
    """load_volume, load_mass: volume (mass) on a departure ≤ loads × what one carries."""
    rows, lanes = [], network.shipments
    for shipment in _with_loads(lanes):
        label = f"{lanes.lane[shipment]},{_day(network, float(network.ship_days[shipment]))}"
        sizes = (("load_volume", LITRES, lanes.load_l[shipment]), ("load_mass", KILOGRAMS, lanes.load_kg[shipment]))
        for kind, measure, size in sizes:
            if np.isfinite(size):
                name = f"{kind}[{label}]"
                rows.append(
                    Resource(name, kind, lanes.lane[shipment], (int(shipment),), measure, None, size, int(shipment))
                )
    return rows


def _loads(lanes: Lanes) -> list[Load]:
    return [Load(int(i), float(lanes.eur_per_load[i]), float(lanes.loads_most[i])) for i in _with_loads(lanes)]


def _with_loads(lanes: Lanes) -> np.ndarray:
    """Return the shipments on which loads count: they cost something or are limited."""
    is_sized = np.isfinite(lanes.load_l) | np.isfinite(lanes.load_kg)
    return np.flatnonzero((lanes.eur_per_load > 0) | (is_sized & np.isfinite(lanes.loads_most)))


def _of_class(held: _Held, handling_class: str) -> np.ndarray:
    return np.ones(len(held.hub), dtype=bool) if not handling_class else held.handling_class == handling_class


def _suffix(handling_class: str) -> str:
    return f",{handling_class}" if handling_class else ""


def _day(network: Network, day: float) -> str:
    return date_after(network.as_of, int(day)).date().isoformat()
