"""Reports beside the plan: of the inputs, for the terminal and as a page (``forestock validate``), and the page of a forecast.

Not here: the checks (``foundation.validation``), what the pages show (``review.input_report``, ``review.forecast_page``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from foundation.commands import command
from foundation.periods import as_timestamp
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.snapshot import validate_inputs
from foundation.store.warehouse import Warehouse
from foundation.tables import INPUTS
from foundation.validation.assumptions import WITHOUT
from foundation.validation.input_table import ValidInputs
from foundation.validation.money_defaults import money_defaults
from foundation.validation.validate import ValidationResult
from pipeline.results import RunContext
from review.forecast_page import ForecastContents, forecast_page
from review.input_report import InputReport, TableContents, input_page

_NETWORK = "lanes"  # the table without which inputs can only be forecast


def input_report(settings: Settings, as_of: date | None) -> InputReport:
    """Validate the inputs and return the report; inputs without a network are checked for forecasting alone."""
    validation = validate_inputs(settings, as_of, "rebalance")
    absent = {fault.table for fault in validation.faults if fault.problem == "missing"}
    is_forecast_only = _NETWORK in absent
    if is_forecast_only:
        validation = validate_inputs(settings, as_of, "forecast")
    by_warning = validation.incomplete if settings.inputs.on_warning == "stop" and not validation.stops else ()
    stops = validation.stops or bool(by_warning)
    errors = by_warning or (validation.faults if validation.stops else ())
    kept = () if validation.stops else validation.faults
    return InputReport(
        name=settings.name,
        currency=settings.currency,
        configuration=settings.read_from[1] if settings.read_from else "",
        as_of=validation.as_of,
        stops=stops,
        errors=errors,
        warnings=(*map(str, kept), *validation.warnings),
        assumptions=validation.assumptions,
        defaults=() if stops or is_forecast_only else money_defaults(settings),
        tables=() if validation.stops else _contents(validation),
        recent_units=_recent_units(validation, settings),
        is_forecast_only=is_forecast_only,
    )


def next_steps(settings: Settings, report: InputReport) -> dict[str, str]:
    """Return what to do after the report: purpose and command."""
    if report.stops:
        return {"after the corrections": command(settings, "validate")}
    if report.is_forecast_only:
        return {"forecast demand": command(settings, "forecast"), "build a network": command(settings, "network")}
    return {"plan": command(settings, "run"), "check stores and services": command(settings, "doctor")}


def write_input_page(settings: Settings, report: InputReport, path: str) -> str:
    """Write the page of the report to ``path`` and return it."""
    return files.write_text(path, input_page(report, tuple(next_steps(settings, report).items())))


def _contents(validation: ValidationResult) -> tuple[TableContents, ...]:
    result = []
    for name in dict.fromkeys((*INPUTS, *validation.tables)):
        frame = validation.tables.get(name)
        if frame is None:
            result.append(TableContents(name, None, "", "", WITHOUT.get(name, "")))
        else:
            result.append(TableContents(name, len(frame), *_ends(frame), ""))
    return tuple(result)


def _ends(frame: pd.DataFrame) -> tuple[str, str]:
    """Return the first and last date of a dated table, else two empty texts."""
    if "date" not in frame or frame["date"].dtype.kind != "M" or frame["date"].isna().all():
        return "", ""
    return f"{frame['date'].min():%Y-%m-%d}", f"{frame['date'].max():%Y-%m-%d}"


def _recent_units(validation: ValidationResult, settings: Settings) -> float:
    if validation.as_of is None or not validation.tables:
        return 0.0
    inputs = ValidInputs(validation.tables, settings, validation.as_of)
    return float(inputs.recent_units["units_sold"].sum())


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
