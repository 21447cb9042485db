"""How much a forecast moved from one origin to the next.

Not here: why it moved (``models.explain.movement``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.backtest.outcome import Outcome


@dataclass(frozen=True)
class Trace:
    """What of an origin is needed to compare it with the next: who, what was forecast, what was demanded.

    ``mean`` and ``actual`` are float64 (n_series, horizon) of the judged method; actual NaN where unknown.
    """

    origin: date
    period_days: int
    series: pd.MultiIndex
    mean: np.ndarray
    actual: np.ndarray

    @classmethod
    def of(cls, outcome: Outcome) -> Trace:
        """Return the trace of an outcome's judged method."""
        keys = pd.MultiIndex.from_frame(outcome.series[["region", "sku"]].astype("str"))
        judged = next(iter(outcome.methods.values()))
        return cls(outcome.origin, outcome.period_days, keys, judged.mean, outcome.actual)


def stability(before: Trace, after: Trace) -> dict[str, float]:
    """Return how the forecasts of two origins differ, on the series both have.

    `revision_rate`: Σ|f₂ − f₁| ÷ Σ f₁ over the periods both forecast; NaN where the origins lie a horizon or
    more apart. `movement_ratio`: Σ|F₂ − F₁| ÷ Σ|A₂ − A₁| of each series' total over the horizon: how much the
    forecast moved beside how much demand moved; above 1 it is nervous, near 0 it is deaf.
    """
    place = after.series.get_indexer(before.series)
    one, two = np.flatnonzero(place >= 0), place[place >= 0]
    apart = (after.origin - before.origin).days // before.period_days
    shared = max(before.mean.shape[1] - apart, 0)
    old, new = before.mean[one, apart:], after.mean[two, :shared]
    revision = np.abs(new - old).sum() / old.sum() if shared and old.sum() else np.nan
    demand_moved = np.abs(np.nansum(after.actual[two], axis=1) - np.nansum(before.actual[one], axis=1)).sum()
    moved = np.abs(after.mean[two].sum(axis=1) - before.mean[one].sum(axis=1)).sum()
    return {
        "revision_rate": float(revision),
        "movement_ratio": float(moved / demand_moved) if demand_moved else float("nan"),
    }
