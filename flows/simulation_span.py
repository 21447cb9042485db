"""What a replay covers, checked before anything heavy is imported. Not here: the replay (``flows.simulation``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from foundation.errors import ConfigurationError
from foundation.settings import Settings


@dataclass(frozen=True)
class Span:
    """What is replayed: ``start`` … ``end`` with both ends, decisions on the first ``nights`` nights.

    ``nights`` None: all of them; ``every_days`` lie between two. With ``is_unlimited`` no capacity that
    articles share binds any policy. With ``has_foresight`` a plan that knows all demand plays too.
    """

    start: date
    end: date
    nights: int | None = None
    every_days: int | None = None
    is_unlimited: bool = False
    has_foresight: bool = False


def periods_of(settings: Settings, span: Span) -> int:
    """Return the periods of the span; raises ``ConfigurationError`` where it does not fit the grid."""
    grid = settings.grid
    if not grid.holds(span.start):
        raise ConfigurationError(f"--start {span.start} is not the first day of a period ({grid.code})")
    if span.end < span.start:
        raise ConfigurationError(f"--end {span.end} lies before --start {span.start}")
    if (span.every_days or grid.days) % grid.days:
        raise ConfigurationError(f"--every {span.every_days} is not whole periods of {grid.days} days")
    return int((span.end - span.start).days // grid.days + 1)
