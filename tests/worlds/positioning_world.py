"""Small worlds for tests of positioning: tables and forecast frames built from a few dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from foundation.settings import Settings, quantile_columns
from positioning.inputs.problem import Problem, build_problem

AS_OF = date(2024, 1, 1)  # a Monday
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class World:
    """Rows of tables; ``demand`` is mean units per day by (sku, region)."""

    skus: Sequence[Mapping[str, Any]]
    hubs: Sequence[Mapping[str, Any]]
    lanes: Sequence[Mapping[str, Any]]
    stock: Mapping[tuple[str, str], int] = field(default_factory=dict)
    demand: Mapping[tuple[str, str], float] = field(default_factory=dict)
    more: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    positioning: Mapping[str, Any] = field(default_factory=dict)
    horizon: int = 14
    frequency: str = "D"

    def but(self, **changes: Any) -> World:
        """Return the world with some of its parts replaced."""
        return replace(self, **changes)

    @property
    def settings(self) -> Settings:
        """Settings with few scenarios, no churn penalty and no minimum benefit by default."""
        specified = {
            "scenarios": 12, "out_of_sample_scenarios": 60, "review_days": 3, "churn_eur_per_unit": 0.0,
            "min_benefit_eur": 0.0, "processes": 1, **self.positioning,
        }  # fmt: skip
        return Settings(
            horizon=self.horizon, frequency=self.frequency, forecast={"window_days": (7, 14)}, positioning=specified
        )

    def tables(self) -> Frames:
        """Return the input tables."""
        regions = sorted({region for _, region in self.demand} | _ends(self.lanes))
        stock = [
            {"date": AS_OF, "hub": hub, "sku": sku, "units_on_hand": units} for (hub, sku), units in self.stock.items()
        ]
        tables = {
            "skus": pd.DataFrame(self.skus), "hubs": pd.DataFrame(self.hubs), "lanes": pd.DataFrame(self.lanes),
            "regions": pd.DataFrame({"region": regions}),
            "stock": pd.DataFrame(stock, columns=["date", "hub", "sku", "units_on_hand"]),
        } | {name: pd.DataFrame(rows) for name, rows in self.more.items()}  # fmt: skip
        for frame in tables.values():
            for name in frame.columns:
                if name in ("date", "arrival_date", "as_of", "from_date", "frozen_until", "ship_date", "decided_on"):
                    frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
        return tables

    def forecasts(self) -> Frames:
        """Return forecast frames of Poisson demand."""
        start, period = pd.Timestamp(AS_OF).as_unit("us"), self.settings.grid.days
        keys = sorted(self.demand)
        days = [
            {
                "as_of": start,
                "date": start + pd.Timedelta(days=period * index),
                "region": region,
                "sku": sku,
                "mean_units": period * self.demand[sku, region],
            }
            for sku, region in keys
            for index in range(self.horizon)
        ]
        levels = self.settings.forecast.quantiles
        windows = [
            {
                "as_of": start,
                "region": region,
                "sku": sku,
                "window_days": length,
                "mean_units": length * self.demand[sku, region],
            }
            | dict.fromkeys(quantile_columns(levels), length * self.demand[sku, region])
            for sku, region in keys
            for length in self.settings.forecast.window_days
        ]
        tied = [
            {"as_of": start, "sku": sku, "day_correlation": 0.0, "region_correlation": 0.0}
            for sku in sorted({k for k, _ in keys})
        ]
        return {
            "forecast": pd.DataFrame(days, columns=["as_of", "date", "region", "sku", "mean_units"]),
            "forecast_window": pd.DataFrame(windows),
            "forecast_dependence": pd.DataFrame(tied),
        }

    def problem(self) -> Problem:
        """Return the problem as arrays."""
        tables = self.tables()
        return build_problem(tables, self.forecasts(), self.settings, AS_OF, tables.get("earlier"))

    def plan(self) -> Frames:
        """Return the plan's frames."""
        import positioning

        return positioning.plan(self.tables(), self.forecasts(), self.settings, AS_OF)


def day(ahead: int) -> date:
    """Return the day ``ahead`` days after the worlds' date."""
    return AS_OF + timedelta(days=ahead)


def sku(name: str = "k", **more: Any) -> dict[str, Any]:
    """Return a row of ``skus``: costs 4, sells for 10, loses 6, weighs 1 kg, takes 2 l."""
    return {"sku": name, "unit_cost_eur": 4.0, "unit_price_eur": 10.0, "mass_kg": 1.0, "volume_l": 2.0, **more}


def delivery(hub: str, region: str, eur: float = 1.0, days: int = 1, **more: Any) -> dict[str, Any]:
    """Return a delivery lane."""
    return _lane(f"{hub}>{region}", hub, region, "delivery", days) | {"eur_per_unit": eur, **more}


