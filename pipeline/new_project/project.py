"""``forestock init``: makes the folder of a project, with templates and a page of units. It never replaces a file."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from foundation.errors import ConfigurationError
from foundation.sections import LONGEST_NAME
from foundation.store import files
from foundation.tables import INPUTS, Kind, Table
from pipeline.new_project.configuration_text import Choices, configuration_text

CONFIGURATION = "forestock.yaml"
_README = """# {name}

A Forestock project. `forestock.yaml` is its configuration; the lines marked DECIDE need your decision. Inside this folder, commands need no `--config`.

1. {first}
2. `forestock validate`: reports what is missing, what is assumed, and what to write.
3. `forestock forecast`, then `forestock network` (hubs and lanes from places and a tariff) and `forestock run` (a plan).
"""
_FILL = "Fill `data/`: `data/README.md` describes the tables, `data/templates/` has three rows of each."
_MAPPED = "Check the mapping of your files in `forestock.yaml`, and answer the questions there."
_ID_ROWS = {
    "region": ("north", "south", "north"),
    "sku": ("A-100", "A-100", "B-200"),
    "hub": ("H1", "H2", "H1"),
    "supplier": ("ACME", "ACME", "ACME"),
}
# Three values per column; a column of a table (``table.column``) has precedence.
_VALUES = _ID_ROWS | {
    "date": ("2026-01-05", "2026-01-05", "2026-01-06"),
    "units_sold": ("12", "7", "3"), "in_stock_rate": ("1", "0.5", "1"),
    "skus.sku": ("A-100", "B-200", "C-300"), "regions.region": ("north", "south", "east"), "hubs.hub": ("H1", "H2", "H3"),
    "unit_cost_eur": ("4.00", "12.50", "0.80"), "unit_price_eur": ("9.90", "24.00", "1.99"), "mass_kg": ("0.3", "1.2", "0.05"),
    "volume_l": ("0.5", "3", "0.1"), "handling_class": ("ambient", "ambient", "chilled"), "pack_units": ("6", "1", "24"),
    "shelf_life_days": ("", "", "21"), "launch_date": ("", "2025-09-01", ""), "delist_date": ("", "", ""),
    "latitude": ("53.55", "48.14", "52.52"), "longitude": ("9.99", "11.58", "13.40"), "country": ("DE", "DE", "DE"),
    "subdivision": ("HH", "BY", "BE"),
    "calendar.date": ("2026-02-14", "2026-04-05", "2026-03-20"), "calendar.region": ("", "", "north"),
    "event": ("Valentine's Day", "Easter Sunday", "Spring fair"), "event_type": ("Commercial", "National", "Local"),
    "is_promoted": ("0", "1", "0"), "timezone": ("Europe/Berlin", "Europe/Berlin", "Europe/Berlin"),
    "storage_l": ("50000", "80000", ""), "inbound_units_per_period": ("5000", "8000", ""),
    "outbound_units_per_period": ("5000", "8000", ""), "handling_classes": ("ambient", "ambient|chilled", ""),
    "holding_rate_per_year": ("0.25", "0.25", "0.3"), "storage_eur_per_l_day": ("0.0005", "0.0004", ""),
    "from_date": ("2026-03-01", "2026-03-08", "2026-07-01"), "is_open": ("0", "1", "1"),
    "hub_capacity.hub": ("H1", "H1", "H2"), "hub_capacity.handling_class": ("", "", ""),
    "hub_capacity.storage_l": ("", "", "90000"), "hub_skus.hub": ("H1", "H1", "H2"), "hub_skus.sku": ("A-100", "C-300", "C-300"),
    "is_stocked": ("1", "0", "1"), "min_units": ("12", "", ""), "max_units": ("600", "", ""), "frozen_until": ("", "", "2026-02-01"),
    "lane": ("H1-H2", "ACME-H1", "H1-north"), "lanes.origin": ("H1", "ACME", "H1"), "destination": ("H2", "H1", "north"),
    "kind": ("transfer", "supply", "delivery"), "lead_time_days": ("2", "14", "1"), "mode": ("road", "sea", "parcel"),
    "distance_km": ("790", "", "40"), "lead_time_sd_days": ("0.5", "3", "0.2"), "eur_per_unit": ("0.20", "0.10", "3.50"),
    "eur_per_kg": ("0.05", "", ""), "eur_per_load": ("400", "", ""), "load_l": ("60000", "", ""), "load_kg": ("20000", "", ""),
    "loads_per_departure": ("2", "", ""), "departs": ("Mon|Thu", "", ""), "cutoff": ("14:00", "", "16:00"),
    "lanes.handling_classes": ("", "", ""), "kg_co2e_per_t_km": ("0.07", "", "0.3"),
    "stock.date": ("2026-01-12", "2026-01-12", "2026-01-12"), "units_on_hand": ("120", "40", "15"),
    "units_reserved": ("10", "", ""), "units_on_hold": ("", "", "2"),
    "inbound_id": ("PO-1", "PO-2", "PO-3"), "inbound.origin": ("ACME", "ACME", "ACME"), "units": ("240", "48", "96"),
    "arrival_date": ("2026-01-20", "2026-01-22", "2026-01-22"), "status": ("in transit", "confirmed", "confirmed"),
    "supply.sku": ("A-100", "B-200", "C-300"), "units_available": ("", "500", ""), "min_order_units": ("48", "", ""),
    "promises.region": ("north", "south", "east"), "promises.handling_class": ("", "", ""), "promise_days": ("2", "2", "3"),
    "late_eur_per_unit": ("1.00", "1.00", "0.50"), "units_returned": ("1", "2", "1"), "order_date": ("2025-12-29", "", ""),
    "units_restocked": ("1", "0", ""), "reason": ("size", "damaged", ""), "delivery_id": ("P-1", "P-2", "P-3"),
    "carrier": ("DHL", "DHL", "DPD"), "ready_at": ("2026-01-05T13:00:00+01:00", "", ""),
    "cutoff_at": ("2026-01-05T16:00:00+01:00", "", ""), "picked_up_at": ("2026-01-05T15:40:00+01:00", "", ""),
    "promised_at": ("2026-01-07T20:00:00+01:00", "", ""), "delivered_at": ("2026-01-07T11:15:00+01:00", "", ""),
    "deliveries.units": ("1", "2", "1"),
}  # fmt: skip
_NOUNS = {
    Kind.TEXT: "text", Kind.DATE: "date, as 2026-01-05", Kind.TIMESTAMP: "time, as 2026-01-05T13:00:00+01:00",
    Kind.NUMBER: "number", Kind.WHOLE: "whole number", Kind.FLAG: "1 or 0",
}  # fmt: skip
_HEAD = """# Tables of the project

