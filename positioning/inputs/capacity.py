"""What SKUs share: capacity at hubs and loads on lanes.

Each resource is one row Σ use × units ≤ capacity over some shipments. Capacities limit what a plan adds after what is
confirmed, and are never below zero. Here: the registry of shared constraints and what their entries read. Not here: the
constraints themselves (``positioning.inputs.constraints``) and the limits of one SKU (``positioning.inputs.limits``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.extensions import entries, installed_code
from foundation.periods import as_timestamp
from positioning.inputs.catalog import Catalog
from positioning.inputs.frames import codes, days_after, numbers, table, texts
from positioning.inputs.inventory import Stock
from positioning.inputs.network import Lanes, Network, date_after
from positioning.inputs.time_buckets import Buckets

GROUP = "forestock.shared_constraints"


@dataclass(frozen=True)
class Resource:
    """One row of a shared constraint: Σ ``use`` × units ≤ ``capacity`` over ``shipments``.

    Attributes
    ----------
    name
        Name of the row in the model, for example ``storage[A,2024-01-01]``.
    kind
        Name of the constraint the row belongs to.
    place
        Hub or lane that planners know the row by.
    shipments
        Positions of the shipments the row binds.
    use
        What one unit takes, by SKU (n_skus,); 0 where the row does not bind the SKU. Rows may hold the same array.
    capacity
        Right-hand side, at least 0, in the unit of ``use``.
    load
        Shipment whose number of loads multiplies ``capacity``; −1 for a capacity that is there without loads.

    """

    name: str
    kind: str
    place: str
    shipments: tuple[int, ...]
    use: np.ndarray
    capacity: float
    load: int = -1


@dataclass(frozen=True)
class Load:
    """Loads of one departure.

    Attributes
    ----------
    shipment
        Position of the shipment.
    eur
        Fixed cost of each load, EUR.
    most
        Largest number of loads, inclusive; may be infinite.

    """

    shipment: int
    eur: float
    most: float


@dataclass(frozen=True)
class Shared:
    """All shared resources and loads of a run.

    Attributes
    ----------
    resources
        Rows of the shared constraints, sorted by name.
    loads
        Departures whose loads cost something or are limited.
    is_open
        Whether each hub works on each day, (n_hubs, n_days), counted from ``as_of``.
    binds
        Whether each resource binds each shipment, (n_resources, n_shipments).

    """

    resources: tuple[Resource, ...]
    loads: tuple[Load, ...]
    is_open: np.ndarray
    binds: np.ndarray

    def capacity_with(self, loads: np.ndarray) -> np.ndarray:
        """Return the capacity of each resource (n_resources,) when ``loads`` (n_loads,) go."""
        amount = {load.shipment: count for load, count in zip(self.loads, loads, strict=True)}
        return np.array([row.capacity * (amount[row.load] if row.load >= 0 else 1.0) for row in self.resources])


@dataclass(frozen=True)
class SharedConstraint:
    """A kind of capacity that SKUs share, one entry of the registry.

    Attributes
    ----------
    name
        Kind of its rows.
    label
        Words for planners in ``binding_constraints``, for example ``storage room``.
    rows
        Returns the rows of the constraint. They may be empty.
    is_reported_full
        Whether a row without any capacity left is reported as an exception.

    """

    name: str
    label: str
    rows: Callable[[CapacityInputs], list[Resource]]
    is_reported_full: bool = False


def shared_constraints() -> dict[str, SharedConstraint]:
    """Return every shared constraint that ships with Forestock or is installed, by name."""
    return entries("positioning.inputs.constraints", GROUP, SharedConstraint)


def installed_constraints() -> dict[str, str]:
    """Return the code version of each constraint of an installed package, whose code is no part of Forestock's."""
    modules = {name: constraint.rows.__module__ for name, constraint in shared_constraints().items()}
    return installed_code(modules, "positioning")


