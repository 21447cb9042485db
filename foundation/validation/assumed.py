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
from foundation.proximity import DISTANCE, ONE_HUB, lane_lengths, rank_deliveries
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


def _nearest_hub(given: Given) -> Iterator[Assumption]:
    """Regions whose delivery lanes do not all have a distance: their hubs are compared by another measure."""
    tables = given.tables
    ranked = rank_deliveries(tables["lanes"], tables["hubs"], tables["regions"])
    for basis, lanes in ranked[~ranked["basis"].isin([DISTANCE, ONE_HUB])].groupby("basis"):
        regions = lanes["region"].nunique()
        of_regions = f"{regions:,} {'region' if regions == 1 else 'regions'}"
        yield Assumption(
            f"nearest_hub_by_{str(basis).replace(' ', '_').replace('-', '_')}", "lanes", "distance_km", len(lanes),
            f"the nearest hub of {of_regions} is taken by {basis}",
            "local service, fill rates and expected demand by hub follow it",
        )  # fmt: skip


def _carbon_distance(given: Given) -> Iterator[Assumption]:
    """Lanes with an emission factor and no distance: their emission needs one."""
    lanes = given.tables["lanes"]
    if not given.has("lanes", "kg_co2e_per_t_km"):
        return
    lengths = lane_lengths(lanes, given.tables["hubs"], given.tables["regions"])
    emits = (lanes["kg_co2e_per_t_km"] > 0).fillna(False).to_numpy(dtype=bool) & lengths["given_km"].isna().to_numpy()
    is_known = lengths["km"].notna().to_numpy()
    for key, rows, assumed, effect in (
        ("carbon_by_great_circle", emits & is_known, "CO2e is computed on the great-circle distance", "CO2e and its price are low by the detour of the road"),
        ("carbon_unknown", emits & ~is_known, "CO2e of these lanes counts as 0", "CO2e and its price are too low"),
    ):  # fmt: skip
        if rows.any():
            yield Assumption(key, "lanes", "distance_km", int(rows.sum()), assumed, effect)


_LANE_COSTS = ("eur_per_unit", "eur_per_kg", "eur_per_load")
_RULES: tuple[Callable[[Given], Iterator[Assumption]], ...] = (_lane_cost, _nearest_hub, _carbon_distance)
