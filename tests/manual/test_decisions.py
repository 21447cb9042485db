"""Which decisions are allowed, and the state of a proposal in the ledger."""

from __future__ import annotations

import pandas as pd
import pytest

from dispatch.decide import approve, closing_rows, ledger_rows, reject, release, unused_time
from dispatch.ledger import FOLLOWERS, STATUSES, earlier_proposals, ignored, ready_moment, states, with_status
from dispatch.selection import Filter, by_filter, by_id, by_rules, rule_reason, with_units
from dispatch.worth import departure_values, findings, losing
from foundation.decision_sections import Rule
from foundation.errors import InputError
from tests.worlds.proposal_world import (
    AS_OF,
    CUTOFF,
    MORNING,
    act,
    decision,
    departure,
    ledger,
    position,
    proposal,
    proposals,
    transfer,
)

NO_SUPPLY = pd.DataFrame({"supplier": [], "sku": []}, dtype="str")


def _status(*rows: dict[str, object]) -> str:
    return states(ledger(*rows))["status"].item()


def test_a_proposal_without_a_decision_is_proposed() -> None:
    assert with_status(transfer(proposal("x")), ledger())["status"].tolist() == ["proposed"]


@pytest.mark.parametrize(
    ("history", "status"),
    [
        (["approved"], "approved"),
        (["approved", "released"], "released"),
        (["approved", "released", "executed"], "executed"),
        (["rejected", "approved"], "approved"),
        (["approved", "rejected"], "rejected"),
        (["released", "rejected"], "released"),
        (["approved", "released", "released"], "released"),
        (["superseded", "approved"], "superseded"),
        (["executed"], "proposed"),
    ],
)
def test_the_last_permitted_row_is_the_state(history: list[str], status: str) -> None:
    rows = [decision("x", parts, f"2016-05-23T0{hour}:00") for hour, parts in enumerate(history)]
    assert (_status(*rows) if status != "proposed" else "proposed") == status
    assert len(states(ledger(*rows))) == (status != "proposed")


def test_rows_count_in_the_order_of_their_times() -> None:
    assert (
        _status(decision("x", "released", "2016-05-23T09:00"), decision("x", "approved", "2016-05-23T08:00"))
        == "released"
    )


def test_a_row_that_is_not_permitted_is_kept_and_reported() -> None:
    rows = ledger(decision("x", "released", "2016-05-23T07:00"), decision("x", "rejected", "2016-05-23T08:00"))
    assert ignored(rows)["status"].tolist() == ["rejected"]


def test_the_last_units_on_record_are_kept() -> None:
    rows = ledger(
        decision("x", "approved", "2016-05-23T07:00", units=18), decision("x", "released", "2016-05-23T08:00")
    )
    assert states(rows)["units"].tolist() == [18]


def test_a_decision_by_a_slow_clock_still_comes_after_the_one_before() -> None:
    """Two planners' clocks differ; the ledger must not order a release before its approval."""
    chosen = proposals(proposal("x"), decisions=ledger(decision("x", "approved", "2016-05-23T07:30")))
    rows = release(chosen, act(MORNING)).rows
    assert rows["at"].item() > pd.Timestamp("2016-05-23T07:30", tz="UTC")


def test_two_releases_never_share_a_time() -> None:
    taken = ledger(decision("x", "released"))
    assert unused_time(taken, MORNING) > MORNING
    assert unused_time(ledger(), MORNING) == MORNING


def test_an_approval_keeps_the_line_of_its_proposal() -> None:
    """A repeated run may no longer propose the line, but the approval must still be known."""
    row = approve(proposals(proposal("x")), act()).rows.iloc[0]
    parts = (
        row["status"],
        row["units"],
        row["by"],
        row["sku"],
        row["origin"],
        row["departure_id"],
        row["as_of"].date(),
    )
    assert parts == ("approved", 12, "Ada", "tea", "A", "A-B 2016-05-23", AS_OF)


@pytest.mark.parametrize(
    ("changes", "status", "why"),
    [
        ({"is_outlook": True}, None, "is outlook: a later run decides it"),
        ({"decide_by": MORNING - pd.Timedelta(minutes=1)}, None, "its cut-off has passed"),
        ({}, "approved", "is approved already"),
        ({}, "released", "is released"),
    ],
)
def test_proposals_that_cannot_be_approved_are_skipped_with_a_reason(
    changes: dict, status: str | None, why: str
) -> None:
    decisions = ledger(decision("x", status)) if status else ledger()
    outcome = approve(proposals(proposal("x", **changes), decisions=decisions), act())
    assert outcome.rows.empty
    assert outcome.skipped["why"].tolist() == [why]


def test_a_decision_exactly_at_the_cut_off_is_in_time() -> None:
    assert len(approve(proposals(proposal("x")), act(CUTOFF)).rows) == 1


def test_a_rejection_without_a_reason_is_refused() -> None:
    with pytest.raises(InputError, match="needs a reason"):
        reject(proposals(proposal("x")), act(reason="  "))