@dataclass(frozen=True)
class Held:
    """What is in stock or confirmed to arrive; a place may have several entries.

    Attributes
    ----------
    hub
        Position of the hub, (n,).
    handling_class
        Handling class of the units, (n,).
    day
        Day of arrival, counted from ``as_of``, (n,); −1 for stock.
    units, liters
        Units and their volume, (n,).

    """

    hub: np.ndarray
    handling_class: np.ndarray
    day: np.ndarray
    units: np.ndarray
    liters: np.ndarray

    def of_class(self, handling_class: str) -> np.ndarray:
        """Return which entries belong to the class (n,); all of them for ""."""
        return np.ones(len(self.hub), dtype=bool) if not handling_class else self.handling_class == handling_class


@dataclass(frozen=True)
class CapacityInputs:
    """What the rows of a shared constraint are made from.

    Attributes
    ----------
    tables
        Normalized input tables by name.
    network, catalog, buckets
        The problem's lanes, SKUs and time buckets.
    hub_capacity
        Capacities of hubs by day.
    held
        Stock and confirmed arrivals.
    uses
        What one unit takes, by measure (``units``, ``liters``, ``kilograms``) and handling class ("": all), each (n_skus,).

    """

    tables: dict[str, pd.DataFrame]
    network: Network
    catalog: Catalog
    buckets: Buckets
    hub_capacity: HubCapacity
    held: Held
    uses: dict[tuple[str, str], np.ndarray]

    def use(self, measure: str, handling_class: str = "") -> np.ndarray:
        """Return what one unit of each SKU takes (n_skus,), 0 outside the class; equal requests share one array."""
        if (measure, handling_class) not in self.uses:
            catalog = self.catalog
            amounts = {"units": np.ones(len(catalog.skus)), "liters": catalog.volume_l, "kilograms": catalog.mass_kg}
            is_member = np.array(catalog.handling_class, dtype=object) == handling_class
            use = amounts[measure] if not handling_class else np.where(is_member, amounts[measure], 0.0)
            self.uses[measure, handling_class] = use
        return self.uses[measure, handling_class]

    def row_name(self, kind: str, place: str, day: float, handling_class: str = "") -> str:
        """Return the name of a row: kind, place, class and the day counted from ``as_of``, written as a date."""
        suffix = f",{handling_class}" if handling_class else ""
        return f"{kind}[{place}{suffix},{date_after(self.network.as_of, int(day)).date().isoformat()}]"


def build_shared(inputs: CapacityInputs) -> Shared:
    """Return the rows of all shared constraints, sorted by name, and the loads."""
    network = inputs.network
    resources = [row for constraint in shared_constraints().values() for row in constraint.rows(inputs)]
    days = int(max(network.arrival_days.max(initial=0), inputs.buckets.days[-1])) + 1
    rows = tuple(sorted(resources, key=lambda row: row.name))
    binds = np.zeros((len(rows), len(network.ship_days)), dtype=bool)
    for index, row in enumerate(rows):
        binds[index, list(row.shipments)] = True
    return Shared(rows, tuple(_loads(network.shipments)), inputs.hub_capacity.is_open(days), binds)


_CAPACITIES = ("storage_l", "inbound_units_per_period", "outbound_units_per_period")


