"""Simple methods, vectorized over all series: what a model must beat to be used, and what it is combined with.

Each returns means from the demand before an origin alone. Not here: how they are weighted (``combination``), and the
baselines that scores are shown next to (``baselines``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foundation.level_shift import find_shifts

METHODS = ("seasonal_naive", "last_week", "recent_mean", "fast_smoothing", "exponential_smoothing", "intermittent")
_RECENT = {1: 28, 7: 8}  # periods of the recent mean, by the length of a period in days
_PROFILE_WEEKS, _PROFILE_PRIOR_WEEKS = 8, 4.0
_LEAST_INDEX = 0.1
_HALF_LIVES = {"fast_smoothing": 2.0, "exponential_smoothing": 7.0}  # periods; smoothing constants of 0.29 and 0.09
_INTERMITTENT_HALF_LIFE = 28.0
_MOST_OF_HIGHEST = 1.5
_LOOKED_AT, _CHUNK = 256, 2048
_REACH = 8  # half-lives beyond which weights are taken as 0


@dataclass(frozen=True)
class SimpleMeans:
    """Means of every simple method.

    Attributes
    ----------
    means : float32 array (n_methods, n_series, n_steps) in the order of ``METHODS``, units per period.
    level : float64 array (n_series), recent mean, units per period; 0 without a known period.
    demand_share : float64 array (n_series), share of recent known periods with demand.
    known : int array (n_series), known periods.
    ceiling : float64 array (n_series), the highest mean per period a forecast without a precedent may reach; infinite for
        series of less than four weeks.
    is_shifted : bool array (n_series), series whose level has shifted recently.
    shifted_means : float32 array (n_series, n_steps), means at the level since the shift; 0 elsewhere.

    """

    means: np.ndarray
    level: np.ndarray
    demand_share: np.ndarray
    known: np.ndarray
    ceiling: np.ndarray
    is_shifted: np.ndarray
    shifted_means: np.ndarray


def simple_means(past: np.ndarray, steps: int, days: int) -> SimpleMeans:
    """Return the simple methods' means for ``steps`` periods after ``past``.

    ``past`` is float (n_series, n_past), NaN where unknown; ``days`` is the length of a period, 1 or 7. A series without
    a known period gets 0. Weekdays enter by the index of ``weekday_index``.

    References
    ----------
    Teunter, Syntetos, Babai: Intermittent demand: linking forecasting to inventory obsolescence, European Journal of
    Operational Research 214 (2011), for ``intermittent``: demand probability × demand size, each smoothed.
    """
    past = np.asarray(past, np.float32) if past.shape[1] else np.full((len(past), 1), np.nan, np.float32)
    n, length = past.shape
    index = weekday_index(past) if days == 1 else np.ones((n, 1), np.float32)
    season = index.shape[1]
    ahead = index[:, np.arange(steps) % season]
    tail = past[:, -_LOOKED_AT:]
    of_tail = index[:, np.arange(-tail.shape[1], 0) % season]
    # A weekday on which hardly anything is sold, such as a day closed every week, does not show the level.
    level_free = np.where(of_tail < _LEAST_INDEX, np.float32(np.nan), tail / np.maximum(of_tail, _LEAST_INDEX))
    recent = _mean(past, _RECENT[days])
    levels = {
        "last_week": _mean(past, 7 // days), "recent_mean": recent, "intermittent": _intermittent(level_free),
        **{name: _smoothed(level_free, half_life) for name, half_life in _HALF_LIVES.items()},
    }  # fmt: skip
    means = np.empty((len(METHODS), n, steps), np.float32)
    for position, name in enumerate(METHODS):
        means[position] = _seasonal(past, steps, days) if name == "seasonal_naive" else levels[name][:, None] * ahead
    lately = past[:, -2 * _RECENT[days] :]
    counted = np.isfinite(lately).sum(axis=1)
    share = (np.nan_to_num(lately) > 0).sum(axis=1) / np.maximum(counted, 1)
    shifts = find_shifts(past, days)
    since = _since(level_free, np.where(shifts.is_shifted, shifts.start - length + tail.shape[1], -1))
    since = (since * (shifts.persistence + (1 - shifts.persistence) / shifts.ratio))[:, None] * ahead
    known = np.isfinite(past).sum(axis=1)
    return SimpleMeans(
        means,
        recent.astype(np.float64),
        share,
        known,
        _ceiling(past, known, days),
        shifts.is_shifted,
        since.astype(np.float32),
    )


def weekday_index(past: np.ndarray) -> np.ndarray:
    """Return (n_series, 7): demand at each phase of the week relative to the series' mean, phase 0 being the origin's.

    Over the last 8 weeks, shrunk toward the index of all series together as if that had been seen for four more weeks.
    """
    n, length = past.shape
    weeks = min(_PROFILE_WEEKS, length // 7)
    if weeks == 0:
        return np.ones((n, 7), np.float32)
    cycles = past[:, length - 7 * weeks :].reshape(n, weeks, 7)
    counted = np.isfinite(cycles).sum(axis=1)
    mean = np.nan_to_num(cycles).sum(axis=1) / np.maximum(counted, 1)
    level = mean.mean(axis=1, keepdims=True)
    total = mean.sum(axis=0)
    pooled = total / total.mean() if total.sum() > 0 else np.ones(7)
    index = np.where(level > 0, mean / np.where(level > 0, level, 1), pooled)
    index = np.where(counted > 0, index, pooled)
    return ((weeks * index + _PROFILE_PRIOR_WEEKS * pooled) / (weeks + _PROFILE_PRIOR_WEEKS)).astype(np.float32)


def _mean(past: np.ndarray, periods: int) -> np.ndarray:
    """Return the mean of the known values among the last ``periods``; where none is known, of all known values."""
    tail = past[:, -periods:]
    counted = np.isfinite(tail).sum(axis=1)
    mean = np.nan_to_num(tail).sum(axis=1) / np.maximum(counted, 1)
    if (counted > 0).all():
        return mean
    whole = np.nan_to_num(past).sum(axis=1) / np.maximum(np.isfinite(past).sum(axis=1), 1)
    return np.where(counted > 0, mean, whole)


def _since(past: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the mean of the known values from each series' start column on, 0 where it is negative."""
    result = np.zeros(len(past))
    for start in np.unique(starts[starts >= 0]):
        begun = starts == start
        result[begun] = np.nan_to_num(np.nanmean(past[begun, start:], axis=1))
    return result


