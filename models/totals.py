"""Forecasts of region × hierarchy value totals, and top-down reconciliation: series are scaled toward them.

The forecast of a total is the mean of the model's forecast and of a regression that needs no training. Totals are smooth and have
years of history, so they are forecast more accurately than the series, and the accuracy is passed down. Factor per total and
period: (T ÷ ΣF)^λ, where T is the total's forecast and ΣF the sum of the series' means. Measured in docs/forecasting.md.

The regression is log-linear with a moving level. Demand is a level times effects of regressors that are known in advance: calendar, events with
the days around them, regional numbers. The level moves, as in exponential smoothing. Effects are estimated from the innovations of that level, so
that a change of level disturbs them for one period only. They are shrunk hierarchically: all totals → totals of a kind → single total. Nothing
depends on the unit of demand.

References
----------
Bates, Granger: The combination of forecasts, Operational Research Quarterly 20 (1969).
Hyndman et al.: Optimal combination forecasts for hierarchical time series, Computational Statistics & Data Analysis 55 (2011),
for top-down methods and their alternatives.
Hyndman, Koehler, Ord, Snyder: Forecasting with Exponential Smoothing, Springer 2008, chapter 9, for regressors in the local
level model.

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from foundation.matrix import TotalHistory, TotalMatrix
from models.forecaster import Forecaster

_REGRESSION_WEIGHT = 0.5
_STRENGTH = 0.9  # λ: 0 leaves the series as they are, 1 makes them add up to the total
_BOUND = 1.5  # factors stay within [1 / bound, bound]
_BASE_DAYS = 28
_SHORTEST_DAYS = 730  # a yearly season cannot be distinguished from a trend in less than two years
_YEAR_WEEKS = 52
_EFFECT_HALF_LIFE_DAYS = 730.0
_BURN_IN_DAYS = 30
_EFFECT_SMOOTHING = 0.1  # per day, of the level whose innovations the effects are estimated from
_LEVEL_SMOOTHING = (0.02, 0.05, 0.1)  # per day; the level of the forecast is the mean of the three
_FLOOR = 0.02  # smallest demand that enters a logarithm, relative to the mean of the last year
_LEAST_NOISE = 1e-3  # variance of log demand; less would let one smooth total decide for all
_OVER_ALL, _OF_KIND, _OF_TOTAL = 30.0, 300.0, 600.0  # factors of the prior precision at each step of shrinkage
_YEAR_DAYS, _WEEK_DAYS = 365.25, 7
_YEAR_WAVES, _MONTH_WAVES = 3, 4
_AROUND_EVENT = range(-5, 4)  # days before and after an event
_MOST_EVENTS = 40
_SATURDAY, _SUNDAY = 5, 6
# Prior precision of an effect, relative to the others: an effect of ±1 ÷ √precision is usual.
_WEEKDAY, _YEAR, _MONTH, _EVENT, _NUMBER = 0.3, 3.0, 3.0, 2.0, 0.3


def forecast_totals(
    forecasters: Sequence[Forecaster | None], totals: TotalMatrix | None, threads: int, days: int
) -> np.ndarray | None:
    """Return the forecasts of the totals in units, float64 (n_totals, n_steps); None where no model has any.

    They are the mean of the first such model's and the regression's forecasts, and the model's alone for totals that the regression
    does not forecast.

    Parameters
    ----------
    forecasters
        The fitted models; None has no forecast of totals.
    totals
        Every total × step of one forecast origin; None without totals.
    threads
        Threads a model may use.
    days
        Length of a period in days, 1 or 7.

    """
    if totals is None:
        return None
    of_models = (one.predict_totals(totals, threads) for one in forecasters if one is not None)
    modeled = next((one for one in of_models if one is not None), None)
    if modeled is None or totals.history is None:
        return modeled
    regression = regression_forecast(totals.history, days) * totals.scale[:, None]
    regression = np.where(totals.matrix.is_sold.reshape(modeled.shape), regression, 0.0)
    mixed = (1 - _REGRESSION_WEIGHT) * modeled + _REGRESSION_WEIGHT * regression
    return np.where(np.isfinite(regression), mixed, modeled)


def total_weights(totals: TotalMatrix, days: int) -> dict[str, float]:
    """Return the weight of the `model` and of the `regression` in the forecasts of totals, averaged over the totals."""
    share = 0.0 if totals.history is None else float(has_seasons(totals.history.demand, days).mean())
    return {"model": 1 - _REGRESSION_WEIGHT * share, "regression": _REGRESSION_WEIGHT * share}


def base_units(total: TotalMatrix) -> np.ndarray:
    """Return each row's recent level (n_rows), the mean of 28 days in scaled units; targets are learned relative to it."""
    names = total.matrix.names
    name = next(name for name in (f"mean_{_BASE_DAYS}", f"mean_{_BASE_DAYS // 7}") if name in names)
    return total.matrix.values[:, names.index(name)]


