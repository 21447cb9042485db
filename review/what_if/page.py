"""The page of a night's what-ifs: the plan of record beside each, differences ranked.

Here: which figures stand side by side and in what order. Not here: how it looks (``templates``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from foundation.settings import Settings
from review.plan.page import environment
from review.plan.summary import escaped
from review.wording import Money, carbon, day, number, rate

Row = dict[Any, Any]
Writer = Callable[[float], str]
_LINES, _PLACES = 120, 40
_WORDS = {
    "closed_hubs": "closed", "lost_lanes": "lane lost", "demand_factor": "demand ×", "transport_factor": "transport price ×",
    "added_lead_days": "days later", "added_loads": "more loads", "added_storage_l": "more storage (l)",
    "added_inbound_units": "more inbound units", "added_outbound_units": "more outbound units",
}  # fmt: skip
_KPIS = {
    "units_in": "units in", "units_out": "units out", "target_units": "units after the plan", "skus_at_risk": "skus at risk",
    "expected_demand_units": "expected demand", "demand_units": "demand", "local_units": "served by the nearest hub",
    "spilled_units": "served by another hub", "late_units": "late", "lost_units": "lost",
}  # fmt: skip


@dataclass(frozen=True)
class WhatIfPage:
    """What the page shows: the record's ``plan`` row and the rows of the ``what_if…`` tables of one night.

    ``notes`` are sentences for the reader.
    """

    as_of: date
    plan: pd.DataFrame
    what_if: pd.DataFrame
    lines: pd.DataFrame
    places: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Change:
    """One what-if as shown: its name, what was changed, counts and rows of what differs."""

    name: str
    said: str
    row: pd.Series
    counts: dict[str, int]
    lines: list[Row]
    n_lines: int
    places: list[Row]


def what_if_page(page: WhatIfPage, settings: Settings) -> str:
    """Return the page as one HTML text that makes no request and runs no script."""
    record = page.plan.iloc[-1]
    changes = [_change(row, page) for _, row in page.what_if.sort_values("what_if").iterrows()]
    money = Money(settings.currency)
    return environment().get_template("what_if.html.j2").render(
        page=page, settings=settings, record=record, changes=changes, money=money,
        figures=figures(record, [change.row for change in changes], page.places, money),
    )  # fmt: skip


def _change(row: pd.Series, page: WhatIfPage) -> _Change:
    name = str(row["what_if"])
    lines = page.lines[page.lines["what_if"] == name]
    ranked = ranked_lines(lines)
    counts = {str(word): int(count) for word, count in lines["difference"].value_counts().sort_index().items()}
    places = page.places[page.places["what_if"] == name]
    return _Change(
        name, said_of(str(row["changes"])), row, counts, ranked.head(_LINES).to_dict("records"), len(ranked), _ranked_places(places)
    )  # fmt: skip


def ranked_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines that differ, most money first: the change of benefit, then of units, ties by id."""
    differing = lines[lines["difference"] != "same"]
    change_eur = differing["benefit_eur"] - differing["benefit_eur_of_record"]
    change_units = (differing["units"] - differing["units_of_record"]).astype("int64")
    ranked = differing.assign(
        change_eur=change_eur, change_units=change_units, size_eur=change_eur.abs(), size_units=change_units.abs()
    )
    return ranked.sort_values(["size_eur", "size_units", "proposal_id"], ascending=[False, False, True])


def _ranked_places(places: pd.DataFrame) -> list[Row]:
    """Return the figures of hubs and regions that differ, the largest change first."""
    change = places["kpi_value"] - places["kpi_value_of_record"]
    result = places.assign(change=change, size=change.abs(), text=places["kpi"].map(_KPIS).fillna(places["kpi"]))
    result = result[result["size"] >= 0.5].sort_values(["size", "place", "kpi"], ascending=[False, True, True])
    return [{str(key): value for key, value in row.items()} for row in result.head(_PLACES).to_dict("records")]


