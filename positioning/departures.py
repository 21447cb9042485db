"""When a lane departs next, until when that is decided, and by which run.

Here: weekdays, cut-offs and time zones. Not here: what travels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from foundation.errors import InputError
from foundation.periods import WEEKDAYS

_END_OF_DAY = time(23, 59)


@dataclass(frozen=True)
class Departure:
    """The next departure of a lane.

    ``decide_by`` is in UTC. ``is_outlook`` says that a later run still decides it.
    """

    ship_date: date
    decide_by: datetime
    is_outlook: bool


@dataclass(frozen=True)
class Clock:
    """When runs happen: on ``as_of`` and every ``run_every_days`` after, ready at local ``ready_at``."""

    as_of: date
    ready_at: time
    run_every_days: int


def next_departure(departs: str, cutoff: str, timezone: str, clock: Clock) -> Departure:
    """Return the first departure on or after ``clock.as_of`` whose cut-off is not missed.

    ``departs`` holds weekdays such as ``Mon|Thu`` (empty: every day), ``cutoff`` is local ``HH:MM``
    (empty: the end of the day). A cut-off before ``ready_at`` on ``as_of`` is missed; one exactly at
    it is kept. A departure commits when the next run is ready only after its cut-off.
    """
    limit = time.fromisoformat(cutoff) if cutoff else _END_OF_DAY
    weekdays = _weekdays(departs)
    zone = ZoneInfo(timezone or "UTC")
    next_ready = datetime.combine(clock.as_of + timedelta(days=clock.run_every_days), clock.ready_at, zone)
    for ahead in range(8):
        day = clock.as_of + timedelta(days=ahead)
        is_missed = ahead == 0 and limit < clock.ready_at
        if day.weekday() in weekdays and not is_missed:
            decide_by = datetime.combine(day, limit, zone)
            return Departure(day, decide_by.astimezone(ZoneInfo("UTC")), decide_by >= next_ready)
    raise InputError(f"lanes: departs {departs!r} names no weekday; write for example Mon|Thu")


def _weekdays(departs: str) -> frozenset[int]:
    if not departs.strip():
        return frozenset(range(7))
    names = [part.strip()[:3].upper() for part in departs.split("|") if part.strip()]
    return frozenset(WEEKDAYS.index(name) for name in names if name in WEEKDAYS)
