"""What ``forestock what-if`` does between parsing and its exit code, and what it prints.

Not here: the comparison itself (``flows.what_if_plan``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table

from flows.display import StageDisplay
from flows.environment import set_command_line_defaults
from flows.what_if_asked import Asked, night_of_record, wanted
from foundation.configuration import load_settings

if TYPE_CHECKING:
    from flows.what_if_plan import Compared

_FIGURES = (
    ("total_eur", "cost with the plan", "{:,.0f}"),
    ("saving_eur", "saving by the plan", "{:,.0f}"),
    ("reaction_eur", "value of replanning", "{:,.0f}"),
    ("local_fill_rate", "served by nearest hub", "{:.1%}"),
    ("promise_hit_rate", "on time as promised", "{:.1%}"),
    ("kg_co2e", "kg CO2e", "{:,.0f}"),
    ("gap_rate", "gap to the bound", "{:.2%}"),
    ("n_proposals", "proposals", "{:,.0f}"),
)
_ABREAST = 3


def compare_plans(config: str, asked: Asked, overrides: Sequence[str]) -> None:
    """Run the flow and print its outcome; mistakes are said before anything is planned."""
    settings = load_settings(config, overrides)
    wanted(settings, asked)
    night_of_record(settings, asked.as_of)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.failures import reported
        from flows.what_if import what_if

        with reported("start", settings, asked.as_of):
            done = what_if(config, asked, list(overrides))
    print_comparison(done, Console(soft_wrap=False))


def print_comparison(done: Compared, console: Console) -> None:
    """Print the plan of record beside every what-if of its night, three abreast."""
    console.print()
    console.rule(f"[bold]What if, night of {done.as_of}")
    rows = done.what_if.sort_values("what_if")
    for start in range(0, len(rows), _ABREAST):
        console.print(_table(done.plan, rows.iloc[start : start + _ABREAST], done.settings.currency))
    for note in done.notes:
        console.print(f"· {note}", markup=False, highlight=False)
    console.print(f"page  {done.page}", markup=False, highlight=False, soft_wrap=True)


def _table(plan: pd.DataFrame, rows: pd.DataFrame, currency: str) -> Table:
    both = pd.concat([plan.assign(what_if="plan of record", kept_total_eur=plan["total_eur"]), rows], ignore_index=True)
    both["saving_eur"] = both["total_eur_before"] - both["total_eur"]
    both["reaction_eur"] = (both["kept_total_eur"] - both["total_eur"]).where(both.index > 0)
    table = Table(box=None, pad_edge=False)
    table.add_column(currency)
    for name in both["what_if"]:
        table.add_column(str(name), justify="right", overflow="fold")
    for column, text, form in _FIGURES:
        table.add_row(
            text,
            *(
                "–"
                if pd.isna(value)
                else form.format(value).replace("-0", "0")
                if abs(value) < 0.5 and column.endswith("_eur")
                else form.format(value)
                for value in both[column]
            ),
        )
    return table
