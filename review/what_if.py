"""What-ifs: the plan of record compared with each, as the rows of ``what_if_line`` and ``what_if_place``, a page and a summary.

Here: which figures are compared and in what order. Not here: their appearance (``templates``), changing inputs and planning
(``positioning``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from foundation.settings import Settings
from foundation.wording import CHANGE_WORDS, PLACE_FIGURES, Money, carbon, day, number, rate
from review.plan.page import environment
from review.plan.summary import escaped

Row = dict[Any, Any]
Writer = Callable[[float], str]
_LINES, _PLACES = 120, 40
Frames = dict[str, pd.DataFrame]
_KEYS = ["kind", "sku", "origin", "destination", "lane", "departure_id", "ship_date", "arrival_date"]
_BY_HUB = ("units_in", "units_out", "target_units", "expected_demand_units")
_BY_REGION = ("demand_units", "local_units", "spilled_units", "late_units", "lost_units")
_RISKY = 0.5


@dataclass(frozen=True)
class WhatIfPage:
    """The data of the page.

    Attributes
    ----------
    as_of
        Planning date.
    plan
        The ``plan`` row of the plan of record.
    what_if, lines, places
        Rows of the tables ``what_if``, ``what_if_line`` and ``what_if_place`` of the planning date.
    notes
        Sentences for the reader.
    """

    as_of: date
    plan: pd.DataFrame
    what_if: pd.DataFrame
    lines: pd.DataFrame
    places: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Change:
    """One what-if as shown: its name, its changes in words, and the counts and rows of the differences."""

    name: str
    description: str
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
        name, described(str(row["changes"])), row, counts, ranked.head(_LINES).to_dict("records"), len(ranked), _ranked_places(places)
    )  # fmt: skip


def ranked_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines that differ by change of benefit, then of units, the largest first, ties by id."""
    differing = lines[lines["difference"] != "same"]
    change_eur = differing["benefit_eur"] - differing["benefit_eur_of_record"]
    change_units = (differing["units"] - differing["units_of_record"]).astype("int64")
    ranked = differing.assign(
        change_eur=change_eur, change_units=change_units, size_eur=change_eur.abs(), size_units=change_units.abs()
    )
    return ranked.sort_values(["size_eur", "size_units", "proposal_id"], ascending=[False, False, True])


def _ranked_places(places: pd.DataFrame) -> list[Row]:
    """Return the figures of hubs and regions that differ by half a unit or more, the largest change first."""
    change = places["kpi_value"] - places["kpi_value_of_record"]
    result = places.assign(
        change=change, size=change.abs(), text=places["kpi"].map(PLACE_FIGURES).fillna(places["kpi"])
    )
    result = result[result["size"] >= 0.5].sort_values(["size", "place", "kpi"], ascending=[False, True, True])
    return [{str(key): value for key, value in row.items()} for row in result.head(_PLACES).to_dict("records")]


def described(changes: str) -> str:
    """Return the changes of a what-if in words; ``changes`` is the JSON of the table ``what_if``."""
    parts = []
    for key, value in json.loads(changes).items():
        if key == "positioning":
            parts += [f"{name} = {setting}" for name, setting in value.items()]
        elif isinstance(value, dict):
            parts += [f"{name}: {CHANGE_WORDS[key]} {amount:g}" for name, amount in value.items()]
        else:
            parts += [f"{name} {CHANGE_WORDS[key]}" for name in value]
    return "; ".join(parts) or "no change"


def figures(record: pd.Series, others: list[pd.Series], places: pd.DataFrame, money: Money) -> list[Row]:
    """Return one row per figure: its name, the value of the plan of record, and each what-if's value with its change."""
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
        ("total_eur", "Expected cost with the plan", money, "sum of all cost terms"),
        ("total_eur_before", "Expected cost without a plan", money, "no shipment"),
        ("saving_eur", "Savings", money, "cost without the plan minus cost with it"),
        (
            "reaction_eur",
            "Value of replanning",
            money,
            "cost of the plan of record under the change minus cost of the new plan; a negative value lies within the optimality gap",
        ),
        ("lost_units", "Lost units", number, "over the cover window"),
        ("local_fill_rate", "Served by the nearest hub", rate, "of demanded units"),
        ("promise_hit_rate", "On time as promised", rate, "of demanded units"),
        ("kg_co2e", "Carbon", carbon, "well to wheel"),
        ("lower_bound_eur", "Lower bound", money, "no plan on the same demand scenarios costs less"),
        ("gap_rate", "Optimality gap", lambda value: rate(value, 2), "of the cost"),
        ("n_proposals", "Proposals", number, "lines of the plan"),
    ]


