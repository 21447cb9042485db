"""The workspace in a browser: every page at two widths and in both themes, and the decisions of two people."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from benchmarks.dispatch import build
from benchmarks.workspace import add_departures
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from tests.browser.workspace_site import PASSWORD, Served, serving

pytestmark = pytest.mark.pages
MORNING = "2016-05-23T07:00"
PAGES = ("/", "/proposals", "/sku", "/sku?sku=FOODS_3_080", "/network", "/exceptions", "/what-if", "/release", "/login")
MOST_LINES = 100_000


@pytest.fixture(scope="session")
def demo_site(planned_demo: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a workspace over the demo's plan, with a second run for the trends."""
    warehouse = tmp_path_factory.mktemp("served") / "warehouse"
    shutil.copytree(planned_demo[0], warehouse)
    tables = Warehouse(Settings(warehouse=str(warehouse)))
    for table in ("plan", "service", "exception"):
        tables.write(table, tables.read(table, "2016-05-23").assign(as_of=pd.Timestamp("2016-05-16")), "2016-05-16")
    with serving(warehouse, MORNING) as served:
        yield served


@pytest.fixture(scope="session")
def large_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a workspace over 100,000 proposals."""
    warehouse = tmp_path_factory.mktemp("large-site") / "warehouse"
    settings = Settings(warehouse=str(warehouse))
    build(settings, MOST_LINES)
    add_departures(settings)
    with serving(warehouse, MORNING) as served:
        yield served


@pytest.fixture
def site(planned_demo: tuple[Path, str], tmp_path: Path) -> Iterator[Served]:
    """Return a workspace over a copy of the demo's plan, for tests that decide."""
    shutil.copytree(planned_demo[0], tmp_path / "warehouse")
    with serving(tmp_path / "warehouse", MORNING) as served:
        yield served


def _entered(context: BrowserContext, served: Served, name: str = "Rita", path: str = "/proposals") -> Page:
    page = context.new_page()
    page.goto(f"{served.address}/login?next={path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{path}")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_is_quiet_fits_its_width_and_breaks_no_rule_of_accessibility(
    browser: Browser, demo_site: Served, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type] # one of two words
    page, heard = _entered(context, demo_site), []
    page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "request", lambda request: heard.append(request.url) if not request.url.startswith(demo_site.address) else None
    )
    page.on(
        "response",
        lambda response: heard.append(f"{response.status} {response.url}") if response.status >= 400 else None,
    )
    for path in PAGES:
        page.goto(f"{demo_site.address}{path}")
        page.wait_for_load_state("networkidle")
        page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
        assert heard == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        result = Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"][:140] for node in rule["nodes"]][:3]) for rule in result] == [], path
    context.close()


def test_charts_are_drawn_and_have_their_figures_as_a_table(browser: Browser, demo_site: Served) -> None:
    context = browser.new_context()
    page = _entered(context, demo_site, path="/sku?sku=FOODS_3_080")
    expect(page.locator(".chart canvas").first).to_be_visible()
    assert page.locator(".chart canvas").count() == page.locator(".chart").count() > 5
    page.locator(".figures summary").first.click()
    expect(page.locator(".figures table").first).to_contain_text("2016-05-23")
    page.goto(f"{demo_site.address}/")
    assert page.locator(".chart canvas").count() >= 3
    context.close()


def test_a_planner_approves_rejects_changes_and_undoes_with_the_keyboard(browser: Browser, site: Served) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = _entered(context, site, "Paul")
    line = page.locator(".row.line").first
    line.click()
    page.keyboard.press("a")
    expect(page.locator("#messages")).to_contain_text("1 line approved")
    expect(page.locator(".row.line").first).to_contain_text("approved")
    page.keyboard.press("u")
    expect(page.locator(".row.line").first.locator(".badge")).to_have_text("open")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("r")
    page.locator("#reject").get_by_label("Reason").fill("promotion canceled")
    page.keyboard.press("Enter")
    expect(page.locator(".row.line").nth(1)).to_contain_text("promotion canceled")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("e")
    units = page.locator("#edit").get_by_label("Units")
    units.fill("7")
    expect(page.locator("#edit-check")).to_contain_text("not whole packs")
    expect(page.locator("#edit").get_by_role("button", name="Approve")).to_be_disabled()
    units.fill("480")
    expect(page.locator("#edit-check")).to_contain_text("The departure then saves")
    page.locator("#edit").get_by_role("button", name="Approve").click()
    expect(page.locator(".row.line").first.locator("ins")).to_have_text("480")
    assert site.ledger()["status"].tolist() == ["approved", "proposed", "rejected", "approved"]
    page.locator(".row.line").first.get_by_role("button", name="Change units").click()
    units.fill("468")
    expect(page.locator("#edit-check")).to_contain_text("The departure then saves")
    page.keyboard.press("Enter")
    expect(page.locator(".row.line").first.locator("ins")).to_have_text("468")
    assert site.ledger()["status"].tolist()[4:] == ["proposed", "approved"]
    assert set(site.ledger()["by"]) == {"Paul"}
    context.close()


