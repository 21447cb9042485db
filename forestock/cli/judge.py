"""``forestock backtest``: its options. Not here: what it does (``flows.backtest``) or prints (``forestock.cli.judge``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forestock.cli.terminal import Config, Overrides, StageDisplay, as_date
from pipeline.configuration import load_settings
from pipeline.environment import set_command_line_defaults

if TYPE_CHECKING:
    import pandas as pd

    from flows.monitor import MonitoringReport
    from pipeline.backtest import BacktestResult, Challenge, RecordedBacktest
    from pipeline.forecast_origin import Origins
    from pipeline.replay import Simulation, Span


def backtest(
    config: Config,
    origins: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many past dates to forecast; four or more decide.")
    ],
    end: Annotated[
        date | None,
        typer.Option(parser=as_date, metavar="DATE", help="Last day of demand to score on; default: the last sales."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="DAYS", help="Days between origins.")] = 28,
    challenger: Annotated[
        list[str] | None,
        typer.Option(
            "--challenger",
            metavar="KEY=VALUE|FILE",
            help="A changed key, repeatable, or another configuration: judged on the same origins.",
        ),
    ] = None,
    promote: Annotated[
        bool,
        typer.Option(
            "--promote", help="Make the challenger's model champion where the gate lets it through; exit 4 where not."
        ),
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Given weights and scales by level and series; default: from history known at each origin.",
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Judge the forecast by rolling origins, beside baselines, into MLflow; or two configurations against each other.

    Example:  forestock backtest --config demo.yaml --origins 4 --challenger forecast.lightgbm.num_leaves=63
    """  # fmt: skip
    from pipeline.backtest import Challenge
    from pipeline.forecast_origin import Origins

    parts = challenger or []
    files = [text for text in parts if "=" not in text]
    if promote and not parts:
        raise typer.BadParameter("--promote needs a --challenger")
    if len(files) > 1:
        raise typer.BadParameter("one --challenger configuration at most")

    request = Challenge(tuple(text for text in parts if "=" in text), next(iter(files), None), promote, weights)
    judge(config, Origins(origins, every, end), tuple(overrides or ()), request)


_COLUMNS = (("wrmsse", "WRMSSE", ".3f"), ("wspl", "pinball", ".3f"), ("wape", "WAPE", ".1%"), ("bias", "bias", "+.1%"),
            ("coverage_950", "95 % holds", ".1%"), ("order_cost_rate", "order cost", ".1%"))  # fmt: skip


def judge(config: str, origins: Origins, overrides: Sequence[str], asked: Challenge) -> None:
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
                result = backtest(config, origins, list(overrides), asked)
        except RefusedPromotionError as error:
            refused, result = error, error.result
    print_backtest(result, Console(soft_wrap=False), is_refused=refused is not None)
    if refused is not None:
        raise refused


def print_backtest(result: BacktestResult, console: Console, is_refused: bool = False) -> None:
    """Print the verdict, the scores beside the baselines, the decision (a refused one is the error) and where to look."""
    for recorded in (result.recorded, *([result.challenger] if result.challenger else [])):
        _print_one(recorded, console)
    if result.decision is not None and not is_refused:
        console.print(Text(result.decision.reason, style="bold"))
    if result.promoted_version:
        console.print(Text(f"Champion is now version {result.promoted_version}; change the configuration to keep it."))


def _print_one(recorded: RecordedBacktest, console: Console) -> None:
    from models.tracking.client import tracking_command

    result = recorded.backtest
    console.print(Text(result.name, style="bold"))
    console.print(Text(result.summary.verdict))
    console.print(_table(recorded))
    places = {"report": recorded.page}
    if recorded.run_id:
        places |= {"MLflow run": recorded.run_id, "look with": tracking_command(result.settings)}
    else:
        places |= {"MLflow": "could not be reached; the report has everything"}
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
    start: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="First day; stock is read there only.")],
    end: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="Last day, included.")],
    nights: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Decide on the first N nights only; default: all.")
    ] = None,
    kinds: Annotated[
        str | None, typer.Option(metavar="KINDS", help="What may be shipped: transfer,supply; default: as configured.")
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Days between nights; default: one period.")
    ] = None,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Lift the capacities that articles share.")] = False,
    foresight: Annotated[
        bool, typer.Option("--foresight", help="Let this plan play with demand known beforehand, too.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Replay decisions against what was then demanded, beside baselines and a bound.

    Example:  forestock simulate --config demo.yaml --start 2016-04-25 --end 2016-05-08 --nights 1
    """
    from pipeline.replay import Span

    parts = list(overrides or ())
    if kinds is not None:
        parts.append(f"positioning.kinds=[{kinds}]")
    replay_span(config, Span(start, end, nights, every, unlimited, foresight), parts)


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
            from flows.replay import simulate

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


def _beside(figures: pd.DataFrame) -> Table:
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
    from positioning.simulation.kpis import KPIS

    table = Table(title="KPIs", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for policy in figures["policy"]:
        table.add_column(policy.replace("_", " "), justify="right", overflow="fold")
    for kpi in KPIS.values():
        table.add_row(kpi.label, *(kpi.text(value) for value in figures[kpi.name]))
    return table


def _refusals(figures: pd.DataFrame) -> list[str]:
    """Return one sentence per policy whose requested units did not all fit."""
    cut = figures[figures["refused_units"] > 0]
    return [f"{row.policy}: {row.refused_units:,.0f} requested units exceeded the capacity of hubs and loads." for row in cut.itertuples()]  # fmt: skip


def _reading(span: Span) -> str:
    limits = (
        "capacities that SKUs share are lifted" if span.is_unlimited else "capacities bind every policy, not the bound"
    )
    return f"closed = (no shipments − policy) ÷ (no shipments − lower bound); {limits}."


def experiment(
    config: Config,
    last: Annotated[
        int, typer.Option("--last", min=1, max=8, metavar="N", help="How many of the newest runs of each kind.")
    ] = 4,
    overrides: Overrides = None,
) -> None:
    """Compare the newest backtests and replays of a pipeline on one page.

    Example:  forestock experiment --config demo.yaml --last 3
    """
    compare_runs(config, last, tuple(overrides or ()))


_Day = Annotated[
    date | None,
    typer.Option("--as-of", parser=as_date, metavar="DATE", help="Demand before this day is known; default: after the last sales."),
]  # fmt: skip
_Today = Annotated[
    date | None,
    typer.Option("--today", parser=as_date, metavar="DATE", help="The day freshness is judged by; default: --as-of."),
]


def monitor(config: Config, as_of: _Day = None, today: _Today = None, overrides: Overrides = None) -> None:
    """Look back: score earlier forecasts, watch inputs for drift, follow plans, service and parcels up.

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
            from flows.monitor import monitor as run_monitoring

            done = run_monitoring(config, as_of, list(overrides or ()), today)
    _print(done)


def _print(done: MonitoringReport) -> None:
    from rich.console import Console

    from pipeline.monitor import verdict_of

    console = Console(soft_wrap=True, highlight=False)
    result = done.result
    console.rule(f"[bold]{done.settings.name} · looking back from {result.as_of}")
    console.print(verdict_of(result), markup=False)
    for finding in result.findings:
        place = " ".join(part for part in (finding.hub, finding.region) if part)
        console.print(f"  {finding.kind.replace('_', ' ')} {place}: {finding.action}", markup=False)
    if not result.findings:
        console.print("Nothing needs a person.")
    for note in (*done.notes, f"tables: {done.settings.warehouse}"):
        console.print(note, markup=False)


def compare_runs(config: str, count: int, overrides: Sequence[str]) -> None:
    """Write the page and say where it is."""
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
