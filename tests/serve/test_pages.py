"""Pages of a planned date: what they show is what the tables hold."""

from __future__ import annotations

import itertools
import re
import time

import pandas as pd
import pytest

from foundation.store.warehouse import Warehouse
from pipeline.workspace import Workspace
from serve.routes.network import Projection, _place_labels
from serve.sku_lines import Evidence, alternatives, argument
from tests.flows.conftest import PLANNED
from tests.serve.conftest import LINES, Site
from tests.worlds.proposal_world import exception_rows


def test_every_page_of_a_plan_opens_and_links_stay_inside(planned_site: Site) -> None:
    client = planned_site.logged_in("Vera").client
    sku = Warehouse(planned_site.settings).read("position", PLANNED)["sku"].iloc[0]
    for path in ("/", "/proposals", f"/sku?sku={sku}", "/sku", "/network", "/exceptions", "/what-if", "/release"):
        response = client.get(path)
        assert response.status_code == 200, (path, response.text[:400])
        assert "http://" not in response.text.replace("http://www.w3.org", "")
        assert "https://" not in response.text


def test_every_page_opens_for_a_plan_with_few_tables(site: Site) -> None:
    """A warehouse of an earlier version, or of another system, lacks tables."""
    client = site.logged_in("Paul").client
    for path in ("/", "/sku?sku=tea", "/network", "/exceptions", "/what-if", "/release"):
        assert client.get(path).status_code == 200, path


def test_today_shows_the_savings_of_the_plan(planned_site: Site) -> None:
    text = planned_site.logged_in("Vera").client.get("/").text
    plan = Warehouse(planned_site.settings).read("plan", PLANNED).iloc[-1]
    assert f"€{plan['total_eur_before'] - plan['total_eur']:,.0f}" in text
    assert f"€{plan['lost_sales_eur_after']:,.0f}" in text


def test_every_sku_can_be_looked_up_and_others_are_not_found(planned_site: Site) -> None:
    vera = planned_site.logged_in("Vera")
    skus = set(Warehouse(planned_site.settings).read("position", PLANNED)["sku"])
    assert set(vera.get("/sku/search", q="")["skus"]) == skus
    assert vera.get("/sku/search", q="foods_3")["skus"] == [sku for sku in sorted(skus) if sku.startswith("FOODS_3")]
    for sku in skus:
        text = vera.client.get("/sku", params={"sku": sku}).text
        assert "Expected stock at" in text
        assert "Demand in" in text
    unknown = vera.client.get("/sku", params={"sku": "<b>FOODS</b>"})
    assert unknown.status_code == 404
    assert "<b>FOODS" not in unknown.text


def test_projected_stock_falls_by_demand_and_rises_by_arrivals(planned_site: Site) -> None:
    from serve.routes.sku import sku_view
    from serve.tables import Tables

    workspace, tables = Workspace(planned_site.settings), Tables(planned_site.settings)
    position = tables.read("position", PLANNED)
    sku = position.sort_values("units_on_hand")["sku"].iloc[-1]
    view = sku_view(workspace, tables, workspace.plan(None), sku)
    hub = max(view.hubs, key=lambda row: row["units_on_hand"])
    without = next(line for line in hub["chart"].lines if line.name == "without")
    values = [hub["units_on_hand"], *without.values]
    rises = [after - before for before, after in itertools.pairwise(values) if after > before + 1e-9]
    assert min(values) >= 0
    assert len(rises) <= len(view.lines) + 5
    assert values[-1] < values[0] + hub["units_inbound"] + 1e-9


def test_an_argument_states_the_need_of_the_destination() -> None:
    line = {"origin": "ONT", "destination": "MCI", "units": 24, "arrival_date": pd.Timestamp("2016-06-01")}
    row = {"units_on_hand": 10, "units_inbound": 2, "expected_demand_units": 40.0, "fill_rate_before": 0.3, "fill_rate": 0.9, "target_units": 5, "days_of_supply": 9.0, "stockout_probability": 0.2}  # fmt: skip
    service = pd.DataFrame(
        {"region": ["R1"], "source_hubs": ["ONT|MCI"], "lost_units_before": [30.0], "lost_units": [4.0]}
    )
    short = " ".join(argument(line, Evidence(None, row, service)))
    assert "need 40 in the cover window: 28 are missing, and 24 arrive on Jun 1" in short
    assert "90.0% of this demand is served from stock instead of 30.0%" in short
    second = " ".join(argument(line, Evidence(row, row | {"expected_demand_units": 0.0}, service)))
    assert (
        "is the nearest hub of no region. It also serves R1 when their nearest hubs run out: they lose 30 units without the plan and 4 with it."
        in second
    )
    assert "ONT keeps 5 units for an expected demand of 40, 9 days of supply" in second


