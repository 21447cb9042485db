"""Scores of earlier forecasts against the demand that followed, by region and segment.

Errors of all runs in the window are summed before they are divided; rates are not averaged. WAPE = Σ|forecast − actual| ÷
Σ actual and bias = Σ(forecast − actual) ÷ Σ actual. Not here: metrics of a backtest (``models.backtest``), which weight
and scale.

References
----------
S. Kolassa and W. Schütz, "Advantages of the MAD/Mean Ratio over the MAPE", Foresight 6, 2007.

"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

FORESTOCK = "forestock"
_WEEK_DAYS = 7
_CELL = ["method", "region", "segment"]
_SUMS = ["n_periods", "actual_units", "forecast_units", "error_units", "n_covered"]


@dataclass(frozen=True)
class MethodForecast:
    """The forecast of one method at one origin, in units; NaN where the method has none.

    Attributes
    ----------
    mean
        Expected demand, float (n_series, n_periods).
    low, high
        Bounds of the 95% interval, both included, float (n_series, n_periods).

    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class ScoredRun:
    """An earlier run whose forecasts are scored.

    Attributes
    ----------
    series
        Frame (n_series) with `region` and `segment`.
    actual
        Units demanded, float (n_series, n_periods), NaN where unknown.
    age_days
        Days from the first day of each period to the day of monitoring, int (n_periods), at least 1.
    methods
        The forecast of each method by its name.

    """

    series: pd.DataFrame
    actual: np.ndarray
    age_days: np.ndarray
    methods: Mapping[str, MethodForecast]


def tally(run: ScoredRun) -> pd.DataFrame:
    """Return sums by method, region, segment and `week` (0 is the latest) over periods with a forecast and a known actual."""
    frames = []
    week = (run.age_days - 1) // _WEEK_DAYS
    for method, forecast in run.methods.items():
        row, period = np.nonzero(np.isfinite(run.actual) & np.isfinite(forecast.mean))
        actual, mean = run.actual[row, period], forecast.mean[row, period]
        cells = pd.DataFrame({
            "method": method, "region": run.series["region"].to_numpy(object)[row],
            "segment": run.series["segment"].to_numpy(object)[row], "week": week[period],
            "n_periods": 1, "actual_units": actual, "forecast_units": mean, "error_units": np.abs(mean - actual),
            "n_covered": (actual >= forecast.low[row, period]) & (actual <= forecast.high[row, period]),
        })  # fmt: skip
        frames.append(cells.groupby([*_CELL, "week"], as_index=False, sort=True)[_SUMS].sum())
    return pd.concat(frames, ignore_index=True)


def accuracy(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of the table `accuracy` (without `as_of`) from the tallies of runs.

    A rate is null without demand. `is_sustained` is true if at least two weeks have demand and the forecast erred to the
    same side in each of them.
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
    error = (rows["wape_rate"] * rows["actual_units"]).fillna(0.0)  # errors of a cell without demand do not count
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
    others = overall(rows[rows["method"] != FORESTOCK])["wape_rate"].dropna()
    return None if others.empty else str(others.idxmin())


def _no_tally() -> pd.DataFrame:
    texts = {name: pd.Series(dtype="str") for name in _CELL}
    return pd.DataFrame(
        texts | {"week": pd.Series(dtype="int64")} | {name: pd.Series(dtype="float64") for name in _SUMS}
    )
