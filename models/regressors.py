"""Regressors of demand totals, all known in advance: calendar, events with the days around them, regional numbers.

Not here: the regression on them (``models.level_regression``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.matrix import TotalHistory

_YEAR_DAYS, _WEEK_DAYS = 365.25, 7
_YEAR_WAVES, _MONTH_WAVES = 3, 4
_AROUND_EVENT = range(-5, 4)  # days before and after an event
_MOST_EVENTS = 40
_SATURDAY, _SUNDAY = 5, 6
# Prior precision of an effect, relative to the others: an effect of ±1 ÷ √precision is usual.
_WEEKDAY, _YEAR, _MONTH, _EVENT, _NUMBER = 0.3, 3.0, 3.0, 2.0, 0.3


@dataclass(frozen=True)
class Regressors:
    """Regressors of every period.

    Attributes
    ----------
    common : float64 (n_periods, n_common), the same in all regions.
    regional : float64 (n_regions, n_periods, n_regional).
    prior : float64 (n_common + n_regional), precision of the prior of each effect, whose mean is 0.

    """

    common: np.ndarray
    regional: np.ndarray
    prior: np.ndarray

    @property
    def n(self) -> int:
        """Number of regressors."""
        return len(self.prior)

    def of_region(self, place: int) -> np.ndarray:
        """Return the regressors of the region at position ``place``, float64 (n_periods, n)."""
        return np.hstack([self.common, self.regional[place]])

    @classmethod
    def of(cls, history: TotalHistory, days: int) -> Regressors:
        """Return the regressors of the periods of ``history``, each ``days`` long, 1 or 7."""
        n_past = history.demand.shape[1]
        common = [*_waves_of_year(history.periods), *(_days_of_week_and_month(history.periods) if days == 1 else ())]
        regional = [*_events(history.event, n_past, days), *_numbers(history, n_past, days)]
        empty = np.empty((*history.event.shape, 0))
        return cls(
            np.stack([column for column, _ in common], axis=1),
            np.stack([column for column, _ in regional], axis=2) if regional else empty,
            np.array([prior for _, prior in (*common, *regional)]),
        )


_Columns = list[tuple[np.ndarray, float]]


def _waves_of_year(periods: np.ndarray) -> _Columns:
    """Return sines and cosines of the year, each (n_periods), with their priors; fast waves are shrunk more."""
    angle = 2 * np.pi * periods.astype("datetime64[D]").astype(np.int64) / _YEAR_DAYS
    return [(wave(n * angle), _YEAR * n) for n in range(1, _YEAR_WAVES + 1) for wave in (np.sin, np.cos)]


def _days_of_week_and_month(periods: np.ndarray) -> _Columns:
    """Return contrasts of the weekdays and waves of the month, each (n_periods), with their priors."""
    day, weekday = periods.astype("datetime64[D]"), _weekday(periods)
    start = day.astype("datetime64[M]")
    first, after = start.astype("datetime64[D]"), (start + 1).astype("datetime64[D]")
    angle = 2 * np.pi * (day - first).astype(np.int64) / (after - first).astype(np.int64)
    contrasts = [((weekday == one) * 1.0 - (weekday == _SUNDAY), _WEEKDAY) for one in range(_SUNDAY)]
    waves = [(wave(n * angle), _MONTH) for n in range(1, _MONTH_WAVES + 1) for wave in (np.sin, np.cos)]
    return contrasts + waves


def _weekday(periods: np.ndarray) -> np.ndarray:
    """Return 0 for Monday to 6 for Sunday."""
    return np.asarray((periods.astype("datetime64[D]").astype(np.int64) + 3) % _WEEK_DAYS)


def _events(event: np.ndarray, n_past: int, days: int) -> _Columns:
    """Return whether an event lies a number of periods away, each (n_regions, n_periods), with their priors.

    ``event`` (n_regions, n_periods) holds codes, −1 for none. Only the most frequent events enter, and only what has occurred.
    """
    codes, count = np.unique(event[:, :n_past][event[:, :n_past] >= 0], return_counts=True)
    codes = codes[np.argsort(-count, kind="stable")[:_MOST_EVENTS]]
    away = sorted({offset // days for offset in _AROUND_EVENT})
    before, after = -away[0], away[-1]
    padded = np.pad(event, ((0, 0), (after, before)), constant_values=-1)
    moved = [padded[:, after - offset : after - offset + event.shape[1]] for offset in away]
    columns = [one == code for code in np.sort(codes) for one in moved]
    return [(column.astype(np.float64), _EVENT) for column in columns if column[:, :n_past].any()]


def _numbers(history: TotalHistory, n_past: int, days: int) -> _Columns:
    """Return the regional numbers relative to their range, each (n_regions, n_periods), and their products with weekend days."""
    result: _Columns = []
    weekday = _weekday(history.periods)
    for number in history.flags.astype(np.float64):
        past = number[:, :n_past][np.isfinite(number[:, :n_past])]
        if not len(past) or past.max() == past.min():
            continue
        result.append((np.nan_to_num((number - past.mean()) / (past.max() - past.min())), _NUMBER))
        if days == 1:
            relative = np.nan_to_num((number - past.min()) / (past.max() - past.min()))
            result += [(relative * (weekday == one), _EVENT) for one in (_SATURDAY, _SUNDAY)]
    return result
