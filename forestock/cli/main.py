"""The command ``forestock`` and its subcommands.

A command parses its options, makes one call and returns an exit code: 0 success, 2 invalid input or configuration, 3 a
stage failed, 4 the plan gate or the promotion was refused, 130 interrupted, 143 terminated. Heavy packages are imported
late, so that help and errors appear at once. Not here: what a command does (``pipeline``).
"""

from __future__ import annotations

import signal
from datetime import date
from importlib.metadata import entry_points, version
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from forestock.cli import decide, execution, explore, judge, project, serve
from forestock.cli.run import tidy
from forestock.cli.terminal import Config, Overrides, as_date, in_this_folder
from foundation.errors import ForestockError, tell

_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
_KEPT = (
    "stopped: the results of finished stages are kept, and no table is partly written. "
    "Run the same command again to resume."
)


class _TerminatedError(BaseException):
    """SIGTERM was received; a BaseException, so that handlers of errors do not treat it as a failure."""


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second SIGTERM must not interrupt the cleanup
    raise _TerminatedError


class _Commands(TyperGroup):
    """The commands; errors are printed in one line per fault and become exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print one line per fault, or how to resume if the command was stopped."""
        try:
            return super().invoke(ctx)
        except ForestockError as error:
            raise typer.Exit(tell(error, in_this_folder)) from None
        except KeyboardInterrupt:
            typer.echo(_KEPT, err=True)
            raise typer.Exit(_INTERRUPTED) from None
        except _TerminatedError:
            typer.echo(_KEPT, err=True)
            raise typer.Exit(_TERMINATED) from None


app = typer.Typer(
    name="forestock",
    cls=_Commands,
    help="Forecast demand and plan which units should be at which hub before the demand arrives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"forestock {version('forestock')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _forestock(version: Version = False) -> None:
    """Handle options before a command."""


AsOf = Annotated[
    date | None,
    typer.Option(
        "--as-of",
        parser=as_date,
        metavar="DATE",
        help="Planning date, e.g. 2016-05-23; default: the period after the last sales.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Compute forecast and plan again where they exist.")]
Until = Literal["train", "forecast", "rebalance", "review"]


@app.command()
def demo(overrides: Overrides = None, as_of: AsOf = None) -> None:
    """Run the whole pipeline on bundled real data, in about two minutes.

    Example:  forestock demo
    """
    _run_until("demo", as_of, overrides, "review")


@app.command()
def run(config: Config, as_of: AsOf = None, overrides: Overrides = None, force: Force = False) -> None:
    """Run the pipeline for one date: validate, train if due, forecast, rebalance, review page.

    Example:  forestock run --config m5.yaml --set inputs.path=data/m5 --as-of 2016-05-23
    """
    _run_until(config, as_of, overrides, "review", force)


@app.command()
def train(config: Config, as_of: AsOf = None, overrides: Overrides = None) -> None:
    """Train the model for a planning date, unless it exists, and record it in MLflow.

    Example:  forestock train --config demo.yaml --as-of 2016-05-23
    """
    _run_until(config, as_of, overrides, "train")


@app.command()
def forecast(config: Config, as_of: AsOf = None, overrides: Overrides = None, force: Force = False) -> None:
    """Forecast demand. Needs no hubs, lanes or stock.

    Example:  forestock forecast --config demo.yaml --as-of 2016-05-23
    """
    _run_until(config, as_of, overrides, "forecast", force)


@app.command()
def rebalance(config: Config, as_of: AsOf = None, overrides: Overrides = None, force: Force = False) -> None:
    """Plan shipments for a date; a missing or outdated forecast is computed first.

    Example:  forestock rebalance --config demo.yaml --as-of 2016-05-23
    """
    _run_until(config, as_of, overrides, "rebalance", force)


@app.command()
def review(config: Config, as_of: AsOf = None, overrides: Overrides = None) -> None:
    """Refresh the review page of a plan in the warehouse and print its summary.

    Example:  forestock review --config demo.yaml --as-of 2016-05-23
    """
    from forestock.cli.run import review_plan

    review_plan(config, as_of, tuple(overrides or ()))


@app.command()
def validate(
    config: Config,
    as_of: AsOf = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Also write the report as a page that needs no network."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Check the input tables: errors with their corrections, warnings, assumptions, and contents. Write no table.

    Example:  forestock validate --config demo.yaml --set inputs.path=data/ours --html inputs.html
    """
    from forestock.cli.run import InvalidInputsError, check_inputs, print_corrections

    try:
        check_inputs(config, as_of, tuple(overrides or ()), html)
    except InvalidInputsError as error:
        code = tell(error, in_this_folder)
        print_corrections(error, config, tuple(overrides or ()))
        raise typer.Exit(code) from None


@app.command()
def backfill(
    config: Config,
    start: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="First planning date.")],
    end: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="Last planning date, included.")],
    every: Annotated[int, typer.Option(min=1, metavar="DAYS", help="Days between planning dates.")] = 7,
    parallel: Annotated[int, typer.Option(min=1, metavar="N", help="Number of dates to run at the same time.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Recompute dates whose results exist.")] = False,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Train a model on every planning date; default: use that of its training date."),
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Run the pipeline for past dates, each with what was known then; skip dates whose results exist.

    Example:  forestock backfill --config demo.yaml --start 2016-03-28 --end 2016-05-23 --every 7
    """
    from forestock.cli.run import run_backfill
    from pipeline.backfill import Span

    span = Span(start, end, every, parallel, force, retrain)
    run_backfill(config, span, tuple(overrides or ()))


app.command()(tidy)


def add_commands(group: typer.Typer) -> None:
    """Add the commands of the other modules of this package and of installed packages (docs/how-to/add-a-command.md)."""
    for module in (project, judge, explore, decide, execution, serve):
        for name, command in module.COMMANDS.items():
            group.command(name)(command)
    for point in entry_points(group="forestock.commands"):
        group.command(point.name)(point.load())


add_commands(app)


def _run_until(config: str, as_of: date | None, overrides: list[str] | None, until: Until, force: bool = False) -> None:
    from forestock.cli.run import run_stages

    run_stages(config, as_of, tuple(overrides or ()), until, "everything" if force else "page")


def main() -> None:
    """Run the CLI and exit with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    app()


if __name__ == "__main__":
    main()
