"""The life of a SKU's lines: decisions with who and when, what receivers reported, and what executed lines were worth.

Not here: the lines of the open plan (``sku``).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from foundation.wording import moment, number
from serve.tables import Tables

_MOST_LINES = 20
_WORDS = {"proposed": "undecided again"}


def history(tables: Tables, sku: str) -> list[dict[str, Any]]:
    """Return the decided lines of a SKU, the last decided first, each with its events in order."""
    decisions = tables.read("decision")
    decisions = decisions[decisions["sku"] == sku].sort_values("at", kind="stable")
    latest = decisions.groupby("proposal_id")["at"].max().sort_values(ascending=False).head(_MOST_LINES)
    reports, realized = tables.read("execution"), tables.read("realized")
    result = []
    for proposal_id in latest.index:
        rows = decisions[decisions["proposal_id"] == proposal_id]
        events = [(row["at"], _decided(row)) for row in rows.to_dict("records")]
        events += [
            (row["at"], _reported(row)) for row in reports[reports["proposal_id"] == proposal_id].to_dict("records")
        ]
        worth = realized[realized["proposal_id"] == proposal_id]
        line = rows.iloc[-1]
        result.append(
            {
                "proposal_id": proposal_id, "origin": line["origin"], "destination": line["destination"], "ship_date": line["ship_date"],
                "status": line["status"], "planned_eur": line["benefit_eur"],
                "realized_eur": float(worth["realized_benefit_eur"].iloc[-1]) if len(worth) and "realized_benefit_eur" in worth else None,
                "events": [f"{moment(when)}: {text}" for when, text in sorted(events, key=lambda event: event[0])],
            }
        )  # fmt: skip
    return result


def _decided(row: dict[Any, Any]) -> str:
    units = (
        f" for {number(row['units'])} units"
        if row["status"] in ("approved", "released") and pd.notna(row["units"])
        else ""
    )
    reason = f" ({row['reason']})" if pd.notna(row["reason"]) else ""
    return f"{_WORDS.get(row['status'], row['status'])}{units} by {row['by']}{reason}"


def _reported(row: dict[Any, Any]) -> str:
    return f"{row['status']} {number(row['units'])} units, reported by {row['source']}"