def test_units_that_are_no_whole_number_are_named_in_the_dialog(browser: Browser, site: Served) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, heard = _entered(context, site, "Paul"), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.locator(".row.line").first.get_by_role("button", name="Change units").click()
    for text in ("99999999999999999999", "3.5", "", "-99999999999999999999"):
        page.locator("#edit").get_by_label("Units").fill(text)
        expect(page.locator("#edit-check")).to_have_text("Enter a whole number of units.")
        expect(page.locator("#edit").get_by_role("button", name="Approve")).to_be_disabled()
    assert heard == []
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_all_lines_shown_are_approved_and_undone(browser: Browser, site: Served, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = _entered(context, site, "Paul")
    page.goto(f"{site.address}/proposals?hub=ONT")
    expect(page.locator("#count")).to_have_text("12 lines")
    departure = page.locator(".row.departure").first  # its button also decides on lines that a filter hides
    expect(departure.get_by_role("button", name="Approve all 3 open lines of the departure")).to_be_visible()
    page.get_by_role("button", name="Approve all shown").click()
    dialog = page.locator("#bulk")
    expect(dialog).to_contain_text("12 lines on 2 departures")
    dialog.get_by_role("button", name="Approve 12 lines").click()
    expect(page.locator("#messages")).to_contain_text("12 lines approved")
    expect(page.locator(".badge.approved").first).to_be_visible()
    page.locator("#messages").get_by_role("button", name="Undo").click()
    expect(page.locator("#messages")).to_contain_text("12 lines undecided again")
    expect(page.locator(".badge.approved")).to_have_count(0)
    page.locator("#rows").focus()
    page.keyboard.press("Shift+R")
    dialog.get_by_label("Reason").fill("no dock")
    dialog.get_by_role("button", name="Reject 12 lines").click()
    expect(page.locator("#messages")).to_contain_text("12 lines rejected")
    assert site.ledger()["status"].value_counts().to_dict() == {"approved": 12, "proposed": 12, "rejected": 12}
    context.close()


def test_the_value_of_a_departure_changes_at_once_and_a_losing_one_is_named(browser: Browser, site: Served) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = _entered(context, site, "Paul")
    page.goto(f"{site.address}/proposals?departure=HOU%3EMKE%402016-05-23")
    head = page.locator(".row.departure").first
    before = head.locator(".benefit").inner_text()
    page.locator(".row.line").first.get_by_role("button", name="Reject").click()
    page.locator("#reject").get_by_label("Reason").fill("stock count is wrong")
    page.locator("#reject").get_by_role("button", name="Reject").click()
    expect(page.locator("#messages")).to_contain_text("no longer pays")
    expect(head).to_contain_text("no longer pays")
    assert head.locator(".benefit").inner_text() != before
    context.close()


def test_the_second_person_sees_who_decided(browser: Browser, site: Served) -> None:
    first, second = browser.new_context(), browser.new_context()
    paul, petra = _entered(first, site, "Paul"), _entered(second, site, "Petra")
    expect(petra.locator(".row.line").first).to_be_visible()
    paul.locator(".row.line").first.get_by_role("button", name="Approve").click()
    expect(paul.locator("#messages")).to_contain_text("approved")
    petra.locator(".row.line").first.get_by_role("button", name="Approve").click()
    expect(petra.locator("#messages")).to_contain_text("Paul approved it at Mon, May 23, 2016 07:00 UTC")
    expect(petra.locator(".row.line").first).to_contain_text("Paul")
    assert len(site.ledger()) == 1
    first.close()
    second.close()


def test_a_release_is_previewed_and_needs_a_releaser(browser: Browser, site: Served) -> None:
    context, other = browser.new_context(), browser.new_context()
    paul = _entered(context, site, "Paul")
    paul.locator(".row.departure").first.get_by_role("button", name="Approve").click()
    expect(paul.locator("#messages")).to_contain_text("approved")
    paul.goto(f"{site.address}/release")
    expect(paul.get_by_text("a releaser releases them")).to_be_visible()
    rita = _entered(other, site, "Rita", "/release")
    expect(rita.locator(".document")).to_contain_text("SUP")
    rita.get_by_label("I have looked at the documents").check()
    rita.get_by_role("button", name="Release").click()
    expect(rita.locator("#messages")).to_contain_text("6 lines are released")
    expect(rita.locator("h1")).to_contain_text("0 approved lines")
    rita.locator("#export").get_by_label("Form").select_option("csv")
    with rita.expect_download() as download:
        rita.get_by_role("button", name="Download the documents").click()
    assert download.value.suggested_filename == "csv-2016-05-23.csv"
    assert len(Path(download.value.path()).read_text("utf-8").splitlines()) == 7
    assert (site.ledger()["status"] == "released").sum() == (site.ledger()["status"] == "approved").sum() > 0
    context.close()
    other.close()


def test_a_what_if_takes_its_name_from_its_changes_and_all_that_the_form_shows(browser: Browser, site: Served) -> None:
    """A change that was chosen but not added was dropped, and a name with capitals was refused by the form."""
    context = browser.new_context()
    page, sent = _entered(context, site, "Paul", "/what-if"), []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json={"name": sent[-1]["name"]})

    page.route("**/what-if", lambda route: answer(route) if route.request.method == "POST" else route.continue_())
    page.locator("[name=change]").select_option("added_inbound_units")
    page.locator("[name=place]").select_option("MKE")
    page.locator("[name=amount]").fill("400")
    page.get_by_role("button", name="Add another change").click()
    page.locator("[name=change]").select_option("closed_hubs")
    page.locator("[name=place]").select_option("DFW")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#messages")).to_contain_text("runs in the background")
    changes = {"added_inbound_units": {"MKE": 400}, "closed_hubs": ["DFW"]}
    assert (sent[0]["name"], sent[0]["changes"]) == ("added_inbound_units-mke-400-closed_hubs-dfw", changes)
    page.locator("[name=name]").fill("MKE, later!")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#messages")).to_contain_text("mke-later")
    assert (sent[1]["name"], sent[1]["changes"]) == ("mke-later", {"closed_hubs": ["DFW"]})
    context.close()


