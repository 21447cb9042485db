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
from foundation.settings import Settings
from positioning.inputs import network as plan_network
from positioning.inputs.capacity import HubCapacity
from positioning.inputs.catalog import Catalog
from positioning.inputs.inventory import has_lapsed


@dataclass(frozen=True)
class Skus:
    """SKUs; arrays (K,)."""

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
    """Lanes hub → region.

    Attributes
    ----------
    cost_eur : (K, H, R), carriage of a unit; infinite where no lane carries the SKU.
    late_eur : (K, H, R), the price of lateness of a unit; 0 where it is on time.
    is_late : (K, H, R), lead time > promise.
    lead_days : (K, H, R), of the lane that carries the SKU.
    kg_co2e : (K, H, R), per unit.
    preference : (K, R, H) hubs by carriage plus lateness, then hub id; -1 past the last lane.
    nearest : (K, R) hub of the shortest lane that carries the SKU, ties by hub id; -1 if none.

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
    """Lanes that move stock: transfer (hub → hub) and supply (supplier → hub); arrays (L,).

    ``origin`` counts hubs for transfers and suppliers for supply. ``weekdays`` is (L, 7), Monday
    first. ``cutoff_minutes`` is counted from midnight; a lane without one closes at midnight.
    ``unit_eur`` and ``kg_co2e`` are (K, L), per unit, without loads. ``is_allowed`` is (K, L).
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
    """What suppliers offer; arrays (supplier, K). ``units_available`` is for the whole replay."""

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
    """Everything that does not change while decisions are replayed."""

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
    """Whole units, int64, sku × region × period.

    ``past`` (K, R, P) ends the period before the start; ``ahead`` (K, R, T) begins with it.
    ``is_known`` (K, R, P) is False where the past is unknown: before a series' first row, or while
    the SKU was out of stock.
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


@dataclass
class State:
    """What stands and travels; whole units, changed in place by the replay alone.

    Attributes
    ----------
    on_hand : int64 (K, H), usable units.
    arriving : int64 (K, H, P), units usable from the morning of each period; P reaches past the
        last period, and what would arrive later still stands in its last column.
    available : float64 (supplier, K), what suppliers can still give.

    """

    on_hand: np.ndarray
    arriving: np.ndarray
    available: np.ndarray

    def copy(self) -> State:
        """Return an independent copy, so that every policy starts from the same opening."""
        return State(self.on_hand.copy(), self.arriving.copy(), self.available.copy())

    def receive(self, period: int) -> None:
        """Put what arrives in the morning of ``period`` on hand."""
        self.on_hand += self.arriving[:, :, period]
        self.arriving[:, :, period] = 0


def period_of(day: np.ndarray | int, period_days: int) -> np.ndarray:
    """Return the first period whose morning is not before ``day`` (days from the start), at least 0."""
    return np.maximum(0, -(-np.asarray(day) // period_days))


def open_state(tables: dict[str, pd.DataFrame], network: Network, settings: Settings) -> State:
    """Return the opening of ``network.start``: the snapshot that counts and the goods on their way.

    The latest ``stock`` snapshot on or before the start counts; usable is on hand less reserved less
    on hold, and what is owed beyond the stock is taken from what arrives by the start. Of ``inbound`` only that snapshot's rows count. Lines due on or before
    the start are on hand, those due before the snapshot was taken ``positioning.overdue_days`` later, those overdue by more than
    ``positioning.max_overdue_days`` not at all.

    Raises ``InputError`` without a snapshot on or before the start, or with one that is too old.
    """
    stock, snapshot = _snapshot(tables.get("stock"), network.start, settings)
    shape = (len(network.skus.index), len(network.hubs.index))
    on_hand = np.zeros(shape, dtype=np.int64)
    usable = (
        numbers(stock, "units_on_hand", 0) - numbers(stock, "units_reserved", 0) - numbers(stock, "units_on_hold", 0)
    )
    _add(on_hand, stock, network, (usable.astype(np.int64),))
    arriving = np.zeros((*shape, network.periods + _reach(network)), dtype=np.int64)
    lines = _lines(tables.get("inbound"), snapshot)
    if len(lines):
        due = (pd.to_datetime(lines["arrival_date"]) - pd.Timestamp(network.start)).dt.days.to_numpy()
        is_expected = ~has_lapsed(due, (snapshot - network.start).days, settings)
        lines, due = lines[is_expected], due[is_expected]
        overdue = due < (snapshot - network.start).days
        due = np.where(overdue, settings.positioning.overdue_days, due)
        period = np.minimum(period_of(due, network.period_days), arriving.shape[2] - 1)
        _add(arriving, lines, network, (period, numbers(lines, "units", 0).astype(np.int64)))
    owed = np.minimum(on_hand, 0)
    arriving[:, :, 0] = np.maximum(arriving[:, :, 0] + owed, 0)
    return State(np.maximum(on_hand, 0), arriving, network.supply.units_available.copy())


def _snapshot(stock: pd.DataFrame | None, start: date, settings: Settings) -> tuple[pd.DataFrame, date]:
    """Return the rows and the date of the snapshot that counts at ``start``."""
    dates = np.array([], dtype="datetime64[D]")
    if stock is not None:
        dates = pd.to_datetime(stock["date"]).to_numpy(dtype="datetime64[D]")
    before = dates[dates <= np.datetime64(start, "D")]
    if stock is None or not len(before):
        raise InputError(f"stock: no snapshot on or before {start}; a replay opens with one")
    snapshot = pd.Timestamp(before.max()).date()
    oldest = start - timedelta(days=settings.positioning.max_stock_age_days)
    if snapshot < oldest:
        raise InputError(f"stock: the latest snapshot before {start} is of {snapshot}, older than positioning.max_stock_age_days")  # fmt: skip
    return stock[dates == np.datetime64(snapshot, "D")], snapshot


def _lines(inbound: pd.DataFrame | None, snapshot: date) -> pd.DataFrame:
    """Return the order lines of the snapshot; without ``as_of`` all lines count."""
    if inbound is None or inbound.empty:
        return pd.DataFrame()
    if "as_of" not in inbound:
        return inbound
    taken = pd.to_datetime(inbound["as_of"])
    return inbound[(taken.isna() | (taken == pd.Timestamp(snapshot))).to_numpy()]


def _reach(network: Network) -> int:
    """Return how many periods past the end the road is watched: the longest lane, and one."""
    longest = int(network.lanes.lead_days.max(initial=0)) + 7
    return int(period_of(longest, network.period_days)) + 1


def _add(target: np.ndarray, rows: pd.DataFrame, network: Network, rest: tuple[np.ndarray, ...]) -> None:
    """Add units (last of ``rest``) to ``target`` at sku, hub and the other indices of ``rest``."""
    sku = codes(network.skus.index, rows["sku"])
    hub = codes(network.hubs.index, rows["hub"])
    known = (sku >= 0) & (hub >= 0)
    np.add.at(target, (sku[known], hub[known], *(index[known] for index in rest[:-1])), rest[-1][known])
