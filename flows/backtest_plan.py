"""What is asked of a backtest. Not here: how it is done (``flows.backtest``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Plan:
    """Which origins: ``count`` of them, ``every_days`` apart, the last one a horizon before the day after ``end``.

    ``end`` None is the last day with sales.
    """

    count: int
    every_days: int = 28
    end: date | None = None


@dataclass(frozen=True)
class Challenge:
    """What is asked beyond the origins.

    ``changes`` are ``key=value`` that make the challenger of the configuration, or ``config`` names another
    configuration; ``is_promoting`` sets the champion alias where the gate lets the challenger through.
    ``weights`` is a file of given weights and scales.
    """

    changes: tuple[str, ...] = ()
    config: str | None = None
    is_promoting: bool = False
    weights: str | None = None

    @property
    def has_challenger(self) -> bool:
        """Whether there is a second configuration."""
        return bool(self.changes or self.config)