def test_outlook_and_late_proposals_may_be_rejected() -> None:
    late = proposal("y", decide_by=MORNING - pd.Timedelta(days=1))
    outcome = reject(proposals(proposal("x", is_outlook=True), late), act(reason="no room"))
    assert outcome.rows["status"].tolist() == ["rejected", "rejected"]
    assert outcome.rows["reason"].tolist() == ["no room", "no room"]


def test_only_approved_proposals_are_released_and_for_their_approved_units() -> None:
    decisions = ledger(decision("x", "approved", units=18), decision("z", "rejected"))
    outcome = release(proposals(proposal("x"), proposal("y"), proposal("z"), decisions=decisions), act(CUTOFF))
    assert outcome.rows[["proposal_id", "units"]].values.tolist() == [["x", 18]]
    assert outcome.skipped["why"].tolist() == ["is not approved", "is not approved"]


def test_an_approved_proposal_may_be_rejected_until_it_is_released() -> None:
    decisions = ledger(decision("x", "approved"), decision("y", "released"))
    outcome = reject(proposals(proposal("x"), proposal("y"), decisions=decisions), act(CUTOFF, "no truck"))
    assert outcome.rows["proposal_id"].tolist() == ["x"]
    assert outcome.skipped["why"].tolist() == ["is released"]


def test_an_unambiguous_beginning_of_an_id_selects_the_proposal() -> None:
    known = proposals(proposal("abcd11"), proposal("abcd22"), proposal("ef9900"))
    assert by_id(known, ["ef99"])["proposal_id"].tolist() == ["ef9900"]
    with pytest.raises(InputError, match="begins 2 proposals") as raised:
        by_id(known, ["abcd", "zzzz", "ef9"])
    assert len(raised.value.lines) == 3


def test_a_filter_includes_its_bounds_and_refuses_unknown_names() -> None:
    known = proposals(proposal("x", cost_eur=10.0), proposal("y", cost_eur=10.01))
    assert by_filter(known, Filter(max_cost_eur=10))["proposal_id"].tolist() == ["x"]
    with pytest.raises(InputError, match="no proposal has the lane 'A-Z'"):
        by_filter(known, Filter(lanes=("A-Z",)))


def test_the_first_rule_that_matches_decides() -> None:
    """Below 500 € where the destination lasts 48 hours or less: approved; a refusal before it wins."""
    known = proposals(
        proposal("cheap"),
        proposal("dear", cost_eur=501.0),
        proposal("full", sku="rum"),
        proposal("poor", benefit_eur=2.0),
    )
    rules = [
        Rule(name="poor", action="reject", max_benefit_eur=5),
        Rule(name="small", max_cost_eur=500, max_cover_hours=48),
    ]
    result = by_rules(known, position(B__tea=2.0, B__rum=2.1, A__tea=9.0), rules)
    assert result[["proposal_id", "rule", "action"]].values.tolist() == [
        ["cheap", "small", "approve"], ["poor", "poor", "reject"],
    ]  # fmt: skip
    assert rule_reason(rules[1]) == "rule small: max_cost_eur 500, max_cover_hours 48"


def test_cover_is_infinite_without_demand_and_zero_without_stock() -> None:
    rule = [Rule(name="r", max_cover_hours=1)]
    assert by_rules(proposals(proposal("x")), position(B__tea=None), rule).empty
    assert len(by_rules(proposals(proposal("x")), position(A__tea=1.0), rule)) == 1


def test_units_may_change_in_whole_packs_up_to_the_stock_of_the_origin() -> None:
    """30 on hand, 12 leave by the plan, all of them this line's: 30 can."""
    edited = with_units(proposals(proposal("x")), {"x": 30}, position(A__tea=9.0), NO_SUPPLY)
    assert edited[["units", "packs"]].values.tolist() == [[30, 5]]