def said_of(changes: str) -> str:
    """Return what a what-if changes in words; ``changes`` is the JSON of the table ``what_if``."""
    parts = []
    for key, value in json.loads(changes).items():
        if key == "positioning":
            parts += [f"{name} = {label}" for name, label in value.items()]
        elif isinstance(value, dict):
            parts += [f"{name}: {_WORDS[key]} {label:g}" for name, label in value.items()]
        else:
            parts += [f"{name} {_WORDS[key]}" for name in value]
    return "; ".join(parts) or "nothing changed"


def figures(record: pd.Series, others: list[pd.Series], places: pd.DataFrame, money: Money) -> list[Row]:
    """Return a row per figure: its name, the record's value, and each what-if's value with its change."""
    lost = places[(places["kind"] == "region") & (places["kpi"] == "lost_units")].groupby("what_if")
    of_record = float(lost["kpi_value_of_record"].sum().iloc[0]) if len(places) else float("nan")
    by_name = lost["kpi_value"].sum()
    rows = [record.to_dict() | {"lost_units": of_record}]
    rows += [other.to_dict() | {"lost_units": float(by_name.get(other["what_if"], float("nan")))} for other in others]
    for row in rows:
        row["saving_eur"] = row["total_eur_before"] - row["total_eur"]
        row["reaction_eur"] = row["kept_total_eur"] - row["total_eur"] if "kept_total_eur" in row else float("nan")
    return [
        {
            "name": name,
            "text": text,
            "values": [_cell(row, rows[0], key, write, index == 0) for index, row in enumerate(rows)],
        }
        for key, name, write, text in _shown(money)
    ]


def _shown(money: Money) -> list[tuple[str, str, Writer, str]]:
    return [
        ("total_eur", "Expected cost with the plan", money, "signed sum of all terms"),
        ("total_eur_before", "Expected cost without a plan", money, "sending nothing"),
        ("saving_eur", "Saving by the plan", money, "cost without less cost with it"),
        (
            "reaction_eur",
            "Value of replanning",
            money,
            "against carrying out the plan of record under the change; below zero: within its gap the new plan missed it",
        ),
        ("lost_units", "Lost units", number, "over the cover window"),
        ("local_fill_rate", "Served by the nearest hub", rate, "of demanded units"),
        ("promise_hit_rate", "On time as promised", rate, "of demanded units"),
        ("kg_co2e", "Carbon", carbon, "well to wheel"),
        ("lower_bound_eur", "No plan costs less than", money, "on the same demand paths"),
        ("gap_rate", "Gap to that bound", lambda value: rate(value, 2), "of the cost"),
        ("n_proposals", "Proposals", number, "lines of the plan"),
    ]


def _cell(row: Row, record: Row, key: str, write: Writer, is_record: bool) -> Row:
    """Return a figure as text and, for a what-if, its change against the record; shares change by points."""
    value, base = row[key], record[key]
    parts = {"value": write(value), "change": ""}
    if not is_record and pd.notna(base) and pd.notna(value):
        change = f"{number(100 * (value - base), 1)} points" if key.endswith("_rate") else write(value - base)
        is_none = not any(digit in change for digit in "123456789")
        parts["change"] = "as before" if is_none else change if change.startswith("−") else f"+{change}"
    return parts


def what_if_summary(page: WhatIfPage, settings: Settings) -> str:
    """Return what every what-if of the page changes, and its figures beside the plan of record's, as Markdown."""
    rows = page.what_if.sort_values("what_if")
    record = page.plan.iloc[-1]
    shown = figures(record, [row for _, row in rows.iterrows()], page.places, Money(settings.currency))
    names = [escaped(str(name)) for name in rows["what_if"]]
    changes = [
        f"* **{name}**: {escaped(said_of(str(values)))}" for name, values in zip(names, rows["changes"], strict=True)
    ]
    heads = ["", "plan of record", *names]
    lines = [
        heads,
        ["---", *["---:"] * (len(heads) - 1)],
        *([row["name"], *map(_said, row["values"])] for row in shown),
    ]
    notes = [f"* {escaped(note)}" for note in page.notes]
    parts = [f"# What if, night of {day(page.as_of)}", "\n".join(changes), "\n".join(f"| {' | '.join(line)} |" for line in lines), "\n".join(notes)]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _said(cell: dict[str, str]) -> str:
    return f"{cell['value']} ({cell['change']})" if cell["change"] else cell["value"]
