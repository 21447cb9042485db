"""The pages beside the plan's, in a browser: quiet, alone, narrow or wide, accessible in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from review.charts import png
from review.forecast_page import forecast_page
from review.input_report import input_page
from review.replay import closed_picture, replay_page
from tests.review.test_forecast_page import contents
from tests.review.test_input_report import report
from tests.review.test_replay import _figures, _page
from tests.review.test_what_if import _page as _what_if_page
from tests.review.test_what_if import _plans

pytestmark = pytest.mark.pages


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a page of a forecast, a report of inputs, a page of what-ifs, and a page of a replay."""
    folder = tmp_path_factory.mktemp("others")
    replay = _page(_figures())
    inputs = input_page(report(), (("plan", "forestock run --config c.yaml"),))
    texts = {
        "forecast": forecast_page(contents()),
        "inputs": inputs,
        "what-if": _what_if_page(*_plans()),
        "replay": replay_page(replay).replace("cG5n", ""),
    }
    assert png(closed_picture(_figures()))
    return {name: _kept(folder / f"{name}.html", text) for name, text in texts.items()}


def _kept(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("name", ["forecast", "inputs", "what-if", "replay"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_is_quiet_fits_its_width_and_breaks_no_rule_of_accessibility(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type] # one of two words
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    page.on(
        "request", lambda request: heard.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto(pages[name].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    assert heard == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.evaluate("document.querySelector('meta[http-equiv]').remove()")
    result = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]][:3]) for rule in result] == []
    context.close()