def reconcile(mean: np.ndarray, total: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return ``mean`` (n_series, n_steps) scaled toward ``total`` (n_totals, n_steps), both in units.

    ``code`` (n_series) is the position of each series' total, −1 for none; such series stay as they are.

    >>> reconcile(np.array([[1.0], [3.0]]), np.array([[4.0]]), np.array([0, 0]))
    array([[1.],
           [3.]])
    """
    inside = code >= 0
    added = np.zeros(total.shape)
    np.add.at(added, code[inside], mean[inside])
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where((added > 0) & (total > 0), (total / added) ** _STRENGTH, 1.0)
    factor = np.clip(factor, 1 / _BOUND, _BOUND)
    reconciled = mean.copy()
    reconciled[inside] *= factor[code[inside]]
    return reconciled


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
    first, after = start.astype("datetime64[D]"), (start + np.timedelta64(1, "M")).astype("datetime64[D]")
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


def has_seasons(demand: np.ndarray, days: int) -> np.ndarray:
    """Return which totals have two years from their first known period to the origin, bool (n_totals).

    ``demand`` (n_totals, n_past) is NaN where unknown; ``days`` is the length of a period, 1 or 7.
    """
    known = np.isfinite(demand)
    age = np.where(known.any(axis=1), demand.shape[1] - known.argmax(axis=1), 0)
    return np.asarray(age * days >= _SHORTEST_DAYS)


def regression_forecast(history: TotalHistory, days: int) -> np.ndarray:
    """Return the forecasts of the totals ÷ scale, float64 (n_totals, n_steps); NaN for totals with less than two years.

    ``days`` is the length of a period, 1 or 7.
    """
    n_past = history.demand.shape[1]
    result = np.full((len(history.demand), len(history.periods) - n_past), np.nan)
    used = np.flatnonzero(has_seasons(history.demand, days))
    if len(used):
        demand = history.demand[used].astype(np.float64)
        season = np.exp(_seasons(history, demand, used, days))
        result[used] = _level(demand, season[:, :n_past], days) * season[:, n_past:]
    return result


def _level(demand: np.ndarray, season: np.ndarray, days: int) -> np.ndarray:
    """Return the level of each total (n_totals, 1): smoothed demand ÷ smoothed season, the mean over three speeds.

    A ratio of sums is unbiased for the mean; the exponential of a mean of logarithms is not.
    """
    known = np.isfinite(demand)
    age = np.arange(demand.shape[1])[::-1] * days
    levels = [
        (np.where(known, demand, 0) @ weight) / (np.where(known, season, 0) @ weight)
        for weight in ((1 - smoothing) ** age for smoothing in _LEVEL_SMOOTHING)
    ]
    return np.asarray(np.mean(levels, axis=0)[:, None])


def _seasons(history: TotalHistory, demand: np.ndarray, used: np.ndarray, days: int) -> np.ndarray:
    """Return the sum of all effects on the log scale in every period, float64 (n_used, n_periods)."""
    n_past, region = demand.shape[1], history.region[used]
    known = np.isfinite(demand)
    change = _innovations(_relative_logs(demand, max(_WEEK_DAYS // days, 1)), days)
    weight = _row_weights(known, days)
    regressors = Regressors.of(history, days)
    gram = np.zeros((len(used), regressors.n, regressors.n))
    moment = np.zeros((len(used), regressors.n))
    for place in np.unique(region):
        inner = _innovations(regressors.of_region(place)[:n_past].T, days)
        for members in _same_rows(known, np.flatnonzero(region == place)):
            shared = weight[members[0]]
            moment[members] = (change[members] * shared) @ inner.T
            gram[members] = (inner * shared) @ inner.T
    energy = (weight * change**2).sum(axis=1)
    effects = _effects(_Equations(gram, moment, energy, weight.sum(axis=1)), regressors.prior, history.kind[used])
    return np.stack([regressors.of_region(place) @ row for place, row in zip(region, effects, strict=True)])


def _row_weights(known: np.ndarray, days: int) -> np.ndarray:
    """Return the weights (n_totals, n_past) of the innovations: 0 where unknown and while the level settles in."""
    age = np.arange(known.shape[1])
    recent = 0.5 ** (age[::-1] * days / _EFFECT_HALF_LIFE_DAYS)
    is_settled = age >= known.argmax(axis=1)[:, None] + _BURN_IN_DAYS // days
    return np.asarray(np.where(known & is_settled, recent, 0.0))


def _same_rows(known: np.ndarray, members: np.ndarray) -> list[np.ndarray]:
    """Return ``members`` in groups whose rows of ``known`` are equal."""
    _, group = np.unique(known[members], axis=0, return_inverse=True)
    group = group.reshape(-1)
    return [members[group == one] for one in range(group.max() + 1)]


def _relative_logs(demand: np.ndarray, lag: int) -> np.ndarray:
    """Return log(demand ÷ mean of the last year), (n_totals, n_past).

    Unknown periods hold the value of a week, ``lag`` periods, before, or the first known one, so that the level passes through them.
    """
    year = demand[:, -_YEAR_WEEKS * lag :]
    mean = np.nansum(year, axis=1) / np.maximum(np.isfinite(year).sum(axis=1), 1)
    relative = demand / np.where(mean > 0, mean, 1.0)[:, None]
    logs = np.log(np.maximum(relative, _FLOOR))
    known = np.isfinite(demand)
    source = np.where(known, np.arange(demand.shape[1]), -1)
    for column in np.flatnonzero(~known.all(axis=0)):
        before = source[:, column - lag] if column >= lag else -1
        source[:, column] = np.where(source[:, column] < 0, before, source[:, column])
    source = np.where(source < 0, known.argmax(axis=1)[:, None], source)
    return np.asarray(np.take_along_axis(logs, source, axis=1))


def _innovations(values: np.ndarray, days: int) -> np.ndarray:
    """Return each value minus the exponentially smoothed level before it, (n_rows, n_past); the first is 0."""
    keep = (1 - _EFFECT_SMOOTHING) ** days
    result, _ = lfilter([1.0, -1.0], [1.0, -keep], values, axis=1, zi=-values[:, :1])
    return np.asarray(result)


@dataclass(frozen=True)
class _Equations:
    """Normal equations of each total.

    ``gram`` (n_totals, n, n), ``moment`` (n_totals, n); of the innovations the weighted sum of squares ``energy`` (n_totals) and
    the sum of weights ``count`` (n_totals).
    """

    gram: np.ndarray
    moment: np.ndarray
    energy: np.ndarray
    count: np.ndarray

    def in_units_of_noise(self, effects: np.ndarray) -> _Equations:
        """Return the equations divided by the variance of what ``effects`` (n) leave unexplained."""
        explained = 2 * self.moment @ effects - np.einsum("i,tij,j->t", effects, self.gram, effects)
        variance = (self.energy - explained) / np.maximum(self.count, 1e-9)
        precision = np.where(
            self.energy > 0, 1 / np.maximum(variance, _LEAST_NOISE), 0.0
        )  # nothing is learned from a constant
        return _Equations(
            self.gram * precision[:, None, None], self.moment * precision[:, None], self.energy * precision, self.count
        )

    def solve(self, members: np.ndarray, penalty: np.ndarray, center: np.ndarray) -> np.ndarray:
        """Return the effects (n) that ``members`` share, shrunk toward ``center`` (n) with the precisions ``penalty`` (n)."""
        matrix = self.gram[members].sum(axis=0) + np.diag(penalty)
        return np.asarray(np.linalg.solve(matrix, self.moment[members].sum(axis=0) + penalty * center))


def _effects(raw: _Equations, prior: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return the effects of each total, (n_totals, n), shrunk toward those of its kind and of all totals."""
    every, zero = np.arange(len(kind)), np.zeros(len(prior))
    rough = raw.in_units_of_noise(zero).solve(every, _OVER_ALL * prior, zero)
    equations = raw.in_units_of_noise(rough)
    everyone = equations.solve(every, _OVER_ALL * prior, zero)
    result = np.empty_like(raw.moment)
    for one in np.unique(kind):
        members = np.flatnonzero(kind == one)
        center = equations.solve(members, _OF_KIND * prior, everyone)
        for member in members:
            result[member] = equations.solve(np.array([member]), _OF_TOTAL * prior, center)
    return result
