"""Plan and replay read the same tables into the same values: lanes, lost sales, capacities, packs, departures, openings.

The worlds are generated with what used to be read in two ways: prices in either table, capacities of a handling class,
classes and stock rules of hubs, frozen stock, suppliers without a table, two lanes between the same places.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from foundation.lost_sales import lost_sale_values
from pipeline.attribution import lost_sale_eur
from positioning.inputs.costs import TERM
from positioning.inputs.problem import Problem
from positioning.inputs.subproblem import build_subproblem
from positioning.simulation.admission import admit, departures, limits_at
from positioning.simulation.engine import read_game
from positioning.simulation.ledger import purchase_eur
from positioning.simulation.reading import read_network
from positioning.simulation.state import State, open_state
from positioning.simulation.world import Network
from review.attribution.shapley import nearest_hubs
from tests.worlds.positioning_world import AS_OF, World, day, delivery, random_world

_SEEDS = range(16)
_PERIODS = 14
_READY_MINUTES = 6 * 60
_CLASSES = ("ambient", "cold")
_MUCH = 1_000


def _world(seed: int) -> World:
    """Return a world of four SKUs of two handling classes with everything that can be read in two ways."""
    draw = np.random.default_rng(1_000 + seed)
    base = random_world(seed, n_skus=4)
    hubs = [dict(hub) for hub in base.hubs]
    for hub in hubs:
        hub["handling_classes"] = str(draw.choice(["", "ambient| cold", "ambient", "cold"], p=[0.4, 0.2, 0.2, 0.2]))
    lanes: list[dict[str, Any]] = [
        {
            **lane,
            "departs": str(draw.choice(["", "Mon|Thu", "Tue"])),
            "cutoff": [None, "05:30", "06:00"][int(draw.integers(3))],
            "handling_classes": str(draw.choice(["", "ambient", "cold"], p=[0.6, 0.2, 0.2])),
            "eur_per_kg": float(draw.choice([0.0, 0.3])),
        }
        for lane in base.lanes
    ]
    first = next(lane for lane in lanes if lane["kind"] == "delivery")
    lanes.append({**delivery(first["origin"], first["destination"], 2.5, 1), "lane": "express", "departs": "", "cutoff": None, "handling_classes": "", "eur_per_kg": 0.0})  # fmt: skip
    return base.but(
        skus=[_sku(dict(row), draw) for row in base.skus], hubs=hubs, lanes=lanes, more=_more(base, draw, seed),
        stock={key: units + int(draw.integers(0, 9)) for key, units in base.stock.items()},
    )  # fmt: skip


def _sku(row: dict[str, Any], draw: np.random.Generator) -> dict[str, Any]:
    row["handling_class"] = str(draw.choice(_CLASSES))
    row["unit_price_eur"] = float(draw.choice([np.nan, 9.0]))
    row["lost_sale_eur"] = float(draw.choice([np.nan, np.nan, 7.5]))
    row["shelf_life_days"] = float(draw.choice([np.nan, 3.0]))
    return row


def _more(base: World, draw: np.random.Generator, seed: int) -> dict[str, Any]:
    """Return the other tables; capacities change within every cover window, because a plan does not look beyond its own."""
    names, hubs = [row["sku"] for row in base.skus], [row["hub"] for row in base.hubs]
    regions = sorted({region for _, region in base.demand})
    rules = [
        {
            "hub": hub, "sku": name, "is_stocked": bool(draw.random() < 0.7), "min_units": int(draw.integers(0, 4)),
            "max_units": float(draw.choice([np.nan, 30.0])), "frozen_until": day(int(draw.integers(-1, 4))),
        }
        for hub in hubs for name in names if draw.random() < 0.6
    ]  # fmt: skip
    capacity = [
        {
            "hub": hub, "from_date": day(int(draw.integers(-2, 4))),
            "handling_class": [None, "ambient", "cold"][int(draw.integers(3))],
            "storage_l": float(draw.choice([np.nan, 60.0, 150.0])),
            "inbound_units_per_period": float(draw.choice([np.nan, 7.0])),
            "outbound_units_per_period": float(draw.choice([np.nan, 5.0])),
            "is_open": [None, None, True, False][int(draw.integers(4))],
        }
        for hub in hubs for _ in range(3)
    ]  # fmt: skip
    prices = [
        {"date": day(int(draw.integers(-5, 5))), "region": region, "sku": name, "unit_price_eur": float(draw.uniform(5, 12))}
        for region in regions for name in names for _ in range(2) if draw.random() < 0.7
    ]  # fmt: skip
    inbound = [
        {"inbound_id": str(i), "hub": str(draw.choice(hubs)), "sku": str(draw.choice(names)), "units": int(draw.integers(1, 9)), "arrival_date": day(int(draw.integers(-3, 8)))}
        for i in range(4)
    ]  # fmt: skip
    late = [
        {"region": region, "promise_days": 2, "late_eur_per_unit": 1.0, "handling_class": None} for region in regions
    ]
    late.append({"region": regions[0], "promise_days": 1, "late_eur_per_unit": 3.0, "handling_class": "cold"})
    tables = {"hub_skus": rules, "hub_capacity": capacity, "inbound": inbound, "promises": late}
    if prices:
        unique = pd.DataFrame(prices).drop_duplicates(["date", "region", "sku"]).to_dict("records")
        tables["prices"] = unique
    if seed % 3:
        tables["supply"] = list(base.more["supply"])
    return tables


@cache
def _both(seed: int) -> tuple[Problem, Network, State, dict[str, pd.DataFrame]]:
    world = _world(seed)
    tables = world.tables()
    network = read_network(tables, world.settings, AS_OF, _PERIODS)
    state = open_state(tables, network, world.settings)
    state.receive(0)
    return world.problem(), network, state, tables


@pytest.mark.parametrize("seed", _SEEDS)
def test_every_lane_and_lost_sale_has_the_same_value(seed: int) -> None:
    problem, network, _, _ = _both(seed)
    for sku in range(len(problem.catalog.skus)):
        subproblem = build_subproblem(problem, sku)
        assert subproblem.lost_terms[TERM["lost_sales"]] == network.skus.lost_sale_eur[sku]
        terms, lanes = subproblem.shipment_terms, subproblem.lanes
        paid = terms[:, TERM["transfer"]] + terms[:, TERM["supply"]]
        bought = purchase_eur(np.full(len(lanes), sku), lanes, network)
        np.testing.assert_allclose(paid, network.lanes.unit_eur[sku, lanes] + bought)
        _check_deliveries(problem, network, sku)


def _check_deliveries(problem: Problem, network: Network, sku: int) -> None:
    subproblem = build_subproblem(problem, sku)
    eur = subproblem.delivery_terms[:, TERM["delivery"]] + subproblem.delivery_terms[:, TERM["late"]]
    hub, region = subproblem.hubs[subproblem.delivery_hub], subproblem.regions[subproblem.delivery_region]
    least = np.full((len(network.hubs.index), len(subproblem.regions)), np.inf)
    np.minimum.at(least, (hub, subproblem.delivery_region), eur)
    np.testing.assert_allclose(
        least, (network.delivery.cost_eur + network.delivery.late_eur)[sku][:, subproblem.regions]
    )
    nearest = np.where(subproblem.nearest >= 0, subproblem.hubs[subproblem.nearest], -1)
    assert nearest.tolist() == network.delivery.nearest[sku, subproblem.regions].tolist()
    assert set(region) <= set(subproblem.regions)


@pytest.mark.parametrize("seed", _SEEDS)
def test_one_line_alone_may_be_as_large_in_the_plan_as_in_the_replay(seed: int) -> None:
    """Stock, freezes, classes, packs, least orders, closings, every capacity and loads cut a line alike on both sides.

    A plan leaves out hubs that neither hold nor serve nor pass on the SKU; there a replay may send what no plan asks for.
    """
    problem, network, state, tables = _both(seed)
    leaving = departures(network, 0, _READY_MINUTES, state.arriving.shape[2])
    assert leaving.ship_day.tolist() == problem.network.ship_days.tolist()
    assert leaving.is_decided.tolist() == (~problem.network.is_outlook).tolist()
    limits = limits_at(network, state, leaving)
    for sku, name in enumerate(problem.catalog.skus):
        most = _most_alone(problem, sku)
        for lane in np.flatnonzero(leaving.is_decided):
            place, ships = network.lanes.index[lane], int(leaving.ship_day[lane])
            wish = pd.DataFrame({"sku": [name], "lane": [place], "units": [_MUCH], "ship_date": [pd.Timestamp(day(ships))]})  # fmt: skip
            sent = int(admit(wish, limits, network, leaving).units.sum())
            is_useful = network.lanes.destination[lane] in build_subproblem(problem, sku).hubs
            assert sent == most.get(int(lane), 0) or not is_useful, (name, place)
            assert sent == Rules(tables, name).largest_line(place, ships), (name, place)


def _most_alone(problem: Problem, sku: int) -> dict[int, int]:
    """Return the largest line of the SKU on each shipment when nothing else is sent."""
    subproblem, shared = build_subproblem(problem, sku), problem.shared
    limits, loads = subproblem.limits, {load.shipment: load.most for load in shared.loads}
    result = {}
    for index, lane in enumerate(subproblem.lanes):
        most = min(limits.most[index], limits.receive[subproblem.destination[index]], _MUCH)
        for row, resource in enumerate(shared.resources):
            if limits.uses[row, index] > 0:
                room = resource.capacity * (loads[resource.load] if resource.load >= 0 else 1.0)
                most = min(most, (room + 1e-6) / limits.uses[row, index])
        units = int(most // limits.pack[index] * limits.pack[index])
        result[int(lane)] = units if units >= limits.least[index] else 0
    return result


class Rules:
    """An independent reading of the tables' rules for one SKU, row by row, day by day."""

    def __init__(self, tables: dict[str, pd.DataFrame], name: str) -> None:
        self._tables, self._name = tables, name
        self._skus = tables["skus"].set_index("sku").to_dict("index")
        self._sku = self._skus[name]
        self._class = self._sku["handling_class"]

    def largest_line(self, lane: str, ships: int) -> int:
        """Return the largest line on ``lane`` that leaves ``ships`` days after the planning date when nothing else is sent."""
        row = self._tables["lanes"].set_index("lane").loc[lane].to_dict()
        arrives, to, is_supply = ships + row["lead_time_days"], row["destination"], row["kind"] == "supply"
        hubs = [to] if is_supply else [to, row["origin"]]
        if (
            not all(self._may_carry(text) for text in [row["handling_classes"], *map(self._hub_classes, hubs)])
            or not self._rule(to, "is_stocked", True) or row["lead_time_days"] >= self._or_infinite(self._sku["shelf_life_days"])
            or not self._is_open(to, arrives) or not (is_supply or self._is_open(row["origin"], ships))
            or not (is_supply or self._rule(row["origin"], "frozen_until", pd.Timestamp.min) <= pd.Timestamp(day(ships)))
        ):  # fmt: skip
            return 0
        volume = self._sku["volume_l"]
        most = [
            _MUCH,
            self._or_infinite(self._rule(to, "max_units", np.inf)) - self._held(to, self._name),
            self._throughput("inbound", to, arrives),
        ]
        most += [self._room(to, later) / volume for later in range(arrives, 2 * _PERIODS)]
        most += [row["loads_per_departure"] * row["load_l"] / volume] if row["load_l"] == row["load_l"] else []
        pack, least = self._sku["pack_units"], 1
        if is_supply and "supply" in self._tables:
            offer = self._tables["supply"].set_index("sku").loc[self._name]
            pack, least = offer["pack_units"], offer["min_order_units"]
        elif is_supply:
            pack = 1
        else:
            most += [
                self._usable(row["origin"]) - self._rule(row["origin"], "min_units", 0),
                self._throughput("outbound", row["origin"], ships),
            ]
        units = int((max(min(most), 0.0) + 1e-6) // pack * pack)
        return units if units >= least else 0

    def _may_carry(self, text: str) -> bool:
        return not text or self._class in [part.strip() for part in text.split("|")]

    def _hub_classes(self, hub: str) -> str:
        return str(self._tables["hubs"].set_index("hub").loc[hub, "handling_classes"])

    @staticmethod
    def _or_infinite(value: float) -> float:
        return np.inf if np.isnan(value) else value

    def _rule(self, hub: str, name: str, default: Any) -> Any:
        rows = self._tables["hub_skus"]
        rows = rows[(rows["hub"] == hub) & (rows["sku"] == self._name)]
        return rows[name].iloc[0] if len(rows) else default

    def _changes(self, hub: str, name: str, later: int, handling_class: str | None) -> pd.Series:
        rows = self._tables["hub_capacity"].sort_values("from_date", kind="stable")
        is_class = rows["handling_class"].isna() if handling_class is None else rows["handling_class"] == handling_class
        return rows.loc[
            (rows["hub"] == hub) & is_class & (rows["from_date"] <= pd.Timestamp(day(later))), name
        ].dropna()

    def _is_open(self, hub: str, later: int) -> bool:
        changes = self._changes(hub, "is_open", later, None)
        return bool(changes.iloc[-1]) if len(changes) else True

    def _capacity(self, hub: str, name: str, later: int, handling_class: str | None) -> float:
        changes = self._changes(hub, name, later, handling_class)
        if len(changes):
            return float(changes.iloc[-1])
        return np.inf if handling_class else float(self._tables["hubs"].set_index("hub").loc[hub, name])

    def _arrivals(self, hub: str) -> list[tuple[str, int, int]]:
        """Return SKU, units, and day of the lines still to come; overdue ones come two days after the planning date."""
        rows = self._tables["inbound"]
        days = (rows["arrival_date"] - pd.Timestamp(AS_OF)).dt.days
        lines = zip(rows["sku"], rows["units"], days.where(days >= 0, 2), rows["hub"], strict=True)
        return [(sku, units, later) for sku, units, later, place in lines if place == hub]

    def _on_shelf(self, hub: str, sku: str) -> int:
        rows = self._tables["stock"]
        here = sum(units for name, units, later in self._arrivals(hub) if later == 0 and name == sku)
        return int(rows.loc[(rows["hub"] == hub) & (rows["sku"] == sku), "units_on_hand"].sum()) + here

    def _usable(self, hub: str) -> int:
        return self._on_shelf(hub, self._name)

    def _held(self, hub: str, sku: str, until: float = np.inf) -> int:
        coming = sum(units for name, units, later in self._arrivals(hub) if name == sku and 0 < later <= until)
        return self._on_shelf(hub, sku) + coming

    def _members(self, handling_class: str | None) -> list[str]:
        return [name for name, row in self._skus.items() if handling_class in (None, row["handling_class"])]

    def _room(self, hub: str, later: int) -> float:
        """Return the liters free at the hub on a day, for all SKUs and for those of the class."""
        return min(
            max(0.0, self._capacity(hub, "storage_l", later, kind) - sum(self._held(hub, name, later) * self._skus[name]["volume_l"] for name in self._members(kind)))
            for kind in (None, self._class)
        )  # fmt: skip

    def _throughput(self, kind: str, hub: str, later: int) -> float:
        """Return the units that the hub can still receive or send on a day, for all SKUs and for those of the class."""
        result = np.inf
        for handling_class in (None, self._class):
            due = sum(
                units
                for name, units, when in self._arrivals(hub)
                if when == later > 0 and name in self._members(handling_class)
            )
            left = self._capacity(hub, f"{kind}_units_per_period", later, handling_class) - (
                due if kind == "inbound" else 0
            )
            result = min(result, max(0.0, left))
        return float(result)


@pytest.mark.parametrize("seed", _SEEDS)
def test_the_opening_is_the_same(seed: int) -> None:
    problem, _, state, _ = _both(seed)
    assert np.maximum(problem.stock.usable, 0.0).tolist() == state.on_hand.tolist()
    assert problem.stock.arrivals["units"].sum() == state.arriving.sum()


@pytest.mark.parametrize("seed", _SEEDS)
def test_the_value_of_a_lost_sale_equals_its_definition_row_by_row(seed: int) -> None:
    """An independent reading of the definition, one SKU and one region at a time."""
    problem, _, _, tables = _both(seed)
    prices = tables.get("prices", pd.DataFrame(columns=["date", "region", "sku", "unit_price_eur"]))
    for index, row in enumerate(tables["skus"].sort_values("sku").to_dict("records")):
        held = []
        for _, specified in prices[prices["sku"] == row["sku"]].sort_values("date").groupby("region"):
            before = specified[specified["date"] <= pd.Timestamp(AS_OF)]
            held.append(before["unit_price_eur"].iloc[-1] if len(before) else specified["unit_price_eur"].iloc[0])
        price = row["unit_price_eur"] if not np.isnan(row["unit_price_eur"]) else np.mean(held) if held else np.nan
        margin = max(price - row["unit_cost_eur"], 0.0) if not np.isnan(price) else 0.0
        right = row["lost_sale_eur"] if not np.isnan(row["lost_sale_eur"]) else margin
        assert problem.catalog.lost_sale_eur[index] == pytest.approx(right)


def test_a_price_only_in_prices_gives_three_in_plan_and_replay() -> None:
    world = _world(0)
    tables = world.tables()
    tables["skus"] = tables["skus"].drop(columns=["unit_price_eur", "lost_sale_eur"]).assign(unit_cost_eur=4.0)
    region = str(tables["regions"]["region"].iloc[0])
    tables["prices"] = pd.DataFrame({"date": [pd.Timestamp(AS_OF)] * 4, "region": region, "sku": tables["skus"]["sku"], "unit_price_eur": 7.0})  # fmt: skip
    network = read_network(tables, world.settings, AS_OF, _PERIODS)
    assert network.skus.lost_sale_eur.tolist() == [3.0] * 4
    assert lost_sale_values(tables["skus"], tables["prices"], AS_OF).tolist() == [3.0] * 4


def test_stock_reserved_beyond_the_stock_is_netted_with_arrivals_due_by_the_start() -> None:
    """Plan and replay both net the shortage with arrivals due by the start."""
    world = _world(1)
    tables = world.tables()
    tables["stock"] = tables["stock"].assign(units_reserved=tables["stock"]["units_on_hand"] + 3)
    first = tables["stock"].iloc[0]
    tables["inbound"] = pd.DataFrame({"inbound_id": ["1"], "hub": first["hub"], "sku": first["sku"], "units": 5, "arrival_date": [pd.Timestamp(AS_OF)]})  # fmt: skip
    network = read_network(tables, world.settings, AS_OF, _PERIODS)
    game = read_game(network, None, open_state(tables, network, world.settings), [0], world.settings)  # type: ignore[arg-type] # no demand is asked for
    state = game.opening.copy()
    state.receive(0)
    assert state.on_hand.sum() == 2


@pytest.mark.parametrize("seed", _SEEDS)
def test_attribution_uses_the_same_nearest_hub(seed: int) -> None:
    _, network, _, tables = _both(seed)
    rows = nearest_hubs(tables)
    known = {(row.sku, row.region): row.hub for row in rows.itertuples()}
    hubs = [*network.hubs.index, None]
    for sku, name in enumerate(network.skus.index):
        for region, place in enumerate(network.delivery.regions):
            assert known.get((name, place)) == hubs[network.delivery.nearest[sku, region]]


@pytest.mark.parametrize("seed", range(4))
def test_attribution_uses_the_plans_value_of_a_lost_sale(seed: int) -> None:
    """``forestock why`` uses the same price; it is unknown only where neither loss nor price is known."""
    problem, _, _, tables = _both(seed)
    known = lost_sale_eur(tables, AS_OF)
    for name, right in zip(problem.catalog.skus, problem.catalog.lost_sale_eur, strict=True):
        assert known[name] == right or (np.isnan(known[name]) and right == 0.0)