def transfer(origin: str, destination: str, eur: float = 0.1, days: int = 1, **more: Any) -> dict[str, Any]:
    """Return a transfer lane."""
    return _lane(f"{origin}>{destination}", origin, destination, "transfer", days) | {"eur_per_unit": eur, **more}


def supply(supplier: str, hub: str, eur: float = 0.1, days: int = 2, **more: Any) -> dict[str, Any]:
    """Return a supply lane."""
    return _lane(f"{supplier}>{hub}", supplier, hub, "supply", days) | {"eur_per_unit": eur, **more}


def _lane(name: str, origin: str, destination: str, kind: str, days: int) -> dict[str, Any]:
    return {"lane": name, "origin": origin, "destination": destination, "kind": kind, "lead_time_days": days}


def _ends(lanes: Sequence[Mapping[str, Any]]) -> set[str]:
    return {lane["destination"] for lane in lanes if lane["kind"] == "delivery"}


def weekly_world(seed: int) -> World:
    """Return a world of weeks drawn from ``seed``: lead times shorter than a week, no loads, no capacities."""
    draw = np.random.default_rng(seed)
    names, regions = (
        [f"k{index}" for index in range(int(draw.integers(3, 9)))],
        [f"R{index}" for index in range(int(draw.integers(2, 5)))],
    )
    hubs = ("H0", "H1")
    lanes = [
        delivery(hub, region, *((0.5, 1) if index == to % 2 else (2.0, 3)))
        for index, hub in enumerate(hubs) for to, region in enumerate(regions)
    ]  # fmt: skip
    lanes += [transfer("H0", "H1", 0.3), transfer("H1", "H0", 0.3), *(supply("S", hub, 0.2, 3) for hub in hubs)]
    return World(
        skus=[sku(name, unit_cost_eur=5.0 + index, unit_price_eur=10.0 + 2 * index) for index, name in enumerate(names)],
        hubs=[{"hub": hub, "holding_rate_per_year": 0.2} for hub in hubs], lanes=lanes,
        stock={(hub, name): 20 for hub in hubs for name in names},
        demand={(name, region): 2.0 + 2 * index for index, name in enumerate(names) for region in regions},
        more={"supply": [{"supplier": "S", "sku": name} for name in names]},
        positioning={"scenarios": 100, "review_days": 7, "seed": seed}, horizon=int(draw.integers(8, 13)), frequency="W-MON",
    )  # fmt: skip


def random_world(seed: int, n_skus: int = 6) -> World:
    """Return a small world drawn from ``seed``: 2–4 hubs, 2–4 regions, transfers, orders, loads, capacities."""
    draw = np.random.default_rng(seed)
    hubs = [f"H{i}" for i in range(int(draw.integers(2, 5)))]
    regions = [f"R{i}" for i in range(int(draw.integers(2, 5)))]
    names = [f"k{i}" for i in range(n_skus)]
    lanes = [
        delivery(hub, region, float(draw.uniform(0.5, 4)), int(draw.integers(1, 4)))
        for i, hub in enumerate(hubs) for j, region in enumerate(regions) if (i + j) % 2 == 0 or draw.random() < 0.5
    ]  # fmt: skip
    load = {
        "eur_per_load": float(draw.choice([0.0, 15.0, 40.0])),
        "load_l": 60.0,
        "loads_per_departure": float(draw.integers(1, 3)),
    }
    lanes += [
        transfer(a, b, 0.2, int(draw.integers(1, 4)), **load)
        for a in hubs
        for b in hubs
        if a != b and draw.random() < 0.6
    ]
    if draw.random() < 0.7:
        lanes += [supply("S", hub, 0.1, int(draw.integers(2, 6)), **load) for hub in hubs if draw.random() < 0.7]
    capacities = {
        "inbound_units_per_period": float(draw.integers(10, 40)),
        "outbound_units_per_period": float(draw.integers(5, 40)),
    }
    offers = [
        {
            "supplier": "S",
            "sku": name,
            "pack_units": int(draw.choice([1, 6])),
            "min_order_units": int(draw.choice([0, 12])),
        }
        for name in names
    ]
    return World(
        skus=[
            sku(name, pack_units=int(draw.choice([1, 2, 4])), unit_cost_eur=float(draw.uniform(1, 5))) for name in names
        ],
        hubs=[{"hub": hub, "storage_l": float(draw.integers(150, 900)), **capacities} for hub in hubs],
        lanes=lanes,
        stock={(hub, name): int(draw.integers(0, 30)) for hub in hubs for name in names if draw.random() < 0.7},
        demand={(name, region): float(draw.uniform(0, 2)) for name in names for region in regions},
        more={
            "supply": offers,
            "promises": [{"region": region, "promise_days": 2, "late_eur_per_unit": 1.0} for region in regions],
        },
        positioning={"scenarios": 5, "buckets": 3, "out_of_sample_scenarios": 20},
        horizon=14,
    )