def test_alternatives_are_read_from_the_plan() -> None:
    result = alternatives("SUP>ONT@2016-05-23 +6|ONT>MCI 2@2016-05-24 -2")
    assert [(one.departure, one.units) for one in result] == [("SUP>ONT@2016-05-23", 6), ("ONT>MCI 2@2016-05-24", -2)]
    assert alternatives(float("nan")) == alternatives("") == []


def test_the_map_keeps_places_in_view_and_their_order() -> None:
    latitudes, longitudes = pd.Series([60.0, -35.0]), pd.Series([-120.0, 150.0])
    projection = Projection.around(latitudes, longitudes)
    points = [projection.point(*pair) for pair in zip(latitudes, longitudes, strict=True)]
    assert all(0 < x < 1000 and 0 < y < projection.height for x, y in points)
    assert points[0][0] < points[1][0]
    assert points[0][1] < points[1][1]


def test_the_inbox_keeps_state_owner_and_due_date_over_runs(site: Site) -> None:
    warehouse = Warehouse(site.settings)
    warehouse.write("exception", exception_rows("A", "B"), "2016-05-23")
    paul, petra = site.logged_in("Paul"), site.logged_in("Petra")
    rows = paul.get("/api/v1/exceptions")["rows"]
    first = rows[0]
    body = {
        "exceptions": {first["exception_id"]: first["version"]},
        "status": "acknowledged",
        "owner": "Petra",
        "due_date": "2016-05-20",
    }
    assert paul.post("/exceptions", body).status_code == 200
    assert petra.post("/exceptions", {**body, "status": "open"}).status_code == 409
    text = petra.client.get("/exceptions", params={"status": "acknowledged"}).text
    assert "Petra" in text
    assert "due Fri, May 20, 2016" in text
    assert "1 overdue" in petra.client.get("/").text
    changed = next(
        row for row in paul.get("/api/v1/exceptions")["rows"] if row["exception_id"] == first["exception_id"]
    )
    solved = {"exceptions": {first["exception_id"]: changed["version"]}, "status": "solved"}
    assert "say how" in petra.post("/exceptions", solved).json()["detail"]
    assert petra.post("/exceptions", {**solved, "reason": "counted again"}).status_code == 200
    assert "1 with" in petra.client.get("/exceptions", params={"status": "open"}).text
    for table in ("plan", "transfer"):
        warehouse.write(
            table, warehouse.read(table, "2016-05-23").assign(as_of=pd.Timestamp("2016-05-30")), "2016-05-30"
        )
    warehouse.write("exception", exception_rows("A", "B").assign(as_of=pd.Timestamp("2016-05-30")), "2016-05-30")
    later = {row["exception_id"]: row for row in paul.get("/api/v1/exceptions", as_of="2016-05-30")["rows"]}
    assert (later[first["exception_id"]]["status"], later[first["exception_id"]]["is_back"]) == ("open", True)


