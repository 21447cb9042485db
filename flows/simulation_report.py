"""A replay's outcome as a person reads it in a terminal of 80 columns, and the command that shows it.

Not here: what is in it (``flows.simulation``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table

from flows.display import StageDisplay
from flows.environment import set_command_line_defaults
from flows.simulation_span import Span, periods_of
from foundation.configuration import load_settings

if TYPE_CHECKING:
    from flows.simulation import Simulation

_JUDGED = "forestock"
_KPIS = (
    ("unit_fill_rate", "units filled ÷ demanded", "{:.1%}"),
    ("local_fill_rate", "shipped from the nearest hub ÷ demanded", "{:.1%}"),
    ("promise_hit_rate", "at the door as promised ÷ demanded", "{:.1%}"),
    ("time_to_door_mean_days", "days to the door, mean", "{:.2f}"),
    ("time_to_door_p95_days", "days to the door, 95 %", "{:.0f}"),
    ("eur_per_unit_served", "cost per unit served", "{:.2f}"),
    ("days_of_supply", "days of supply", "{:.1f}"),
    ("stock_imbalance", "stock imbalance", "{:.1%}"),
    ("transfer_churn", "units moved there and back", "{:.1%}"),
    ("plan_nervousness", "plan nervousness", "{:.1%}"),
    ("kg_co2e_per_unit", "kg CO2e per unit", "{:.3f}"),
)


def replay_span(config: str, span: Span, overrides: Sequence[str]) -> None:
    """Run the flow and print its outcome; raises the ``ForestockError`` of what failed."""
    settings = load_settings(config, overrides)
    periods_of(settings, span)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.failures import reported
        from flows.server import prefect_server

        with reported("start", settings, span.start), prefect_server():
            from flows.simulate import simulate

            done = simulate(config, span, list(overrides))
    print_simulation(done, Console(soft_wrap=False))


def print_simulation(done: Simulation, console: Console) -> None:
    """Print money with the share of the reachable gain, then the KPIs, one column per policy."""
    span, currency = done.span, done.settings.currency
    console.print()
    console.rule(f"[bold]Replay {span.start} … {span.end}")
    without, with_goods = done.bound_eur
    console.print(_money(done.figures, "", f"Cost in {currency}; the bound is {without:,.0f}"))
    console.print(_money(done.figures, "_with_goods", f"With purchase and leftovers; the bound is {with_goods:,.0f}"))
    console.print(_beside(done.figures))
    console.print(_kpis(done.figures))
    for note in (*done.notes, *_refusals(done.figures), _reading(span)):
        console.print(f"· {note}", markup=False, highlight=False)
    console.print(f"Kept in {done.settings.warehouse}: tables simulation, simulation_kpi.", highlight=False)


def _money(figures: pd.DataFrame, ending: str, title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("policy", no_wrap=True)
    for name in ("cost", "saved", "95 % interval", "closed", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in figures.to_dict("records"):
        saved = [row[f"saved_eur{end}{ending}"] for end in ("", "_low", "_high")]
        share = [row[f"closed{end}{ending}"] for end in ("", "_low", "_high")]
        table.add_row(
            row["policy"], f"{row[f'value_eur{ending}']:,.0f}", f"{saved[0]:,.0f}", f"{saved[1]:,.0f} … {saved[2]:,.0f}",
            f"{share[0]:.1%}", f"{share[1]:.1%} … {share[2]:.1%}",
        )  # fmt: skip
    return table


def _beside(figures: pd.DataFrame) -> Table:
    """Return what every other policy costs more than the plan, paired over articles."""
    table = Table(title=f"Dearer than {_JUDGED}, paired over articles", title_justify="left", box=None, pad_edge=False)
    table.add_column("policy", no_wrap=True)
    for name in ("dearer by", "95 % interval", "of its cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in figures[figures["policy"] != _JUDGED].to_dict("records"):
        more, low, high = (row[f"dearer_eur{end}"] for end in ("", "_low", "_high"))
        table.add_row(row["policy"], f"{more:,.0f}", f"{low:,.0f} … {high:,.0f}", f"{more / row['value_eur']:.1%}")
    return table


def _kpis(figures: pd.DataFrame) -> Table:
    table = Table(title="KPIs", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for policy in figures["policy"]:
        table.add_column(policy.replace("_", " "), justify="right", overflow="fold")
    for name, text, form in _KPIS:
        table.add_row(text, *(form.format(value) if pd.notna(value) else "–" for value in figures[name]))
    return table


def _refusals(figures: pd.DataFrame) -> list[str]:
    """Return a sentence per policy whose wishes did not all fit."""
    cut = figures[figures["refused_units"] > 0]
    return [f"{row.policy}: {row.refused_units:,} wished units did not fit what hubs and loads can take." for row in cut.itertuples()]  # fmt: skip


def _reading(span: Span) -> str:
    limits = (
        "no capacity that articles share binds" if span.is_unlimited else "capacities bind every policy, not the bound"
    )
    return f"closed = (nothing − policy) ÷ (nothing − bound); {limits}."
