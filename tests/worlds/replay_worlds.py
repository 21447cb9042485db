"""Small networks for replays: two hubs, two regions, numbers that can be worked by hand.

Hub A stands beside region X, hub B beside Y. Not here: the expected results (the tests).
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from foundation.settings import Settings
from positioning.simulation.engine import DecisionPoint, Game, decision_periods, read_game
from positioning.simulation.reading import read_network
from positioning.simulation.state import open_state
from positioning.simulation.world import read_demand

START = date(2024, 1, 1)  # a Monday
_LANES = [
    # lane, origin, destination, kind, lead_time_days, eur_per_unit, distance_km
    ("A>X", "A", "X", "delivery", 1, 1.0, 10.0),
    ("A>Y", "A", "Y", "delivery", 3, 2.0, 300.0),
    ("B>X", "B", "X", "delivery", 3, 2.0, 300.0),
    ("B>Y", "B", "Y", "delivery", 1, 1.0, 10.0),
    ("A>B", "A", "B", "transfer", 1, 0.5, 300.0),
    ("B>A", "B", "A", "transfer", 1, 0.5, 300.0),
    ("S>A", "S", "A", "supply", 2, 0.25, 500.0),
]
_LANE_COLUMNS = ["lane", "origin", "destination", "kind", "lead_time_days", "eur_per_unit", "distance_km"]


def tables(stock: dict[tuple[str, str], int], sales: dict[tuple[str, str], list[float]]) -> dict[str, pd.DataFrame]:
    """Return the tables of the network with a stock by (hub, sku) and sales by (region, sku) from the start.

    A sku costs 4 €, a lost sale 10 €, holding 0.1 € per day; promise 2 days, 1.5 € per late unit.
    """
    skus = sorted({sku for _, sku in stock} | {sku for _, sku in sales})
    sold = [
        {"date": pd.Timestamp(START) + pd.Timedelta(days=day), "region": region, "sku": sku, "units_sold": units}
        for (region, sku), row in sales.items()
        for day, units in enumerate(row)
    ]
    return {
        "hubs": pd.DataFrame({"hub": ["A", "B"]}),
        "regions": pd.DataFrame({"region": ["X", "Y"]}),
        "skus": pd.DataFrame({"sku": skus, "unit_cost_eur": 4.0, "lost_sale_eur": 10.0, "mass_kg": 2.0, "volume_l": 1.0, "holding_eur_per_unit_day": 0.1}),
        "lanes": pd.DataFrame(_LANES, columns=_LANE_COLUMNS),
        "promises": pd.DataFrame({"region": ["X", "Y"], "promise_days": 2, "late_eur_per_unit": 1.5}),
        "supply": pd.DataFrame({"supplier": "S", "sku": skus, "unit_cost_eur": 4.0}),
        "stock": pd.DataFrame([{"date": pd.Timestamp(START), "hub": hub, "sku": sku, "units_on_hand": units} for (hub, sku), units in stock.items()]),
        "sales": pd.DataFrame(sold),
    }  # fmt: skip


def settings(**positioning: object) -> Settings:
    """Return settings for the small network: no churn penalty by default."""
    return Settings(positioning={"churn_eur_per_unit": 0.0, "review_days": 1} | positioning)


def game(
    world: dict[str, pd.DataFrame], periods: int, specified: Settings | None = None, past_periods: int = 0
) -> Game:
    """Return the game of ``world`` over ``periods`` days, with decisions every day."""
    specified = specified or settings()
    network = read_network(world, specified, START, periods)
    demand = read_demand(world["sales"], network, past_periods)
    return read_game(
        network, demand, open_state(world, network, specified), decision_periods(periods, None, 1), specified
    )


def with_past(world: dict[str, pd.DataFrame], days: int, **daily: float) -> dict[str, pd.DataFrame]:
    """Return ``world`` with constant sales of sku k by region over ``days`` days before the start."""
    dates = pd.date_range(end=pd.Timestamp(START) - pd.Timedelta(days=1), periods=days)
    past = [
        pd.DataFrame({"date": dates, "region": region, "sku": "k", "units_sold": units})
        for region, units in daily.items()
    ]
    return world | {"sales": pd.concat([*past, world["sales"]], ignore_index=True)}


class Scripted:
    """A policy that sends given lines: (period, sku, lane, units)."""

    name = "scripted"

    def __init__(self, *lines: tuple[int, str, str, int]) -> None:
        self._lines = lines

    def decide(self, point: DecisionPoint) -> pd.DataFrame:
        """Return the lines of the period, leaving on its date."""
        rows = [line[1:] for line in self._lines if line[0] == point.period]
        frame = pd.DataFrame(rows, columns=["sku", "lane", "units"])
        return frame.assign(ship_date=pd.Timestamp(point.as_of))
