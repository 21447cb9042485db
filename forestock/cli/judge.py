"""Commands that evaluate forecasts and plans: ``backtest``, ``simulate``, ``monitor``, ``experiment``.

Not here: the use cases (``pipeline.backtest``, ``pipeline.replay``, ``pipeline.monitor``, ``pipeline.runs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forestock.cli.terminal import Config, Overrides, StageDisplay, as_date, print_steps_after
from pipeline.configuration import load_settings
from pipeline.environment import set_command_line_defaults

if TYPE_CHECKING:
    import pandas as pd

    from flows.monitor import MonitoringReport
    from pipeline.backtest import BacktestResult, Challenge
    from pipeline.backtest_report import RecordedBacktest
    from pipeline.forecast_origin import Origins
    from pipeline.replay import Simulation, Span


def backtest(
    config: Config,
    origins: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of past dates to forecast; a promotion needs four or more.")
    ],
    end: Annotated[
        date | None,
        typer.Option(
            parser=as_date, metavar="DATE", help="Last day of demand to score on; default: the last day with sales."
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="DAYS", help="Days between forecast origins.")] = 28,
    challenger: Annotated[
        list[str] | None,
        typer.Option(
            "--challenger",
            metavar="KEY=VALUE|FILE",
            help="A changed setting (repeatable) or another configuration, scored on the same dates.",
        ),
    ] = None,
    promote: Annotated[
        bool,
        typer.Option(
            "--promote", help="Make the challenger's model champion if the promotion rule allows it, else exit with 4."
        ),
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="File of weights and scales by level and series; default: derived from the history before each date.",
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Score the forecast on past dates against baselines, or compare two configurations; record in MLflow.

    Example:  forestock backtest --config demo.yaml --origins 4 --challenger forecast.lightgbm.num_leaves=63
    """  # fmt: skip
    from pipeline.backtest import Challenge
    from pipeline.forecast_origin import Origins

    parts = challenger or []
    files = [text for text in parts if "=" not in text]
    if promote and not parts:
        raise typer.BadParameter("--promote needs a --challenger")
    if len(files) > 1:
        raise typer.BadParameter("use at most one configuration as --challenger")

    request = Challenge(tuple(text for text in parts if "=" in text), next(iter(files), None), promote, weights)
    run_backtest(config, Origins(origins, every, end), tuple(overrides or ()), request)


_COLUMNS = (("wrmsse", "WRMSSE", ".3f"), ("wspl", "pinball", ".3f"), ("wape", "WAPE", ".1%"), ("bias", "bias", "+.1%"),
            ("coverage_950", "in 95% int.", ".1%"), ("order_cost_rate", "order cost", ".1%"))  # fmt: skip


def run_backtest(config: str, origins: Origins, overrides: Sequence[str], request: Challenge) -> None:
    """Run the backtest and print its result; a refused promotion is printed before its error is raised."""
    settings = load_settings(config, overrides)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.backtest import backtest
        from flows.servers import prefect_server
        from pipeline.backtest import RefusedPromotionError
        from pipeline.results import reported

        refused = None
        try:
            with reported("start", settings, origins.end), prefect_server():
                result = backtest(config, origins, list(overrides), request)
        except RefusedPromotionError as error:
            refused, result = error, error.result
    print_backtest(result, Console(soft_wrap=False), is_refused=refused is not None)
    print_steps_after(settings, "backtest")
    if refused is not None:
        raise refused


def print_backtest(result: BacktestResult, console: Console, is_refused: bool = False) -> None:
    """Print the scores with those of the baselines, the promotion decision unless it is the error, and places."""
    for recorded in (result.recorded, *([result.challenger] if result.challenger else [])):
        _print_one(recorded, console)
    if result.decision is not None and not is_refused:
        console.print(Text(result.decision.reason, style="bold"))
    if result.promoted_version:
        console.print(
            Text(
                f"Version {result.promoted_version} is champion now. To keep it, change the configuration accordingly."
            )
        )


def _print_one(recorded: RecordedBacktest, console: Console) -> None:
    from models.tracking.client import tracking_command, tracking_page

    result = recorded.backtest
    console.print(Text(result.name, style="bold"))
    console.print(Text(result.summary.headline))
    console.print(_table(recorded))
    places = {"report": recorded.page}
    if recorded.run_id:
        places |= {"MLflow run": recorded.run_id, "open with": tracking_command(result.settings)}
        if (address := tracking_page(result.settings)) != places["open with"]:
            places["then open"] = address
    else:
        places |= {"MLflow": "could not be reached; the report is complete"}
    for label, where in places.items():
        # soft_wrap: a path or a command that is cut in two cannot be copied
        console.print(Padding(Text(f"{label:<11}{where}"), (0, 0)), soft_wrap=True)


