"""What the commands that plan one night do between parsing and their exit code.

Not here: options (``forestock.cli.main``), checking inputs (``forestock.cli.run``), several nights (``flows.backfill``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from forestock.cli.terminal import Config, Overrides, StageDisplay
from foundation.errors import Fault, InputError
from foundation.tables import INPUTS
from pipeline.configuration import load_settings
from pipeline.environment import set_command_line_defaults

if TYPE_CHECKING:
    import pandas as pd

    from foundation.validation.validate import ValidationResult
    from pipeline.results import Redo, Result, Stage


def plan_night(config: str, as_of: date | None, overrides: Sequence[str], until: Stage, redo: Redo) -> None:
    """Run the nightly flow up to the stage ``until`` and print its summary.

    Mistakes in the configuration are raised before anything heavy is imported. Raises the
    ``ForestockError`` of the stage that failed; a refused plan is printed before its error is raised.
    """
    from foundation.store.files import require_room

    settings = load_settings(config, overrides)
    require_room(settings.warehouse)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.servers import prefect_server
        from pipeline.results import RefusedError, reported

        refused = None
        try:
            with reported("start", settings, as_of), prefect_server():
                from flows.nightly import nightly

                result = nightly(config, as_of, list(overrides), until, redo)
        except RefusedError as error:
            refused, result = error, error.result
    _print(result)
    if refused is not None:
        raise refused


def review_plan(config: str, as_of: date | None, overrides: Sequence[str]) -> None:
    """Write the review page of the plan of ``as_of`` (None: the newest) again and print its summary.

    Raises ``ConfigurationError`` where the warehouse has no plan of that date.
    """
    from pipeline.run import page_again

    settings = load_settings(config, overrides)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("review")
        result = page_again(settings, as_of)
    _print(result)


def _print(result: Result) -> None:
    from forestock.cli.terminal import print_summary
    from pipeline.summary import summarise

    print_summary(summarise(result), Console(soft_wrap=False))


# Inputs without any of these hold no network: there is nothing to rebalance.
_NETWORK = {name for name, table in INPUTS.items() if table.needed_for == ("rebalance",)}


def check_inputs(config: str, as_of: date | None, overrides: Sequence[str]) -> None:
    """Print what the input tables hold, or what is wrong with them; writes nothing.

    Raises ``InputError`` with one line per fault where the night would stop. Inputs without any table
    of the network are checked for forecasting alone, and that is said.
    """
    from foundation.store.snapshot import validate_inputs

    settings = load_settings(config, overrides)
    validation = validate_inputs(settings, as_of, "rebalance")
    is_forecast_only = {fault.table for fault in validation.faults} >= _NETWORK and not _NETWORK & set(
        validation.tables
    )
    if is_forecast_only:
        validation = validate_inputs(settings, as_of, "forecast")
    console = Console()
    if validation.faults and console.is_terminal:
        console.print(_fault_table(validation.faults))
    if validation.stops:
        raise InputError(*(str(fault) for fault in validation.faults))
    if settings.inputs.on_warning == "stop" and validation.incomplete:
        raise InputError(*(str(fault) for fault in validation.incomplete))
    for line in (*map(str, validation.faults), *validation.warnings):
        console.print(f"warning: {line}", markup=False, highlight=False, soft_wrap=True)
    for assumption in validation.assumptions:
        console.print(f"assumption: {assumption}", markup=False, highlight=False, soft_wrap=True)
    _print_found(console, validation)
    if is_forecast_only:
        console.print("They can be forecast; to rebalance, hubs, lanes and stock are needed too.", highlight=False)


def _fault_table(faults: Sequence[Fault]) -> Table:
    table = Table(title=f"{len(faults)} faults", title_justify="left", box=None, pad_edge=False)
    for name in ("table", "column", "rows", "what is wrong", "what to do"):
        table.add_column(name, justify="right" if name == "rows" else "left", overflow="fold")
    for fault in faults:
        rows = f"{fault.n_rows:,}" if fault.n_rows else ""
        first = f" ({fault.first_keys[0]})" if fault.first_keys else ""
        table.add_row(fault.table, fault.column, rows, f"{fault.problem}{first}", fault.remedy)
    return table


def _print_found(console: Console, validation: ValidationResult) -> None:
    from foundation.tables import INPUTS
    from foundation.validation.assumptions import WITHOUT

    table = Table(box=None, pad_edge=False)
    for name, justify in (("table", "left"), ("rows", "right"), ("from", "left"), ("to", "left"), ("", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type] # the literals of rich
    for name in INPUTS:
        frame = validation.tables.get(name)
        if frame is None:
            table.add_row(name, "–", "", "", f"not provided: {WITHOUT[name]}")
            continue
        table.add_row(name, f"{len(frame):,}", *_ends(frame), "")
    console.print(table)
    n_said = len(validation.faults) + len(validation.warnings)
    but = f", with {n_said} {'warning' if n_said == 1 else 'warnings'}" if n_said else ""
    console.print(f"The inputs are valid for the night of {validation.as_of}{but}.", highlight=False)


def _ends(frame: pd.DataFrame) -> tuple[str, str]:
    """Return the first and last date of a dated table, else two empty texts."""
    if "date" not in frame or frame["date"].dtype.kind != "M" or frame["date"].isna().all():
        return "", ""
    return f"{frame['date'].min():%Y-%m-%d}", f"{frame['date'].max():%Y-%m-%d}"


def tidy(config: Config, overrides: Overrides = None) -> None:
    """Remove old history, snapshots and logs from the warehouse; current rows, decisions and models stay.

    Example:  forestock tidy --config demo.yaml --set retention.history_days=90
    """
    from foundation.store.tidying import tidy as tidied
    from pipeline.tidy import sentence

    freed = tidied(load_settings(config, tuple(overrides or ())))
    print(sentence(freed.n_table_files, freed.n_snapshots, freed.n_bytes))
    if freed.busy_tables:
        print(f"Left for the next time, being written: {', '.join(freed.busy_tables)}.")
