"""Means and standard deviations over origins, and the result in one sentence.

Not here: scores of one origin (``judge``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.backtest.judge import Judged
from models.backtest.methods import Outcome
from models.backtest.promotion import sign_flip_p_value


@dataclass(frozen=True)
class Summary:
    """A backtest over its origins.

    Attributes
    ----------
    overall : one row per `method`: every figure's mean and `<figure>_sd` over origins.
    origins : one row per `origin` and `method`, the figures themselves.
    levels, segments, coverage, cells, pit, calibration, parts : as in ``Judged``, means over origins with `_sd` where it is a score.
    series : one row per region and SKU, means over origins; largest `lost_to_baseline` first.
    headline : the result in one sentence, the comparison with the best baseline first.

    """

    overall: pd.DataFrame
    origins: pd.DataFrame
    levels: pd.DataFrame
    segments: pd.DataFrame
    coverage: pd.DataFrame
    cells: pd.DataFrame
    pit: pd.DataFrame
    calibration: pd.DataFrame
    parts: pd.DataFrame
    series: pd.DataFrame
    headline: str

    @property
    def judged(self) -> pd.Series:
        """The row of the judged method."""
        return self.overall.iloc[0]

    @property
    def best_baseline(self) -> pd.Series:
        """The row of the baseline with the lowest WRMSSE; the judged method's own if there is none."""
        others = self.overall.iloc[1:]
        return others.iloc[int(others["wrmsse"].argmin())] if len(others) else self.judged


def summarize(judged: Sequence[Judged]) -> Summary:
    """Return the summary of one or more origins; a standard deviation needs two, else it is NaN."""
    origins = pd.concat([one.overall for one in judged], ignore_index=True)
    overall = _over_origins(origins, ["method"])
    series = pd.concat([one.series for one in judged]).groupby(["region", "sku"], sort=True)
    frames = {
        "levels": _over_origins(_all(judged, "levels"), ["number", "level", "method"]),
        "segments": _over_origins(_all(judged, "segments"), ["kind", "segment", "method"]),
        "coverage": _over_origins(_all(judged, "coverage"), ["sum_days", "method", "level"]),
        "cells": _over_origins(_all(judged, "cells"), ["region", "category"]),
        "pit": _over_origins(_all(judged, "pit"), ["sum_days", "pit_from", "pit_to"]),
        "calibration": _over_origins(_all(judged, "calibration"), ["kind", "segment", "sum_days", "level"]),
        "parts": _over_origins(_all(judged, "parts"), ["part"]),
        "series": _ranked(series.mean(numeric_only=True).reset_index()),
    }
    result = Summary(overall=overall, origins=origins, **frames, headline="")
    return Summary(**{**vars(result), "headline": _headline(result)})


def _all(judged: Sequence[Judged], name: str) -> pd.DataFrame:
    return pd.concat([getattr(one, name) for one in judged], ignore_index=True)


def _over_origins(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the mean of every number by ``keys`` in order of appearance, with `_sd` of what varies."""
    grouped = frame.drop(columns="origin").groupby(keys, sort=False)
    mean, spread = grouped.mean(), grouped.std(ddof=1)
    names = [str(name) for name in mean.columns]
    counted = [name for name in names if name.startswith("n_") or name in ("n", "actual_units")]
    result = mean.join(spread.drop(columns=counted).add_suffix("_sd"))
    order = [name for column in names for name in (column, f"{column}_sd") if name in result]
    return result[order].reset_index()


def _ranked(series: pd.DataFrame) -> pd.DataFrame:
    """Return the series with `lost_to_baseline`, money share × (RMSSE − the baseline's), largest first."""
    lost = series["money_share"] * (series["rmsse"] - series["baseline_rmsse"])
    return series.assign(lost_to_baseline=lost).sort_values("lost_to_baseline", ascending=False, ignore_index=True)


def _headline(summary: Summary) -> str:
    selected, other = summary.judged, summary.best_baseline
    by_origin = summary.origins.pivot(index="origin", columns="method", values="wrmsse")
    n = len(by_origin)
    if selected["method"] == other["method"]:
        return f"WRMSSE {selected['wrmsse']:.3f} over {n} origins."
    change = (by_origin[selected["method"]] - by_origin[other["method"]]).to_numpy(float)
    gain = 1 - selected["wrmsse"] / other["wrmsse"]
    word = "Better than" if gain > 0 else "Not better than"
    return (
        f"{word} the best baseline, {str(other['method']).replace('_', ' ')}: WRMSSE {_spread(selected, 'wrmsse')} against "
        f"{_spread(other, 'wrmsse')} ({-gain:+.1%}), better on {int((change < 0).sum())} of {n} origins "
        f"(paired p = {sign_flip_p_value(change):.3f}); bias {selected['bias']:+.1%}"
        f"{_interval(selected)}; an order made on it costs {_saved(selected, other)}."
    )


def _spread(row: pd.Series, name: str) -> str:
    spread = row[f"{name}_sd"]
    return f"{row[name]:.3f}" if not np.isfinite(spread) else f"{row[name]:.3f} ± {spread:.3f}"


def _interval(row: pd.Series) -> str:
    return f", 95 % interval covers {row['coverage_950']:.1%}" if "coverage_950" in row else ""


def _saved(judged: pd.Series, other: pd.Series) -> str:
    change = judged["order_cost_rate"] / other["order_cost_rate"] - 1
    return f"{abs(change):.0%} {'less' if change < 0 else 'more'} than on the baseline"


@dataclass(frozen=True)
class Trace:
    """What the comparison of an origin with the next one needs: the series, their forecasts and their demand.

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
    forecast moved next to how much demand moved; above 1 the forecast moves more than demand, near 0 it does not react.
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
