"""A server of the Model Context Protocol for assistants: read plans and tables, explain, ask why, plan a what-if.

No tool decides on proposals, releases, or writes a table. Not here: the answers (``pipeline``), the command (``forestock.cli.serve``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import partial, wraps
from typing import Any

import pandas as pd
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from foundation.errors import ForestockError, InputError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from foundation.tables import OUTPUTS
from pipeline.explain import SeriesRequest, explain_series
from pipeline.what_if import WhatIfRequest, built_what_ifs, date_of_record, requested_changes

MOST_ROWS = 500
INSTRUCTIONS = (
    "Forestock plans which units should stand in which hub. Start with `plans`, then `proposals` and `read_table`; `tables` explains "
    "every table and column. Money is in the configured currency. Every tool is read-only: people approve proposals in Forestock."
)
Rows = list[dict[str, Any]]


def mcp_server(settings: Settings) -> MCPServer:
    """Return the server of a pipeline's warehouse."""
    server = MCPServer("forestock", title=f"Forestock: {settings.name}", instructions=INSTRUCTIONS)
    annotations = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    for tool in (plans, tables, read_table, proposals, explain, why, what_if):
        server.tool(name=tool.__name__, description=tool.__doc__, annotations=annotations)(_bound(tool, settings))
    return server


def _bound(tool: Callable[..., Any], settings: Settings) -> Callable[..., Any]:
    """Return the tool with its settings; an error that a user can correct becomes the answer's text."""
    import inspect

    given = partial(tool, settings)

    @wraps(tool)
    def answer(**arguments: Any) -> Any:
        try:
            return given(**arguments)
        except ForestockError as error:
            raise ToolError(str(error)) from None

    kept = inspect.signature(tool, eval_str=True)
    parameters = [value for name, value in kept.parameters.items() if name != "settings"]
    answer.__signature__ = kept.replace(parameters=parameters)  # type: ignore[attr-defined] # read by inspect.signature
    answer.__annotations__ = {value.name: value.annotation for value in parameters} | {"return": kept.return_annotation}
    return answer


def plans(settings: Settings, limit: int = 30) -> Rows:
    """List the newest plans: date, cost without and with the plan, savings, fill rate, and number of proposals."""
    rows = Warehouse(settings).read("plan").sort_values("as_of", ascending=False)
    rows = rows.assign(savings_eur=rows["total_eur_before"] - rows["total_eur"])
    names = ["as_of", "plan_id", "total_eur_before", "total_eur", "savings_eur", "lower_bound_eur", "local_fill_rate", "n_proposals"]  # fmt: skip
    return _records(rows[names], limit)


def tables(settings: Settings) -> Rows:
    """List the output tables with their grain, their meaning, and the meaning and unit of each column."""
    return [
        {
            "table": table.name, "meaning": table.text, "grain": list(table.grain),
            "columns": {column.name: f"{column.text} {f'({column.unit})' if column.unit else ''}".strip() for column in table.columns},
        }
        for table in OUTPUTS.values()
    ]  # fmt: skip


def read_table(
    settings: Settings, table: str, as_of: str | None = None, where: dict[str, str] | None = None,
    columns: list[str] | None = None, limit: int = 100,
) -> Rows:  # fmt: skip
    """Read rows of an output table. `as_of` is a date such as 2016-05-23; `where` selects rows by equal values of columns."""
    rows = Warehouse(settings).read(table, as_of)
    for name, value in (where or {}).items():
        if name not in rows:
            raise InputError(f"{table} has no column {name}; it has {', '.join(rows.columns)}")
        rows = rows[rows[name].astype("str") == value]
    return _records(rows if columns is None else rows[list(columns)], limit)


def proposals(
    settings: Settings, as_of: str | None = None, sku: str | None = None, hub: str | None = None, limit: int = 50
) -> Rows:
    """List proposals of a plan (default: the newest), the most valuable first, with reason, next best alternative, and status."""
    day = date_of_record(settings, _day(as_of))
    rows = Warehouse(settings).read("transfer", day)
    if sku is not None:
        rows = rows[rows["sku"] == sku]
    if hub is not None:
        rows = rows[(rows["origin"] == hub) | (rows["destination"] == hub)]
    names = ["proposal_id", "kind", "sku", "origin", "destination", "units", "ship_date", "arrival_date", "decide_by", "cost_eur",
             "benefit_eur", "loss_if_refused_eur", "reason", "next_best", "binding_constraints", "is_outlook", "status"]  # fmt: skip
    return _records(rows.sort_values("benefit_eur", ascending=False, kind="stable")[names], limit)


def explain(
    settings: Settings, sku: str, region: str, as_of: str | None = None, before: str | None = None
) -> dict[str, Any]:
    """Explain the forecast of a SKU in a region: what drives it by date, and what changed since an earlier date."""
    result = explain_series(settings, SeriesRequest(sku, region, _day(as_of), _day(before)))
    return {
        "as_of": str(result.as_of), "before": str(result.before), "notes": list(result.notes), "shares": result.shares,
        "drivers": _records(result.drivers, MOST_ROWS), "moved": _records(result.moved, MOST_ROWS),
    }  # fmt: skip


def why(
    settings: Settings, as_of: str | None = None, hub: str | None = None, sku: str | None = None, limit: int = 50
) -> Rows:
    """List the causes of stockouts and late parcels after a plan, as `forestock why` computed them, the largest amount first."""
    warehouse = Warehouse(settings)
    dates = warehouse.dates("cause")
    if not dates:
        raise InputError("no causes have been computed yet; run forestock why")
    rows = warehouse.read("cause", _day(as_of) or dates[-1])
    for name, value in (("hub", hub), ("sku", sku)):
        rows = rows if value is None else rows[rows[name] == value]
    return _records(rows.sort_values("eur", ascending=False, kind="stable"), limit)


def what_if(settings: Settings, changes: list[str], as_of: str | None = None) -> dict[str, Any]:
    """Plan a date again under changes such as `closed_hubs=[ONT]` or `transport_factor={truck: 1.5}`, and compare with the plan of record.

    The plan of record does not change, and the result is not stored. It takes as long as a plan.
    """
    day = date_of_record(settings, _day(as_of))
    built, notes = built_what_ifs(settings, requested_changes(settings, WhatIfRequest(day, (), tuple(changes))), day)
    record, row = Warehouse(settings).read("plan", day).iloc[-1], built["what_if"].iloc[-1]
    terms = [
        name
        for name in record.index
        if name.endswith("_eur_after") or name in ("total_eur", "local_fill_rate", "kg_co2e")
    ]
    lines = built["what_if_line"]
    lines = lines[lines["difference"] != "same"].assign(size=lambda given: given["benefit_eur"].abs())
    return {
        "as_of": str(day), "changes": json.loads(row["changes"]), "kept_total_eur": float(row["kept_total_eur"]), "notes": list(notes),
        "figures": {name: {"of_record": float(record[name]), "what_if": float(row[name])} for name in terms},
        "lines": _records(lines.nlargest(30, "size").drop(columns=["size", "as_of"]), 30),
    }  # fmt: skip


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a date; write it as 2016-05-23") from None


def _records(rows: pd.DataFrame, limit: int) -> Rows:
    """Return up to ``limit`` rows (at most MOST_ROWS) as plain values: dates as text, missing values as null."""
    result: Rows = json.loads(rows.head(max(0, min(limit, MOST_ROWS))).to_json(orient="records", date_format="iso"))
    return result
