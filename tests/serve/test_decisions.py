"""Decisions in the workspace: the checks of the commands, who and when, undo, and two people at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forestock.cli.main import app
from pipeline.decisions import Selection, decide_proposals
from tests.serve.conftest import Site
from tests.worlds.proposal_world import AS_OF, CUTOFF, act


def test_a_decision_is_in_the_ledger_with_who_and_when(site: Site) -> None:
    reply = site.logged_in("Paul").decide("approve", "aaaa1111")
    assert reply.json()["decided"] == 1
    row = site.ledger().iloc[-1]
    assert (row["proposal_id"], row["status"], row["by"], row["at"], row["units"]) == (
        "aaaa1111",
        "approved",
        "Paul",
        site.now,
        12,
    )


def test_changed_units_take_the_checks_of_the_command(site: Site) -> None:
    paul = site.logged_in("Paul")
    assert (
        "not whole packs of 6; take 6 or 12"
        in paul.decide("approve", "aaaa1111", units={"aaaa1111": 7}).json()["detail"]
    )
    assert "more than the 30 A can give" in paul.decide("approve", "aaaa1111", units={"aaaa1111": 36}).json()["detail"]
    assert len(site.ledger()) == 0
    assert paul.decide("approve", "aaaa1111", units={"aaaa1111": 18}).status_code == 200
    assert site.ledger()["units"].tolist() == [18]


def test_a_rejection_needs_a_reason(site: Site) -> None:
    paul = site.logged_in("Paul")
    assert paul.decide("reject", "aaaa1111").status_code == 400
    assert paul.decide("reject", "aaaa1111", reason="promotion canceled").status_code == 200
    assert site.ledger()["reason"].tolist() == ["promotion canceled"]


def test_a_line_after_its_cutoff_is_not_approved(site: Site) -> None:
    reply = site.logged_in("Paul").decide("approve", "cccc3333").json()
    assert reply["decided"] == 0
    assert reply["skipped"] == [{"id": "cccc3333", "why": "its cut-off has passed"}]


def test_a_departure_is_valued_again_after_every_edit(site: Site) -> None:
    """One line saves 30 and the other costs 25; with the load of 20, the line that costs does not pay alone."""
    paul = site.logged_in("Paul")
    before = next(row for row in paul.rows() if row["id"] == "A-B 2016-05-23")
    assert (before["value"], before["pays"]) == (pytest.approx(5.0), True)
    reply = paul.decide("reject", "aaaa1111", reason="promotion canceled").json()
    after = next(row for row in paul.rows() if row["id"] == "A-B 2016-05-23")
    assert reply["departures"] == [after]
    assert (after["value"], after["pays"], after["units"]) == (pytest.approx(-35.0), False, 12)
    assert after["fill"] == pytest.approx(0.25)
    site_command = decide_proposals(
        site.settings, AS_OF, "reject", Selection(ids=("bbbb2222",)), act(reason="too small")
    )
    assert site_command.losing.empty


def test_undo_makes_a_line_undecided_with_the_proposed_units(site: Site) -> None:
    paul = site.logged_in("Paul")
    paul.decide("approve", "aaaa1111", units={"aaaa1111": 18})
    assert paul.decide("withdraw", "aaaa1111").json()["decided"] == 1
    row = next(row for row in paul.rows() if row["id"] == "aaaa1111")
    assert (row["status"], row["units"], row["decided"]) == ("proposed", 12, 12)
    assert site.ledger()["status"].tolist() == ["approved", "proposed"]


def test_the_second_person_sees_who_decided(site: Site) -> None:
    paul, petra = site.logged_in("Paul"), site.logged_in("Petra")
    seen = petra.versions()
    paul.decide("reject", "aaaa1111", reason="stock count is wrong")
    for body in ({"lines": {"aaaa1111": seen["aaaa1111"]}}, {"departures": {"A-B 2016-05-23": seen["A-B 2016-05-23"]}}):
        reply = petra.post("/decisions", {"verb": "approve", **body})
        conflict = reply.json()["conflicts"][0]
        assert reply.status_code == 409
        assert (conflict["by"], conflict["status"], conflict["reason"]) == ("Paul", "rejected", "stock count is wrong")
    assert len(site.ledger()) == 1


def test_a_decision_of_the_command_line_is_a_conflict_too(site: Site) -> None:
    paul = site.logged_in("Paul")
    seen = paul.versions()
    decide_proposals(site.settings, AS_OF, "approve", Selection(ids=("aaaa1111",)), act())
    reply = paul.post("/decisions", {"verb": "reject", "lines": {"aaaa1111": seen["aaaa1111"]}, "reason": "late"})
    assert (reply.status_code, reply.json()["conflicts"][0]["by"]) == (409, "Ada")


def test_of_many_at_once_exactly_one_decides(site: Site) -> None:
    people = [site.logged_in(name) for name in ("Paul", "Petra", "Rita")]
    seen = people[0].versions()
    body = {"verb": "approve", "lines": {"dddd4444": seen["dddd4444"]}}
    with ThreadPoolExecutor(9) as pool:
        replies = list(pool.map(lambda number: people[number % 3].post("/decisions", body).status_code, range(9)))
    assert sorted(replies) == [200, *[409] * 8]
    assert len(site.ledger()) == 1


def test_a_departure_is_decided_with_its_open_lines_only(site: Site) -> None:
    paul = site.logged_in("Paul")
    paul.decide("reject", "bbbb2222", reason="it costs more than it saves")
    seen = paul.versions()
    reply = paul.post("/decisions", {"verb": "approve", "departures": {"A-B 2016-05-23": seen["A-B 2016-05-23"]}})
    assert list(reply.json()["lines"]) == ["aaaa1111"]


def test_the_check_of_units_is_no_decision(site: Site) -> None:
    paul = site.logged_in("Paul")
    fine = paul.get("/proposals/check", as_of=str(AS_OF), id="aaaa1111", units=18)
    wrong = paul.get("/proposals/check", as_of=str(AS_OF), id="aaaa1111", units=19)
    assert fine["is_possible"]
    assert "with 1 load" in fine["text"]
    assert not wrong["is_possible"]
    assert "take 18 or 24" in wrong["text"]
    assert len(site.ledger()) == 0


def test_the_check_of_an_approved_line_is_that_of_its_new_units(site: Site) -> None:
    paul = site.logged_in("Paul")
    texts = [paul.get("/proposals/check", as_of=str(AS_OF), id="aaaa1111", units=units)["text"] for units in (12, 18)]
    paul.decide("approve", "aaaa1111")
    again = [paul.get("/proposals/check", as_of=str(AS_OF), id="aaaa1111", units=units)["text"] for units in (12, 18)]
    assert again == texts
    assert texts[0] != texts[1]
    assert "take 18 or 24" in paul.get("/proposals/check", as_of=str(AS_OF), id="aaaa1111", units=19)["text"]


def test_statuses_of_the_plan_follow_the_ledger(site: Site) -> None:
    from foundation.store.warehouse import Warehouse
    from pipeline.open_plan import OpenPlan

    plan = OpenPlan(site.settings, AS_OF)
    from serve import DecisionRequest

    plan.decide(DecisionRequest("approve", {"aaaa1111": "0"}), "Paul", CUTOFF)
    assert plan.settle()
    assert not plan.settle()
    transfer = Warehouse(site.settings).read("transfer", AS_OF).set_index("proposal_id")
    assert transfer["status"]["aaaa1111"] == "approved"


def test_decisions_that_arrive_together_are_all_written_and_confirmed(site: Site) -> None:
    people = [site.logged_in(name) for name in ("Paul", "Petra", "Rita")]
    seen = people[0].versions()
    names = ("aaaa1111", "bbbb2222", "dddd4444")
    for verb, reason in (("approve", None), ("reject", "measured"), ("withdraw", None)):
        bodies = [{"verb": verb, "lines": {name: seen[name]}, "reason": reason} for name in names]
        with ThreadPoolExecutor(3) as pool:
            replies = list(pool.map(lambda person, body: person.post("/decisions", body), people, bodies))
        assert [reply.status_code for reply in replies] == [200, 200, 200]
        seen |= {name: reply.json()["lines"][name] for name, reply in zip(names, replies, strict=True)}
    ledger = site.ledger()
    assert len(ledger) == 9
    assert ledger.groupby("proposal_id")["by"].nunique().tolist() == [1, 1, 1]
    assert ledger.groupby("proposal_id")["status"].last().tolist() == ["proposed"] * 3


def test_the_command_withdraws_until_the_release_as_undo_does(site: Site, tmp_path: Path) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text(f"name: shop\nwarehouse: {site.settings.warehouse}\n")

    def command(*parts: str) -> tuple[int, str]:
        options = ["--config", str(config), "--as-of", str(AS_OF), "--at", "2016-05-23T07:30", "--by", "Ada"]
        ended = CliRunner().invoke(app, [*parts, *options], env={"COLUMNS": "200"})
        return ended.exit_code, ended.output

    paul = site.logged_in("Paul")
    paul.decide("approve", "aaaa1111", units={"aaaa1111": 18})
    code, text = command("withdraw", "aaaa")
    assert (code, text.splitlines()[0].partition(":")[0]) == (
        0,
        "Withdrew the decisions on 1 proposal of the plan of 2016-05-23",
    )
    assert site.ledger()[["status", "by"]].to_numpy().tolist() == [["approved", "Paul"], ["proposed", "Ada"]]
    conflict = paul.decide("reject", "aaaa1111", reason="late").json()["conflicts"][0]
    assert (conflict["status"], conflict["by"]) == ("proposed", "Ada")
    assert command("approve", "aaaa")[0] == command("release")[0] == 0
    code, text = command("withdraw", "aaaa")
    assert (code, "1 proposal: is released" in text) == (2, True)
    assert command("withdraw", "aaaa", "--all")[0] == 2