def _ceiling(past: np.ndarray, known: np.ndarray, days: int) -> np.ndarray:
    """Return 1.5 × the highest mean of any fully known week (weekly data: two weeks), units per period (n_series)."""
    width = 7 if days == 1 else 2
    if past.shape[1] < width:
        return np.full(len(past), np.inf)
    highest = np.zeros(len(past))
    for first in range(0, len(past), _CHUNK):
        part = past[first : first + _CHUNK]
        sums, counts = (_windows(values, width) for values in (np.nan_to_num(part), np.isfinite(part)))
        highest[first : first + _CHUNK] = np.where(counts == width, sums / width, 0.0).max(axis=1)
    return np.where((known >= 28 // days) & (highest > 0), _MOST_OF_HIGHEST * highest, np.inf)


def _windows(values: np.ndarray, width: int) -> np.ndarray:
    running = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    return running[:, width:] - running[:, :-width]


def _smoothed(past: np.ndarray, half_life: float) -> np.ndarray:
    """Return the exponentially weighted mean of known values, weight 0.5^(age ÷ half-life)."""
    tail = past[:, -int(_REACH * half_life) :]
    weight = (0.5 ** (np.arange(tail.shape[1])[::-1] / half_life)).astype(np.float32)
    known = np.isfinite(tail) @ weight
    mean = np.nan_to_num(tail) @ weight / np.maximum(known, 1e-9)
    return np.where(known > 0, mean, _mean(past, past.shape[1]))


def _intermittent(past: np.ndarray) -> np.ndarray:
    """Return demand probability × demand size, the probability half as heavy every 28 periods, sizes twice as slowly."""
    tail = past[:, -int(_REACH * _INTERMITTENT_HALF_LIFE) :]
    age = np.arange(tail.shape[1])[::-1] / _INTERMITTENT_HALF_LIFE
    fast, slow = ((0.5 ** (age / k)).astype(np.float32) for k in (1, 2))
    filled, known = np.nan_to_num(tail), np.isfinite(tail)
    had = filled > 0
    probability = had @ fast / np.maximum(known @ fast, 1e-9)
    return probability * (filled @ slow) / np.maximum(had @ slow, 1e-9)


def _seasonal(past: np.ndarray, steps: int, days: int) -> np.ndarray:
    """Return the last known value at the target's weekday; weekly: the value a year before, else the last known one."""
    season = 7 if days == 1 else 1
    n, length = past.shape
    padded = np.pad(past, ((0, 0), ((-length) % season, 0)), constant_values=np.nan)
    cycles = padded.reshape(n, -1, season)[:, ::-1]
    latest = np.take_along_axis(cycles, np.isfinite(cycles).argmax(axis=1)[:, None], axis=1)[:, 0]
    result = np.nan_to_num(latest)[:, np.arange(steps) % season]
    year = 364 // days
    if days == 1 or length < year:
        return result
    ago = past[:, length - year : length - year + steps]
    ago = np.pad(ago, ((0, 0), (0, steps - ago.shape[1])), constant_values=np.nan)
    return np.where(np.isfinite(ago), ago, result)
