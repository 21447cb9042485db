"""Decisions on all lines that match the filters: exactly those shown, or none; with one undo."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.decisions import Selection, decide_proposals
from serve.routes.bulk import Undos
from tests.serve.conftest import Browser, Site
from tests.worlds.proposal_world import AS_OF, act


def _decide(person: Browser, verb: str, reason: str | None = None, **filters: str) -> object:
    """Decide on the lines that match filters as the page does: with the token of what it has shown."""
    token = person.get("/decisions/shown", verb=verb, **filters)["token"]  # type: ignore[index] # an object
    return person.post("/decisions/shown", {"verb": verb, "token": token, "reason": reason, **filters})


def test_the_open_lines_of_the_filter_are_decided_and_no_other(site: Site) -> None:
    paul = site.logged_in("Paul")
    shown = paul.get("/decisions/shown", verb="approve", search="tea")
    assert (shown["n_lines"], shown["n_departures"], shown["units"], shown["n_late"]) == (1, 1, 12, 1)
    reply = _decide(paul, "approve", search="tea").json()
    assert (reply["decided"], reply["n_skipped"], reply["losing"]) == (1, 0, [])
    assert site.ledger()[["proposal_id", "status", "by"]].to_numpy().tolist() == [["aaaa1111", "approved", "Paul"]]


def test_all_lines_are_rejected_with_one_reason_and_one_undo(site: Site) -> None:
    paul = site.logged_in("Paul")
    assert _decide(paul, "reject").status_code == 400
    assert site.ledger().empty
    reply = _decide(paul, "reject", "no dock").json()
    assert reply["decided"] == 4
    assert set(site.ledger()["reason"]) == {"no dock"}
    undone = paul.post("/decisions/undo", {"undo": reply["undo"]}).json()
    assert (undone["decided"], undone["n_changed"]) == (4, 0)
    assert {row["status"] for row in paul.rows() if row["type"] == "line"} == {"proposed"}
    assert paul.post("/decisions/undo", {"undo": reply["undo"]}).status_code == 404
    assert len(site.ledger()) == 8


def test_approved_lines_are_rejected_or_withdrawn_only_where_the_filter_names_them(site: Site) -> None:
    paul = site.logged_in("Paul")
    paul.decide("approve", "aaaa1111")
    assert paul.get("/decisions/shown", verb="reject")["n_lines"] == 3
    assert paul.get("/decisions/shown", verb="reject", status="approved")["n_lines"] == 1
    assert paul.get("/decisions/shown", verb="withdraw")["n_lines"] == 0
    assert _decide(paul, "withdraw", status="approved").json()["decided"] == 1


def test_lines_that_somebody_has_decided_since_stop_the_decision(site: Site) -> None:
    paul, petra = site.logged_in("Paul"), site.logged_in("Petra")
    token = paul.get("/decisions/shown", verb="approve")["token"]
    petra.decide("reject", "bbbb2222", reason="too small")
    reply = paul.post("/decisions/shown", {"verb": "approve", "token": token})
    assert (reply.status_code, "nothing was decided" in reply.json()["detail"]) == (409, True)
    assert len(site.ledger()) == 1
    token = paul.get("/decisions/shown", verb="approve")["token"]
    decide_proposals(site.settings, AS_OF, "reject", Selection(ids=("aaaa1111",)), act(reason="counted"))
    assert paul.post("/decisions/shown", {"verb": "approve", "token": token}).status_code == 409
    assert len(site.ledger()) == 2


def test_a_token_of_other_filters_or_of_a_decided_list_is_refused(site: Site) -> None:
    paul = site.logged_in("Paul")
    token = paul.get("/decisions/shown", verb="approve", search="tea")["token"]
    assert paul.post("/decisions/shown", {"verb": "approve", "token": token}).status_code == 409
    replies = [paul.post("/decisions/shown", {"verb": "approve", "token": token, "search": "tea"}) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 409, 409]
    assert len(site.ledger()) == 1


def test_an_undo_keeps_lines_that_were_decided_again_and_is_that_of_the_person(site: Site) -> None:
    paul, petra = site.logged_in("Paul"), site.logged_in("Petra")
    undo = _decide(paul, "approve").json()["undo"]
    petra.decide("reject", "bbbb2222", reason="too small")
    assert petra.post("/decisions/undo", {"undo": undo}).status_code == 404
    undone = paul.post("/decisions/undo", {"undo": undo}).json()
    assert (undone["decided"], undone["n_changed"]) == (2, 1)
    statuses = {row["id"]: row["status"] for row in paul.rows() if row["type"] == "line"}
    assert statuses == {"aaaa1111": "proposed", "bbbb2222": "rejected", "cccc3333": "proposed", "dddd4444": "proposed"}


def test_a_departure_that_no_longer_pays_is_named(site: Site) -> None:
    losing = _decide(site.logged_in("Paul"), "reject", "count", search="aaaa1111").json()["losing"]
    assert [(one["id"], one["pays"]) for one in losing] == [("A-B 2016-05-23", False)]


@pytest.mark.parametrize(("name", "value", "shown"), [("hub", "B", "B"), ("status", "approved", "approved")])
def test_the_address_of_the_page_names_the_value_of_a_filter(site: Site, name: str, value: str, shown: str) -> None:
    """The network page links to the lines of a hub."""
    text = site.logged_in("Paul").client.get("/proposals", params={name: value}).text
    offered = text.partition(f'<select name="{name}">')[2].partition("</select>")[0]
    assert re.findall(r"<option[^>]* selected>([^<]*)<", offered) == [shown]


def test_the_page_offers_decisions_on_all_lines_to_planners_alone(site: Site) -> None:
    assert "data-bulk" in site.logged_in("Paul").client.get("/proposals").text
    assert "data-bulk" not in site.logged_in("Vera").client.get("/proposals").text
    assert "/decisions/shown" in Path("serve/static/grid.js").read_text("utf-8")


def test_the_lines_shown_are_a_file_for_spreadsheets_without_formulas(site: Site) -> None:
    paul = site.logged_in("Paul")
    paul.decide("reject", "bbbb2222", reason="=HYPERLINK(1)")
    reply = paul.client.get("/proposals/lines.csv", params={"hub": "B", "sort": "benefit_eur", "descending": True})
    assert reply.headers["content-disposition"] == 'attachment; filename="proposals-2016-05-23.csv"'
    rows = pd.read_csv(io.StringIO(reply.text)).set_index("proposal_id")
    assert list(rows.index) == ["aaaa1111", "cccc3333", "bbbb2222"]
    assert rows.loc["bbbb2222", ["status", "by", "reason"]].tolist() == ["rejected", "Paul", "'=HYPERLINK(1)"]
    assert paul.client.get("/proposals/lines.csv?sort=guess").status_code == 422


def test_undos_of_the_oldest_decisions_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.routes.bulk._MOST_UNDO_LINES", 5)
    undos = Undos()
    keys = [undos.keep("Paul", AS_OF, dict.fromkeys(map(str, range(size)), "0")) for size in (3, 2, 2, 9)]
    assert [undos.find(key, "Paul") is not None for key in keys] == [False, False, False, True]
    assert undos.find(keys[-1], "Petra") is None
