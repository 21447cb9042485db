"""Which past dates a backfill runs, and the outcome of each run.

Not here: running a date (``flows.backfill``), printing (``forestock.cli.run``).
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
    """The planning dates of a backfill.

    Attributes
    ----------
    start, end
        First and last planning date, both included.
    every
        Days between planning dates.
    parallel
        Number of dates that run at the same time.
    is_forced
        Whether dates whose results exist are recomputed.
    is_retrained
        Whether every date trains a model; otherwise each uses the model of the last training date before it.
    """

    start: date
    end: date
    every: int = 7
    parallel: int = 1
    is_forced: bool = False
    is_retrained: bool = False

    def overrides(self, settings: Settings) -> list[str]:
        """Return the changed settings of its runs: if models are retrained, every period is a training date."""
        return [f"forecast.train_every_days={settings.grid.days}"] if self.is_retrained else []

    def dates(self, settings: Settings) -> list[date]:
        """Return the planning dates, ascending; raises ``ConfigurationError`` if they do not fit the grid of periods."""
        grid = settings.grid
        if self.end < self.start:
            raise ConfigurationError(f"--end {self.end} is before --start {self.start}")
        if self.every % grid.days:
            raise ConfigurationError(f"--every {self.every}: periods of {grid.code} are {grid.days} days long")
        if not grid.holds(self.start):
            raise ConfigurationError(f"--start {self.start} is not the first day of a period of {grid.code}")
        return [self.start + timedelta(days=day) for day in range(0, (self.end - self.start).days + 1, self.every)]


@dataclass(frozen=True)
class RunReport:
    """The outcome of one run; ``saving_eur`` is what its plan is expected to save, ``message`` why it failed."""

    as_of: date
    outcome: Outcome
    n_proposals: int = 0
    saving_eur: float | None = None
    message: str = ""


def raise_for(reports: Sequence[RunReport]) -> None:
    """Raise ``StageError`` naming the dates that failed, else ``GateError`` if plans were refused."""
    failed = [report for report in reports if report.outcome == "failed"]
    refused = [report for report in reports if report.outcome == "refused"]
    if failed:
        dates = ", ".join(str(report.as_of) for report in failed)
        raise StageError(
            "backfill", f"{len(failed)} of {len(reports)} runs failed: {dates}; run the command again to resume"
        )
    if refused:
        raise GateError(*(f"{report.as_of}: {report.message}" for report in refused))
