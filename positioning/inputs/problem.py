"""The whole problem of a run as arrays: all that workers need to plan any SKU; and the part that they need to plan some.

Here: tables put together once. Only the rows of a part's SKUs travel. On arrival, they take their places in arrays of all SKUs, so that a SKU has
the same position everywhere; the system backs the rows between them with memory only when they are written, which never happens. Not here: the
problem of one sku (``positioning.inputs.subproblem``), how it is solved, and which worker plans which SKUs (``positioning.optimizer.workers``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import gamma

from foundation.assumptions import Assumption
from foundation.demand_scenarios import generator
from foundation.periods import as_timestamp
from foundation.settings import Settings
from positioning.inputs.capacity import CapacityInputs, Shared, build_shared, held_units, read_hub_capacity
from positioning.inputs.catalog import Catalog, build_catalog, read_promises
from positioning.inputs.costs import Prices
from positioning.inputs.demand import Demand, read_demand
from positioning.inputs.frames import days_after, table
from positioning.inputs.inventory import Previous, Stock, blocked_moves, read_previous, read_stock, with_released
from positioning.inputs.limits import Limits, Opening, build_limits, hubs_are_open, is_thawed, may_travel
from positioning.inputs.network import Network, build_network
from positioning.inputs.time_buckets import Buckets, cover_days, cut


@dataclass(frozen=True)
class Problem:
    """Everything known at ``as_of``, by SKU (K), hub (H), region (R), shipment (L), and bucket (B).

    Attributes
    ----------
    network, buckets, catalog, stock, demand
        Places and lanes, time buckets, SKUs, positions, and forecasts.
    arrivals
        Confirmed units by the bucket they arrive in, (K, H, B + 1); the last column holds those after the cover window.
    limits
        Limits of the shipments.
    prices
        Prices of the settings.
    previous
        Earlier proposals.
    classes
        Handling classes, the columns of the next two.
    promise_days
        Promised days, (R, n_classes), inclusive; infinite without a promise.
    late_eur
        Cost of a late unit, EUR, (R, n_classes).
    settings
        The configuration.
    assumptions
        Defaults that were taken, written to the table ``assumption``.

    """

    network: Network
    buckets: Buckets
    catalog: Catalog
    stock: Stock
    arrivals: np.ndarray
    demand: Demand
    limits: Limits
    prices: Prices
    previous: Previous
    classes: tuple[str, ...]
    promise_days: np.ndarray
    late_eur: np.ndarray
    settings: Settings
    assumptions: tuple[Assumption, ...] = ()

    @property
    def shared(self) -> Shared:
        """The capacities and loads that SKUs share."""
        return self.limits.shared

    def with_shared(self, shared: Shared) -> Problem:
        """Return the problem with other shared capacities and loads."""
        return replace(self, limits=replace(self.limits, shared=shared))


def build_problem(
    tables: dict[str, pd.DataFrame],
    forecasts: dict[str, pd.DataFrame],
    settings: Settings,
    as_of: date,
    earlier: pd.DataFrame | None,
) -> Problem:
    """Put tables, forecast frames and earlier proposals together."""
    network = build_network(tables, settings, as_of)
    catalog = build_catalog(tables, network, settings)
    previous = read_previous(earlier, tables, network, catalog.skus, settings)
    stock = with_released(read_stock(tables, network, catalog.skus, settings), previous)
    buckets = _buckets(network, stock, settings)
    arrivals = _arrivals(stock, buckets)
    is_blocked = blocked_moves(tables, previous, network, catalog.skus, settings)
    shared = build_shared(
        CapacityInputs(
            tables, network, catalog, buckets, read_hub_capacity(tables, network), held_units(catalog, stock), {}
        )
    )
    opening = Opening(stock.usable, stock.physical + arrivals.sum(axis=2), catalog.available_units)
    limits = build_limits(network, catalog, opening, _allowed(network, catalog, shared) & ~is_blocked, shared)
    classes, promise_days, late_eur = read_promises(tables, network, catalog)
    return Problem(
        network=network, buckets=buckets, catalog=catalog, stock=stock,
        arrivals=arrivals, demand=read_demand(forecasts, network, catalog.skus, settings),
        limits=replace(limits, min_move_units=float(settings.positioning.min_move_units)), prices=_prices(settings),
        previous=previous, classes=classes, promise_days=promise_days, late_eur=late_eur, settings=settings,
    )  # fmt: skip


def _allowed(network: Network, catalog: Catalog, shared: Shared) -> np.ndarray:
    """Return whether each shipment may take each SKU on its next departure, (K, L)."""
    return (
        may_travel(network, catalog)
        & hubs_are_open(network.shipments, shared.is_open, network.ship_days, network.arrival_days)
        & is_thawed(network.shipments, catalog.frozen_until_day, network.ship_days)
    )


def arrival_buckets(problem: Problem, count: int, purpose: str) -> np.ndarray:
    """Return the bucket each shipment arrives in in each demand scenario, (count, L).

    Nominally the first bucket that starts on or after the arrival. Orders with a spread of lead time
    draw it from a gamma law of the same mean and spread; they move to the cut nearest to the drawn
    delay. One draw per lane, path and seed: all skus of a departure are late together.
    """
    buckets, lanes = problem.buckets, problem.network.shipments
    nominal = np.array([buckets.first_from(day) for day in problem.network.arrival_days], dtype="int64")
    drawn = np.tile(nominal, (count, 1))
    for lane in np.flatnonzero(lanes.is_supply & (lanes.lead_sd_days > 0) & (lanes.lead_days > 0)):
        mean, spread = float(lanes.lead_days[lane]), float(lanes.lead_sd_days[lane])
        random = generator((problem.settings.positioning.seed, lanes.lane[lane], f"lead {purpose}"))
        uniform = (random.permutation(count) + random.random(count)) / count
        delay = gamma.ppf(uniform, (mean / spread) ** 2, scale=spread**2 / mean) - mean
        if nominal[lane] < buckets.count:
            start = buckets.days[nominal[lane]]
            drawn[:, lane] = [max(1, buckets.nearest(start + late)) for late in delay]
    return drawn


def _buckets(network: Network, stock: Stock, settings: Settings) -> Buckets:
    period, positioning = settings.grid.days, settings.positioning
    horizon = settings.horizon * period
    arrivals = network.arrival_days
    lead_days = np.where(network.is_outlook, network.shipments.lead_days, arrivals)
    cover = cover_days([int(day) for day in lead_days], positioning.review_days, horizon, period)
    if positioning.cover_days is not None:
        cover = min(-(-positioning.cover_days // period) * period, horizon)
    is_supply = network.shipments.is_supply
    days = {
        "transfer": [int(day) for day in arrivals[~is_supply]],
        "supply": [int(day) for day in arrivals[is_supply]],
        "inbound": [int(day) for day in stock.arrivals["day"]] if period > 1 else [],
    }
    return cut(cover, days, period, positioning.buckets)


def _arrivals(stock: Stock, buckets: Buckets) -> np.ndarray:
    """Put confirmed arrivals into the bucket whose start is nearest; those after the window last."""
    arrivals = np.zeros((*stock.usable.shape, buckets.count + 1))
    lines = stock.arrivals[stock.arrivals["day"] < buckets.days[-1]]
    bucket = np.array([buckets.nearest(day) for day in lines["day"]], dtype="int64")
    np.add.at(arrivals, (lines["sku"].to_numpy(), lines["hub"].to_numpy(), bucket), lines["units"].to_numpy())
    return arrivals


def _prices(settings: Settings) -> Prices:
    specified = settings.positioning
    return Prices(
        specified.carbon_eur_per_t,
        specified.churn_eur_per_unit,
        specified.handling_eur_per_unit,
        specified.terminal_value_rate,
    )


def snapshot_day(tables: dict[str, pd.DataFrame], as_of: date) -> float:
    """Return the day of the latest stock row, counted from ``as_of``; 0 without stock."""
    stock = table(tables, "stock")
    return float(np.nanmax(days_after(stock, "date", as_timestamp(as_of)))) if len(stock) else 0.0


_BY_SKU: dict[type, tuple[str, ...]] = {
    Problem: ("arrivals",),
    Stock: ("usable", "physical"),
    Limits: ("is_allowed", "give", "receive", "available", "pack_units", "order_pack_units", "order_min_units"),
    **{kind: tuple(one.name for one in fields(kind) if one.type == "np.ndarray") for kind in (Catalog, Demand)},
}
_NAMES = ("skus", "handling_class")


@dataclass(frozen=True)
class ProblemPart:
    """A problem with the rows of some SKUs only.

    Attributes
    ----------
    problem
        The problem; arrays, names, and uses of resources by SKU have one entry for each of ``skus``.
    skus
        Positions of the SKUs in the whole problem, ascending, (n,).
    n_skus
        Number of SKUs of the whole problem.

    """

    problem: Problem
    skus: np.ndarray
    n_skus: int

    def restored(self) -> Problem:
        """Return the problem with every SKU of the part at its position; other SKUs are empty."""

        def spread(rows: np.ndarray) -> np.ndarray:
            whole = np.zeros((self.n_skus, *rows.shape[1:]), dtype=rows.dtype)
            whole[self.skus] = rows
            return whole

        names = {}
        for name in _NAMES:
            texts = [""] * self.n_skus
            for sku, text in zip(self.skus, getattr(self.problem.catalog, name), strict=True):
                texts[sku] = text
            names[name] = tuple(texts)
        return _mapped(self.problem, _once(spread), names)


def part_of(problem: Problem, skus: np.ndarray) -> ProblemPart:
    """Return the part of ``problem`` that planning ``skus``, ascending positions, reads."""
    catalog, stock = problem.catalog, problem.stock
    names = {name: tuple(np.array(getattr(catalog, name), dtype=object)[skus]) for name in _NAMES}
    lines = stock.arrivals[stock.arrivals["sku"].isin(skus)]
    part = _mapped(problem, _once(lambda rows: rows[skus]), names | {"successors": ()})
    stock = replace(part.stock, arrivals=lines, overdue=lines.iloc[:0], lapsed=lines.iloc[:0])
    previous = replace(
        problem.previous,
        **{one.name: _emptied(getattr(problem.previous, one.name)) for one in fields(problem.previous)},
    )
    return ProblemPart(replace(part, stock=stock, previous=previous, assumptions=()), skus, len(catalog.skus))


def _emptied(value: Any) -> Any:
    """Return a frame or a mapping of earlier proposals without its entries: planning a SKU reads none."""
    return value.iloc[:0] if hasattr(value, "iloc") else type(value)()


def _once(change: Any) -> Any:
    """Return ``change`` with a memory, because resources share arrays."""
    done: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def changed(rows: np.ndarray) -> np.ndarray:
        if id(rows) not in done:
            done[id(rows)] = rows, change(rows)  # with its key, so that no other array gets its id
        return done[id(rows)][1]

    return changed


def _mapped(problem: Problem, change: Any, names: dict[str, tuple[str, ...]]) -> Problem:
    """Return the problem with ``change`` applied to every array by SKU, and ``names`` in the catalog."""

    def applied(part: Any, **more: Any) -> Any:
        return replace(part, **{name: change(getattr(part, name)) for name in _BY_SKU[type(part)]}, **more)

    resources = tuple(replace(row, use=change(row.use)) for row in problem.shared.resources)
    limits = applied(problem.limits, shared=replace(problem.shared, resources=resources))
    return applied(
        problem,
        catalog=applied(problem.catalog, **names),
        stock=applied(problem.stock),
        demand=applied(problem.demand),
        limits=limits,
    )  # fmt: skip
