"""The REST API: a token per client, roles, and what the tables hold."""

from __future__ import annotations

import pytest

from foundation.store.warehouse import Warehouse
from tests.flows.conftest import PLANNED
from tests.serve.conftest import Site


def test_a_client_with_a_token_reads_and_a_planners_client_decides(site: Site) -> None:
    site.access, reading = site.access.with_client("oms", "viewer")
    site.access, deciding = site.access.with_client("wms", "planner")
    client = site.client()
    headers = {name: {"authorization": f"Bearer {token}"} for name, token in (("oms", reading), ("wms", deciding))}
    rows = client.get("/api/v1/proposals", headers=headers["oms"]).json()["rows"]
    body = {
        "verb": "approve",
        "lines": {rows[0]["proposal_id"]: rows[0]["version"]},
        "units": {rows[0]["proposal_id"]: 18},
    }
    assert client.post("/api/v1/decisions", json=body, headers=headers["oms"]).status_code == 403
    assert client.post("/api/v1/decisions", json=body, headers=headers["wms"]).status_code == 200
    assert client.post("/api/v1/decisions", json=body, headers=headers["wms"]).status_code == 409
    ledger = client.get("/api/v1/decisions", headers=headers["oms"]).json()["rows"]
    assert [(row["by"], row["status"], row["units"]) for row in ledger] == [("client:wms", "approved", 18)]


def test_a_wrong_or_revoked_token_is_refused(site: Site) -> None:
    site.access, token = site.access.with_client("oms", "viewer")
    client = site.client()
    for wrong in ("", "fs_guess", token[:-1], f"{token}x"):
        assert client.get("/api/v1/plan", headers={"authorization": f"Bearer {wrong}"}).status_code == 401
    assert token not in site.access.to_text()
    site.access = site.access.without("oms")
    assert client.get("/api/v1/plan", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_the_api_returns_the_rows_of_the_tables(planned_site: Site) -> None:
    vera = planned_site.logged_in("Vera")
    plan = vera.get("/api/v1/plan")
    assert plan["plan"]["as_of"] == str(PLANNED)
    positions = vera.get("/api/v1/positions", limit=3)
    assert positions["total"] > len(positions["rows"]) == 3
    sku = positions["rows"][0]["sku"]
    forecasts = vera.get("/api/v1/forecasts", sku=sku, region="CA_1")["rows"]
    assert len(forecasts) == planned_site.settings.horizon
    assert {row["sku"] for row in forecasts} == {sku}
    assert {row["sku"] for row in vera.get("/api/v1/positions", sku=sku)["rows"]} == {sku}
    assert vera.get("/api/v1/plans")["total"] == 1
    assert vera.client.get("/api/v1/positions?limit=1000000").status_code == 422


def test_openapi_describes_every_route_of_the_api_and_no_page(site: Site) -> None:
    document = site.logged_in("Vera").get("/api/openapi.json")
    assert {path for path in document["paths"] if not path.startswith("/api/v1/")} == set()
    assert {
        "/api/v1/plan",
        "/api/v1/proposals",
        "/api/v1/decisions",
        "/api/v1/forecasts",
        "/api/v1/positions",
        "/api/v1/unit_value",
    } <= set(document["paths"])
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method in methods.values():
            assert method["description"], path


def test_the_value_of_units_is_that_of_the_run(planned_site: Site) -> None:
    vera = planned_site.logged_in("Vera")
    table = Warehouse(planned_site.settings).read("unit_value", PLANNED)
    answer = vera.get("/api/v1/unit_value", limit=10_000)
    assert answer["total"] == len(table) > 0
    assert sum(row["value_eur"] for row in answer["rows"]) == pytest.approx(table["value_eur"].sum())
    first = table.iloc[0]
    one = vera.get("/api/v1/unit_value", sku=first["sku"], hub=first["hub"])["rows"]
    assert [(row["sku"], row["hub"], row["value_eur"]) for row in one] == [
        (first["sku"], first["hub"], pytest.approx(first["value_eur"]))
    ]
    assert vera.get("/api/v1/unit_value", sku="no such sku")["total"] == 0
