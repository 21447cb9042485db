"""What ``forestock backtest`` does between parsing and its exit code, and what it prints.

Not here: the backtest itself (``flows.backtest``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.backtest_plan import Challenge, Plan
from flows.display import StageDisplay
from flows.environment import set_command_line_defaults
from foundation.configuration import load_settings

if TYPE_CHECKING:
    from flows.backtest import Recorded, Result

_COLUMNS = (("wrmsse", "WRMSSE", ".3f"), ("wspl", "pinball", ".3f"), ("wape", "WAPE", ".1%"), ("bias", "bias", "+.1%"),
            ("coverage_950", "95 % holds", ".1%"), ("order_cost_rate", "order cost", ".1%"))  # fmt: skip


def judge(config: str, plan: Plan, overrides: Sequence[str], asked: Challenge) -> None:
    """Run the backtest and print its result; a refused promotion is printed before its error is raised."""
    settings = load_settings(config, overrides)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.backtest import RefusedPromotionError, backtest
        from flows.failures import reported
        from flows.server import prefect_server

        refused = None
        try:
            with reported("start", settings, plan.end), prefect_server():
                result = backtest(config, plan, list(overrides), asked)
        except RefusedPromotionError as error:
            refused, result = error, error.result
    print_backtest(result, Console(soft_wrap=False), is_refused=refused is not None)
    if refused is not None:
        raise refused


def print_backtest(result: Result, console: Console, is_refused: bool = False) -> None:
    """Print the verdict, the scores beside the baselines, the decision (a refused one is the error) and where to look."""
    for recorded in (result.recorded, *([result.challenger] if result.challenger else [])):
        _print_one(recorded, console)
    if result.decision is not None and not is_refused:
        console.print(Text(result.decision.reason, style="bold"))
    if result.promoted_version:
        console.print(Text(f"Champion is now version {result.promoted_version}; change the configuration to keep it."))


def _print_one(recorded: Recorded, console: Console) -> None:
    from models.tracking_place import tracking_command

    found = recorded.backtest
    console.print(Text(found.name, style="bold"))
    console.print(Text(found.summary.verdict))
    console.print(_table(recorded))
    places = {"report": recorded.page}
    if recorded.run_id:
        places |= {"MLflow run": recorded.run_id, "look with": tracking_command(found.settings)}
    else:
        places |= {"MLflow": "could not be reached; the report has everything"}
    for what, where in places.items():
        # soft_wrap: a path or a command that is cut in two cannot be copied
        console.print(Padding(Text(f"{what:<11}{where}"), (0, 0)), soft_wrap=True)


def _table(recorded: Recorded) -> Table:
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
