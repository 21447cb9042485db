"""Words, sums and pictures of the page, one by one."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from foundation.wording import Money, carbon, day, moment, number, rate
from review.packing import TextTable, numbers, pack
from review.plan.attention import findings
from review.plan.network import WIDTH, Place, hub_positions, labels, network_sheet
from review.plan.page import plan_page
from review.plan.summary import headline, plan_summary, top_proposals
from tests.review.sample_plan import AS_OF, HUBS, sample_plan


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234"), (-1234.0, "−1,234"), (-0.2, "0"), (0.0, "0"), (None, "–"), (float("nan"), "–")],
)
def test_numbers_have_thousands_a_minus_and_no_negative_zero(value: float | None, text: str) -> None:
    assert number(value) == text


def test_money_puts_its_sign_between_minus_and_amount() -> None:
    assert Money("EUR")(-12.3, 2) == "−€12.30"
    assert Money("SEK")(5) == "SEK 5"
    assert Money("USD")(None) == "–"


def test_rates_carbon_and_dates_are_written_for_people() -> None:
    assert rate(0.1234) == "12.3%"
    assert carbon(9999) == "9,999 kg CO₂e"
    assert carbon(12_340) == "12.3 t CO₂e"
    assert day(AS_OF) == "Mon, May 23, 2016"
    assert day(None) == "–"
    assert moment("2016-05-23T23:00Z", "America/Los_Angeles") == "Mon, May 23, 2016 16:00 PDT"


def test_packed_numbers_are_whole_where_they_can_be_and_null_where_unknown() -> None:
    assert numbers(pd.Series([1.0, 2.346, None]), 2) == [1, 2.35, None]
    assert numbers(pd.array([3, None], dtype="Int64"), 0) == [3, None]


def test_not_a_number_is_refused_rather_than_packed() -> None:
    """JSON in a browser has no NaN; the page would not open at all."""
    with pytest.raises(ValueError, match="JSON compliant"):
        pack({"value": math.nan})


def test_names_give_each_text_one_number() -> None:
    names = TextTable()
    assert names.of(["b", "a", "b", None]) == [0, 1, 0, 2]
    assert names.of(["a", "c"]) == [1, 3]
    assert names.texts() == ["b", "a", "", "c"]


def test_the_terms_shown_add_up_to_the_total() -> None:
    """The value of what is left is a credit; shown with its own sign the column would not add up."""
    built = sample_plan()
    result = headline(built.outputs["plan"], built.outputs["service"])
    assert result is not None
    assert sum(term.after_eur for term in result.terms) == result.total.after_eur == 500
    assert result.saving_eur == 400


def test_service_rates_divide_by_units_demanded() -> None:
    result = headline(sample_plan().outputs["plan"], sample_plan().outputs["service"])
    assert result is not None
    assert (result.before.local_fill_rate, result.after.local_fill_rate) == (0.6, 0.8)
    assert (result.before.promise_hit_rate, result.after.promise_hit_rate) == pytest.approx((0.7, 0.85))


def test_days_of_supply_of_a_hub_are_its_units_over_its_daily_demand() -> None:
    built = sample_plan(n_skus=20)
    for hub in hub_positions(built.tables, built.outputs["position"], AS_OF):
        rows = built.outputs["position"].query("hub == @hub.hub")
        daily = rows["expected_demand_units"].sum() / 14
        assert hub.days_of_supply == pytest.approx(rows["units_on_hand"].sum() / daily)


def test_storage_counts_the_latest_change_of_capacity_that_holds() -> None:
    built = sample_plan(n_skus=20)
    changes = pd.DataFrame(
        {"hub": ["WEST"] * 2, "from_date": pd.to_datetime(["2016-05-01", "2016-06-01"]), "storage_l": [450.0, 1.0]}
    )
    plain = {hub.hub: hub for hub in hub_positions(built.tables, built.outputs["position"], AS_OF)}
    changed = {
        hub.hub: hub
        for hub in hub_positions(built.tables | {"hub_capacity": changes}, built.outputs["position"], AS_OF)
    }
    assert plain["MID"].storage_rate_after is None
    assert changed["WEST"].storage_rate_after == pytest.approx(2 * plain["WEST"].storage_rate_after)


def test_exceptions_are_grouped_by_kind_with_the_most_value_at_stake_first() -> None:
    result = findings(sample_plan().outputs["exception"])
    assert [(finding.kind, finding.count, finding.eur) for finding in result] == [
        ("short_supply", 2, 110.0),
        ("overdue_inbound", 1, 0.0),
    ]
    assert result[0].rows["eur"].tolist() == [70.0, 40.0]


def test_an_action_shared_by_all_exceptions_of_a_kind_is_shown_once() -> None:
    exception = sample_plan().outputs["exception"]
    several, single = findings(exception)
    assert several.shared_action == single.shared_action == ""
    assert several.has_deadline
    assert not single.has_deadline
    assert findings(exception.assign(action="Call them."))[0].shared_action == "Call them."


def test_the_map_keeps_north_up_west_left_and_everything_on_the_sheet() -> None:
    built = sample_plan()
    sheet = network_sheet(built.tables, built.outputs["transfer"])
    places = {place.code: place for place in sheet.places}
    assert places["WEST"].x < places["MID"].x < places["EAST"].x
    assert places["R1"].y < places["EAST"].y
    assert all(0 <= place.x <= WIDTH and 0 <= place.y <= sheet.height for place in sheet.places)


def test_names_on_the_map_cover_no_other_name_and_every_hub_is_named() -> None:
    crowd = [Place(f"R{n}", "", "region", 500.0 + n % 5 * 12, 300.0 + n // 5 * 12) for n in range(20)]
    apart = [Place("EAST", "", "hub", 900.0, 300.0), Place("LONE", "", "region", 100.0, 100.0)]
    result = labels(crowd + apart)
    assert {"EAST", "LONE"} <= {label.text for label in result}
    assert len(result) < len(crowd)
    assert labels([Place(str(n), "", "hub", float(n), 1.0) for n in range(121)]) == []


def test_flows_on_the_map_hold_all_units() -> None:
    built = sample_plan(n_proposals=100)
    sheet = network_sheet(built.tables, built.outputs["transfer"])
    assert sum(flow.units for flow in sheet.flows) == built.outputs["transfer"]["units"].sum()
    assert all(flow.path for flow in sheet.flows)


def test_hubs_without_coordinates_are_left_off_the_map_not_the_list() -> None:
    built = sample_plan(n_proposals=9)
    tables = built.tables | {"hubs": HUBS.drop(columns=["latitude", "longitude"])}
    sheet = network_sheet(tables, built.outputs["transfer"])
    assert [flow.path for flow in sheet.flows] == ["", "", ""]
    assert {place.kind for place in sheet.places} == {"region"}


def test_the_summary_states_savings_exceptions_and_the_gap() -> None:
    built = sample_plan()
    text = plan_summary(built.outputs, built.settings, AS_OF)
    assert "**Expected savings €400** from 6 proposals" in text
    assert "* Short supply: 2 (€110)" in text
    assert "does not certify the forecast" in text


def test_the_summary_states_decisions_and_proposals_due_later() -> None:
    """A plan recomputed after an approval shows lines that are already decided."""
    built = sample_plan(n_proposals=40)
    transfer = built.outputs["transfer"]
    n_outlook = int(transfer["is_outlook"].sum())
    assert f"from 40 proposals ({n_outlook} of them due in later runs);" in plan_summary(
        built.outputs, built.settings, AS_OF
    )
    tonight = transfer.index[~transfer["is_outlook"]]
    transfer.loc[tonight[:3], "status"] = "released"
    transfer.loc[tonight[3:5], "status"] = "approved"
    assert f"Decided so far: 2 approved, 3 released, {40 - n_outlook - 5} open." in plan_summary(
        built.outputs, built.settings, AS_OF
    )
    page = plan_page(built.tables, built.outputs, built.settings, AS_OF)
    assert "the proposals of this run were: 2 approved, 3 released, " in page


def test_the_summary_lists_only_the_best_proposals_due_in_this_run() -> None:
    built = sample_plan(n_proposals=40)
    rows = top_proposals(built.outputs["transfer"], built.settings)
    assert len(rows) == 10
    assert rows[0]["savings"] == "€1,000"
    outlook = set(built.outputs["transfer"].query("is_outlook")["proposal_id"])
    assert not outlook & {row["proposal"] for row in rows}
