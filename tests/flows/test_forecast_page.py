"""The page of a forecast is written from the tables of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from foundation.settings import Settings
from pipeline.completed import planned_run
from pipeline.reports import write_forecast_page
from tests.flows.conftest import PLANNED


def test_the_page_of_a_run_names_its_series_and_lies_beside_the_plan(planned_settings: Callable[..., Settings]) -> None:
    settings = planned_settings()
    place = write_forecast_page(planned_run(settings, PLANNED).context, ("A note of the run.",))
    assert place == f"{settings.warehouse}/pages/forecast-{PLANNED}.html"
    page = Path(place).read_text("utf-8")
    assert "12 series" in page
    assert "A note of the run." in page
    assert "FOODS" in page
