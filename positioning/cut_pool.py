"""The cuts known of one sku, of which only those that mattered lately are searched on.

A few hundred evaluations leave a few thousand cuts, of which a search needs some dozens. Fewer cuts bound cost
from below as all do, so every bound stays valid; what a search finds is held against all of them, and those it
would break come back. Here: keeping and choosing cuts. Not here: what they say (``positioning.outline``).
"""

from __future__ import annotations

import numpy as np

from positioning.cuts import Rows

# A cut stays while an answer of one of so many of the last searches lay on it.
_IDLE_ANSWERS = 40
_ON_EUR = 1e-7


class CutPool:
    """All cuts of one sku, and how many searches ago each was the largest of its group."""

    def __init__(self, slope: np.ndarray, floor: np.ndarray) -> None:
        """Start with limits on shipments alone, rows ``slope`` (n, L) · units ≥ ``floor`` (n,), which always stay."""
        self._all = Rows(slope, floor, np.full(len(floor), -1), np.zeros(0, dtype="int64"))
        self._idle = np.zeros(len(floor), dtype="int64")
        self._chosen: Rows | None = None

    def add(self, slope: np.ndarray, floor: np.ndarray) -> None:
        """Add one cut per group, ``slope`` (n_groups, L) and ``floor`` (n_groups,)."""
        old, groups = self._all, np.arange(len(floor))
        self._all = Rows(
            np.concatenate([old.slope, slope]), np.concatenate([old.floor, floor]),
            np.concatenate([old.group, groups]), len(old.floor) + groups,
        )  # fmt: skip
        self._idle = np.concatenate([self._idle, np.zeros(len(groups), dtype="int64")])
        self._chosen = None

    def latest_summed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the cut on the whole cost that the groups' last ones make together: slope (1, L) and floor (1,)."""
        home = self._all.home
        return self._all.slope[home].sum(axis=0, keepdims=True), self._all.floor[home].sum(keepdims=True)

    def rows(self) -> Rows:
        """Return limits, the cuts added last and those that mattered lately."""
        if self._chosen is None:
            kept = np.flatnonzero(self._is_near())
            home = np.searchsorted(kept, self._all.home)
            self._chosen = Rows(self._all.slope[kept], self._all.floor[kept], self._all.group[kept], home)
        return self._chosen

    def recall(self, answers: np.ndarray) -> bool:
        """Note which cuts the ``answers`` (n, L) lie on; say whether any of them was not searched on."""
        group, n_groups = self._all.group, len(self._all.home)
        is_cut = group >= 0
        height = self._all.floor[is_cut, None] - self._all.slope[is_cut] @ answers.T
        was_near = self._is_near()[is_cut]
        on, is_broken = np.zeros(len(height), dtype=bool), False
        for of in range(n_groups):
            mine = np.flatnonzero(group[is_cut] == of)
            top = height[mine].max(axis=0)
            slack = _ON_EUR * np.maximum(1.0, np.abs(top))
            on[mine] = (height[mine] >= top - slack).any(axis=1)
            is_broken |= bool((height[mine[was_near[mine]]].max(axis=0) < top - slack).any())
        self._idle[is_cut] = np.where(on, 0, self._idle[is_cut] + 1)
        self._chosen = None
        return is_broken

    def _is_near(self) -> np.ndarray:
        near = (self._all.group < 0) | (self._idle < _IDLE_ANSWERS)
        near[self._all.home] = True
        return near