def _table(recorded: RecordedBacktest) -> Table:
    overall = recorded.backtest.summary.overall
    table = Table(title="Mean over origins", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    shown = [column for column in _COLUMNS if column[0] in overall]
    for _, title, _ in shown:
        table.add_column(title, justify="right", no_wrap=True)
    for _, row in overall.iterrows():
        cells = [f"{row[name]:{form}}" for name, _, form in shown]
        is_judged = row["method"] == overall["method"].iloc[0]
        table.add_row(str(row["method"]).replace("_", " "), *cells, style="bold" if is_judged else "")
    return table


def simulate(
    config: Config,
    start: Annotated[
        date, typer.Option(parser=as_date, metavar="DATE", help="First day; stock is read on this day only.")
    ],
    end: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="Last day, included.")],
    n_decisions: Annotated[
        int | None,
        typer.Option("--nights", min=1, metavar="N", help="Decide on the first N planning dates only; default: all."),
    ] = None,
    kinds: Annotated[
        str | None, typer.Option(metavar="KINDS", help="Kinds of shipment: transfer,supply; default: as configured.")
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Days between planning dates; default: one period.")
    ] = None,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Lift the capacities that SKUs share.")] = False,
    foresight: Annotated[
        bool, typer.Option("--foresight", help="Add a policy that plans with the actual demand.")
    ] = False,
    by_value: Annotated[
        bool, typer.Option("--route-by-value", help="Add a policy that routes orders by the value of a unit.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Simulate past decisions on actual demand and compare them with baselines and a bound.

    Example:  forestock simulate --config demo.yaml --start 2016-04-25 --end 2016-05-08 --nights 1
    """
    from pipeline.replay import Span

    parts = list(overrides or ())
    if kinds is not None:
        parts.append(f"positioning.kinds=[{kinds}]")
    replay_span(config, Span(start, end, n_decisions, every, unlimited, foresight, by_value), parts)


_JUDGED = "forestock"


def replay_span(config: str, span: Span, overrides: Sequence[str]) -> None:
    """Run the flow and print its outcome; raises the ``ForestockError`` of what failed."""
    from pipeline.replay import periods_of

    settings = load_settings(config, overrides)
    periods_of(settings, span)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.servers import prefect_server
        from pipeline.results import reported

        with reported("start", settings, span.start), prefect_server():
            from flows.backtest import simulate

            done = simulate(config, span, list(overrides))
    print_simulation(done, Console(soft_wrap=False))
    print_steps_after(settings, "simulate")


def print_simulation(done: Simulation, console: Console) -> None:
    """Print costs with the share of the possible savings, then the KPIs, one column per policy."""
    span, currency = done.span, done.settings.currency
    console.print()
    console.rule(f"[bold]Replay {span.start} … {span.end}")
    without, with_goods = done.bound_eur
    console.print(_money(done.figures, "", f"Cost in {currency}; the bound is {without:,.0f}"))
    console.print(
        _money(done.figures, "_with_goods", f"Cost with purchases and remaining stock; the bound is {with_goods:,.0f}")
    )
    console.print(_extra_cost(done.figures))
    console.print(_kpis(done.figures))
    for note in (*done.notes, *_refusals(done.figures), _legend(span)):
        console.print(f"· {note}", markup=False, highlight=False)
    console.print(f"Kept in {done.settings.warehouse}: tables simulation, simulation_kpi.", highlight=False)


def _money(figures: pd.DataFrame, ending: str, title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("policy", no_wrap=True)
    for name in ("cost", "savings", "95% interval", "closed", "95% interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in figures.to_dict("records"):
        saved = [row[f"saved_eur{end}{ending}"] for end in ("", "_low", "_high")]
        share = [row[f"closed{end}{ending}"] for end in ("", "_low", "_high")]
        table.add_row(
            row["policy"], f"{row[f'value_eur{ending}']:,.0f}", f"{saved[0]:,.0f}", f"{saved[1]:,.0f} … {saved[2]:,.0f}",
            f"{share[0]:.1%}", f"{share[1]:.1%} … {share[2]:.1%}",
        )  # fmt: skip
    return table


def _extra_cost(figures: pd.DataFrame) -> Table:
    """Return the additional cost of every other policy compared with the plan, paired over SKUs."""
    table = Table(
        title=f"Additional cost compared with {_JUDGED}, paired over SKUs",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("policy", no_wrap=True)
    for name in ("additional cost", "95% interval", "share of its cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in figures[figures["policy"] != _JUDGED].to_dict("records"):
        more, low, high = (row[f"extra_cost_eur{end}"] for end in ("", "_low", "_high"))
        table.add_row(row["policy"], f"{more:,.0f}", f"{low:,.0f} … {high:,.0f}", f"{more / row['value_eur']:.1%}")
    return table


def _kpis(figures: pd.DataFrame) -> Table:
    from positioning.simulation.kpi import registered_kpis

    table = Table(title="KPIs", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for policy in figures["policy"]:
        table.add_column(policy.replace("_", " "), justify="right", overflow="fold")
    for kpi in registered_kpis():
        table.add_row(kpi.label, *(kpi.text(value) for value in figures[kpi.name]))
    return table


def _refusals(figures: pd.DataFrame) -> list[str]:
    """Return one sentence per policy whose requested units did not all fit."""
    cut = figures[figures["refused_units"] > 0]
    return [f"{row.policy}: {row.refused_units:,.0f} requested units exceeded the capacity of hubs and loads." for row in cut.itertuples()]  # fmt: skip


def _legend(span: Span) -> str:
    limits = (
        "capacities that SKUs share are lifted" if span.is_unlimited else "capacities bind every policy, not the bound"
    )
    return f"closed = (no shipments − policy) ÷ (no shipments − lower bound); {limits}."


def experiment(
    config: Config,
    last: Annotated[
        int, typer.Option("--last", min=1, max=8, metavar="N", help="Number of newest backtests and replays.")
    ] = 4,
    overrides: Overrides = None,
) -> None:
    """Compare the newest backtests and replays of a pipeline on one page.

    Example:  forestock experiment --config demo.yaml --last 3
    """
    compare_runs(config, last, tuple(overrides or ()))


_Day = Annotated[
    date | None,
    typer.Option("--as-of", parser=as_date, metavar="DATE", help="Demand before this date is known; default: the period after the last sales."),
]  # fmt: skip
_Today = Annotated[
    date | None,
    typer.Option(
        "--today", parser=as_date, metavar="DATE", help="Date for the check of data freshness; default: --as-of."
    ),
]


def monitor(config: Config, as_of: _Day = None, today: _Today = None, overrides: Overrides = None) -> None:
    """Score earlier forecasts, measure input drift, and follow up plans, service and parcels.

    Example:  forestock monitor --config demo.yaml --as-of 2016-05-23
    """
    from rich.console import Console

    from forestock.cli.terminal import StageDisplay
    from pipeline.configuration import load_settings
    from pipeline.environment import set_command_line_defaults

    settings = load_settings(config, overrides or ())
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.servers import prefect_server
        from pipeline.results import reported

        with reported("start", settings, as_of), prefect_server():
            from flows.monitor import monitor as monitor_flow

            done = monitor_flow(config, as_of, list(overrides or ()), today)
    _print(done)
    print_steps_after(settings, "monitor")


def _print(done: MonitoringReport) -> None:
    from rich.console import Console

    from pipeline.monitor import accuracy_sentence

    console = Console(soft_wrap=True, highlight=False)
    result = done.result
    console.rule(f"[bold]{done.settings.name} · monitoring as of {result.as_of}")
    console.print(accuracy_sentence(result), markup=False)
    for finding in result.findings:
        place = " ".join(part for part in (finding.hub, finding.region) if part)
        console.print(f"  {finding.kind.replace('_', ' ')} {place}: {finding.action}", markup=False)
    if not result.findings:
        console.print("No findings.")
    for note in (*done.notes, f"tables: {done.settings.warehouse}"):
        console.print(note, markup=False)


def compare_runs(config: str, count: int, overrides: Sequence[str]) -> None:
    """Write the comparison page and print its place."""
    from rich.console import Console

    from forestock.cli.terminal import StageDisplay
    from pipeline.results import reported
    from pipeline.runs import compare_recorded_runs

    settings = load_settings(config, overrides)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("experiment")
        with reported("experiment", settings, None):
            page = compare_recorded_runs(settings, count)
    Console().print(f"page  {page}", markup=False, highlight=False, soft_wrap=True)
    print_steps_after(settings, "experiment")


COMMANDS = {"backtest": backtest, "simulate": simulate, "monitor": monitor, "experiment": experiment}