@dataclass(frozen=True)
class HubCapacity:
    """Capacity of a hub (and handling class) on a day: the latest change that gives one, else that of the table ``hubs``.

    Attributes
    ----------
    base
        Capacity of each hub without changes by name of the column, (n_hubs,).
    hub, day, handling_class, works
        Changes in order of their days, (n_changes,): hub or −1, first day, class ("" for all), and whether the hub works from then on (None: unchanged).
    changed
        New capacity by name of the column, (n_changes,), NaN where the change gives none.

    """

    base: dict[str, np.ndarray]
    hub: np.ndarray
    day: np.ndarray
    handling_class: np.ndarray
    works: np.ndarray
    changed: dict[str, np.ndarray]

    def classes(self, hub: int) -> list[str]:
        """Return "" (all classes) and the classes that have capacities."""
        return sorted({"", *self.handling_class[self.hub == hub]})

    def on(self, name: str, hub: int, handling_class: str, day: float) -> float:
        """Return the capacity ``name`` that holds on ``day``; infinite without one."""
        is_meant = (self.hub == hub) & (self.handling_class == handling_class) & (self.day <= day)
        values = self.changed[name][is_meant & ~np.isnan(self.changed[name])]
        if len(values):
            return float(values[-1])
        return float(self.base[name][hub]) if not handling_class else float("inf")

    def steps(self, hub: int, end: int) -> list[float]:
        """Return the days in (0, end) on which something changes at the hub."""
        return sorted({float(day) for day in self.day[self.hub == hub] if 0 < day < end})

    def is_open(self, days: int) -> np.ndarray:
        """Return (n_hubs, days): whether the hub works on each day."""
        is_open = np.ones((len(self.base["storage_l"]), days), dtype=bool)
        for change in np.flatnonzero((self.hub >= 0) & (self.handling_class == "")):
            if not pd.isna(self.works[change]):
                is_open[self.hub[change], max(int(self.day[change]), 0) :] = bool(self.works[change])
        return is_open

    def seen_from(self, day: int, last: int) -> HubCapacity:
        """Return the same capacities with days counted from ``day``, without changes after ``last``, counted so too."""
        kept = self.day - day <= last
        return HubCapacity(
            self.base, self.hub[kept], self.day[kept] - day, self.handling_class[kept], self.works[kept],
            {name: values[kept] for name, values in self.changed.items()},
        )  # fmt: skip


def read_hub_capacity(tables: dict[str, pd.DataFrame], network: Network) -> HubCapacity:
    """Read ``hubs`` and ``hub_capacity``; days count from the network's date."""
    hubs, changes = table(tables, "hubs"), table(tables, "hub_capacity")
    base = {name: np.full(len(network.hubs), np.inf) for name in _CAPACITIES}
    for name, capacity in base.items():
        capacity[codes(texts(hubs, "hub"), network.hubs)] = numbers(hubs, name, np.inf)
    day = days_after(changes, "from_date", as_timestamp(network.as_of))
    order = np.argsort(day, kind="stable")
    return HubCapacity(
        base, codes(texts(changes, "hub"), network.hubs)[order], day[order],
        np.array(texts(changes, "handling_class"), dtype=object)[order], np.array(list(changes["is_open"]), dtype=object)[order],
        {name: numbers(changes, name)[order] for name in base},
    )  # fmt: skip


def held_units(catalog: Catalog, stock: Stock) -> Held:
    """Return what is on the shelf and the lines of confirmed arrivals, one entry each."""
    sku, hub = np.nonzero(stock.physical)
    lines = stock.arrivals
    all_sku = np.concatenate([sku, lines["sku"].to_numpy(dtype="int64")])
    units = np.concatenate([stock.physical[sku, hub], lines["units"].to_numpy()])
    day = np.concatenate([np.full(len(sku), -1.0), lines["day"].to_numpy()])
    classes = np.array(catalog.handling_class, dtype=object)
    return Held(
        np.concatenate([hub, lines["hub"].to_numpy(dtype="int64")]), classes[all_sku], day, units,
        units * catalog.volume_l[all_sku],
    )  # fmt: skip


def _loads(lanes: Lanes) -> list[Load]:
    return [Load(int(i), float(lanes.eur_per_load[i]), float(lanes.loads_most[i])) for i in lanes_with_loads(lanes)]


def lanes_with_loads(lanes: Lanes) -> np.ndarray:
    """Return the shipments on which loads count: they cost something or are limited."""
    is_sized = np.isfinite(lanes.load_l) | np.isfinite(lanes.load_kg)
    return np.flatnonzero((lanes.eur_per_load > 0) | (is_sized & np.isfinite(lanes.loads_most)))
