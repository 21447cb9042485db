"""Earlier forecasts beside what was then demanded, by region and segment.

Errors of every night in the window are added up; nothing is averaged over rates. WAPE = Σ|forecast − actual| ÷
Σ actual and bias = Σ(forecast − actual) ÷ Σ actual (Kolassa & Schütz 2007, Foresight 6). Not here: metrics of a backtest
(``models.backtest``), which weigh and scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

JUDGED = "forestock"
_WEEK_DAYS = 7
_CELL = ["method", "region", "segment"]
_SUMS = ["n_periods", "actual_units", "forecast_units", "error_units", "n_covered"]


@dataclass(frozen=True)
class Said:
    """What one method said at one night: means and an interval, float (n_series, n_periods), NaN where it said nothing."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Scored:
    """One night to score.

    ``series`` is a frame (n_series) with `region` and `segment`; ``actual`` float (n_series, n_periods), NaN where
    unknown; ``age_days`` (n_periods) counts from each period's first day to the day of monitoring, at least 1.
    """

    series: pd.DataFrame
    actual: np.ndarray
    age_days: np.ndarray
    methods: Mapping[str, Said]


def tally(night: Scored) -> pd.DataFrame:
    """Return sums by method, region, segment and `week` (0 is the latest) over what was said and is known."""
    frames = []
    week = (night.age_days - 1) // _WEEK_DAYS
    for method, parts in night.methods.items():
        row, period = np.nonzero(np.isfinite(night.actual) & np.isfinite(parts.mean))
        actual, mean = night.actual[row, period], parts.mean[row, period]
        cells = pd.DataFrame({
            "method": method, "region": night.series["region"].to_numpy(object)[row],
            "segment": night.series["segment"].to_numpy(object)[row], "week": week[period],
            "n_periods": 1, "actual_units": actual, "forecast_units": mean, "error_units": np.abs(mean - actual),
            "n_covered": (actual >= parts.low[row, period]) & (actual <= parts.high[row, period]),
        })  # fmt: skip
        frames.append(cells.groupby([*_CELL, "week"], as_index=False, sort=True)[_SUMS].sum())
    return pd.concat(frames, ignore_index=True)


def accuracy(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of the table `accuracy` (without `as_of`) from tallies of nights.

    A rate is null where nothing was demanded. `is_sustained`: at least two weeks have demand, and the forecast was
    off to the same side in each.
    """
    weekly = pd.concat([_no_tally(), *tallies]).groupby([*_CELL, "week"], as_index=False, sort=True)[_SUMS].sum()
    side = np.sign(weekly["forecast_units"].to_numpy() - weekly["actual_units"].to_numpy())
    weekly["side"] = np.where(weekly["actual_units"] > 0, side, np.nan)
    cells = weekly.groupby(_CELL, as_index=False, sort=True)
    frame = cells[_SUMS].sum()
    sides = cells["side"].agg(["min", "max", "count"])
    demanded = frame["actual_units"].where(frame["actual_units"] > 0)
    return pd.DataFrame({
        **{name: frame[name] for name in (*_CELL, "n_periods", "actual_units", "forecast_units")},
        "bias_rate": (frame["forecast_units"] - frame["actual_units"]) / demanded,
        "wape_rate": frame["error_units"] / demanded,
        "coverage_rate": frame["n_covered"] / frame["n_periods"],
        "is_sustained": (sides["count"] > 1) & (sides["min"] == sides["max"]) & (sides["min"] != 0),
    })  # fmt: skip


def overall(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `bias_rate`, `wape_rate` and `coverage_rate` of every method over all its cells, by method."""
    error = (rows["wape_rate"] * rows["actual_units"]).fillna(0.0)  # a cell without demand is forgiven its errors
    covered = rows["coverage_rate"] * rows["n_periods"]
    sums = rows.assign(error=error, covered=covered).groupby("method")[
        ["n_periods", "actual_units", "forecast_units", "error", "covered"]
    ].sum()  # fmt: skip
    demanded = sums["actual_units"].where(sums["actual_units"] > 0)
    return pd.DataFrame({
        "bias_rate": (sums["forecast_units"] - sums["actual_units"]) / demanded,
        "wape_rate": sums["error"] / demanded,
        "coverage_rate": sums["covered"] / sums["n_periods"],
    })  # fmt: skip


def best_baseline(rows: pd.DataFrame) -> str | None:
    """Return the baseline with the smallest WAPE over all cells, ties by name; None where there is none."""
    others = overall(rows[rows["method"] != JUDGED])["wape_rate"].dropna()
    return None if others.empty else str(others.idxmin())


def _no_tally() -> pd.DataFrame:
    texts = {name: pd.Series(dtype="str") for name in _CELL}
    return pd.DataFrame(
        texts | {"week": pd.Series(dtype="int64")} | {name: pd.Series(dtype="float64") for name in _SUMS}
    )
