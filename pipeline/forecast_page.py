"""Use case: the page of a forecast, written beside the pages of plans.

Not here: its contents (``review.forecast_page``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.warehouse import Warehouse
from pipeline.results import RunContext
from review.forecast_page import ForecastContents, forecast_page


def write_forecast_page(context: RunContext, notes: tuple[str, ...] = ()) -> str:
    """Write the page of the forecast of a run and return its place."""
    settings, as_of = context.settings, context.as_of
    warehouse = Warehouse(settings)
    tables = snapshot.read(context.inputs.folder, ("sales", "skus"))
    contents = ForecastContents(
        settings,
        as_of,
        warehouse.read("forecast", as_of),
        warehouse.read("forecast_window", as_of),
        tables["sales"],
        tables["skus"],
        _earlier(warehouse, settings, as_of),
        notes,
    )
    return files.write_text(place_of(settings, as_of), forecast_page(contents))


def place_of(settings: Settings, as_of: date) -> str:
    """Return the place of the page of the forecast of ``as_of``, whether or not it exists yet."""
    return files.joined(settings.warehouse, "pages", f"forecast-{as_of}.html")


def _earlier(warehouse: Warehouse, settings: Settings, as_of: date) -> pd.DataFrame:
    """Return the newest earlier forecast of which at least seven days (weekly data: one week) are known, those dates only."""
    first = settings.grid.step(as_of, -(7 if settings.grid.days == 1 else 1))
    days = [day for day in warehouse.dates("forecast") if day <= first and (as_of - day).days <= 366]
    rows = warehouse.read("forecast", days[-1] if days else as_of, ["date", "region", "sku", "mean_units"])
    return rows[(rows["date"] < as_timestamp(as_of)).to_numpy()]
