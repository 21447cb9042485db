"""KPIs of service: rates of the units demanded, and the days to delivery."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from positioning.simulation.kpi import Kpi, Replayed, ratio


def time_to_door_mean_days(lead_units: np.ndarray) -> float:
    """Return the mean days from order to delivery over units served; ``lead_units[d]`` units took d days."""
    return ratio(float(lead_units @ np.arange(len(lead_units))), float(lead_units.sum()))


def time_to_door_p95_days(lead_units: np.ndarray) -> float:
    """Return the fewest days within which at least 95% of the units served were delivered."""
    total = lead_units.sum()
    return float(np.argmax(lead_units.cumsum() >= 0.95 * total)) if total else float("nan")


def _share(count: str) -> Callable[[Replayed], float]:
    return lambda replayed: ratio(replayed.ledger.count(count), replayed.ledger.count("demanded"))


FILL_RATE = Kpi("unit_fill_rate", "Fill rate", "rate", _share("served"), order=10)
LOCAL_FILL_RATE = Kpi("local_fill_rate", "Served from the nearest hub", "rate", _share("local"), order=20)
PROMISE_HIT_RATE = Kpi("promise_hit_rate", "Delivered by the promised time", "rate", _share("on_time"), order=30)
MEAN_DAYS = Kpi(
    "time_to_door_mean_days", "Days to delivery, mean", "days",
    lambda replayed: time_to_door_mean_days(replayed.ledger.lead_units), 2, order=40,
)  # fmt: skip
P95_DAYS = Kpi(
    "time_to_door_p95_days", "Days to delivery, 95th percentile", "days",
    lambda replayed: time_to_door_p95_days(replayed.ledger.lead_units), 0, order=50,
)  # fmt: skip
REFUSED_UNITS = Kpi(
    "refused_units",
    "Requested units that did not fit",
    "units",
    lambda replayed: replayed.ledger.refused_units,
    0,
    order=120,
)
