"""Scores of one origin, as frames: overall, and by level, segment, quantile, and series.

Not here: means over origins (``summary``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.backtest.levels import Grouping, groupings
from models.backtest.methods import GivenScales, Method, Outcome, Part
from models.backtest.metrics import Rows, bias, check, figures_of, rmsse, scaled_pinball, scales, wape, weighted

NEW_DAYS = 56
_YEAR_DAYS = 364
_CALIBRATED_KINDS = ("volume", "intermittency", "age")
_LONG_INTERVAL, _VARIED_SIZE = 1.32, 0.49  # Syntetos, Boylan & Croston, J. Oper. Res. Soc. 56, 2005


def segments(outcome: Outcome) -> pd.DataFrame:
    """Return the segment of each series (n_series), a column per kind of segment, all texts.

    Kinds: `region`, the hierarchy columns, `volume` (A: the top 80 % of money, B: up to 95%, C: the rest),
    `intermittency` (Syntetos–Boylan classes), `age` (new: fewer than 56 known days, young: fewer than 364, else old).
    """
    series = outcome.series
    frame = series[["region", *outcome.hierarchy]].astype("str").reset_index(drop=True)
    days = series["known_periods"].to_numpy() * outcome.period_days
    return frame.assign(
        volume=volume_class(outcome.money),
        intermittency=intermittency_class(outcome.history[:, -(_YEAR_DAYS // outcome.period_days) :]),
        age=np.select([days < NEW_DAYS, days < _YEAR_DAYS], ["new", "young"], "old").astype(object),
    )


def volume_class(money: np.ndarray) -> np.ndarray:
    """Return A, B or C of each series: a series is A while the money before it in rank is below 80 % of all.

    >>> volume_class(np.array([5.0, 80.0, 15.0]))
    array(['C', 'A', 'B'], dtype=object)
    """
    order = np.argsort(-money, kind="stable")
    before = np.empty(len(money))
    before[order] = np.cumsum(money[order]) - money[order]
    share = before / max(money.sum(), np.finfo(float).tiny)
    return np.select([share < 0.8, share < 0.95], ["A", "B"], "C").astype(object)


def intermittency_class(history: np.ndarray) -> np.ndarray:
    """Return the class of each row of ``history`` (n_series, n_periods), NaN where unknown.

    ADI is known periods ÷ periods with demand; CV² the squared coefficient of variation of the demands that
    are not zero. Smooth: ADI < 1.32 and CV² < 0.49; erratic: CV² ≥ 0.49; intermittent: ADI ≥ 1.32; lumpy: both.

    >>> list(intermittency_class(np.array([[1.0, 1, 1, 1], [1, 0, 0, 1], [9, 0, 0, 1], [0, 0, 0, 0]])))
    ['smooth', 'intermittent', 'lumpy', 'no demand']
    """
    sold = np.where(np.nan_to_num(history) > 0, history, np.nan)
    count = np.isfinite(sold).sum(axis=1)
    interval = np.isfinite(history).sum(axis=1) / np.maximum(count, 1)
    mean = np.nansum(sold, axis=1) / np.maximum(count, 1)
    variance = np.nansum((sold - mean[:, None]) ** 2, axis=1) / np.maximum(count, 1)
    varied = variance >= _VARIED_SIZE * mean**2
    rare = interval >= _LONG_INTERVAL
    kinds = [count == 0, rare & varied, rare, varied]
    return np.select(kinds, ["no demand", "lumpy", "intermittent", "erratic"], "smooth").astype(object)


@dataclass(frozen=True)
class Judged:
    """The scores of one origin; every frame has a column `origin`.

    Attributes
    ----------
    origin : the origin.
    overall : one row per `method`: `wrmsse`, `wspl` and the figures of ``figures_of_rows``.
    levels : `number`, `level`, `n_nodes`, `method`, `wrmsse`, `wspl`, `interval_coverage` (of the interval
        from the level nearest 2.5 % to the one nearest 97.5%).
    segments : `kind`, `segment`, `method` and figures.
    cells : `region`, `category` (the coarsest hierarchy column), `bias` of the judged method.
    coverage : `sum_days`, `method`, `level`, `coverage`, `coverage_randomised`, `n`.
    pit : `sum_days`, `pit_from`, `pit_to`, `share` of the judged method.
    calibration : `kind`, `segment`, `sum_days`, `level`, `coverage`, `coverage_randomised`, `n` of the judged method by volume,
        intermittency and age.
    parts : one row per `part` of the judged combination, itself first: `share`, `wrmsse`, `wape`, `bias`, `rmsse` of the mean.
    series : `region`, `sku`, `money_share`, `actual_units`, `mean_units`, `rmsse`, `baseline_rmsse`
        (the best baseline's of the origin).

    """

    origin: date
    overall: pd.DataFrame
    levels: pd.DataFrame
    segments: pd.DataFrame
    cells: pd.DataFrame
    coverage: pd.DataFrame
    pit: pd.DataFrame
    calibration: pd.DataFrame
    parts: pd.DataFrame
    series: pd.DataFrame


def judge(outcome: Outcome, given: GivenScales | None = None) -> Judged:
    """Return the scores of one origin; ``given`` replaces the weights and squared scales of the levels."""
    levels = by_level(outcome, given)
    scored = levels.groupby("method", sort=False)[["wrmsse", "wspl"]].mean()
    rows = {name: Rows.of(outcome, method) for name, method in outcome.methods.items()}
    overall = pd.DataFrame({name: scored.loc[name].to_dict() | figures_of(result) for name, result in rows.items()}).T
    coverage, pit = _calibration(outcome)
    best = scored["wrmsse"].iloc[1:].idxmin() if len(scored) > 1 else scored.index[0]
    frames = {
        "overall": overall.rename_axis("method").reset_index(),
        "levels": levels,
        "segments": _by_segment(outcome, rows),
        "cells": _cells(outcome, rows[next(iter(rows))]),
        "coverage": coverage,
        "pit": pit,
        "calibration": calibration_by_segment(outcome),
        "parts": by_part(outcome, given),
        "series": _by_series(outcome, str(best)),
    }
    day = pd.Timestamp(outcome.origin).as_unit("us")
    return Judged(outcome.origin, **{name: frame.assign(origin=day) for name, frame in frames.items()})


def by_level(outcome: Outcome, given: GivenScales | None) -> pd.DataFrame:
    """Return WRMSSE and weighted scaled pinball by level and method (M5: the score is their mean over levels)."""
    rows = []
    for grouping in groupings(outcome.series, outcome.hierarchy):
        ruler = _Ruler.of(outcome, grouping, given)
        for name, method in outcome.methods.items():
            rows.append(
                {"number": grouping.number, "level": grouping.name, "n_nodes": grouping.n_nodes, "method": name}
                | ruler.score(outcome, method)
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Ruler:
    """What one level is measured with: node weights, scales and actuals."""

    grouping: Grouping
    weight: np.ndarray
    squared: np.ndarray
    absolute: np.ndarray
    actual: np.ndarray

    @classmethod
    def of(cls, outcome: Outcome, grouping: Grouping, given: GivenScales | None) -> _Ruler:
        squared, absolute = scales(grouping.sums(np.nan_to_num(outcome.history)))
        weight = grouping.sums(outcome.money)
        if given is not None:
            weight, squared = given.of(grouping)
        is_known = np.isfinite(outcome.actual)
        actual = grouping.sums(np.nan_to_num(outcome.actual))
        actual[grouping.sums(is_known.astype(float)) == 0] = np.nan
        return cls(grouping, np.nan_to_num(weight), squared, absolute, actual)

    def score(self, outcome: Outcome, method: Method) -> dict[str, float]:
        is_known = np.isfinite(outcome.actual)
        quantiles = self._quantiles(method, is_known)
        loss = scaled_pinball(self.actual, quantiles, outcome.levels, self.absolute)
        low, high = outcome.level_index(0.025), outcome.level_index(0.975)
        inside = (self.actual >= quantiles[..., low]) & (self.actual <= quantiles[..., high])
        return {
            "wrmsse": self.wrmsse(outcome, method.mean),
            "wspl": weighted(loss, self.weight),
            "interval_coverage": float(inside[np.isfinite(self.actual)].mean()),
        }

    def wrmsse(self, outcome: Outcome, mean: np.ndarray) -> float:
        """Return the weighted score of ``mean`` (n_series, horizon)."""
        sums = self.grouping.sums(np.where(np.isfinite(outcome.actual), mean, 0.0))
        return weighted(rmsse(self.actual, sums, self.squared), self.weight)

    def _quantiles(self, method: Method, is_known: np.ndarray) -> np.ndarray:
        if not self.grouping.is_bottom:
            return method.spread.of_sums(self.grouping, is_known)
        return method.quantiles[np.argsort(self.grouping.code, kind="stable")]


def by_part(outcome: Outcome, given: GivenScales | None) -> pd.DataFrame:
    """Return the scores of the judged forecast and of each part of its combination; no row where it is no combination."""
    columns = ["part", "share", "wrmsse", "wape", "bias", "rmsse"]
    if not outcome.parts:
        return pd.DataFrame(columns=columns)
    name, judged = next(iter(outcome.methods.items()))
    rulers = [_Ruler.of(outcome, grouping, given) for grouping in groupings(outcome.series, outcome.hierarchy)]
    known, squared = np.isfinite(outcome.actual), scales(outcome.history)[0]
    actual = outcome.actual[known]
    rows = []
    for label, part in {name: Part(judged.mean, 1.0), **outcome.parts}.items():
        score = float(np.mean([ruler.wrmsse(outcome, part.mean) for ruler in rulers]))
        scaled = rmsse(outcome.actual, part.mean, squared)
        mean_score = float(np.nanmean(scaled)) if np.isfinite(scaled).any() else float("nan")
        mean = part.mean[known]
        rows.append((label, part.share, score, wape(actual, mean), bias(actual, mean), mean_score))
    return pd.DataFrame(rows, columns=columns)


def calibration_by_segment(outcome: Outcome) -> pd.DataFrame:
    """Return coverage and randomized coverage of the judged method by volume, intermittency and age (see ``Judged``)."""
    labels = segments(outcome)
    judged = next(iter(outcome.methods.values()))
    n_levels, tables = len(outcome.levels), []
    for days, actual, quantiles in _sums(outcome, judged):
        by_series = actual.reshape(len(labels), -1), quantiles.reshape(len(labels), -1, n_levels)
        for kind in _CALIBRATED_KINDS:
            for segment in sorted(labels[kind].unique()):
                members = (labels[kind] == segment).to_numpy()
                rows = by_series[0][members].reshape(-1), by_series[1][members].reshape(-1, n_levels)
                table, _ = check(*rows, outcome.levels, [outcome.origin.toordinal(), days])
                tables.append(table.assign(kind=kind, segment=segment, sum_days=days))
    order = ["kind", "segment", "sum_days", "level", "coverage", "coverage_randomised", "n"]
    return pd.concat(tables, ignore_index=True)[order]


def _by_segment(outcome: Outcome, rows: dict[str, Rows]) -> pd.DataFrame:
    labels = segments(outcome)
    result = []
    for kind in labels.columns.astype("str"):
        for segment in sorted(labels[kind].unique()):
            members = np.flatnonzero(labels[kind] == segment)
            for name, part in rows.items():
                result.append({"kind": kind, "segment": segment, "method": name} | figures_of(part.take(members)))
    return pd.DataFrame(result)


def _cells(outcome: Outcome, rows: Rows) -> pd.DataFrame:
    column = outcome.hierarchy[-1] if outcome.hierarchy else "sku"
    known = np.isfinite(rows.actual)
    totals = outcome.series[["region", column]].assign(
        actual=np.where(known, rows.actual, 0.0).sum(axis=1), mean=np.where(known, rows.mean, 0.0).sum(axis=1)
    )
    result = totals.groupby(["region", column], sort=True, observed=True).sum().reset_index()
    result = result.rename(columns={column: "category"})
    with np.errstate(invalid="ignore", divide="ignore"):
        return result.assign(bias=result["mean"] / result["actual"] - 1)[["region", "category", "bias"]]


def _calibration(outcome: Outcome) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return coverage of every method and the PIT histogram of the judged one, for periods and windows."""
    covered, histograms = [], []
    for place, (name, method) in enumerate(outcome.methods.items()):
        for days, actual, quantiles in _sums(outcome, method):
            seed = [outcome.origin.toordinal(), days]
            table, histogram = check(actual, quantiles, outcome.levels, seed)
            covered.append(table.assign(sum_days=days, method=name))
            if place == 0:
                histograms.append(histogram.assign(sum_days=days))
    return pd.concat(covered, ignore_index=True), pd.concat(histograms, ignore_index=True)


def _sums(outcome: Outcome, method: Method) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Return (days, actuals, quantiles) of single periods and of each window; a sum needs all its periods known."""
    flat = method.quantiles.reshape(-1, len(outcome.levels))
    windows = [
        (days, outcome.actual[:, : days // outcome.period_days].sum(axis=1), quantiles)
        for days, quantiles in method.windows.items()
    ]
    return [(outcome.period_days, outcome.actual.reshape(-1), flat), *windows]


def _by_series(outcome: Outcome, baseline: str) -> pd.DataFrame:
    squared, _ = scales(outcome.history)
    first = next(iter(outcome.methods.values()))
    is_known = np.isfinite(outcome.actual)
    money = outcome.money
    return outcome.series[["region", "sku"]].assign(
        money_share=money / max(money.sum(), np.finfo(float).tiny),
        actual_units=np.nansum(outcome.actual, axis=1),
        mean_units=np.where(is_known, first.mean, 0.0).sum(axis=1),
        rmsse=rmsse(outcome.actual, first.mean, squared),
        baseline_rmsse=rmsse(outcome.actual, outcome.methods[baseline].mean, squared),
    )
