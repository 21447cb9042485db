"""Defaults that decide a plan where the input is silent, each found by one small function.

Here: which columns and tables are silent and what is taken instead. Not here: how an assumption is written or
shown (``foundation.assumptions``), doubts about what the input does say (the other modules of this package).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from foundation.assumptions import Assumption
from foundation.settings import Settings


@dataclass(frozen=True)
class Given:
    """What the user provides for one run: validated tables by name, and the settings."""

    tables: Mapping[str, pd.DataFrame]
    settings: Settings

    def has(self, table: str, *columns: str) -> bool:
        """Say whether ``table`` is provided with rows and has all ``columns``."""
        return table in self.tables and len(self.tables[table]) > 0 and set(columns) <= set(self.tables[table].columns)

    def empty(self, table: str, column: str) -> np.ndarray:
        """Return a boolean per row of ``table``: ``column`` is absent or null there."""
        frame = self.tables[table]
        return frame[column].isna().to_numpy() if column in frame else np.ones(len(frame), dtype=bool)


def assumptions(tables: Mapping[str, pd.DataFrame], settings: Settings, needs: str) -> Iterator[Assumption]:
    """Yield the defaults that a run on ``tables`` takes; ``needs`` is ``forecast`` or ``rebalance``."""
    given = Given(tables, settings)
    for rule in _RULES if needs == "rebalance" else ():
        yield from rule(given)


def _lane_cost(given: Given) -> Iterator[Assumption]:
    """No cost column of a transfer or supply lane is filled in: moving goods costs nothing."""
    moving = given.tables["lanes"]["kind"].isin(given.settings.positioning.kinds).to_numpy()
    for kind, effect in (
        ("transfer", "moving units between hubs costs only positioning.churn_eur_per_unit"),
        ("supply", "ordering costs no transport"),
        ("delivery", "a farther hub delivers as cheaply as the nearest"),
    ):
        is_kind = (given.tables["lanes"]["kind"] == kind).to_numpy() & (moving | (kind == "delivery"))
        silent = is_kind & np.logical_and.reduce([given.empty("lanes", name) for name in _LANE_COSTS])
        if silent.any():
            yield Assumption(
                f"{kind}_lane_cost", "lanes", "eur_per_unit", int(silent.sum()),
                f"{kind} lanes without eur_per_unit, eur_per_kg and eur_per_load count as free", effect,
            )  # fmt: skip


_LANE_COSTS = ("eur_per_unit", "eur_per_kg", "eur_per_load")
_RULES: tuple[Callable[[Given], Iterator[Assumption]], ...] = (_lane_cost,)
