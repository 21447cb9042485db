"""The network a replay plays on: places, SKUs, and lanes as frozen dense arrays.

Axes everywhere: sku × hub × region, each sorted by its identifier; K, H, R are their lengths, L the
number of lanes that move stock and T the number of periods. Missing columns take the defaults of
the table definitions. Not here: stock, demand and what a policy decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from foundation.errors import InputError
from positioning.inputs import network as plan_network
from positioning.inputs.capacity import HubCapacity
from positioning.inputs.catalog import Catalog


@dataclass(frozen=True)
class Skus:
    """SKUs, arrays (K,).

    Attributes
    ----------
    index
        Names.
    unit_cost_eur, lost_sale_eur
        Cost of a unit and of a lost sale, EUR.
    mass_kg, volume_l
        Size of a unit.
    handling_class
        Handling class.

    """

    index: pd.Index
    unit_cost_eur: np.ndarray
    lost_sale_eur: np.ndarray
    mass_kg: np.ndarray
    volume_l: np.ndarray
    handling_class: np.ndarray


@dataclass(frozen=True)
class Hubs:
    """Places that hold stock.

    Attributes
    ----------
    index
        Names.
    is_open
        Whether the hub works, (H, T); a closed hub neither ships nor receives.
    holding_eur, storage_eur
        Holding a unit for one period, and its space, in EUR, (K, H).

    """

    index: pd.Index
    is_open: np.ndarray
    holding_eur: np.ndarray
    storage_eur: np.ndarray


@dataclass(frozen=True)
class Delivery:
    """Delivery lanes from hubs to regions.

    Attributes
    ----------
    regions
        Names.
    cost_eur
        Carriage of a unit, EUR, (K, H, R); infinite where no lane carries the SKU.
    late_eur
        Cost of lateness of a unit, EUR, (K, H, R); 0 where it is on time.
    is_late
        Whether the lead time exceeds the promise, (K, H, R).
    lead_days
        Lead time of the lane that carries the SKU, days, (K, H, R).
    kg_co2e
        Emissions of a unit, kilograms, (K, H, R).
    preference
        Hubs by carriage plus lateness, ties by hub, (K, R, H); −1 past the last lane.
    nearest
        Hub of the nearest lane that carries the SKU, ties by hub, (K, R); −1 if none.

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
    """Lanes that move stock, transfers and supply, arrays (L,).

    Attributes
    ----------
    index
        Names.
    is_supply
        Whether the lane starts at a supplier.
    origin
        Position of the hub, or of the supplier of a supply lane.
    destination
        Position of the hub.
    lead_days
        Lead time in days.
    weekdays
        Whether it departs on each weekday, (L, 7), Monday first.
    cutoff_minutes
        Cut-off in minutes after midnight; midnight at the end of the day without one.
    eur_per_load
        Cost of a load, EUR.
    load_l, load_kg
        Size of a load, infinite without one.
    unit_eur
        Cost of a unit without loads, EUR, (K, L).
    kg_co2e
        Emissions of a unit, kilograms, (K, L).
    is_allowed
        Whether the lane may ever carry the SKU, (K, L); of a supply lane, whether the supplier also offers it.

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
    unit_eur: np.ndarray
    kg_co2e: np.ndarray
    is_allowed: np.ndarray


@dataclass(frozen=True)
class Supply:
    """What suppliers offer, arrays (S, K).

    Attributes
    ----------
    index
        Names.
    units_available
        Units for the whole replay, infinite without a limit.
    unit_cost_eur
        Purchase price of a unit, EUR.

    """

    index: pd.Index
    units_available: np.ndarray
    unit_cost_eur: np.ndarray


@dataclass(frozen=True)
class PlanInputs:
    """What a plan would read at the start of the replay; the limits of every planning date are derived from it.

    Attributes
    ----------
    tables
        Normalized input tables by name.
    network, catalog, hub_capacity
        Lanes, SKUs, and capacities of hubs; days count from the start.
    may_travel
        Whether each shipment may ever carry each SKU, (K, L).

    """

    tables: dict[str, pd.DataFrame]
    network: plan_network.Network
    catalog: Catalog
    hub_capacity: HubCapacity
    may_travel: np.ndarray


@dataclass(frozen=True)
class Network:
    """Everything that does not change during a replay.

    Attributes
    ----------
    start
        First day.
    periods
        Number of periods.
    period_days
        Days of a period.
    skus, hubs, delivery, lanes, supply
        Arrays by axis.
    inputs
        What a plan would read at the start.

    """

    start: date
    periods: int
    period_days: int
    skus: Skus
    hubs: Hubs
    delivery: Delivery
    lanes: Lanes
    supply: Supply
    inputs: PlanInputs


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def numbers(frame: pd.DataFrame, name: str, default: float) -> np.ndarray:
    """Return column ``name`` as float64, ``default`` where the column or a value is absent."""
    if name not in frame:
        return np.full(len(frame), default)
    values = frame[name].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), default, values)


def codes(index: pd.Index, values: Sequence[str] | np.ndarray | pd.Series) -> np.ndarray:
    """Return the position of each value in ``index``, -1 where it is not there."""
    return index.get_indexer(pd.Index(np.asarray(values, dtype=object).astype(str)))


def weekdays(departs: np.ndarray) -> np.ndarray:
    """Return (n, 7), Monday first: does the lane leave on that weekday? Empty: every day."""
    rows = [{part.strip().lower()[:3] for part in str(text).split("|") if part.strip()} for text in departs]
    return np.array([[not row or day in row for day in _WEEKDAYS] for row in rows], dtype=bool).reshape(-1, 7)


@dataclass(frozen=True)
class Demand:
    """Demand in whole units, int64.

    Attributes
    ----------
    past
        Units before the start, (K, R, P), the last period just before it.
    is_known
        Whether past demand is known, (K, R, P): not before a series' first row, and not while the SKU was out of stock.
    ahead
        Units from the start on, (K, R, T).

    """

    past: np.ndarray
    is_known: np.ndarray
    ahead: np.ndarray

    def until(self, period: int) -> tuple[np.ndarray, np.ndarray]:
        """Return demand before ``period`` of the replay and whether it is known, (K, R, P + period)."""
        new = self.ahead[:, :, :period]
        known = np.concatenate([self.is_known, np.ones(new.shape, dtype=bool)], axis=2)
        return np.concatenate([self.past, new], axis=2), known


def read_demand(sales: pd.DataFrame, network: Network, past_periods: int) -> Demand:
    """Return the demand of ``sales`` on the network's axes.

    Raises ``InputError`` when no sales row falls into a period of the replay: there is nothing to
    play against.
    """
    days, start = network.period_days, pd.Timestamp(network.start)
    first = start - timedelta(days=past_periods * days)
    end = start + timedelta(days=network.periods * days)
    dates = pd.to_datetime(sales["date"])
    rows = sales[((dates >= first) & (dates < end)).to_numpy()]
    period = ((pd.to_datetime(rows["date"]) - first).dt.days // days).to_numpy()
    _check_covered(period, past_periods, network)
    sku, region = _codes(rows["sku"], network.skus.index), _codes(rows["region"], network.delivery.regions)
    shape = (len(network.skus.index), len(network.delivery.regions), past_periods + network.periods)
    units, known = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    inside = (sku >= 0) & (region >= 0)
    index = (sku[inside], region[inside], period[inside])
    in_stock = numbers(rows, "in_stock_rate", 1.0)[inside] > 0
    sold = np.rint(numbers(rows, "units_sold", 0.0)[inside]).astype(np.int64)
    np.add.at(units, index, np.where(in_stock, sold, 0))
    began = np.zeros(shape, dtype=bool)
    began[index] = True
    known = np.logical_or.accumulate(began, axis=2)
    known[tuple(axis[~in_stock] for axis in index)] = False
    return Demand(units[:, :, :past_periods], known[:, :, :past_periods], units[:, :, past_periods:])


def _codes(values: pd.Series, index: pd.Index) -> np.ndarray:
    """Return the position of each value in ``index``, -1 where it is not there."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(codes(index, values.cat.categories.to_numpy())[values.cat.codes.to_numpy()])
    return codes(index, values)


def _check_covered(period: np.ndarray, past_periods: int, network: Network) -> None:
    """Raise ``InputError`` when some period of the replay has no sales row at all."""
    rows = np.bincount(period, minlength=past_periods + network.periods)[past_periods:]
    empty = np.flatnonzero(rows == 0)
    if len(empty):
        day = network.start + timedelta(days=int(empty[0]) * network.period_days)
        raise InputError(
            f"sales: no row in {len(empty)} of {network.periods} periods of the replay, first {day}; "
            "choose an end on or before the last day with sales"
        )


def earlier(demand: Demand, periods: int) -> Demand:
    """Return the same demand with the replay moved ``periods`` back: the development window.

    Nothing of ``ahead`` is in the result. Raises ``InputError`` when the past is too short.
    """
    if demand.past.shape[2] <= periods:
        raise InputError(f"sales: fewer than {periods + 1} periods before the replay; nothing to choose settings on")
    return Demand(demand.past[:, :, :-periods], demand.is_known[:, :, :-periods], demand.past[:, :, -periods:])
