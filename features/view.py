"""The view from one forecast origin.

Feature families receive a ``View`` alone, and a view gives only the past of its origin and what is known in advance, which
prevents leakage. Arrays of the past end with the period before the origin, so their last column is the most recent one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.panel import Panel
from foundation.seasonality import ratio, running_sums

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class View:
    """One forecast origin of a panel and the rows to describe.

    Attributes
    ----------
    panel
        The panel; families read its time-dependent arrays only through the methods below.
    origin
        Column of the origin: everything before it is known.
    members
        Codes of the series with rows, int32 (n_members).
    row
        Position of each row's series in ``members``, int32 (n_rows).
    period
        Column of each row's target period, int32 (n_rows), not before ``origin``.

    """

    panel: Panel
    origin: int
    members: np.ndarray
    row: np.ndarray
    period: np.ndarray

    @property
    def step(self) -> np.ndarray:
        """Periods ahead, int32 (n_rows); 1 for the period that starts at the origin."""
        return self.period - self.origin + 1

    @property
    def series(self) -> np.ndarray:
        """Series code of each row, int32 (n_rows)."""
        return self.members[self.row]

    @cached_property
    def past(self) -> Past:
        """Demand of the members before the origin."""
        return Past(self._tail(self.panel.demand[self.members, : self.origin]))

    def past_of(self, values: np.ndarray) -> Past:
        """Return the past of an array: its columns before the origin.

        Parameters
        ----------
        values : array (n, n_periods or more)
            Values by period.
        """
        return Past(self._tail(values[:, : self.origin]))

    def whole_past_of(self, values: np.ndarray) -> np.ndarray:
        """Return every column of an array before the origin, however long ago.

        Parameters
        ----------
        values : array (n, n_periods or more)
            Values by period.
        """
        return values[:, : self.origin]

    def past_of_totals(self) -> Past:
        """Return the past of the panel's totals, whose panel ends at the same period but begins at another one."""
        assert self.panel.totals is not None  # noqa: S101  (the caller checks it)
        totals = self.panel.totals.panel
        known = max(totals.n_history - self.panel.n_history + self.origin, 0)  # none where totals begin later
        return Past(self._tail(totals.demand[:, :known]))

    def _tail(self, values: np.ndarray) -> np.ndarray:
        return values[:, -self.lookback :]

    @property
    def lookback(self) -> int:
        """Periods of the longest window: a year and four weeks."""
        return self.panel.days(364) + self.panel.days(28)


class Past:
    """Windows that end just before an origin, over rows of known and unknown values.

    Statistics are over known values, and NaN for a window without any. Windows longer than the past are cut to it. Sums are
    differences of running sums, so many windows cost little.
    """

    def __init__(self, values: np.ndarray) -> None:
        """Take ``values`` float32 (n, n_past), NaN where unknown."""
        self.values = values
        self.n_past = values.shape[1]
        self.is_known = np.isfinite(values)
        self.filled = np.where(self.is_known, values, np.float32(0))

    @cached_property
    def _sums(self) -> np.ndarray:
        return running_sums(self.filled)

    @cached_property
    def _counts(self) -> np.ndarray:
        return running_sums(self.is_known)

    def known(self, length: int) -> np.ndarray:
        """Return how many of the last ``length`` periods are known, (n)."""
        return self._counts[:, -1] - self._counts[:, max(self.n_past - length, 0)]

    def last(self, lag: int) -> np.ndarray:
        """Return the value ``lag`` periods before the origin (1: the latest), float32 (n); NaN before the past."""
        return self.values[:, -lag] if lag <= self.n_past else np.full(len(self.values), np.nan, np.float32)

    def mean(self, length: int) -> np.ndarray:
        """Return the mean of the last ``length`` periods, float32 (n)."""
        start = max(self.n_past - length, 0)
        return ratio(self._sums[:, -1] - self._sums[:, start], self.known(length))

    def deviation(self, length: int) -> np.ndarray:
        """Return the standard deviation (population) of the last ``length`` periods, (n)."""
        tail = self.filled[:, -length:]
        square = ratio(np.einsum("ij,ij->i", tail, tail), self.known(length))
        return np.sqrt(np.maximum(square - self.mean(length) ** 2, 0))

    def nonzero_share(self, length: int) -> np.ndarray:
        """Return the share of known periods with demand among the last ``length``, (n)."""
        return ratio(np.count_nonzero(self.filled[:, -length:] > 0, axis=1), self.known(length))

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Return the weighted mean of each row, (n).

        Parameters
        ----------
        weights : float array (length)
            Weights of the periods; the last is the latest period's.
        """
        length = min(len(weights), self.n_past)
        tail = weights[len(weights) - length :].astype(np.float32)
        known = self.is_known[:, self.n_past - length :].astype(np.float32)
        return ratio(self.filled[:, self.n_past - length :] @ tail, known @ tail)

    def idle(self) -> np.ndarray:
        """Return periods since the last demand, float32 (n), 0 if the latest period had demand; NaN without demand in the past."""
        has_demand = self.filled[:, ::-1] > 0
        since = has_demand.argmax(axis=1)
        return np.where(has_demand[np.arange(len(has_demand)), since], since, np.nan).astype(np.float32)

    def by_phase(self, cycles: int, season: int) -> np.ndarray:
        """Return (n, season): means over the last ``cycles`` at each phase, phase 0 being the origin's."""
        n = len(self.values)
        cycles = min(cycles, self.n_past // season)
        if cycles == 0:
            return np.full((n, season), np.nan, np.float32)
        start, shape = self.n_past - cycles * season, (n, cycles, season)
        known = np.count_nonzero(self.is_known[:, start:].reshape(shape), axis=1)
        return ratio(self.filled[:, start:].reshape(shape).sum(axis=1), known)

    def around(self, center: np.ndarray, half_width: int) -> np.ndarray:
        """Return means over the columns center ± half_width, (n, n_centers); NaN where any lies outside.

        Parameters
        ----------
        center : int array (n_centers)
            Columns.
        half_width
            Columns on each side.
        """
        low, high = center - half_width, center + half_width + 1
        inside = (low >= 0) & (high <= self.n_past)
        return self.between(np.where(inside, low, 0), np.where(inside, high, 0))

    def between(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return means over the columns low to before high, (n, n_windows); NaN where none is known.

        Parameters
        ----------
        low, high : int array (n_windows)
            First column, inclusive, and last column, exclusive.
        """
        return ratio(self._sums[:, high] - self._sums[:, low], self._counts[:, high] - self._counts[:, low])


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part ÷ whole as float32; NaN where the whole is unknown or not positive.

    Parameters
    ----------
    part, whole : float array
        Arrays that broadcast together.
    """
    return ratio(part, np.nan_to_num(whole, nan=0.0))


def year_ago(view: View, past: Past) -> np.ndarray:
    """Return (n, horizon): the mean around 364 days before each target, over a week (weekly data: three).

    NaN where the window does not lie in the past.
    """
    year = view.panel.days(364)
    center = past.n_past + np.arange(view.panel.horizon) - year
    return past.around(center, 3 if view.panel.frequency.days == 1 else 1)
