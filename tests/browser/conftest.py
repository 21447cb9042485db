"""A browser, and pages to open in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from benchmarks.page import of_m5
from pipeline import run
from pipeline.configuration import load_settings
from review import plan_page
from tests.review.sample_plan import SamplePlan, sample_plan

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next((result for name in NAMES if (result := shutil.which(name))), None)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


def _written(folder: Path, built: SamplePlan) -> str:
    path = folder / "plan.html"
    path.write_text(plan_page(built.tables, built.outputs, built.settings, built.as_of), "utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def page_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page of 400 proposals."""
    return _written(tmp_path_factory.mktemp("page"), sample_plan(40, 400))


@pytest.fixture(scope="session")
def large_page_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page of 100,000 proposals."""
    return _written(tmp_path_factory.mktemp("large"), sample_plan(3000, 100_000))


@pytest.fixture(scope="session")
def single_page_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a page of one proposal."""
    return _written(tmp_path_factory.mktemp("single"), sample_plan(1, 1))


@pytest.fixture(scope="session")
def planned_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the warehouse of the demo, planned here, and the place of its review page."""
    warehouse = tmp_path_factory.mktemp("demo") / "warehouse"
    settings = load_settings("demo.yaml", [f"warehouse={warehouse}"])
    planned = run.validate_stage(settings, None, "rebalance")
    run.rebalance_stage(planned, run.forecast_stage(planned, run.train_stage(planned)))
    return warehouse, run.review_stage(planned)


@pytest.fixture(scope="session")
def real_addresses(planned_demo: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the pages of the demo, and of M5: the file in FORESTOCK_M5_PAGE, or a synthetic page of that size."""
    given = os.environ.get("FORESTOCK_M5_PAGE")
    m5 = Path(given).resolve().as_uri() if given else _written(tmp_path_factory.mktemp("m5"), of_m5())
    return {"demo": Path(planned_demo[1]).as_uri(), "m5": m5}
