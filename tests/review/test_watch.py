"""The watch list and the changes since the previous run: each with its figure and whether it needs attention."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from review import plan_page
from review.plan.attention import WatchItem, changes_since, compared_shipments, watch_list
from tests.review.sample_plan import AS_OF, SamplePlan, sample_plan


def _items(built: SamplePlan) -> dict[str, WatchItem]:
    return {item.name: item for item in watch_list(built.tables, built.outputs, built.settings, built.as_of)}


def _with_stock(built: SamplePlan, day: str) -> SamplePlan:
    stock = pd.DataFrame({"date": [pd.Timestamp(day)], "hub": "EAST", "sku": "SKU_00000", "units_on_hand": 1})
    return replace(built, tables=built.tables | {"stock": stock})


@pytest.mark.parametrize(
    ("day", "needs_attention"), [("2016-05-23", False), ("2016-05-15", False), ("2016-05-14", True)]
)
def test_a_snapshot_needs_attention_only_beyond_its_age_limit(day: str, needs_attention: bool) -> None:
    assert _items(_with_stock(sample_plan(), day))["Stock snapshot"].needs_attention is needs_attention


def test_a_region_without_sales_for_days_is_named() -> None:
    built = sample_plan()
    sales = built.tables["sales"]
    cut = sales[(sales["region"] != "R2") | (sales["date"] < pd.Timestamp("2016-05-15"))]
    assert not _items(built)["Sales"].needs_attention
    assert "R2" in _items(replace(built, tables=built.tables | {"sales": cut}))["Sales"].note


def test_bias_covers_all_regions_and_names_the_largest() -> None:
    built = sample_plan()
    accuracy = pd.DataFrame({
        "method": ["forestock", "forestock", "seasonal_naive"], "region": ["R1", "R2", "R1"], "segment": "FOODS",
        "forecast_units": [110.0, 150.0, 900.0], "actual_units": [100.0, 100.0, 100.0], "bias_rate": [0.1, 0.5, 8.0], "is_sustained": [False, True, True],
    })  # fmt: skip
    item = _items(replace(built, outputs=built.outputs | {"accuracy": accuracy}))["Forecast bias"]
    assert item.value == "30.0%"
    assert "too high" in item.note
    assert "R2, FOODS: 50.0" in item.note
    assert item.needs_attention
    assert "forestock monitor" in _items(built)["Forecast bias"].note


def test_skus_without_history_are_counted_with_their_share_of_demand() -> None:
    built = sample_plan(n_skus=4)
    forecast = built.outputs["forecast"].copy()
    forecast.loc[forecast["sku"] == "SKU_00001", "tier"] = "lightgbm_new"
    item = _items(replace(built, outputs=built.outputs | {"forecast": forecast}))["New SKUs"]
    share = forecast.loc[forecast["sku"] == "SKU_00001", "mean_units"].sum() / forecast["mean_units"].sum()
    assert item.value == "1"
    assert f"{100 * share:.1f}" in item.note


def test_binding_capacities_are_summed_and_named_by_value() -> None:
    built = sample_plan()
    row = built.outputs["exception"].iloc[0]
    rows = pd.DataFrame([row.to_dict() | {"kind": "capacity_blocks_storage", "hub": hub, "eur": eur} for hub, eur in (("MID", 10.0), ("EAST", 30.0))])  # fmt: skip
    item = _items(replace(built, outputs=built.outputs | {"exception": rows}))["Capacity limits"]
    assert item.value == "€40"
    assert item.note.endswith("storage at EAST €30; storage at MID €10")


def test_items_that_need_attention_come_first() -> None:
    built = _with_stock(sample_plan(), "2016-04-01")
    flags = [item.needs_attention for item in watch_list(built.tables, built.outputs, built.settings, AS_OF)]
    assert flags == sorted(flags, reverse=True)


def _runs() -> tuple[SamplePlan, dict[str, pd.DataFrame]]:
    """Return a run and the previous one, which has one shipment fewer, one twice as large, and other departures."""
    built = sample_plan(n_skus=6, n_proposals=6)
    transfer = built.outputs["transfer"].iloc[1:].copy()
    transfer["departure_id"] += "-yesterday"
    transfer["units"] = transfer["units"].where(transfer["sku"] != "SKU_00002", transfer["units"] * 2)
    transfer["status"] = "released"
    plan = built.outputs["plan"].assign(as_of=pd.Timestamp("2016-05-22"), total_eur=650.0, n_proposals=5)
    return built, {"plan": plan, "transfer": transfer}


def test_shipments_are_compared_without_their_departure() -> None:
    built, before = _runs()
    moves = compared_shipments(before["transfer"], built.outputs["transfer"]).set_index("sku")
    assert moves["difference"].to_dict() == {
        "SKU_00000": "new", "SKU_00001": "same", "SKU_00002": "less", "SKU_00003": "same", "SKU_00004": "same", "SKU_00005": "same",
    }  # fmt: skip
    assert moves.loc["SKU_00001", "status_then"] == "released"
    assert moves["units"].sum() == built.outputs["transfer"]["units"].sum()
    gone = compared_shipments(built.outputs["transfer"], before["transfer"]).set_index("sku")
    assert gone.loc["SKU_00000", "difference"] == "dropped"


def test_the_page_compares_both_runs() -> None:
    built, before = _runs()
    changed = changes_since(before, built.outputs, built.settings)
    assert changed is not None
    assert changed.as_of == date(2016, 5, 22)
    assert ("Expected cost with the plan", "€650", "€500") in changed.figures
    frames = built.outputs | {f"{name}_before": frame for name, frame in before.items()}
    page = plan_page(built.tables, frames, built.settings, built.as_of)
    assert "Since Sun, May 22, 2016: 1 shipment smaller, 1 shipment new, 4 shipments unchanged." in page


def test_the_page_states_that_there_is_no_previous_run() -> None:
    built = sample_plan()
    assert changes_since({}, built.outputs, built.settings) is None
    assert "no run of the previous week" in plan_page(built.tables, built.outputs, built.settings, built.as_of)
