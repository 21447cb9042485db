"""A browser, and pages to open in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from review import plan_page
from tests.review.night import night

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


def _written(folder: Path, n_skus: int, n_proposals: int) -> str:
    made = night(n_skus, n_proposals)
    path = folder / "plan.html"
    path.write_text(plan_page(made.tables, made.outputs, made.settings, made.as_of), "utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def page_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page of 400 proposals."""
    return _written(tmp_path_factory.mktemp("page"), 40, 400)


@pytest.fixture(scope="session")
def large_page_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page of 100,000 proposals."""
    return _written(tmp_path_factory.mktemp("large"), 3000, 100_000)
