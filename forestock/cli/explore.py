"""Commands that analyze plans and forecasts: ``what-if``, ``why``, ``explain``.

Not here: the use cases (``pipeline.what_if``, ``pipeline.attribution``, ``pipeline.explain``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forestock.cli.terminal import Config, Overrides, StageDisplay, as_date, print_steps_after
from foundation.errors import ConfigurationError, nearest
from foundation.settings import Settings
from pipeline.configuration import load_settings
from pipeline.environment import set_command_line_defaults

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.attribution import Attribution, AttributionRequest
    from pipeline.explain import SeriesExplanation, SeriesRequest
    from pipeline.what_if import WhatIfComparison, WhatIfRequest


def what_if(
    config: Config,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of", parser=as_date, metavar="DATE", help="Planning date of the plan; default: the newest plan."
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A what-if of the configuration; repeatable; default: all."),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--change", metavar="KEY=VALUE", help="A change of one ad-hoc what-if, e.g. closed_hubs=[ONT]; repeatable."
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Plan a date again with changed inputs and compare the result with the plan of record.

    Example:  forestock what-if --config demo.yaml --change closed_hubs=[ONT]
    """
    from pipeline.what_if import WhatIfRequest

    if change and len(name or ()) > 1:
        raise typer.BadParameter("use at most one --name with --change; it names that what-if")
    compare_plans(config, WhatIfRequest(as_of, tuple(name or ()), tuple(change or ())), tuple(overrides or ()))


_FIGURES = (
    ("total_eur", "cost with the plan", "{:,.0f}"),
    ("saving_eur", "savings of the plan", "{:,.0f}"),
    ("reaction_eur", "value of replanning", "{:,.0f}"),
    ("local_fill_rate", "served by the nearest hub", "{:.1%}"),
    ("promise_hit_rate", "delivered within the promise", "{:.1%}"),
    ("kg_co2e", "kg CO2e", "{:,.0f}"),
    ("gap_rate", "optimality gap", "{:.2%}"),
    ("n_proposals", "proposals", "{:,.0f}"),
)
_PER_TABLE = 3


def compare_plans(config: str, request: WhatIfRequest, overrides: Sequence[str]) -> None:
    """Run the flow and print its outcome; faults of the request are raised before planning starts."""
    from pipeline.what_if import date_of_record, requested_changes

    settings = load_settings(config, overrides)
    requested_changes(settings, request)
    date_of_record(settings, request.as_of)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.what_if import what_if
        from pipeline.results import reported

        with reported("start", settings, request.as_of):
            comparison = what_if(config, request, list(overrides))
    print_comparison(comparison, Console(soft_wrap=False))
    print_steps_after(settings, "what-if", comparison.as_of)


def print_comparison(comparison: WhatIfComparison, console: Console) -> None:
    """Print the plan of record next to every what-if of its date, three per table."""
    console.print()
    console.rule(f"[bold]What-ifs for the plan of {comparison.as_of}")
    rows = comparison.what_if.sort_values("what_if")
    for start in range(0, len(rows), _PER_TABLE):
        console.print(_table(comparison.plan, rows.iloc[start : start + _PER_TABLE], comparison.settings.currency))
    for note in comparison.notes:
        console.print(f"· {note}", markup=False, highlight=False)
    console.print(f"page  {comparison.page}", markup=False, highlight=False, soft_wrap=True)


def _table(plan: pd.DataFrame, rows: pd.DataFrame, currency: str) -> Table:
    import pandas as pd

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


def why(
    config: Config,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of",
            parser=as_date,
            metavar="DATE",
            help="Planning date of the plan; default: the last plan with later sales.",
        ),
    ] = None,
    until: Annotated[
        date | None,
        typer.Option(parser=as_date, metavar="DATE", help="Count events before this date; default: all known events."),
    ] = None,
    hub: Annotated[str | None, typer.Option(metavar="HUB", help="Show stockouts of this hub only.")] = None,
    sku: Annotated[str | None, typer.Option(metavar="SKU", help="Show stockouts of this SKU only.")] = None,
    overrides: Overrides = None,
) -> None:
    """Attribute stockouts, late parcels and returns after a plan to their causes.

    Example:  forestock why --config demo.yaml --as-of 2016-05-09 --hub MKE
    """
    from pipeline.attribution import AttributionRequest

    print_causes(config, AttributionRequest(as_of, until), (hub, sku), tuple(overrides or ()))


