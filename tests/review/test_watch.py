"""What to watch and what changed since the night before: said with the figure, and with whether to look."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from review import plan_page
from review.plan.attention import Watched, changed_moves, since, watched
from tests.review.night import AS_OF, Night, night


def _matters(built: Night) -> dict[str, Watched]:
    return {matter.name: matter for matter in watched(built.tables, built.outputs, built.settings, built.as_of)}


def _with_stock(built: Night, day: str) -> Night:
    stock = pd.DataFrame({"date": [pd.Timestamp(day)], "hub": "EAST", "sku": "SKU_00000", "units_on_hand": 1})
    return replace(built, tables=built.tables | {"stock": stock})


@pytest.mark.parametrize(("day", "is_worrying"), [("2016-05-23", False), ("2016-05-15", False), ("2016-05-14", True)])
def test_a_stale_snapshot_is_worth_a_look_beyond_its_limit_only(day: str, is_worrying: bool) -> None:
    assert _matters(_with_stock(night(), day))["Stock snapshot"].is_worrying is is_worrying


def test_a_region_without_sales_for_days_is_named() -> None:
    built = night()
    sales = built.tables["sales"]
    cut = sales[(sales["region"] != "R2") | (sales["date"] < pd.Timestamp("2016-05-15"))]
    assert not _matters(built)["Sales"].is_worrying
    assert "R2" in _matters(replace(built, tables=built.tables | {"sales": cut}))["Sales"].note


def test_bias_is_that_of_all_regions_together_and_names_the_furthest() -> None:
    built = night()
    accuracy = pd.DataFrame({
        "method": ["forestock", "forestock", "seasonal_naive"], "region": ["R1", "R2", "R1"], "segment": "FOODS",
        "forecast_units": [110.0, 150.0, 900.0], "actual_units": [100.0, 100.0, 100.0], "bias_rate": [0.1, 0.5, 8.0], "is_sustained": [False, True, True],
    })  # fmt: skip
    matter = _matters(replace(built, outputs=built.outputs | {"accuracy": accuracy}))["Forecast bias"]
    assert matter.value == "30.0\N{NO-BREAK SPACE}%"
    assert "too much" in matter.note
    assert "R2, FOODS: 50.0" in matter.note
    assert matter.is_worrying
    assert "forestock monitor" in _matters(built)["Forecast bias"].note


def test_skus_without_a_past_are_counted_with_their_share_of_demand() -> None:
    built = night(n_skus=4)
    forecast = built.outputs["forecast"].copy()
    forecast.loc[forecast["sku"] == "SKU_00001", "tier"] = "lightgbm_new"
    matter = _matters(replace(built, outputs=built.outputs | {"forecast": forecast}))["New skus"]
    share = forecast.loc[forecast["sku"] == "SKU_00001", "mean_units"].sum() / forecast["mean_units"].sum()
    assert matter.value == "1"
    assert f"{100 * share:.1f}" in matter.note


def test_room_that_is_worth_money_is_summed_and_named_dearest_first() -> None:
    built = night()
    row = built.outputs["exception"].iloc[0]
    rows = pd.DataFrame([row.to_dict() | {"kind": "capacity_blocks_storage", "hub": hub, "eur": eur} for hub, eur in (("MID", 10.0), ("EAST", 30.0))])  # fmt: skip
    matter = _matters(replace(built, outputs=built.outputs | {"exception": rows}))["Room worth money"]
    assert matter.value == "€40"
    assert matter.note.endswith("storage at EAST €30; storage at MID €10")


def test_what_needs_a_look_comes_first() -> None:
    built = _with_stock(night(), "2016-04-01")
    flags = [matter.is_worrying for matter in watched(built.tables, built.outputs, built.settings, AS_OF)]
    assert flags == sorted(flags, reverse=True)


def _nights() -> tuple[Night, dict[str, pd.DataFrame]]:
    """Return tonight and the night before: one move fewer, one twice as large, its departures a day earlier."""
    built = night(n_skus=6, n_proposals=6)
    transfer = built.outputs["transfer"].iloc[1:].copy()
    transfer["departure_id"] += "-yesterday"
    transfer["units"] = transfer["units"].where(transfer["sku"] != "SKU_00002", transfer["units"] * 2)
    transfer["status"] = "released"
    plan = built.outputs["plan"].assign(as_of=pd.Timestamp("2016-05-22"), total_eur=650.0, n_proposals=5)
    return built, {"plan": plan, "transfer": transfer}


def test_moves_are_compared_without_their_departure() -> None:
    built, before = _nights()
    moves = changed_moves(before["transfer"], built.outputs["transfer"]).set_index("sku")
    assert moves["difference"].to_dict() == {
        "SKU_00000": "new", "SKU_00001": "same", "SKU_00002": "less", "SKU_00003": "same", "SKU_00004": "same", "SKU_00005": "same",
    }  # fmt: skip
    assert moves.loc["SKU_00001", "status_then"] == "released"
    assert moves["units"].sum() == built.outputs["transfer"]["units"].sum()
    gone = changed_moves(built.outputs["transfer"], before["transfer"]).set_index("sku")
    assert gone.loc["SKU_00000", "difference"] == "gone"


def test_both_nights_stand_side_by_side_on_the_page() -> None:
    built, before = _nights()
    changed = since(before, built.outputs, built.settings)
    assert changed is not None
    assert changed.as_of == date(2016, 5, 22)
    assert ("Expected cost with the plan", "€650", "€500") in changed.figures
    frames = built.outputs | {f"{name}_before": frame for name, frame in before.items()}
    page = plan_page(built.tables, frames, built.settings, built.as_of)
    assert "Since Sun 22 May 2016: 1 move less, 1 move new, 4 moves as before." in page


def test_without_a_night_before_the_page_says_so() -> None:
    built = night()
    assert since({}, built.outputs, built.settings) is None
    assert "No earlier night" in plan_page(built.tables, built.outputs, built.settings, built.as_of)
