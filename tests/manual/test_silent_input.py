"""Input that is valid but economically empty, or a network that can never serve: reported with rows and consequences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation.configuration import load_settings
from foundation.store.snapshot import validate_inputs
from tests.worlds.foreign_world import SKUS, foreign_world, validated

COLD = pd.DataFrame({"sku": SKUS, "handling_class": ["cold", *["ambient"] * 4]})


def test_the_bundled_data_raise_neither_warning_nor_assumption() -> None:
    result = validate_inputs(load_settings("demo"), None, "rebalance")
    assert (result.faults, result.warnings, result.incomplete, result.assumptions) == ((), (), (), ())


@pytest.mark.parametrize(
    ("lacks", "message"),
    [
        (("unit_price_eur",), ["skus.unit_price_eur: 5 rows empty and no lost_sale_eur; losing their sales costs nothing"]),
        (("unit_cost_eur",), ["skus.unit_cost_eur: 5 rows empty; goods count as free"]),
        (("unit_price_eur", "unit_cost_eur"), ["skus.unit_price_eur: 5 rows", "skus.unit_cost_eur: 5 rows"]),
    ],
)  # fmt: skip
def test_lost_sales_without_cost_and_free_goods_are_named(
    lacks: tuple[str, ...], message: list[str], tmp_path: Path
) -> None:
    world = foreign_world()
    world["skus"] = world["skus"].drop(columns=list(lacks))
    warnings = validated(world, tmp_path).warnings
    assert len(warnings) == len(message)
    assert all(line.startswith(start) for line, start in zip(warnings, message, strict=True))
    recent = world["sales"]["date"] >= "2024-05-06"
    assert f"{world['sales'].loc[recent, 'units_sold'].sum():,} units sold in the last 28 days" in warnings[0]


def test_single_skus_without_money_are_named_and_a_given_loss_or_price_is_enough(tmp_path: Path) -> None:
    world = foreign_world()
    world["skus"].loc[2, "unit_cost_eur"] = np.nan
    world["skus"].loc[3, "unit_price_eur"] = np.nan
    price, cost = validated(world, tmp_path).warnings
    assert "1 row empty" in price
    assert "sku=D" in price
    assert "sku=C" in cost
    assert "losing a sale costs the whole price" in cost
    world["skus"]["lost_sale_eur"] = 4.0
    (cost,) = validated(world, tmp_path).warnings
    assert "whole price" not in cost
    world = foreign_world()
    prices = world["skus"][["sku", "unit_price_eur"]].merge(world["regions"], how="cross").assign(date="2024-01-01")
    world["skus"] = world["skus"].drop(columns="unit_price_eur")
    assert validated(world | {"prices": prices}, tmp_path).warnings == ()


def test_a_loss_of_zero_is_reported(tmp_path: Path) -> None:
    world = foreign_world()
    world["skus"]["unit_price_eur"] = world["skus"]["unit_cost_eur"]
    world["lanes"]["eur_per_unit"] = np.where(world["lanes"]["kind"] == "delivery", 0.0, 0.5)
    (line,) = validated(world, tmp_path).warnings
    assert line.startswith("skus.lost_sale_eur: 5 rows of 0")


def _without_costs(world: dict[str, pd.DataFrame]) -> None:
    world["lanes"] = world["lanes"].drop(columns="eur_per_unit")


def _without_supply(world: dict[str, pd.DataFrame]) -> None:
    del world["supply"]


def _without_some_offers(world: dict[str, pd.DataFrame]) -> None:
    world["supply"] = world["supply"].iloc[2:]


def _without_supply_lanes(world: dict[str, pd.DataFrame]) -> None:
    world["lanes"] = world["lanes"][world["lanes"]["kind"] != "supply"]


def _without_masses(world: dict[str, pd.DataFrame]) -> None:
    world["skus"] = world["skus"].drop(columns="mass_kg")
    world["lanes"]["eur_per_kg"] = 0.1


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (_without_costs, {"transfer_lane_cost", "supply_lane_cost", "delivery_lane_cost"}),
        (_without_supply, {"unlimited_supply"}),
        (_without_some_offers, {"not_offered"}),
        (_without_supply_lanes, {"no_supply_lane"}),
        (_without_masses, {"mass_kg"}),
    ],
)
def test_each_default_that_decides_a_plan_is_an_assumption(change: object, keys: set[str], tmp_path: Path) -> None:
    assert callable(change)
    usual = {one.key for one in validated(foreign_world(), tmp_path).assumptions}
    assert usual >= {"lost_sale", "emission_factor", "holding_rate", "no_promise", "no_inbound"}
    world = foreign_world()
    change(world)
    result = validated(world, tmp_path).assumptions
    assert {one.key for one in result} - usual == keys
    assert all(one.assumed and one.effect for one in result)
    assert [one.eur or 0.0 for one in result] == sorted((one.eur or 0.0 for one in result), reverse=True)


def test_an_assumption_counts_the_money_of_four_weeks(tmp_path: Path) -> None:
    world = foreign_world()
    (lost,) = [one for one in validated(world, tmp_path).assumptions if one.key == "lost_sale"]
    recent = world["sales"]["date"] >= "2024-05-06"
    assert lost.eur == pytest.approx(5.0 * world["sales"].loc[recent, "units_sold"].sum())


@pytest.mark.parametrize(
    ("kind", "lead", "overrides", "message"),
    [
        ("supply", 45, (), "2 supply lanes take 45 days, the horizon is 28; nothing is ever ordered on them (S-H1, S-H2); set horizon to 52 or more"),
        ("transfer", 28, (), "2 transfer lanes take 28 days, the horizon is 28; nothing is ever transferred on them (H1-H2, H2-H1); set horizon to 35 or more"),
        ("supply", 27, (), "2 rows of kind supply take up to 27 days, 34 with positioning.review_days, beyond the horizon of 28 days (S-H1, S-H2); orders on them leave out the demand beyond it; set horizon to 34 or more"),
        ("supply", 27, ("horizon=34",), ""),
        ("supply", 21, (), ""),
        ("supply", 20, ("positioning.cover_days=14",), "2 supply lanes take 20 days, positioning.cover_days is 14; nothing is ever ordered on them (S-H1, S-H2); set positioning.cover_days to 27 or more"),
        ("supply", 45, ("positioning.kinds=[transfer]",), ""),
    ],
)  # fmt: skip
def test_a_lane_that_can_never_be_used_is_named_with_a_remedy(
    kind: str, lead: int, overrides: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    world = foreign_world()
    world["lanes"].loc[world["lanes"]["kind"] == kind, "lead_time_days"] = lead
    assert list(validated(world, tmp_path, *overrides).warnings) == (
        [f"lanes.lead_time_days: {message}"] if message else []
    )


def test_a_weekly_lane_is_measured_in_whole_weeks(tmp_path: Path) -> None:
    world = foreign_world(days=400)
    world["sales"] = world["sales"][world["sales"]["date"].dt.day_of_week == 0]
    world["lanes"].loc[world["lanes"]["kind"] == "supply", "lead_time_days"] = 27
    weekly = ("frequency=W-MON", "horizon=4", "forecast.window_days=[7,14]")
    (line,) = validated(world, tmp_path, *weekly).warnings
    assert "2 supply lanes take 27 days, the horizon is 4 weeks;" in line
    assert line.endswith("set horizon to 5 or more")


def test_a_lane_without_capacity_is_named(tmp_path: Path) -> None:
    world = foreign_world()
    world["lanes"]["loads_per_departure"] = np.where(world["lanes"]["kind"] == "transfer", 0.0, np.nan)
    (line,) = validated(world, tmp_path).warnings
    assert line.startswith("lanes.loads_per_departure: 2 of 4 lanes can carry no SKU (H1-H2, H2-H1)")


@pytest.mark.parametrize(
    ("table", "allowed", "is_reported"),
    [("hubs", "ambient", True), ("hubs", "ambient|cold", False), ("lanes", "ambient", True), ("lanes", "cold|ambient", False)],
)  # fmt: skip
def test_a_handling_class_without_delivery_is_named(
    table: str, allowed: str, is_reported: bool, tmp_path: Path
) -> None:
    world = foreign_world()
    world["skus"] = world["skus"].merge(COLD, on="sku")
    world[table]["handling_classes"] = allowed
    warnings = validated(world, tmp_path).warnings
    assert len(warnings) == int(is_reported)
    assert all("1 SKU of class cold, sold in 3 regions" in line and "will count as lost" in line for line in warnings)


@pytest.mark.parametrize(("factor", "is_reported"), [(3, True), (0, False)])
def test_a_best_seller_without_stock_rows_is_named_and_a_slow_one_is_an_assumption(
    factor: int, is_reported: bool, tmp_path: Path
) -> None:
    world = foreign_world()
    sales, stock = world["sales"], world["stock"]
    is_c = sales["sku"] == "C"
    sales["units_sold"] = np.where(is_c, factor * sales["units_sold"] + 1, sales["units_sold"])
    world["stock"] = stock[stock["sku"] != "C"]
    result = validated(world, tmp_path)
    units = sales.loc[is_c & (sales["date"] >= "2024-05-06"), "units_sold"].sum()
    start = f"stock.sku: 1 of 5 SKUs sold in the last 28 days has no row in the snapshot though selling well (C: {units:,} units sold)"
    assert [line[: len(start)] for line in result.warnings] == [start] * is_reported
    assert ("uncounted" in {one.key for one in result.assumptions}) != is_reported
    assert result.incomplete == ()
    world["stock"] = world["stock"].iloc[1:]
    result = validated(world, tmp_path)
    assert result.warnings == ()
    assert "uncounted" in {one.key for one in result.assumptions}
    world["skus"]["delist_date"] = np.where(world["skus"]["sku"] == "C", "2024-05-20", None)
    assert "uncounted" not in {one.key for one in validated(world, tmp_path).assumptions}


@pytest.mark.parametrize(
    ("units", "others", "sold", "is_reported"),
    [
        (20_000, 20, 1, True),
        (2_000, 20, 1, False),
        (20_000, 1_000, 1, False),
        (20_000, 20, 0, False),
        (900, 0, 1, False),
    ],
)
def test_one_stock_row_of_years_beside_usual_ones_is_named(
    units: int, others: int, sold: int, is_reported: bool, tmp_path: Path
) -> None:
    world = foreign_world()
    stock, sales = world["stock"], world["sales"]
    sales.loc[sales["sku"] == "C", "units_sold"] *= sold
    stock.loc[stock["sku"] == "C", "units_on_hand"] = others
    stock.loc[(stock["sku"] == "C") & (stock["hub"] == "H2"), "units_on_hand"] = units
    lines = [line for line in validated(world, tmp_path).warnings if line.startswith("stock.units_on_hand: 1 row of")]
    assert len(lines) == is_reported
    assert all(f"hub=H2, sku=C: {units:,}" in line for line in lines)


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (5.0, ""),
        (7.0, ""),
        (np.nan, ""),
        (9.0, "1 row more than 1.5 times above or below skus.unit_cost_eur, first: supplier=S, sku=C: 9 beside 5"),
        (0.5, "1 row more than 1.5 times above or below skus.unit_cost_eur, first: supplier=S, sku=C: 0.5 beside 5"),
        (
            60.0,
            "1 row above the sales price; a sale of what is ordered loses money, first: supplier=S, sku=C: 60 beside 10",
        ),
    ],
)
def test_an_offer_per_pack_is_named(cost: float, message: str, tmp_path: Path) -> None:
    world = foreign_world()
    world["supply"]["unit_cost_eur"] = np.where(world["supply"]["sku"] == "C", cost, 5.0)
    remedy = "give EUR per unit; a price per pack is to be divided by pack_units"
    assert list(validated(world, tmp_path).warnings) == (
        [f"supply.unit_cost_eur: {message}; {remedy}"] if message else []
    )


@pytest.mark.parametrize(("eur", "is_reported"), [(500.0, True), (5.5, True), (5.0, False), (1.0, False)])
def test_a_delivery_lane_that_costs_more_than_any_lost_sale_is_named(
    eur: float, is_reported: bool, tmp_path: Path
) -> None:
    world = foreign_world()
    world["lanes"].loc[world["lanes"]["lane"] == "H1-R2", "eur_per_unit"] = eur
    start = "lanes.eur_per_unit: 1 row of delivery lanes on which a unit costs more than losing its sale"
    lines = validated(world, tmp_path).warnings
    assert [line[: len(start)] for line in lines] == [start] * is_reported
    assert all(f"first: lane=H1-R2: {eur:g};" in line for line in lines)
    world["skus"].loc[0, "lost_sale_eur"] = 501.0
    assert validated(world, tmp_path).warnings == ()