def explain(
    config: Config,
    sku: Annotated[str, typer.Option("--sku", metavar="SKU", help="The SKU.")],
    region: Annotated[str, typer.Option("--region", metavar="REGION", help="The region of the demand.")],
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of", parser=as_date, metavar="DATE", help="Planning date; default: the period after the last sales."
        ),
    ] = None,
    before: Annotated[
        date | None,
        typer.Option(
            "--before",
            parser=as_date,
            metavar="DATE",
            help="Earlier date to compare with; default: a week before.",
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Explain what drives the forecast of one SKU in one region, and its change since an earlier date.

    Example:  forestock explain --config demo.yaml --sku FOODS_3_586 --region TX_2 --as-of 2016-05-23
    """  # fmt: skip
    from pipeline.explain import SeriesRequest

    explain_series(config, SeriesRequest(sku, region, as_of, before), tuple(overrides or ()))


def check_named(position: pd.DataFrame, only: tuple[str | None, str | None]) -> None:
    """Raise ``ConfigurationError`` if the plan does not know the hub or SKU."""
    for column, value in zip(("hub", "sku"), only, strict=True):
        known = sorted(position[column].astype("str").unique())
        if value is not None and value not in known:
            raise ConfigurationError(f"--{column} {value}: not in the plan{nearest(value, known)}")


def print_causes(
    config: str, request: AttributionRequest, only: tuple[str | None, str | None], overrides: Sequence[str]
) -> None:
    """Attribute and print the causes, restricted to the hub and SKU of ``only`` if given."""
    from rich.console import Console

    from forestock.cli.terminal import StageDisplay
    from foundation.store.warehouse import Warehouse
    from pipeline.attribution import run_attribution
    from pipeline.results import reported

    settings = load_settings(config, overrides)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("why")
        with reported("why", settings, request.as_of):
            answer = run_attribution(settings, request)
            check_named(Warehouse(settings).read("position", answer.as_of, ["hub", "sku"]), only)
    print_attribution(answer, only, Console(soft_wrap=False))
    print_steps_after(settings, "why")


def print_attribution(answer: Attribution, only: tuple[str | None, str | None], console: Console) -> None:
    """Print an attribution: costliest stockouts with their causes, late parcels, and returns that stand out."""
    from rich.table import Table

    from review.attribution.text import attribution_sections

    console.print()
    console.rule(f"[bold]Causes after the plan of {answer.as_of} (to {answer.until})")
    for section in attribution_sections(answer.causes, answer.returns, answer.settings.currency, only):
        if section.rows:
            table = Table(title=section.title, title_justify="left", box=None, pad_edge=False)
            for name in section.columns:
                table.add_column(name, justify="right" if name in section.numeric else "left")
            for row in section.rows:
                table.add_row(*row)
            console.print(table)
        for sentence in section.sentences:
            console.print(sentence, markup=False, highlight=False)
    console.print("Tables: cause, return_finding.", highlight=False)


def explain_series(config: str, request: SeriesRequest, overrides: Sequence[str]) -> None:
    """Print what drives the forecast of the requested series and why it changed.

    Raises ``ConfigurationError`` for a series that is not in the forecast of the date.
    """
    from pipeline.explain import explain_series as explained

    settings = load_settings(config, overrides)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("explain")
        answer = explained(settings, request)
    _print_drivers(settings, request, answer, Console(soft_wrap=False))
    print_steps_after(settings, "explain")


def _print_drivers(settings: Settings, request: SeriesRequest, answer: SeriesExplanation, console: Console) -> None:
    from models.explain import DRIVERS, TERMS

    days = len(answer.drivers) * settings.grid.days
    total = answer.drivers["mean_units"].sum()
    console.print(
        Text(
            f"{request.sku} in {request.region}: {total:,.1f} units expected in {days} days from {answer.as_of}",
            style="bold",
        )
    )
    units = {term: answer.drivers[f"{term}_units"].sum() for term in TERMS}
    for sentence in answer.notes:
        console.print(Text(sentence), soft_wrap=True)
    parts = ", ".join(
        f"{name.replace('_', ' ')} {share:.0%}" for name, share in answer.shares.items() if share >= 0.005
    )
    console.print(Text(f"Share of the forecast by method: {parts}."), soft_wrap=True)
    console.print(_driver_table("Drivers of the forecast", units, total))
    start, end = answer.moved["mean_units_before"].sum(), answer.moved["mean_units"].sum()
    n_days = len(answer.moved) * settings.grid.days
    console.print(
        Text(
            f"On the {n_days} days that both forecasts cover: {start:,.1f} units on {answer.before}, {end:,.1f} on {answer.as_of}",
            style="bold",
        )
    )
    moved = {term: answer.moved[f"{term}_units"].sum() for term in (*DRIVERS, "model", "not_sold")}
    console.print(_driver_table("Drivers of the change", moved, end - start))


def _driver_table(title: str, units: dict[str, float], total: float) -> Table:
    """Return terms of at least 0.005 units, largest first, and their sum."""
    from pipeline.explain import _NAMES

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("driver", no_wrap=True)
    table.add_column("units", justify="right")
    for term, value in sorted(units.items(), key=lambda item: (item[0] != "base", -abs(item[1]))):
        if abs(value) >= 0.005:
            table.add_row(_NAMES.get(term, term), f"{value:+,.2f}")
    table.add_section()
    table.add_row("sum", f"{total:+,.2f}", style="bold")
    return table


COMMANDS = {"what-if": what_if, "why": why, "explain": explain}
