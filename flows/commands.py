"""What the commands that plan one night do between parsing and their exit code.

Not here: options (``flows.cli``), checking inputs (``flows.checking``), several nights (``flows.backfill``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console

from flows.display import StageDisplay
from flows.environment import set_command_line_defaults
from foundation.commands import command
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.store.files import require_room

if TYPE_CHECKING:
    from flows.night import Redo, Result, Stage
    from foundation.settings import Settings


def plan_night(config: str, as_of: date | None, overrides: Sequence[str], until: Stage, redo: Redo) -> None:
    """Run the nightly flow up to the stage ``until`` and print its summary.

    Mistakes in the configuration are raised before anything heavy is imported. Raises the
    ``ForestockError`` of the stage that failed; a refused plan is printed before its error is raised.
    """
    settings = load_settings(config, overrides)
    require_room(settings.warehouse)
    set_command_line_defaults(settings.warehouse)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("start")
        from flows.failures import reported
        from flows.night import RefusedError
        from flows.server import prefect_server

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
    settings = load_settings(config, overrides)
    with StageDisplay(Console(stderr=True)) as display:
        display.begin("review")
        result = page_again(settings, as_of)
    _print(result)


def page_again(settings: Settings, as_of: date | None) -> Result:
    """Write the page of the plan of ``as_of`` (None: the newest) again, without planning anything; returns its night.

    Raises ``ConfigurationError`` where the warehouse has no plan of that date.
    """
    from flows.failures import reported
    from flows.stages import planned_night, review_stage
    from foundation.store.warehouse import Warehouse

    dates = Warehouse(settings).dates("plan")
    if not dates or as_of not in (None, *dates):
        known = f"; there are plans of {dates[0]} … {dates[-1]}" if dates else ""
        raise ConfigurationError(
            f"{settings.warehouse} has no plan of {as_of or 'any date'}{known}; run {command(settings, 'run')}"
        )
    with reported("review", settings, as_of):
        result = planned_night(settings, as_of or dates[-1])
        return result.with_(page=review_stage(result.night))


def _print(result: Result) -> None:
    from flows.printing import print_summary
    from flows.summary import summarise

    print_summary(summarise(result), Console(soft_wrap=False))