def test_an_exception_is_acknowledged_with_owner_and_due_date(browser: Browser, site: Served) -> None:
    context = browser.new_context()
    page = _entered(context, site, "Paul", "/exceptions")
    page.locator("[name=exception]").first.check()
    page.locator("#deciding").get_by_label("Owner").fill("Petra")
    page.locator("#deciding").get_by_label("Due").fill("2016-05-25")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#inbox tbody tr").first).to_contain_text("acknowledged")
    expect(page.locator("#inbox tbody tr").first).to_contain_text("due Wed, May 25, 2016")
    states = Warehouse(site.settings).read("exception_state")
    assert states[["status", "owner", "by"]].to_numpy().tolist() == [["acknowledged", "Petra", "Paul"]]
    context.close()


def test_a_viewer_has_no_button_that_changes_anything(browser: Browser, site: Served) -> None:
    context = browser.new_context()
    page = _entered(context, site, "Vera")
    expect(page.locator(".row.line").first).to_be_visible()
    assert page.locator(".row .buttons button").count() == 0
    page.goto(f"{site.address}/exceptions")
    assert page.locator("[name=exception]").count() == 0
    page.goto(f"{site.address}/what-if")
    assert page.locator("#what-if").count() == 0
    context.close()


def test_100_000_lines_scroll_filter_and_fold(browser: Browser, large_site: Served) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = _entered(context, large_site, "Paul")
    expect(page.locator(".row").first).to_be_visible()
    expect(page.locator("#count")).to_have_text("100,000 lines")
    assert page.locator(".row").count() < 60
    page.locator("#rows").focus()
    page.keyboard.press("End")
    expect(page.locator(".row").last).to_have_attribute("aria-rowindex", f"{MOST_LINES + 380}")
    page.get_by_label("Search").fill("sku0012345")
    expect(page.locator("#count")).to_have_text("1 line")
    expect(page.locator(".row.line")).to_have_count(1)
    page.get_by_label("Search").fill("")
    page.get_by_label("Rows").select_option("folded")
    expect(page.locator("#rows")).to_have_attribute("aria-rowcount", "380")
    page.get_by_role("button", name="Saves").click()
    expect(page.locator("[data-sort=benefit_eur]")).to_have_attribute("data-direction", "descending")
    context.close()
