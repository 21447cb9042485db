"""A stockout that remains names its binding cause and a change; with that change the cause is gone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.worlds.positioning_world import AS_OF, World, day, delivery

_SKU = {
    "sku": "k",
    "unit_cost_eur": 4.0,
    "lost_sale_eur": 10.0,
    "mass_kg": 1.0,
    "volume_l": 2.0,
    "pack_units": 1,
    "handling_class": "cold",
}
_CLASSES = {"handling_classes": ""}


def _lane(kind: str, origin: str, days: int, **more: Any) -> dict[str, Any]:
    return {
        "lane": f"{origin}>A", "origin": origin, "destination": "A", "kind": kind, "lead_time_days": days,
        "eur_per_unit": 0.5, "distance_km": 100.0, **_CLASSES, **more,
    }  # fmt: skip


def _world(lane: dict[str, Any], stock: dict[tuple[str, str], int], **more: Any) -> World:
    """Return one region with a demand of 4 units a day, served by hub A, which has no stock."""
    return World(
        skus=[_SKU], hubs=[{"hub": "A", **_CLASSES}, {"hub": "B", **_CLASSES}],
        lanes=[{**delivery("A", "X", 1.0, 1), **_CLASSES}, lane], stock={("A", "k"): 0, **stock},
        demand={("k", "X"): 4.0}, more=more,
    )  # fmt: skip


def _causes(world: World) -> list[str]:
    exceptions = world.plan()["exception"]
    return exceptions.loc[exceptions["kind"] == "stockout_remains", "action"].tolist()


def _cause(world: World) -> str:
    (cause,) = _causes(world)
    return cause


def _number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    assert match is not None, text
    return float(match[1].replace(",", ""))


_FAST = _lane("transfer", "B", 0)
_PLENTY = {("B", "k"): 500}


def test_a_handling_class_that_no_lane_carries_is_named() -> None:
    world = _world({**_FAST, "handling_classes": "ambient"}, _PLENTY)
    assert "may carry cold goods. Add cold to handling_classes of a lane" in _cause(world)
    assert _causes(_world(_FAST, _PLENTY)) == []
    to_customer = world.but(lanes=[{**delivery("A", "X", 1.0, 1), "handling_classes": "ambient"}, _FAST])
    assert _cause(to_customer).startswith("No hub with a delivery lane to X may carry cold goods")


def test_units_lost_before_the_earliest_arrival_name_the_date_that_would_do() -> None:
    slow = _world(
        _lane("transfer", "B", 6),
        _PLENTY,
    )
    cause = _cause(slow)
    assert "units are lost before 2024-01-07, the earliest arrival" in cause
    by = re.search(r"arrives by (\d{4}-\d\d-\d\d) would do", cause)
    assert by is not None
    days = (date.fromisoformat(by[1]) - AS_OF).days
    assert _causes(_world(_lane("transfer", "B", days), _PLENTY)) == []


def test_sources_without_units_name_how_many_would_do() -> None:
    supply = [{"supplier": "S", "sku": "k", "units_available": 0}]
    lane = _lane("supply", "S", 0)
    cause = _cause(_world(lane, {}, supply=supply))
    assert cause.startswith("No units are left at S.")
    needed = _number(r"([\d,]+) more units there would cover", cause)
    left = [
        _world(lane, {}, supply=[supply[0] | {"units_available": units}]).plan()["service"]["lost_units"].sum()
        for units in (0, needed)
    ]
    assert left[1] < 0.15 * left[0]


@pytest.mark.parametrize("key", ["min_order_units", "pack_units"])
def test_a_minimum_order_or_pack_above_the_units_left_names_the_one_that_would_do(key: str) -> None:
    supply = {"supplier": "S", "sku": "k", "units_available": 30, key: 48}
    lane = _lane("supply", "S", 0)
    cause = _cause(_world(lane, {}, supply=[supply]))
    assert cause.startswith("The smallest shipment from S is 48 units, and 30 are left.")
    most = _number(r"at most (\d+) units? would do", cause)
    assert "48 units" not in " ".join(_causes(_world(lane, {}, supply=[supply | {key: most}])))


def test_a_pack_too_large_to_pay_names_the_one_that_would_do() -> None:
    supply = {"supplier": "S", "sku": "k", "pack_units": 900}
    lane = _lane("supply", "S", 0)
    world = _world(lane, {}, supply=[supply]).but(skus=[{**_SKU, "holding_eur_per_unit_day": 0.5}])
    cause = _cause(world)
    assert cause.startswith("The smallest shipment from S to A is 900 units, which do not pay.")
    most = _number(r"at most (\d+) units? would do", cause)
    assert "900 units" not in " ".join(_causes(world.but(more={"supply": [supply | {"pack_units": most}]})))


def test_a_hub_without_room_names_the_capacity_that_would_do() -> None:
    world = _world(_FAST, _PLENTY).but(hubs=[{"hub": "A", "storage_l": 1.0, **_CLASSES}, {"hub": "B", **_CLASSES}])
    cause = _cause(world)
    assert cause.startswith("Storage room at A is used up.")
    more = _number(r"([\d,]+) more liters would do", cause)
    wide = world.but(hubs=[{"hub": "A", "storage_l": 1.0 + more, **_CLASSES}, {"hub": "B", **_CLASSES}])
    assert wide.plan()["transfer"]["units"].sum() >= 1
    assert world.plan()["transfer"]["units"].sum() == 0


def test_a_hub_at_its_maximum_is_named() -> None:
    rules = [{"hub": "A", "sku": "k", "is_stocked": True, "min_units": 0, "max_units": 0, "frozen_until": day(-1)}]
    world = _world(_FAST, _PLENTY, hub_skus=rules)
    cause = _cause(world)
    more = _number(r"A maximum higher by (\d+) units? would do", cause)
    assert world.but(more={"hub_skus": [rules[0] | {"max_units": more}]}).plan()["transfer"]["units"].sum() >= 1


def test_a_shipment_that_costs_more_than_it_saves_names_the_value_from_which_it_pays() -> None:
    world = _world({**_FAST, "eur_per_unit": 15.0}, _PLENTY)
    cause = _cause(world)
    value = _number(r"pays from a lost-sale value of ([\d.,]+) per unit \(now 10.00\)", cause)
    just_below, above = (world.but(skus=[_SKU | {"lost_sale_eur": value + change}]) for change in (-0.02, 0.02))
    assert just_below.plan()["transfer"]["units"].sum() == 0
    assert above.plan()["transfer"]["units"].sum() >= 1


def test_a_replaced_sku_with_stock_names_its_successor() -> None:
    new = {**_SKU, "sku": "new", "replaces": "k"}
    world = _world(
        _FAST,
        {("B", "k"): 7},
        inbound=[{"inbound_id": "1", "hub": "A", "sku": "k", "units": 5, "arrival_date": day(2)}],
    )
    world = replace(world, skus=[{**_SKU, "replaces": None}, new], demand={("new", "X"): 0.1})
    rows = world.plan()["exception"].set_index("kind")
    assert "forecast_missing" not in rows.index
    assert rows.loc["sku_replaced", "sku"] == "k"
    assert rows.loc["sku_replaced", "units"] == 12
    assert rows.loc["sku_replaced", "action"].startswith("new replaces this SKU")


def test_a_load_that_costs_more_than_its_line_saves_names_the_cost_from_which_it_pays() -> None:
    lane = {**_FAST, "eur_per_load": 5_000.0, "load_l": 1_000.0}
    cause = _cause(_world(lane, _PLENTY))
    assert "less than its load cost of 5,000.00" in cause
    most = _number(r"from a load cost of ([\d,.]+)\.", cause)
    assert _world({**lane, "eur_per_load": 0.99 * most}, _PLENTY).plan()["transfer"]["units"].sum() >= 1


def test_a_delivery_that_costs_more_than_the_sale_names_the_cost_that_would_do() -> None:
    lanes = [{**delivery("A", "X", 12.0, 1), **_CLASSES}, _FAST]
    cause = _cause(_world(_FAST, _PLENTY).but(lanes=lanes))
    assert cause == "Delivery from A costs 12.00 per unit, and a lost sale 10.00. A delivery cost below 10.00 would do."


def test_a_network_that_is_short_names_the_units_that_are_missing() -> None:
    """B serves a region of its own and cannot give a unit without losing a sale there."""
    lanes = [{**delivery("A", "X", 1.0, 1), **_CLASSES}, {**delivery("B", "Y", 1.0, 1), **_CLASSES}, _FAST]
    world = _world(_FAST, {("B", "k"): 12}).but(lanes=lanes, demand={("k", "X"): 4.0, ("k", "Y"): 6.0})
    causes = [cause for cause in _causes(world) if "The network is short" in cause]
    assert causes[0].startswith("The network is short of the SKU: the units at B are needed there.")
    missing = _number(r"there\. (\d+) more units would cover", causes[0])
    before, after = (
        world.but(stock={("A", "k"): 0, ("B", "k"): 12 + more}).plan()["service"]["lost_units"].sum()
        for more in (0, missing)
    )
    assert after < before - 0.8 * missing
