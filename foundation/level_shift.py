"""Recent level shifts of series: demand that recently runs at a multiple of its old level, where such changes tend to last.

Here: finding them on dense arrays. Not here: what is done about them (``features.matrix``, ``models.kinds.lightgbm_tweedie``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SPLITS = {1: (7, 10, 14, 18, 21, 24), 7: (2, 3, 4)}  # periods since the shift, by the length of a period in days
_BEFORE_DAYS, _YEAR_DAYS = 56, 364
_RATIO, _TOTAL_RATIO = 2.5, 2.0
_FEWEST_UNITS, _FEWEST_KNOWN = 30.0, 0.7
_LOW, _HIGH = 0.25, 0.9
_CHECK_DAYS, _CHECK_YEARS, _CHECK_SERIES = 28, 2, 3000  # how far apart, how far back, in how many series at most
_PRIOR_CASES = 5.0  # earlier shifts that the prior weighs: that a change lasts, and that a season is like the year
_FEWEST_LASTING = 0.5  # share of the change that must last for a shift
_STOPPED = 1e-6  # a run of zeros less likely than this, given how often a series sold nothing before, is no chance


@dataclass(frozen=True)
class LevelShifts:
    """Shifts of series.

    Attributes
    ----------
    start : int32 array (n_series)
        The column from which the new level holds; −1 where there is no shift.
    ratio : float64 array (n_series)
        New level ÷ old level; 1 where there is no shift.
    persistence : float64 array (n_series)
        Share of the change that earlier shifts kept in the four weeks after; 1 without any.

    """

    start: np.ndarray
    ratio: np.ndarray
    persistence: np.ndarray

    @property
    def is_shifted(self) -> np.ndarray:
        """Which series have shifted, bool array (n_series)."""
        return self.start >= 0


def find_shifts(demand: np.ndarray, days: int) -> LevelShifts:
    """Return the level shifts in the last four weeks.

    A series has shifted where its mean since the split is 2.5 times the mean of the 8 weeks before or less than that share of it, a
    quarter of the new values at most lies inside nine tenths of the old ones, and the same weeks a year earlier show nothing alike. Where
    the total of all series does so by a factor of two, all have shifted; series that began or ended meanwhile do not count. A series that stopped selling has not. Nor has one where earlier
    shifts in the same direction did not last: a season, a promotion or chance raised them, and less than half of the change was left four
    weeks later.

    Parameters
    ----------
    demand : float array (n_series, n_past)
        Units per period, NaN where unknown; the last column is the latest period.
    days
        Length of a period in days, 1 or 7.
    """
    together = _lasting(_total(demand, days), days, _TOTAL_RATIO)
    if together.is_shifted[0]:
        n = len(demand)
        return LevelShifts(*(np.repeat(values, n) for values in (together.start, together.ratio, together.persistence)))
    return _lasting(demand, days, _RATIO)


def _total(demand: np.ndarray, days: int) -> np.ndarray:
    """Return the total (1, n_past) of the series known at both ends of the weeks that are compared, NaN where nothing is known.

    Series that begin or end would change the total without a change of any level. Where the others sell less than half of the recent
    units, they say little about the whole, and all of the total is NaN.
    """
    compared = np.isfinite(demand[:, -(max(_SPLITS[days]) + _BEFORE_DAYS // days) :])
    end = max(compared.shape[1] // 4, 1)
    is_throughout = compared[:, :end].any(axis=1) & compared[:, -end:].any(axis=1)
    recent = np.nansum(demand[:, -max(_SPLITS[days]) :], axis=1)
    kept = demand[is_throughout]
    has_total = np.isfinite(kept).any(axis=0) & (2 * recent[is_throughout].sum() >= recent.sum())
    return np.where(has_total, np.nansum(kept, axis=0), np.nan)[None, :]


def _lasting(demand: np.ndarray, days: int, least: float) -> LevelShifts:
    """Return the shifts whose change can be expected to last."""
    shifts = _shifts_of(demand, days, least)
    if not shifts.is_shifted.any():
        return shifts
    up, down = _persistence(demand[:: -(-len(demand) // _CHECK_SERIES)], days, least)
    share = np.where(shifts.ratio > 1, up, down)
    is_kept = shifts.is_shifted & (share >= _FEWEST_LASTING)
    return LevelShifts(
        np.where(is_kept, shifts.start, -1).astype(np.int32),
        np.where(is_kept, shifts.ratio, 1.0),
        np.where(is_kept, np.minimum(share, 1.0), 1.0),
    )


def _persistence(demand: np.ndarray, days: int, least: float) -> tuple[float, float]:
    """Return the shares of earlier rises and falls that were left in the four weeks after them.

    Earlier shifts are those found as of every fourth week of the last two years. The shares are shrunk twice: those of the same
    season a year ago toward those of all the year, those of all the year toward 1.
    """
    length, after, year = demand.shape[1], _CHECK_DAYS // days, _YEAR_DAYS // days
    cases: list[tuple[np.ndarray, np.ndarray, bool]] = []
    for cut in range(length - after, max(length - _CHECK_YEARS * year - after, 0), -after):
        past = demand[:, :cut]
        earlier = _shifts_of(past, days, least)
        series = np.flatnonzero(earlier.is_shifted)
        if not len(series):
            continue
        lasted = _lasted(demand[series, : cut + after], cut, earlier.start[series], _BEFORE_DAYS // days)
        is_known = np.isfinite(lasted)
        is_season = abs(length - cut - year) <= after
        cases.append((lasted[is_known], earlier.ratio[series][is_known] > 1, is_season))
    return _shrunk(cases, is_up=True), _shrunk(cases, is_up=False)


def _lasted(demand: np.ndarray, cut: int, start: np.ndarray, before: int) -> np.ndarray:
    """Return the share of each series' change from ``start`` to ``cut`` that was left after ``cut``, NaN where unknown."""
    result = np.full(len(demand), np.nan)
    for row, (values, first) in enumerate(zip(demand, start, strict=True)):
        old, new, later = values[max(first - before, 0) : first], values[first:cut], values[cut:]
        if np.isfinite(later).any():
            change = float(np.nanmean(new) - np.nanmean(old))
            result[row] = np.clip((np.nanmean(later) - np.nanmean(old)) / change, -0.5, 1.5)
    return result


def _shrunk(cases: list[tuple[np.ndarray, np.ndarray, bool]], *, is_up: bool) -> float:
    year = [lasted[rises == is_up] for lasted, rises, _ in cases]
    season = [lasted[rises == is_up] for lasted, rises, is_season in cases if is_season]
    share = 1.0
    for group in (year, season):
        values = np.concatenate([*group, np.zeros(0)])
        share = float((values.sum() + _PRIOR_CASES * share) / (len(values) + _PRIOR_CASES))
    return share


def stopped_since(demand: np.ndarray, days: int) -> np.ndarray:
    """Return the column from which each series sells nothing, int32 (n_series); −1 where it sells on.

    A series has stopped where all that is known of it since then is zero, at least a week (three weeks of weekly data), and so many zeros
    are less likely than one in a million given the share of zeros in the 8 weeks before.

    Parameters
    ----------
    demand : float array (n_series, n_past)
        Units per period, NaN where unknown; the last column is the latest period.
    days
        Length of a period in days, 1 or 7.
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


def _shifts_of(demand: np.ndarray, days: int, least: float) -> LevelShifts:
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
    return LevelShifts(start, ratio, np.ones(n))


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
