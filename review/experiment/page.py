"""The page that compares runs: what differs between them, accuracy, calibration, bias, decision cost, replays.

Not here: how pictures are drawn (``pictures``).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from review.backtest.pictures import method_name, png
from review.experiment.pictures import bias_map, calibration_lines, level_lines, replay_lines
from review.plan.page import environment
from review.wording import NOTHING, Money, number, rate

Row = dict[str, Any]
OWN = "forestock"
_HEADLINE = (
    ("wrmsse", "WRMSSE", "score"), ("wspl", "Weighted scaled pinball", "score"), ("wape", "WAPE", "rate"), ("bias", "Bias", "rate"),
    ("coverage_950", "95 % interval covers", "rate"), ("order_cost_rate", "Order cost (decision)", "rate"), ("wrmsse_skill", "Better than the best baseline", "rate"),
)  # fmt: skip
_REPLAY = (
    ("value_eur", "Operating cost", "money"), ("closed", "Closed of what hindsight could win", "rate"), ("unit_fill_rate", "Units filled ÷ demanded", "rate"),
    ("local_fill_rate", "From the nearest hub ÷ demanded", "rate"), ("days_of_supply", "Days of supply", "score"), ("transfer_churn", "Units moved there and back", "rate"),
    ("kg_co2e_per_unit", "kg CO₂e per unit", "score"),
)  # fmt: skip
_SEGMENTS = 30


@dataclass(frozen=True)
class BacktestRun:
    """A backtest as recorded: texts and numbers by name, and its tables (`method` is the judged one first)."""

    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    levels: pd.DataFrame
    segments: pd.DataFrame
    coverage: pd.DataFrame


@dataclass(frozen=True)
class ReplayRun:
    """A replay as recorded: ``policies`` has a row per policy, ``days`` one per policy and date."""

    name: str
    params: Mapping[str, str]
    bound_eur: float
    policies: pd.DataFrame
    days: pd.DataFrame


@dataclass(frozen=True)
class ExperimentPage:
    """What the page shows; runs newest first, at most a handful of each."""

    pipeline: str
    currency: str
    backtests: Sequence[BacktestRun]
    replays: Sequence[ReplayRun]


def experiment_page(page: ExperimentPage) -> str:
    """Return the comparison as one HTML text that makes no request."""
    backtests, replays = list(page.backtests), list(page.replays)
    pictures = {caption: base64.b64encode(image).decode() for caption, image in _pictures(backtests, replays).items()}
    return environment().get_template("experiment.html.j2").render(
        page=page, letters=letters(len(backtests)), numerals=[str(place + 1) for place in range(len(replays))],
        differences=_differences([run.params for run in backtests]), headline=_headline(backtests), levels=_by_level(backtests),
        segments=_by_segment(backtests), replay_differences=_differences([run.params for run in replays]), replays=_replay_rows(replays, page.currency),
        pictures=pictures,
    )  # fmt: skip


def letters(count: int) -> list[str]:
    """Return A, B, C, … : what runs are called on the page."""
    return [chr(ord("A") + place) for place in range(count)]


def _pictures(backtests: list[BacktestRun], replays: list[ReplayRun]) -> dict[str, bytes]:
    names = letters(len(backtests))
    result = {}
    if backtests:
        result["Accuracy by level of the hierarchy, by run"] = png(
            level_lines(dict(zip(names, (run.levels for run in backtests), strict=True)))
        )
        result["Calibration by run"] = png(
            calibration_lines(dict(zip(names, (run.coverage for run in backtests), strict=True)))
        )
        result["Bias by segment and run"] = png(
            bias_map(dict(zip(names, (run.segments for run in backtests), strict=True)))
        )
    drawn = {str(place + 1): run.days for place, run in enumerate(replays) if len(run.days)}
    if drawn:
        bounds = {str(place + 1): run.bound_eur for place, run in enumerate(replays)}
        result["Replays: cost so far, stock and service by day, this policy, its baselines and the bound"] = png(
            replay_lines(drawn, bounds)
        )
    return result


def _differences(runs: list[Mapping[str, str]]) -> list[Row]:
    """Return the parameters that are not the same in all runs, with each run's value."""
    names = sorted({name for params in runs for name in params})
    rows = [{"name": name, "values": [params.get(name, NOTHING) for params in runs]} for name in names]
    return [row for row in rows if len(set(row["values"])) > 1]


def _headline(runs: list[BacktestRun]) -> list[Row]:
    return [
        {"name": text, "values": [_written(run.metrics.get(name), kind) for run in runs]}
        for name, text, kind in _HEADLINE
    ]


def _by_level(runs: list[BacktestRun]) -> list[Row]:
    """Return WRMSSE of the judged method by level, a value per run."""
    result: dict[tuple[float, str], list[str]] = {}
    for place, run in enumerate(runs):
        for row in judged(run.levels).to_dict("records"):
            values = result.setdefault((float(row["number"]), str(row["level"])), [NOTHING] * len(runs))
            values[place] = number(float(row["wrmsse"]), 3)
    return [{"name": f"{index:.0f} {level}", "values": values} for (index, level), values in sorted(result.items())]


def _by_segment(runs: list[BacktestRun]) -> list[Row]:
    """Return WAPE and bias of the judged method by segment, most demanded first, a pair per run."""
    result: dict[tuple[str, str], list[str]] = {}
    for place, run in enumerate(runs):
        for row in judged(run.segments).sort_values("actual_units", ascending=False, kind="stable").itertuples():
            values = result.setdefault((str(row.kind), str(row.segment)), [NOTHING] * len(runs))
            values[place] = f"{rate(row.wape)} / {rate(row.bias)}"  # type: ignore[arg-type] # numbers of a table
    return [
        {"name": f"{kind}: {segment}", "values": values} for (kind, segment), values in list(result.items())[:_SEGMENTS]
    ]


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the judged method, which stands first; an empty table stays empty."""
    return table[table["method"] == table["method"].iloc[0]] if len(table) else table


def _replay_rows(runs: list[ReplayRun], currency: str) -> list[Row]:
    """Return a row per figure and replay policy group: this policy's value beside the best of the others."""
    rows = []
    for name, text, kind in _REPLAY:
        values = []
        for run in runs:
            specified = run.policies[run.policies["policy"] == OWN]
            others = run.policies[run.policies["policy"] != OWN]
            best = others.loc[[int(others["value_eur"].to_numpy().argmin())]] if len(others) else others
            parts = [_written(part[name].iloc[0], kind, currency) if len(part) and name in part else NOTHING for part in (specified, best.reset_index(drop=True))]  # fmt: skip
            rival = method_name(str(best["policy"].iloc[0])) if len(best) else NOTHING
            values.append(f"{parts[0]} ({rival}: {parts[1]})")
        rows.append({"name": text, "values": values})
    return rows


def _written(value: float | None, kind: str, currency: str = "EUR") -> str:
    if value is None or pd.isna(value):
        return NOTHING
    return {"rate": rate, "money": Money(currency)}.get(kind, lambda given: number(given, 3))(float(value))  # type: ignore[operator] # writers of one number
