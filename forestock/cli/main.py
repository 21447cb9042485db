"""The person's door: ``forestock`` and its commands.

A command parses, makes one call and returns one exit code: 0 done, 2 the input or configuration is at
fault, 3 a stage failed, 4 refused by a gate, 130 interrupted, 143 terminated. Nothing heavy is imported before it is
needed, so that help and mistakes answer at once. Not here: what a command does.
"""

from __future__ import annotations

import signal
from datetime import date
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from forestock.cli.ask import explain, what_if, why
from forestock.cli.decide import fall_back, register
from forestock.cli.judge import backtest, experiment, monitor, simulate
from forestock.cli.run import tidy
from forestock.cli.terminal import Config, Overrides, as_date
from foundation.errors import ForestockError, tell

_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
_KEPT = (
    "stopped: what was finished is kept and nothing is half written. "
    "Run the same command again: it goes on with what is missing."
)


class _TerminatedError(BaseException):
    """SIGTERM has arrived; like an interrupt, no handler of errors may take it for a failure."""


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not stop the stopping
    raise _TerminatedError


class _Commands(TyperGroup):
    """The commands, with the failures a person can see turned into their exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print one line per fault, or what is kept where the command was stopped."""
        try:
            return super().invoke(ctx)
        except ForestockError as error:
            raise typer.Exit(tell(error)) from None
        except KeyboardInterrupt:
            typer.echo(_KEPT, err=True)
            raise typer.Exit(_INTERRUPTED) from None
        except _TerminatedError:
            typer.echo(_KEPT, err=True)
            raise typer.Exit(_TERMINATED) from None


app = typer.Typer(
    name="forestock",
    cls=_Commands,
    help="Which units should stand in which hub before the demand arrives?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        from importlib.metadata import version

        typer.echo(f"forestock {version('forestock')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _forestock(version: Version = False) -> None:
    """Take what stands before a command."""


AsOf = Annotated[
    date | None,
    typer.Option(
        "--as-of", parser=as_date, metavar="DATE", help="The night, e.g. 2016-05-23; default: after the last sales."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Make a forecast anew that is there already.")]
Until = Literal["train", "forecast", "rebalance", "review"]


@app.command()
def demo(overrides: Overrides = None, as_of: AsOf = None) -> None:
    """Plan one night on the bundled real data: the whole pipeline in about two minutes.

    Example:  forestock demo
    """
    _night("demo", as_of, overrides, "review")


@app.command()
def run(config: Config, as_of: AsOf = None, overrides: Overrides = None, force: Force = False) -> None:
    """Plan one night of your data: validate, train if due, forecast, rebalance, review page.

    Example:  forestock run --config m5.yaml --set inputs.path=data/m5 --as-of 2016-05-23
    """
    _night(config, as_of, overrides, "review", force)


@app.command()
def train(config: Config, as_of: AsOf = None, overrides: Overrides = None) -> None:
    """Train the model a night needs, unless it is there, and record it in MLflow.

    Example:  forestock train --config demo.yaml --as-of 2016-05-23
    """
    _night(config, as_of, overrides, "train")


@app.command()
def forecast(config: Config, as_of: AsOf = None, overrides: Overrides = None, force: Force = False) -> None:
    """Forecast demand; needs no hubs, lanes or stock.

    Example:  forestock forecast --config demo.yaml --as-of 2016-05-23
    """
    _night(config, as_of, overrides, "forecast", force)


@app.command()
def rebalance(config: Config, as_of: AsOf = None, overrides: Overrides = None) -> None:
    """Plan on the night's forecast; a forecast that is missing or outdated is made first.

    Example:  forestock rebalance --config demo.yaml --as-of 2016-05-23
    """
    _night(config, as_of, overrides, "rebalance")


@app.command()
def review(config: Config, as_of: AsOf = None, overrides: Overrides = None) -> None:
    """Write the review page of a plan that is in the warehouse and print its summary.

    Example:  forestock review --config demo.yaml --as-of 2016-05-23
    """
    from forestock.cli.run import review_plan

    review_plan(config, as_of, tuple(overrides or ()))


@app.command()
def validate(config: Config, as_of: AsOf = None, overrides: Overrides = None) -> None:
    """Check the input tables and say what was found; writes nothing.

    Example:  forestock validate --config demo.yaml --set inputs.path=data/ours
    """
    from forestock.cli.run import check_inputs

    check_inputs(config, as_of, tuple(overrides or ()))


@app.command()
def backfill(
    config: Config,
    start: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="First night.")],
    end: Annotated[date, typer.Option(parser=as_date, metavar="DATE", help="Last night, included.")],
    every: Annotated[int, typer.Option(min=1, metavar="DAYS", help="Days between nights.")] = 7,
    parallel: Annotated[int, typer.Option(min=1, metavar="N", help="Nights at the same time.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Plan nights again that are done.")] = False,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Train a model on each night's own day; default: that of its training date."),
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Plan past nights, each with what was known then; nights that are done are left alone.

    Example:  forestock backfill --config demo.yaml --start 2016-03-28 --end 2016-05-23 --every 7
    """
    from forestock.cli.run import run_backfill
    from pipeline.backfill import Span

    span = Span(start, end, every, parallel, force, retrain)
    run_backfill(config, span, tuple(overrides or ()))


app.command()(simulate)
app.command()(backtest)
app.command()(monitor)
app.command("fall-back")(fall_back)
app.command()(explain)
app.command("what-if")(what_if)
app.command()(why)
app.command()(tidy)
app.command()(experiment)
register(app)


def _night(config: str, as_of: date | None, overrides: list[str] | None, until: Until, force: bool = False) -> None:
    from forestock.cli.run import run_stages

    run_stages(config, as_of, tuple(overrides or ()), until, "everything" if force else "plan")


def main() -> None:
    """Run the command line and leave with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    app()


if __name__ == "__main__":
    main()
