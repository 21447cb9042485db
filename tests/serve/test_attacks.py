"""Attacks on the workspace, each refused."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pytest

from foundation.store.warehouse import Warehouse
from serve import Access, routes
from tests.serve.conftest import PASSWORD, Site
from tests.worlds.neutral_rows import neutral_row
from tests.worlds.proposal_world import AS_OF, exception_rows

CHANGE = {"verb": "approve", "lines": {"aaaa1111": "0"}}


def test_without_a_login_no_page_is_shown(site: Site) -> None:
    client = site.client()
    for path in ("/proposals", "/proposals/rows", "/api/openapi.json", "/nowhere"):
        assert client.get(path).status_code == 401, path
    assert client.get("/proposals", headers={"accept": "text/html"}).headers["location"] == "/login?next=%2Fproposals"
    assert client.post("/decisions", json=CHANGE).status_code == 401


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_change_without_the_pages_token_is_refused(site: Site, token: str) -> None:
    paul = site.logged_in("Paul")
    assert paul.client.post("/decisions", json=CHANGE, headers={"x-csrf-token": token}).status_code == 403
    petra = site.logged_in("Petra")
    assert paul.client.post("/decisions", json=CHANGE, headers={"x-csrf-token": petra.csrf}).status_code == 403
    assert site.ledger().empty


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_a_change_from_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    assert site.logged_in("Paul").post("/decisions", CHANGE, **headers).status_code == 403
    assert site.client().post("/login", data={"name": "Paul", "secret": PASSWORD}, headers=headers).status_code == 403


def test_a_viewer_cannot_decide(site: Site) -> None:
    vera = site.logged_in("Vera")
    assert vera.decide("approve", "aaaa1111").status_code == 403
    assert "data-may-decide" not in vera.client.get("/proposals").text


def test_no_route_that_changes_something_admits_a_viewer(site: Site) -> None:
    vera = site.logged_in("Vera")
    modules = [import_module(f"serve.routes.{module.name}") for module in pkgutil.iter_modules(routes.__path__)]
    every = [route for module in modules if hasattr(module, "router") for route in module.router.routes]
    paths = {route.path for route in every if not route.methods <= {"GET", "HEAD"}} - {"/login", "/logout"}
    assert "/decisions" in paths
    assert {path: vera.post(path, {}).status_code for path in paths} == dict.fromkeys(paths, 403)


def test_ids_with_markup_stay_text(site: Site) -> None:
    paul = site.logged_in("Paul")
    rows = paul.client.get("/proposals/rows")
    assert rows.headers["content-type"] == "application/json"
    assert "innerHTML" not in "".join(path.read_text("utf-8") for path in Path("serve/static").glob("*.js"))
    for address in ("/proposals?search=<script>alert(1)</script>", '/proposals?departure="><script>'):
        assert "<script>" not in paul.client.get(address).text


def test_no_page_has_an_inline_script_or_style_and_the_policy_forbids_them(site: Site) -> None:
    response = site.logged_in("Paul").client.get("/proposals")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (
        response.headers["referrer-policy"] == "same-origin"
    )  # no-referrer makes browsers send `Origin: null` with a form
    for template in Path("serve/templates").glob("*.j2"):
        text = template.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\b(src|type=\"application/json\"))", text), (
            template.name
        )
        assert "https://" not in text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "a b"])
def test_another_name_of_the_server_is_refused(site: Site, host: str) -> None:
    """A page of another site can reach the loopback address through its own name (DNS rebinding)."""
    assert site.client().get("/login", headers={"host": host}).status_code == 400


def test_a_proxys_header_counts_only_from_the_proxy(site: Site, people: Access) -> None:
    site.build(identity="proxy", trusted_proxies=("10.1.0.0/16",))
    named = {"x-forwarded-user": "Paul"}
    assert site.client("10.1.2.3").get("/proposals", headers=named).status_code == 200
    assert site.client("10.2.2.3").get("/proposals", headers=named).status_code == 403
    assert site.client("10.1.2.3").get("/proposals", headers={"x-forwarded-user": "Mallory"}).status_code == 401
    assert site.client("10.1.2.3").get("/proposals").status_code == 401
    site.build(identity="password", trusted_proxies=())
    assert site.client("127.0.0.1").get("/login", headers=named).status_code == 403


def test_a_page_behind_the_proxy_changes_only_with_its_token(site: Site) -> None:
    site.build(identity="proxy", trusted_proxies=("10.1.0.0/16",))
    client, named = site.client("10.1.2.3"), {"x-forwarded-user": "Paul"}
    csrf = client.get("/proposals", headers=named).text.partition('data-csrf="')[2].partition('"')[0]
    assert client.post("/decisions", json=CHANGE, headers=named).status_code == 403
    assert client.post("/decisions", json=CHANGE, headers={**named, "x-csrf-token": csrf}).status_code == 200
    assert site.ledger()["by"].tolist() == ["Paul"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../pyproject.toml",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static/..%2f..%2fREADME.md",
        "/static//etc/passwd",
    ],
)
def test_no_path_leaves_the_folder_of_static_files(site: Site, path: str) -> None:
    assert site.client().get(path).status_code in (401, 404)


def test_an_oversized_body_is_refused_with_and_without_its_length(site: Site) -> None:
    paul = site.logged_in("Paul")
    assert paul.post("/decisions", {**CHANGE, "reason": "x" * 2_000_000}).status_code == 413
    parts = (b"x" * 100_000 for _ in range(20))
    response = paul.client.post(
        "/decisions", content=parts, headers={"x-csrf-token": paul.csrf, "content-type": "application/json"}
    )
    assert response.status_code == 413
    assert paul.post("/decisions", {**CHANGE, "reason": "x" * 501}).status_code == 422


def test_a_replayed_decision_is_a_conflict(site: Site) -> None:
    paul = site.logged_in("Paul")
    assert [paul.post("/decisions", CHANGE).status_code for _ in range(3)] == [200, 409, 409]
    assert len(site.ledger()) == 1


def test_too_many_requests_and_logins_wait(site: Site) -> None:
    site.build(identity="password", requests_per_minute=10)
    client = site.client()
    assert [client.get("/login").status_code for _ in range(12)].count(429) == 2
    site.build(identity="password")
    client = site.client()
    wrong = [client.post("/login", data={"name": "Paul", "secret": "guess"}).status_code for _ in range(12)]
    assert wrong == [*[401] * 10, 429, 429]


def test_a_login_leads_only_to_this_server(site: Site) -> None:
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        response = site.client().post("/login", data={"name": "Paul", "secret": PASSWORD, "next": target})
        assert response.headers["location"] == "/"


def test_the_cookie_is_hidden_from_scripts_and_ends_with_the_session(site: Site) -> None:
    client = site.client()
    response = client.post("/login", data={"name": "Paul", "secret": PASSWORD})
    assert "HttpOnly" in response.headers["set-cookie"]
    assert "SameSite=lax" in response.headers["set-cookie"]
    csrf = client.get("/proposals").text.partition('data-csrf="')[2].partition('"')[0]
    kept = dict(client.cookies)
    assert client.post("/logout", headers={"x-csrf-token": csrf}).status_code == 204
    assert site.client(cookies=kept).get("/proposals").status_code == 401


def test_a_person_whose_access_ends_is_out_at_once(site: Site) -> None:
    paul = site.logged_in("Paul")
    site.access = site.access.without("Paul")
    assert paul.client.get("/proposals").status_code == 401


def test_the_login_key_opens_the_workspace_of_one_person(site: Site) -> None:
    site.build(identity="key")
    client = site.client()
    assert client.get("/login?key=another-key").status_code == 200
    assert client.get("/proposals").status_code == 401
    assert client.get("/login?key=the-login-key").status_code == 303
    assert "Grace" in client.get("/proposals").text


def test_a_wrong_parameter_is_explained_without_a_traceback(site: Site) -> None:
    paul = site.logged_in("Paul")
    for address in (
        "/proposals?as_of=../../etc",
        "/proposals?as_of=1999-01-01",
        "/proposals/rows?sort=drop",
        "/proposals/rows?limit=1000000",
    ):
        response = paul.client.get(address)
        assert 400 <= response.status_code < 500, address
        assert "Traceback" not in response.text


def test_the_cookie_is_secure_behind_tls(site: Site) -> None:
    site.build(identity="password", trusted_proxies=("10.1.0.1",))
    form, forwarded = {"name": "Paul", "secret": PASSWORD}, {"x-forwarded-proto": "https"}
    assert "Secure" in site.client("10.1.0.1").post("/login", data=form, headers=forwarded).headers["set-cookie"]
    assert "Secure" not in site.client("10.9.9.9").post("/login", data=form, headers=forwarded).headers["set-cookie"]


NO_UNITS = (
    "NaN",
    "-Infinity",
    "1e400",
    "9" * 30,
    "-" + "9" * 30,
    "9" * 5_000,
    '"12"',
    '"\\ud800"',
    "12.5",
    "true",
    "null",
    "[]",
    "-2",
)


@pytest.mark.parametrize("path", ["/decisions", "/api/v1/decisions"])
@pytest.mark.parametrize("units", NO_UNITS)
def test_units_that_are_no_number_of_units_are_refused_in_one_answer(site: Site, path: str, units: str) -> None:
    paul = site.logged_in("Paul")
    body = f'{{"verb": "approve", "lines": {{"aaaa1111": "0"}}, "units": {{"aaaa1111": {units}}}}}'
    headers = {"x-csrf-token": paul.csrf, "content-type": "application/json"}
    reply = paul.client.post(path, content=body.encode(), headers=headers)
    assert reply.status_code in (400, 422)
    assert reply.json()["detail"]
    assert site.ledger().empty


@pytest.mark.parametrize("units", ["NaN", "1e400", "9" * 20, "-" + "9" * 20, "9" * 5_000, "12.5", "x", ""])
def test_a_check_of_units_that_are_no_number_of_units_is_refused(site: Site, units: str) -> None:
    reply = site.logged_in("Paul").client.get(
        "/proposals/check", params={"as_of": "2016-05-23", "id": "aaaa1111", "units": units}
    )
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["query", "units"]


@pytest.mark.parametrize(
    "body",
    [
        '{"verb": "reject", "lines": {"aaaa1111": "0"}, "reason": "\\ud800"}',
        '{"verb": "approve", "lines": {"\\ud800": "0"}}',
        '{"name": "x", "changes": {"demand_factor": {"CA_1": NaN}}}',
        '{"exceptions": {"x": "0"}, "status": "\\ud800"}',
        '{"token": NaN}',
        "[" * 100_000,
        "{",
    ],
)
def test_a_body_that_is_no_request_is_refused_by_every_route(site: Site, body: str) -> None:
    rita = site.logged_in("Rita")
    headers = {"x-csrf-token": rita.csrf, "content-type": "application/json"}
    for path in ("/decisions", "/api/v1/decisions", "/exceptions", "/what-if", "/release"):
        assert 400 <= rita.client.post(path, content=body.encode(), headers=headers).status_code < 500, path
    assert site.ledger().empty


def test_stored_markup_stays_text_on_every_page(site: Site) -> None:
    """Ids, reasons, names, and texts come from inputs, other systems, and people."""
    mark = "<img src=x onerror=alert(1)>"
    warehouse = Warehouse(site.settings)
    rows = exception_rows("A", "B").assign(action=mark, sku=mark, region=mark)
    warehouse.write("exception", rows, "2016-05-23")
    position = neutral_row("position", AS_OF) | {"hub": mark, "sku": mark, "expected_demand_units": 5.0}
    warehouse.write("position", pd.DataFrame([position]), "2016-05-23")
    paul, rita = site.logged_in("Paul"), site.logged_in("Rita")
    paul.decide("reject", "aaaa1111", reason=mark)
    paul.decide("approve", "dddd4444")
    first = paul.get("/api/v1/exceptions")["rows"][0]
    body = {"exceptions": {first["exception_id"]: first["version"]}, "status": "acknowledged", "owner": mark}
    assert paul.post("/exceptions", body).status_code == 200
    token = rita.client.get("/release").text.partition('data-token="')[2].partition('"')[0]
    assert rita.post("/release", {"as_of": "2016-05-23", "token": token}).status_code == 200
    for path in (
        "/",
        "/proposals",
        "/sku",
        "/sku?sku=tea",
        f"/sku?sku={quote(mark)}",
        f"/sku?hub={quote(mark)}",
        "/network",
        "/exceptions",
        "/what-if",
        "/release",
    ):
        text = paul.client.get(path).text
        assert "<img" not in text, path
        assert not re.search(r"<script(?![^>]*\b(src|type=\"application/json\"))", text), path
    shown = "".join(paul.client.get(path).text for path in ("/sku", "/sku?sku=tea", "/exceptions"))
    assert shown.count("&lt;img src=x") >= 4


def test_a_request_with_two_headers_of_the_proxy_is_refused(site: Site) -> None:
    """A proxy that adds its header to that of the client must not let the client choose the person."""
    site.build(identity="proxy", trusted_proxies=("10.1.0.0/16",), default_role="viewer")
    for names in (("Rita", "Vera"), ("Vera", "Rita")):
        headers = [("x-forwarded-user", name) for name in names]
        assert site.client("10.1.2.3").get("/proposals", headers=headers).status_code == 403
    assert site.client("10.1.2.3").get("/proposals", headers={"x-forwarded-user": "Vera"}).status_code == 200


@pytest.mark.parametrize("address", ["10.2.2.3", "::ffff:10.2.2.3", "", "10.1.2.3.evil.example", "localhost"])
def test_a_forwarded_address_does_not_make_a_client_the_proxy(site: Site, address: str) -> None:
    site.build(identity="proxy", trusted_proxies=("10.1.0.0/16",), default_role="releaser")
    headers = {
        "x-forwarded-user": "Rita",
        "x-forwarded-for": "10.1.2.3",
        "forwarded": "for=10.1.2.3",
        "x-real-ip": "10.1.2.3",
    }
    assert site.client(address).get("/proposals", headers=headers).status_code == 403
    assert site.client(address).post("/decisions", json=CHANGE, headers=headers).status_code == 403


def test_a_replayed_release_and_a_replayed_undo_have_no_effect(site: Site) -> None:
    paul, rita = site.logged_in("Paul"), site.logged_in("Rita")
    paul.decide("approve", "aaaa1111")
    token = rita.client.get("/release").text.partition('data-token="')[2].partition('"')[0]
    body = {"as_of": "2016-05-23", "token": token}
    assert [rita.post("/release", body).status_code for _ in range(3)] == [200, 400, 400]
    seen = paul.versions()
    paul.post("/decisions", {"verb": "approve", "lines": {"bbbb2222": seen["bbbb2222"]}})
    seen = paul.versions()
    undo = {"verb": "withdraw", "lines": {"bbbb2222": seen["bbbb2222"]}}
    assert [paul.post("/decisions", undo).status_code for _ in range(3)] == [200, 409, 409]
    statuses = site.ledger().groupby("proposal_id")["status"].agg(sorted).to_dict()  # the clock stands still
    assert statuses == {"aaaa1111": ["approved", "released"], "bbbb2222": ["approved", "proposed"]}


def test_a_planner_reaches_no_route_of_a_releaser_and_a_client_no_page(site: Site) -> None:
    site.access, token = site.access.with_client("oms", "planner")
    bearer = {"authorization": f"Bearer {token}"}
    paul = site.logged_in("Paul")
    body = {"as_of": "2016-05-23", "token": "x" * 64}
    assert paul.post("/release", body).status_code == 403
    assert site.client().post("/release", json=body, headers=bearer).status_code == 403
    for name, value in (("x-role", "releaser"), ("x-forwarded-user", "Rita"), ("cookie", "forestock_session=guess")):
        headers = {**bearer, name: value}
        assert site.client().post("/release", json=body, headers=headers).status_code == 403