Put a file `sales.csv`, `skus.csv`, … into this folder for every table that you have, or map the files that another system writes in
`forestock.yaml` (`inputs.tables`). `templates/` has a header and three rows of every table: copy the ones that you need and replace the rows. `sales`, `skus`, and `regions` are enough for a forecast.
`hubs`, `lanes`, and `stock` are needed for a plan; `forestock network` can build `hubs` and `lanes`. Columns in **bold** are required. Delete the others if you do not have them.

Numbers have a decimal point and no thousands separators. Money is in the `currency` of `forestock.yaml`.
"""


@dataclass(frozen=True)
class NewProject:
    """A project that was made.

    Attributes
    ----------
    folder : str
        Its folder, as given.
    written : tuple of str
        Names of the files below it.
    """

    folder: str
    written: tuple[str, ...]


def new_project(name: str, choices: Choices | None = None, first: str = "") -> NewProject:
    """Make a project in the folder ``name`` with templates of all tables, or with the mapping in ``choices``.

    ``first`` is the first step that its README names; by default, to fill the tables or to check the mapping.

    Raises ``ConfigurationError`` if the folder holds a project or is a file.
    """
    refuse_existing(name)
    choices = choices or Choices(pipeline_name(name))
    contents = {
        CONFIGURATION: configuration_text(choices),
        "README.md": _README.format(name=choices.name, first=first or (_MAPPED if choices.mapping else _FILL)),
        "data/README.md": units_page(),
        ".gitignore": "warehouse/\n",
        **{f"data/templates/{table.name}.csv": template(table) for table in INPUTS.values()},
    }
    written = []
    for path, text in contents.items():
        place = files.joined(name, path)
        if not files.exists(place):
            files.write_text(place, text)
            written.append(path)
    return NewProject(name, tuple(written))


def refuse_existing(name: str) -> None:
    """Raise ``ConfigurationError`` if the folder ``name`` holds a project or is a file."""
    if files.exists(files.joined(name, CONFIGURATION)):
        raise ConfigurationError(
            f"{name} is a project: {name}/{CONFIGURATION} exists; choose another name or remove it"
        )
    if files.exists(name) and not files.is_folder(name):
        raise ConfigurationError(f"{name} is a file; choose another name")


def pipeline_name(folder: str) -> str:
    """Return the name of a pipeline for a folder: its last part in small letters, digits, - and _.

    >>> pipeline_name("../Été 2026")
    'ete-2026'
    """
    last = Path(folder).resolve().name
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode().lower()
    named = re.sub(r"[^a-z0-9_]+", "-", plain).lstrip("-0123456789_").rstrip("-")[:LONGEST_NAME]
    return named or "shop"


def template(table: Table) -> str:
    """Return the CSV template of an input table: its header and three rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name for name in table.names if name not in _LEFT_OUT.get(table.name, ())])
    for row in range(3):
        writer.writerow([_value(table, name, row) for name in table.names if name not in _LEFT_OUT.get(table.name, ())])
    return text.getvalue()


# Columns that users rarely have; the page of units describes them.
_LEFT_OUT = {
    "skus": ("replaces", "lost_sale_eur", "holding_eur_per_unit_day", "owner"),
    "inbound": ("proposal_id", "as_of"),
    "supply": ("unit_cost_eur",),
}


def _value(table: Table, name: str, row: int) -> str:
    return _VALUES.get(f"{table.name}.{name}", _VALUES.get(name, ("", "", "")))[row]


def units_page() -> str:
    """Return the page of the folder ``data``: every table with its columns, their types, units, and meanings."""
    parts = [_HEAD]
    for table in INPUTS.values():
        parts.append(f"## {table.name}\n\n{table.text}\n\n| column | values | meaning |\n| --- | --- | --- |")
        for column in table.columns:
            name = f"**{column.name}**" if column.name in table.required else column.name
            unit = f" ({column.unit})" if column.unit else ""
            parts[-1] += f"\n| {name} | {_NOUNS[column.kind]}{unit} | {column.text.replace('|', chr(92) + '|')} |"
        parts[-1] += "\n"
    return "\n".join(parts)