def test_a_release_sends_exactly_the_previewed_lines(site: Site) -> None:
    paul, rita = site.logged_in("Paul"), site.logged_in("Rita")
    paul.decide("approve", "aaaa1111", units={"aaaa1111": 18})
    text = rita.client.get("/release", params={"form": "csv"}).text
    token = text.partition('data-token="')[2].partition('"')[0]
    assert "aaaa1111,tea,18" in text
    body = {"as_of": "2016-05-23", "token": token}
    assert paul.post("/release", body).status_code == 403
    paul.decide("approve", "dddd4444")
    assert "changed since the preview" in rita.post("/release", body).json()["detail"]
    token = rita.client.get("/release").text.partition('data-token="')[2].partition('"')[0]
    reply = rita.post("/release", {**body, "token": token})
    assert reply.json()["released"] == 2
    released = site.ledger().query("status == 'released'")
    assert dict(zip(released["proposal_id"], released["units"], strict=True)) == {"aaaa1111": 18, "dddd4444": 12}
    assert set(released["by"]) == {"Rita"}
    requested = {"as_of": "2016-05-23", "form": "csv"}
    exported = rita.post("/release/documents", requested).json()
    assert exported["name"] == "csv-2016-05-23.csv"
    assert [line.split(",")[-2:] for line in exported["text"].splitlines()[1:]] == [
        ["tea", "18"],
        [LINES[3]["sku"], "12"],
    ]
    assert site.logged_in("Vera").post("/release/documents", requested).status_code == 403
    assert "there is no '../x'" in rita.post("/release/documents", {**requested, "form": "../x"}).json()["detail"]
    assert paul.decide("withdraw", "aaaa1111").json()["skipped"][0]["why"] == "is released"


@pytest.mark.slow
def test_a_what_if_runs_in_the_background_and_is_compared(planned_site: Site) -> None:
    paul = planned_site.logged_in("Paul")
    body = {"as_of": str(PLANNED), "name": "later", "changes": {"added_lead_days": {"all": 1}}}
    assert paul.post("/what-if", body).status_code == 200
    for _ in range(300):
        jobs = paul.get("/what-if/jobs")
        if jobs[0]["status"] in ("done", "failed"):
            break
        time.sleep(0.2)
    assert jobs[0]["status"] == "done", jobs
    text = paul.client.get("/what-if", params={"name": "later"}).text
    assert "days later all 1" in text
    assert "lines that differ" in text


def test_a_what_if_that_is_impossible_is_refused_at_once(planned_site: Site) -> None:
    paul = planned_site.logged_in("Paul")
    for changes in ({}, {"closed": ["ONT"]}, {"positioning": {"scenario": 3}}, {"demand_factor": {"CA_1": -1}}):
        reply = paul.post("/what-if", {"name": "x", "changes": changes})
        assert reply.status_code == 400, changes
    assert paul.get("/what-if/jobs") == []


def test_the_history_of_a_line_leads_from_decision_to_receipt(site: Site) -> None:
    paul, rita = site.logged_in("Paul"), site.logged_in("Rita")
    paul.decide("approve", "aaaa1111", units={"aaaa1111": 18})
    token = rita.client.get("/release").text.partition('data-token="')[2].partition('"')[0]
    rita.post("/release", {"as_of": "2016-05-23", "token": token})
    report = pd.DataFrame(
        {"proposal_id": ["aaaa1111"], "status": "received", "source": "x12-944", "units": [17.0], "at": [site.now]}
    )
    Warehouse(site.settings).append("execution", report)
    text = paul.client.get("/sku?sku=tea").text
    assert "approved for 18 units by Paul" in text
    assert "released for 18 units by Rita" in text
    assert "received 17 units, reported by x12-944" in text