def _cell(row: Row, record: Row, key: str, write: Writer, is_record: bool) -> Row:
    """Return a figure as text and, for a what-if, its change from the plan of record; shares change by percentage points."""
    value, base = row[key], record[key]
    parts = {"value": write(value), "change": ""}
    if not is_record and pd.notna(base) and pd.notna(value):
        change = f"{number(100 * (value - base), 1)} points" if key.endswith("_rate") else write(value - base)
        is_none = not any(digit in change for digit in "123456789")
        parts["change"] = "unchanged" if is_none else change if change.startswith("−") else f"+{change}"
    return parts


def what_if_summary(page: WhatIfPage, settings: Settings) -> str:
    """Return the changes of every what-if and its figures compared with the plan of record, as Markdown."""
    rows = page.what_if.sort_values("what_if")
    record = page.plan.iloc[-1]
    shown = figures(record, [row for _, row in rows.iterrows()], page.places, Money(settings.currency))
    names = [escaped(str(name)) for name in rows["what_if"]]
    changes = [
        f"* **{name}**: {escaped(described(str(values)))}" for name, values in zip(names, rows["changes"], strict=True)
    ]
    heads = ["", "plan of record", *names]
    lines = [
        heads,
        ["---", *["---:"] * (len(heads) - 1)],
        *([row["name"], *map(_cell_text, row["values"])] for row in shown),
    ]
    notes = [f"* {escaped(note)}" for note in page.notes]
    parts = [f"# What-ifs for {day(page.as_of)}", "\n".join(changes), "\n".join(f"| {' | '.join(line)} |" for line in lines), "\n".join(notes)]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _cell_text(cell: dict[str, str]) -> str:
    return f"{cell['value']} ({cell['change']})" if cell["change"] else cell["value"]


def line_differences(record: Frames, other: Frames) -> pd.DataFrame:
    """Return the lines of both plans with units and benefit in each, and the difference.

    ``record`` and ``other`` hold ``transfer``. A line is one ``proposal_id``, so the same SKU on another
    departure is another line. ``difference`` is ``new``, ``dropped``, ``more``, ``less`` or ``same``. ``reason`` is
    that of the other plan, or of the plan of record where the line is dropped.
    """
    old, new = (frames["transfer"].set_index("proposal_id") for frames in (record, other))
    lines = new[[*_KEYS, "reason"]].combine_first(old[[*_KEYS, "reason"]])[[*_KEYS, "reason"]].sort_index()
    result = lines.assign(
        units_of_record=_of(old, "units", lines.index).astype("Int64"), units=_of(new, "units", lines.index).astype("Int64"),
        benefit_eur_of_record=_of(old, "benefit_eur", lines.index), benefit_eur=_of(new, "benefit_eur", lines.index),
    )  # fmt: skip
    before, after = result["units_of_record"].to_numpy(int), result["units"].to_numpy(int)
    named = [(before == 0, "new"), (after == 0, "dropped"), (after > before, "more"), (after < before, "less")]
    words = np.select([rule for rule, _ in named], [word for _, word in named], "same")
    return result.assign(difference=pd.array(words, dtype="str")).rename_axis("proposal_id").reset_index()


def _of(plan: pd.DataFrame, column: str, lines: pd.Index) -> pd.Series:
    return plan[column].astype("float64").reindex(lines).fillna(0.0)


def place_differences(record: Frames, other: Frames) -> pd.DataFrame:
    """Return kind, place, KPI and both values of every hub (from ``position``) and region (from ``service``).

    Units are summed over SKUs. ``skus_at_risk`` counts SKUs with a stockout probability above 0.5.
    """
    result = pd.concat(
        [_joined("hub", _hubs(record), _hubs(other)), _joined("region", _regions(record), _regions(other))]
    )
    return result.reset_index(drop=True)


def _hubs(frames: Frames) -> pd.DataFrame:
    position = frames["position"].assign(skus_at_risk=frames["position"]["stockout_probability"] > _RISKY)
    return position.groupby("hub", sort=True)[[*_BY_HUB, "skus_at_risk"]].sum()


def _regions(frames: Frames) -> pd.DataFrame:
    return frames["service"].groupby("region", sort=True)[list(_BY_REGION)].sum()


def _joined(kind: str, record: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    stacked = [frame.astype("float64").stack() for frame in (record, other)]
    both = pd.concat(stacked, axis=1, keys=["kpi_value_of_record", "kpi_value"]).fillna(0.0)
    return both.rename_axis(["place", "kpi"]).reset_index().assign(kind=kind)
