"""The page works in a browser: quiet, alone, quick, narrow or wide, by keyboard, in both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.pages
SHORT_MS = 200
FIRST_CONTENT_MS = 1500
OPEN_ONE = """async (place) => {
  const before = document.querySelectorAll('.detail .facts').length;
  const from = performance.now();
  document.querySelectorAll('.opener')[place].click();
  while (document.querySelectorAll('.detail .facts').length === before) await new Promise((next) => setTimeout(next, 1));
  document.body.offsetHeight;
  return performance.now() - from;
}"""
FILTER = """(text) => {
  const from = performance.now();
  document.getElementById('search').value = text;
  show();
  document.body.offsetHeight;
  return performance.now() - from;
}"""


@contextmanager
def opened(
    browser: Browser, address: str, width: int = 1280, scheme: str = "light"
) -> Iterator[tuple[Page, list[str]]]:
    """Open a page; yields it with its console errors and network requests."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "request", lambda request: heard.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=30_000)
    yield page, heard
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_quiet_makes_no_request_and_fits_its_width(
    browser: Browser, page_address: str, width: int, scheme: str
) -> None:
    with opened(browser, page_address, width, scheme) as (page, heard):
        page.click(".opener >> nth=0")
        page.wait_for_selector(".detail .facts")
        assert heard == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def faults(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe-core finds with every part of the page open, and where."""
    page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    page.evaluate("document.querySelector('meta[http-equiv]').remove()")
    result = Axe().run(page).response["violations"]
    return [(rule["id"], [node["html"][:120] for node in rule["nodes"]][:3]) for rule in result]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_accessibility_rules_report_no_violation(browser: Browser, page_address: str, width: int, scheme: str) -> None:
    with opened(browser, page_address, width, scheme) as (page, _):
        page.click(".opener >> nth=0")
        page.wait_for_selector(".detail .facts")
        page.check(".lines input >> nth=0")
        assert faults(page) == []


@pytest.mark.parametrize("name", ["demo", "m5"])
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_pages_of_the_demo_and_of_m5_are_quiet_alone_quick_and_accessible(
    browser: Browser, real_addresses: dict[str, str], name: str, width: int, scheme: str
) -> None:
    """Times are the best of a few, to exclude other load of the machine."""
    with opened(browser, real_addresses[name], width, scheme) as (page, heard):
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") < FIRST_CONTENT_MS
        assert min(page.evaluate(FILTER, text) for text in ("1", "no such sku", "")) < SHORT_MS
        assert (
            min(page.evaluate(OPEN_ONE, place) for place in range(min(3, page.locator(".opener").count()))) < SHORT_MS
        )
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert heard == []
        assert faults(page) == []


def test_terms_of_every_reason_of_a_real_plan_add_up(browser: Browser, real_addresses: dict[str, str]) -> None:
    """A reason that the page cannot parse would be shown whole, without its largest term first."""
    with opened(browser, real_addresses["demo"]) as (page, _):
        read = "Promise.all(listed.id.map(async (id, index) => terms(proposal(index), (await skuDetails(proposal(index).sku)).reasons[index]).length))"
        counts = page.evaluate(read)
        assert counts
        assert min(counts) > 0


def test_a_page_of_one_proposal_opens_it(browser: Browser, single_page_address: str) -> None:
    with opened(browser, single_page_address) as (page, heard):
        page.click(".opener")
        page.wait_for_selector(".detail .facts")
        assert page.locator("text=No other shipment of this SKU is proposed.").is_visible()
        assert heard == []


def test_a_hundred_thousand_proposals_filter_and_open_without_a_wait(browser: Browser, large_page_address: str) -> None:
    """The best of three, to exclude other load of the machine."""
    with opened(browser, large_page_address) as (page, heard):
        assert min(page.evaluate(FILTER, text) for text in ("sku_00042", "east", "")) < SHORT_MS
        assert min(page.evaluate(OPEN_ONE, place) for place in range(3)) < SHORT_MS
        assert page.evaluate("document.querySelectorAll('*').length") < 5000
        assert heard == []


def test_a_large_page_shows_something_soon(browser: Browser, large_page_address: str) -> None:
    """First contentful paint, the best of three."""
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 1e9"
    shown = []
    for _ in range(3):
        with opened(browser, large_page_address) as (page, _heard):
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            shown.append(page.evaluate(paint))
    assert min(shown) < FIRST_CONTENT_MS


def test_search_and_filters_keep_matching_proposals(browser: Browser, page_address: str) -> None:
    with opened(browser, page_address) as (page, _):
        page.select_option("#view", "rank")
        page.select_option("#kind", "supply")
        page.select_option("#owner", "Bo")
        shown = page.locator(".lines tbody tr")
        assert shown.count() > 0
        assert all("SUP → MID" in text for text in shown.all_inner_texts())
        page.fill("#search", "no such sku")
        page.wait_for_selector("text=No proposal matches.")
        assert page.locator("#count").inner_text().startswith("0 of 400")


def test_a_proposal_opens_and_closes_by_keyboard(browser: Browser, page_address: str) -> None:
    with opened(browser, page_address) as (page, _):
        page.focus(".opener >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_selector(".detail .reason")
        assert page.locator(".opener").first.get_attribute("aria-expanded") == "true"
        page.keyboard.press("Enter")
        assert page.locator(".detail").count() == 0


def test_an_opened_proposal_shows_its_largest_term_the_effect_of_rejection_and_the_regions_served(
    browser: Browser, page_address: str
) -> None:
    """The first proposal saves 1,000: 1,050 of lost sales less 50 of moving. It breaks even where lost sales are 95% lower."""
    with opened(browser, page_address) as (page, _):
        page.click(".opener >> nth=0")
        page.wait_for_selector(".detail .reason")
        assert page.locator(".detail .reason ~ p").all_inner_texts()[:5] == [
            "Stock: WEST has 2 on hand and 2 inbound, for an expected demand of 3 in the regions it is nearest to; EAST has 0 on hand and 0 inbound, for an expected demand of 1 in the regions it is nearest to.",
            "Largest term: fewer lost sales, €1,050. It depends on expected demand and the value of a lost sale. Break-even: 95% lower.",
            "If rejected: the plan loses an expected €900. The next-best plan changes shipments by MID → EAST on Tue, May 24 +4, EAST → WEST on Mon, May 23 −2 units. Without a replacement it loses €950. The line saves money in 90% of the demand scenarios.",
            "Binding constraints: loads storage",
            "Regions served: WEST is the second choice for R1, R2.",
        ]
        rows = page.locator(".detail table").first.locator("tbody tr").all_inner_texts()
        assert [row.split("\t")[:3] for row in rows] == [
            ["4.0 fewer lost sales", "€1,050", "95% lower"],
            ["moving", "−€50.00", "over 10 times as much"],
        ]


def test_selected_proposals_become_a_command(browser: Browser, page_address: str) -> None:
    """The page makes no decision; it shows the command to run."""
    with opened(browser, page_address) as (page, _):
        assert not page.locator("#deciding").is_visible()
        page.check(".lines input >> nth=0")
        page.check(".lines input >> nth=1")
        command = page.locator("#command")
        assert re.fullmatch(
            r"forestock approve --config .* --as-of 2016-05-23 --at 2016-05-23T07:00 [0-9a-f]{16} [0-9a-f]{16}",
            command.input_value(),
        )
        page.select_option("#decision", "reject")
        assert command.input_value().startswith("forestock reject ")
        page.select_option("#view", "rank")
        assert page.locator(".lines input:checked").count() == 2


def test_more_lines_and_departures_appear_on_request(browser: Browser, page_address: str) -> None:
    with opened(browser, page_address) as (page, _):
        page.select_option("#outlook", "")
        while page.locator("button.more").count():
            page.locator("button.more").first.click()
        assert page.locator(".opener").count() == 400


def test_the_theme_can_be_chosen(browser: Browser, page_address: str) -> None:
    with opened(browser, page_address) as (page, _):
        colour = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(colour)
        page.select_option("#theme", "dark")
        assert page.evaluate(colour) != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_printing_is_dark_on_white_whatever_the_theme(browser: Browser, page_address: str, scheme: str) -> None:
    with opened(browser, page_address, scheme=scheme) as (page, _):
        page.emulate_media(media="print")
        for place in ("document.body", "document.querySelector('section')"):
            assert page.evaluate(f"getComputedStyle({place}).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert page.locator(".finding table").first.is_visible()


def test_printing_omits_interactive_elements(browser: Browser, page_address: str) -> None:
    with opened(browser, page_address) as (page, _):
        page.emulate_media(media="print")
        assert not page.locator("#filters").is_visible()
        assert page.locator(".departure").first.is_visible()
