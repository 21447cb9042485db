"""Recent level shifts of series: demand that lately runs at a multiple of what it was, without a precedent a year ago.

Here: finding them on dense arrays. Not here: what is done about them (``features.sampling``, ``models.kinds.lightgbm_tweedie``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SPLITS = {1: (7, 10, 14, 18, 21, 24), 7: (2, 3, 4)}  # periods since the shift, by the length of a period in days
_BEFORE_DAYS, _YEAR_DAYS = 56, 364
_RATIO, _TOTAL_RATIO = 2.5, 2.0
_FEWEST_UNITS, _FEWEST_KNOWN = 30.0, 0.7
_LOW, _HIGH = 0.25, 0.9
_STOPPED = 1e-6  # a run of zeros less likely than this, given how often a series sold nothing before, is no chance


@dataclass(frozen=True)
class LevelShifts:
    """Shifts of series.

    Attributes
    ----------
    start : int32 array (n_series), the column from which the new level holds; −1 where there is no shift.
    ratio : float64 array (n_series), new level ÷ old level; 1 where there is no shift.

    """

    start: np.ndarray
    ratio: np.ndarray

    @property
    def is_shifted(self) -> np.ndarray:
        """Which series have shifted, bool array (n_series)."""
        return self.start >= 0


def find_shifts(demand: np.ndarray, days: int) -> LevelShifts:
    """Return the level shifts in the last four weeks of ``demand`` (n_series, n_past), NaN where unknown.

    ``days`` is the length of a period, 1 or 7. A series has shifted where its mean since the split is 2.5 times the
    mean of the 8 weeks before or less than that share of it, a quarter of the new values at most lies inside nine tenths of the old ones, and
    the same weeks a year earlier show nothing alike. Where the total of all series does so by a factor of two, all have shifted. A
    series that stopped selling has not.
    """
    total = np.where(np.isfinite(demand).any(axis=0), np.nansum(demand, axis=0), np.nan)[None, :]
    together = _found(total, days, _TOTAL_RATIO)
    if together.is_shifted[0]:
        n = len(demand)
        return LevelShifts(np.repeat(together.start, n), np.repeat(together.ratio, n))
    return _found(demand, days, _RATIO)


def stopped_since(demand: np.ndarray, days: int) -> np.ndarray:
    """Return the column from which each series of ``demand`` (n_series, n_past) sells nothing, int32; −1 where it sells on.

    ``days`` is the length of a period, 1 or 7. A series has stopped where all that is known of it since then is zero, at least a week
    (three weeks of weekly data), and so many zeros are less likely than one in a million given the share of zeros in
    the 8 weeks before.
    """
    n, length = demand.shape
    sold = np.where(np.nan_to_num(demand) > 0, np.arange(length), -1).max(axis=1, initial=-1)
    since = (sold + 1).astype(np.int32)
    least, before = (7 if days == 1 else 3), _BEFORE_DAYS // days
    result = np.full(n, -1, np.int32)
    for series in np.flatnonzero((length - since >= least) & (sold >= 0)):
        tail, old = demand[series, since[series] :], demand[series, max(since[series] - before, 0) : since[series]]
        n_zeros, n_old = int(np.isfinite(tail).sum()), int(np.isfinite(old).sum())
        share = ((old == 0).sum() + 1) / (n_old + 2)
        is_enough = n_old >= before // 2 and np.nansum(old) >= _FEWEST_UNITS * _unit(demand[series : series + 1])[0]
        if is_enough and n_zeros >= _FEWEST_KNOWN * len(tail) and n_zeros * np.log(share) < np.log(_STOPPED):
            result[series] = since[series]
    return result


def _found(demand: np.ndarray, days: int, least: float) -> LevelShifts:
    n, length = demand.shape
    start, ratio, best = np.full(n, -1, np.int32), np.ones(n), np.full(n, 0.0)
    for split in _SPLITS[days]:
        before = _BEFORE_DAYS // days
        if length < split + before // 2:
            continue
        result = _ratio(demand, split, before)
        change = np.abs(np.log(result))
        last_year = _YEAR_DAYS // days
        if length >= last_year + split + before // 2:
            ago = np.log(_ratio(demand[:, :-last_year], split, before))
            change = np.where(ago * np.sign(np.log(result)) > 0.5 * change, 0.0, change)
        is_new = (change >= np.log(least) - 1e-9) & (change > 1.02 * best)
        is_new[is_new] = _is_apart(demand[is_new], split, before, result[is_new] > 1)
        start = np.where(is_new, length - split, start).astype(np.int32)
        ratio, best = np.where(is_new, result, ratio), np.where(is_new, change, best)
    return LevelShifts(start, ratio)


def _ratio(demand: np.ndarray, split: int, before: int) -> np.ndarray:
    """Return the mean since the split ÷ the mean before it; 1 where either is too little to tell."""
    new, old = demand[:, -split:], demand[:, -split - before : -split]
    known = [np.isfinite(part).sum(axis=1) for part in (new, old)]
    units = [np.nansum(part, axis=1) for part in (new, old)]
    enough = (
        (known[0] >= _FEWEST_KNOWN * split)
        & (known[1] >= 0.5 * _FEWEST_KNOWN * before)
        & (units[0] > 0)
        & (units[1] > 0)
    )
    enough &= (np.isfinite(new) & (new > 0)).sum(axis=1) >= 0.5 * split
    enough &= np.maximum(units[0], units[1]) >= _FEWEST_UNITS * _unit(demand)
    means = [unit / np.maximum(count, 1) for unit, count in zip(units, known, strict=True)]
    return np.where(enough, means[0] / np.maximum(means[1], 1e-12), 1.0)


def _unit(demand: np.ndarray) -> np.ndarray:
    """Return the smallest positive value of each series, what one piece may be; 0 without one."""
    positive = np.where(demand > 0, demand, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(positive), positive, 0.0)


def _is_apart(demand: np.ndarray, split: int, before: int, is_up: np.ndarray) -> np.ndarray:
    """Return where the new values lie beyond the old ones but for their tails."""
    if not len(demand):
        return np.zeros(0, bool)
    low, high = np.nanquantile(demand[:, -split:], [_LOW, 1 - _LOW], axis=1)
    floor, ceiling = np.nanquantile(demand[:, -split - before : -split], [1 - _HIGH, _HIGH], axis=1)
    return np.where(is_up, low > ceiling, high < floor)