def test_the_check_of_more_units_names_the_room_of_the_destination(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    hubs = pd.DataFrame({"hub": ["A", "B"], "storage_l": [1000.0, 100.0]})
    skus = pd.DataFrame({"sku": ["tea"], "volume_l": [2.0]})
    services = site.app._app.state.services
    monkeypatch.setattr(services.workspace, "inputs", lambda *_: {"hubs": hubs, "skus": skus})
    paul = site.logged_in("Paul")
    more = paul.get("/proposals/check", as_of="2016-05-23", id="aaaa1111", units=24)["text"]
    assert "valued like the proposed ones" in more
    assert "B then uses 60% of its storage." in more
    assert "storage" not in paul.get("/proposals/check", as_of="2016-05-23", id="aaaa1111", units=12)["text"]


def test_the_network_leads_to_the_skus_that_a_hub_runs_out_of(planned_site: Site) -> None:
    vera = planned_site.logged_in("Vera")
    position = Warehouse(planned_site.settings).read("position", PLANNED)
    lost = (1 - position["fill_rate"].astype(float)) * position["expected_demand_units"]
    worst = position.loc[lost.idxmax()]
    text = vera.client.get("/sku", params={"hub": worst["hub"]}).text
    listed = re.findall(r'sku=([^"]+)">', text.partition("<tbody>")[2])
    assert listed[0] == worst["sku"]
    assert len(listed) == (position["hub"] == worst["hub"]).sum()
    assert f"<option selected>{worst['hub']}<" in text
    risky = position[(position["stockout_probability"] > 0.5) & (position["expected_demand_units"] > 0)]
    network = vera.client.get("/network").text
    assert set(re.findall(r'/sku\?as_of=[\d-]+&amp;hub=([^"]+)"', network)) == set(risky["hub"])


def test_confirmed_arrivals_use_the_inbound_capacity_of_a_hub(site: Site) -> None:
    """A hub that is full of confirmed arrivals showed an unused capacity beside the exception that it is full."""
    from serve.routes.network import hub_rows

    plan = Workspace(site.settings).plan(None)
    hubs = pd.DataFrame(
        {"hub": ["A", "B"], "storage_l": 1000.0, "inbound_units_per_period": 48.0, "outbound_units_per_period": 48.0}
    )
    position = pd.DataFrame({"hub": ["A", "B"], "sku": "tea"}).assign(
        **dict.fromkeys(("units_on_hand", "units_inbound", "units_in", "units_out", "target_units", "expected_demand_units"), 1.0),
        stockout_probability=0.0, fill_rate=1.0, fill_rate_before=1.0,
    )  # fmt: skip
    day = plan.lines["arrival_date"].min()
    inbound = pd.DataFrame(
        {"hub": ["A", "A"], "arrival_date": [day, day + pd.Timedelta(days=300)], "units": [48, 9_000]}
    )
    rows = {row["hub"]: row for row in hub_rows({"hubs": hubs, "inbound": inbound}, position, plan)}
    alone = {row["hub"]: row for row in hub_rows({"hubs": hubs}, position, plan)}
    assert rows["B"]["inbound"] == alone["B"]["inbound"] > 0
    assert rows["A"]["inbound"] == pytest.approx(alone["A"]["inbound"] + 1.0)


def test_the_value_of_capacity_is_that_of_the_plan_and_of_the_runs_before_it(site: Site) -> None:
    from serve.routes.network import capacity_prices
    from serve.tables import Tables

    warehouse = Warehouse(site.settings)
    for week, eur in enumerate((90.0, 0.0, 30.0)):
        day = pd.Timestamp("2016-05-23") + pd.Timedelta(weeks=week)
        for table in ("plan", "transfer"):
            warehouse.write(table, warehouse.read(table, "2016-05-23").assign(as_of=day), str(day.date()))
        rows = exception_rows("A", "B").assign(
            as_of=day, kind=["capacity_blocks_inbound", "stockout_remains"], hub=["A", "B"], eur=[eur, 5.0]
        )
        warehouse.write("exception", rows if eur else rows.iloc[1:], str(day.date()))
    tables = Tables(site.settings)
    last = capacity_prices(tables, pd.Timestamp("2016-06-06").date(), 3, "€")
    assert [(row["capacity"], row["hub"], row["now"], row["mean"], row["n_runs"]) for row in last.rows] == [
        ("inbound", "A", 30.0, 40.0, 2)
    ]
    assert last.chart is not None
    assert list(last.chart.lines[0].values) == [90.0, 0.0, 30.0]
    assert capacity_prices(tables, pd.Timestamp("2016-05-23").date(), 2, "€").rows[0]["now"] == 90.0
    between = capacity_prices(tables, pd.Timestamp("2016-05-30").date(), 2, "€")
    assert [(row["now"], row["n_runs"]) for row in between.rows] == [(0.0, 1)]
    text = site.logged_in("Vera").client.get("/network", params={"as_of": "2016-06-06"}).text
    assert "Mean of 3 runs" in text
    assert "2 of 3" in text


def test_names_of_hubs_stay_in_the_map_where_a_narrow_screen_writes_them_twice_as_wide() -> None:
    places = [{"name": "MKE", "kind": "hub", "x": x, "y": 100.0} for x in (30.0, 500.0, 935.0)]
    _place_labels(places)
    assert [place["side"] for place in places] == ["start", "start", "end"]
