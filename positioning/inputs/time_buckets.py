"""Buckets of time: where the cover window is cut so that a shipment serves only what it can reach.

Here: the cover window and its cuts. Not here: demand or stock in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class Buckets:
    """The cover window, divided into time buckets.

    Attributes
    ----------
    days
        First day of every bucket, counted from ``as_of``, the first 0, and last the end of the window, exclusive; all
        are boundaries of periods.
    period_days
        Days of a period.

    """

    days: tuple[int, ...]
    period_days: int

    @property
    def count(self) -> int:
        """Number of buckets."""
        return len(self.days) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Days in each bucket, (count,)."""
        return np.diff(np.asarray(self.days))

    @property
    def period_starts(self) -> tuple[int, ...]:
        """The cuts in periods."""
        return tuple(day // self.period_days for day in self.days)

    def first_from(self, day: float) -> int:
        """Return the first bucket that starts on or after ``day``; ``count`` when none does."""
        return int(np.searchsorted(self.days, day, side="left")) if day <= self.days[-1] else self.count

    def holding(self, day: float) -> int:
        """Return the bucket that holds ``day``; ``count`` from the end on."""
        return min(int(np.searchsorted(self.days, day, side="right")) - 1, self.count)

    def nearest(self, day: float) -> int:
        """Return the bucket whose start is nearest to ``day``, the earlier one on a tie."""
        return int(np.argmin(np.abs(np.asarray(self.days) - day)))


def cover_days(arrival_days: list[int], review_days: int, horizon_days: int, period_days: int) -> int:
    """Return the default cover window: the longest way in use plus the review period.

    Rounded up to whole periods, at least one, at most the forecast's horizon.
    """
    requested = max(arrival_days, default=0) + review_days
    return max(period_days, min(-(-requested // period_days) * period_days, horizon_days // period_days * period_days))


def cut(cover: int, arrivals: dict[str, list[int]], period_days: int, most: int) -> Buckets:
    """Cut ``cover`` days into at most ``most`` buckets at arrival times.

    ``arrivals`` holds days of arrival by kind (transfers, orders, confirmed inbound); each kind weighs
    the same. Units wait for the next cut, so the cuts are those that make them wait least; on a tie,
    the earliest cuts.
    """
    weights: dict[int, float] = {}
    for arrival_days in arrivals.values():
        inside = [-(-day // period_days) * period_days for day in arrival_days]
        inside = [day for day in inside if 0 < day < cover]
        for day in inside:
            weights[day] = weights.get(day, 0.0) + 1.0 / len(inside)
    candidates = sorted(weights)
    if len(candidates) <= most - 1:
        return Buckets((0, *candidates, cover), period_days)
    days = np.array(candidates)
    mass = np.array([weights[day] for day in candidates])

    def waiting(chosen: tuple[int, ...]) -> float:
        cuts = np.array([*chosen, cover])
        return float((mass * (cuts[np.searchsorted(cuts, days)] - days)).sum())

    best = min(combinations(candidates, most - 1), key=lambda chosen: (round(waiting(chosen), 9), chosen))
    return Buckets((0, *best, cover), period_days)
