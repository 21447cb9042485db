"""Which past dates a backfill runs, and how each of them went.

Not here: running one of them (``flows.backfill``), printing (``forestock.cli.backfill``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from foundation.errors import ConfigurationError, GateError, StageError
from foundation.settings import Settings

Outcome = Literal["planned", "done before", "refused", "failed"]


@dataclass(frozen=True)
class Span:
    """Which nights: ``start`` to ``end`` (both included) ``every`` days, ``parallel`` at a time.

    Each uses the model it would have used then, that of the last training date, or one trained on its own day where
    ``is_retrained``.
    """

    start: date
    end: date
    every: int = 7
    parallel: int = 1
    is_forced: bool = False
    is_retrained: bool = False

    def overrides(self, settings: Settings) -> list[str]:
        """Return the changed keys its nights run under: where models are retrained, every period is a training date."""
        return [f"forecast.train_every_days={settings.grid.days}"] if self.is_retrained else []

    def nights(self, settings: Settings) -> list[date]:
        """Return the nights, ascending; raises ``ConfigurationError`` where they do not fit the grid of periods."""
        grid = settings.grid
        if self.end < self.start:
            raise ConfigurationError(f"--end {self.end} lies before --start {self.start}")
        if self.every % grid.days:
            raise ConfigurationError(f"--every {self.every}: periods of {grid.code} are {grid.days} days long")
        if not grid.holds(self.start):
            raise ConfigurationError(f"--start {self.start} is not the first day of a period of {grid.code}")
        return [self.start + timedelta(days=day) for day in range(0, (self.end - self.start).days + 1, self.every)]


@dataclass(frozen=True)
class NightReport:
    """How one night went; ``saving_eur`` is the expected saving of its plan, ``message`` why it failed."""

    as_of: date
    outcome: Outcome
    n_proposals: int = 0
    saving_eur: float | None = None
    message: str = ""


def raise_for(reports: Sequence[NightReport]) -> None:
    """Raise ``StageError`` naming the nights that failed, else ``GateError`` where nights were refused."""
    failed = [report for report in reports if report.outcome == "failed"]
    refused = [report for report in reports if report.outcome == "refused"]
    if failed:
        names = ", ".join(str(report.as_of) for report in failed)
        raise StageError("backfill", f"{len(failed)} of {len(reports)} nights failed: {names}; run it again to go on")
    if refused:
        raise GateError(*(f"{report.as_of}: {report.message}" for report in refused))