@pytest.mark.parametrize(
    ("units", "message"),
    [(13, "not whole packs of 6; take 12 or 18"), (0, "are no shipment"), (-6, "are no shipment"), (36, "more than the 30 A can give"), (4, "not whole packs of 6; take 6")],
)  # fmt: skip
def test_impossible_units_are_refused_with_possible_ones(units: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        with_units(proposals(proposal("x")), {"x": units}, position(A__tea=9.0), NO_SUPPLY)


def test_an_order_respects_the_suppliers_minimum_and_availability() -> None:
    order = proposals(proposal("x", lane="S-B", kind="supply", units=24, packs=4))
    supply = pd.DataFrame({"supplier": ["S"], "sku": ["tea"], "min_order_units": [18], "units_available": [60]})
    with pytest.raises(InputError, match="below the smallest order of 18"):
        with_units(order, {"x": 12}, position(B__tea=9.0), supply)
    with pytest.raises(InputError, match="more than the 60 S can give"):
        with_units(order, {"x": 66}, position(B__tea=9.0), supply)
    assert with_units(order, {"x": 60}, position(B__tea=9.0), supply)["units"].tolist() == [60]


def test_a_departure_left_with_too_little_is_flagged() -> None:
    """Two lines worth 30 each after 20 of fixed cost: 40 before it each. One rejected: 40 − 20 = 20, it still pays."""
    lines = (proposal("x"), proposal("y", sku="rum"))
    table = pd.DataFrame([departure()])
    one_off = proposals(*lines, decisions=ledger(decision("y", "rejected")))
    assert departure_values(one_off, table)["value_eur"].tolist() == [20.0]
    cut = ledger(decision("y", "rejected"), decision("x", "approved", units=3))
    result = departure_values(proposals(*lines, decisions=cut), table)
    assert result["value_eur"].tolist() == [-10.0]
    assert losing(result)["departure_id"].tolist() == ["A-B 2016-05-23"]
    row = findings(proposals(*lines, decisions=cut), table).iloc[0]
    assert (row["kind"], row["hub"], row["units"], row["eur"]) == ("departure_not_paying", "A", 3, 10.0)


def test_a_bulky_line_bears_more_of_the_load_cost() -> None:
    """Three liters to one: the tea bears 15 of the 20 € the load costs, so alone it is worth 30 + 15 − 20."""
    lines = (proposal("x"), proposal("y", sku="rum"))
    skus = pd.DataFrame({"sku": ["tea", "rum"], "volume_l": [3.0, 1.0], "mass_kg": [1.0, 9.0]})
    alone = proposals(*lines, decisions=ledger(decision("y", "rejected")))
    assert departure_values(alone, pd.DataFrame([departure()]), skus)["value_eur"].tolist() == [25.0]


def test_the_cost_of_unneeded_loads_is_zero() -> None:
    lines = (proposal("x"), proposal("y", sku="rum"))
    two_loads = pd.DataFrame([departure(loads=2, volume_fill_rate=0.9, fixed_eur=40.0)])
    result = departure_values(proposals(*lines, decisions=ledger(decision("y", "rejected"))), two_loads)
    assert result["value_eur"].tolist() == [30.0 + 20.0 - 20.0]


def test_the_cost_of_an_empty_departure_is_zero() -> None:
    result = departure_values(
        proposals(proposal("x"), decisions=ledger(decision("x", "rejected"))), pd.DataFrame([departure()])
    )
    assert result["value_eur"].tolist() == [0.0]
    assert losing(result).empty


def test_a_run_reads_earlier_decisions_on_earlier_plans() -> None:
    ready = ready_moment(pd.Timestamp("2016-05-24").date(), "06:00", pd.Series(["America/Los_Angeles", "UTC"]))
    assert ready == pd.Timestamp("2016-05-24T13:00", tz="UTC")
    evening = decision("x", "rejected", "2016-05-24T12:59")
    later = decision("y", "rejected", "2016-05-24T13:00")
    table = transfer(proposal("x"), proposal("y"))
    result = earlier_proposals(ledger(evening, later), table, pd.Timestamp("2016-05-24").date(), ready)
    assert result[["proposal_id", "status"]].values.tolist() == [["x", "rejected"]]
    assert earlier_proposals(ledger(evening, later), table, AS_OF, ready).empty


def test_the_line_of_the_ledger_counts_if_the_plan_no_longer_proposes_it() -> None:
    rows = ledger_rows(proposals(proposal("x")), "released", act())
    ready = pd.Timestamp("2016-05-24T06:00", tz="UTC")
    result = earlier_proposals(rows, transfer(proposal("other")), pd.Timestamp("2016-05-24").date(), ready)
    assert result[["proposal_id", "sku", "units", "benefit_eur"]].values.tolist() == [["x", "tea", 12, 30.0]]


def test_arrived_releases_are_executed_and_missed_approvals_superseded() -> None:
    lines = proposals(*(proposal(name) for name in ("seen", "open", "idle")))
    released = ledger_rows(lines[lines["proposal_id"] != "idle"], "released", act())
    idle = ledger_rows(lines[lines["proposal_id"] == "idle"], "approved", act())
    decisions = pd.concat([released, idle], ignore_index=True)
    inbound = pd.DataFrame({"proposal_id": ["seen", None]})
    tomorrow = act(MORNING + pd.Timedelta(days=1))
    rows = closing_rows(decisions, inbound, pd.Timestamp("2016-05-24"), tomorrow)
    assert rows[["proposal_id", "status"]].values.tolist() == [["seen", "executed"], ["idle", "superseded"]]
    arrived = closing_rows(decisions, inbound, pd.Timestamp("2016-05-25"), tomorrow)
    assert sorted(arrived.loc[arrived["status"] == "executed", "proposal_id"]) == ["open", "seen"]


def test_every_status_lists_its_followers() -> None:
    assert set(FOLLOWERS) == set(STATUSES)
    assert set().union(*FOLLOWERS.values()) <= set(STATUSES)
