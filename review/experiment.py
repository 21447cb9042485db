"""The page that compares backtests and replays of one pipeline, and its charts.

Here: differences in parameters, accuracy, calibration, bias and decision cost, and replays side by side. Not here: reading runs
(``models``), judging them (``models``, ``positioning``), charts of one run (``review.backtest``, ``review.replay``).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from foundation.wording import UNKNOWN, Money, number, rate
from review.charts import QUIET, blank, method_colors, method_name, png, styled
from review.plan.page import environment
from review.replay import KpiText

Row = dict[str, Any]
FORESTOCK = "forestock"
_HEADLINE = (
    ("wrmsse", "WRMSSE", "score"), ("wspl", "Weighted scaled pinball loss", "score"), ("wape", "WAPE", "rate"), ("bias", "Bias", "rate"),
    ("coverage_950", "95% interval coverage", "rate"), ("order_cost_rate", "Order cost (decision)", "rate"), ("wrmsse_skill", "Improvement over the best baseline", "rate"),
)  # fmt: skip
_SEGMENTS = 30
_CELLS = 24
_POLICIES: dict[str, tuple[str, float]] = {
    "forestock": ("-", 2.4),
    "nothing": (":", 1.2),
    "base_stock": ("-.", 1.0),
    "seasonal_naive": ("--", 1.0),
}
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class BacktestRun:
    """A recorded backtest: parameters and metrics by name, and tables whose first `method` is the judged one."""

    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    levels: pd.DataFrame
    segments: pd.DataFrame
    coverage: pd.DataFrame


@dataclass(frozen=True)
class ReplayRun:
    """A recorded replay: ``policies`` has one row per policy, ``days`` one per policy and date."""

    name: str
    params: Mapping[str, str]
    bound_eur: float
    policies: pd.DataFrame
    days: pd.DataFrame


@dataclass(frozen=True)
class ExperimentPage:
    """The data of the page; runs are given newest first, ``kpis`` are the KPIs of replays to show, in order."""

    pipeline: str
    currency: str
    backtests: Sequence[BacktestRun]
    replays: Sequence[ReplayRun]
    kpis: Sequence[KpiText] = ()


def experiment_page(page: ExperimentPage) -> str:
    """Return the comparison as one HTML text that makes no request."""
    backtests, replays = list(page.backtests), list(page.replays)
    pictures = {caption: base64.b64encode(image).decode() for caption, image in _pictures(backtests, replays).items()}
    return environment().get_template("experiment.html.j2").render(
        page=page, letters=letters(len(backtests)), numerals=[str(index + 1) for index in range(len(replays))],
        differences=_differences([run.params for run in backtests]), headline=_headline(backtests), levels=_by_level(backtests),
        segments=_by_segment(backtests), replay_differences=_differences([run.params for run in replays]), replays=_replay_rows(replays, page),
        pictures=pictures,
    )  # fmt: skip


def letters(count: int) -> list[str]:
    """Return A, B, C, …: the names of the runs on the page."""
    return [chr(ord("A") + index) for index in range(count)]


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
    drawn = {str(index + 1): run.days for index, run in enumerate(replays) if len(run.days)}
    if drawn:
        bounds = {str(index + 1): run.bound_eur for index, run in enumerate(replays)}
        result[
            "Replays: cumulative cost, stock and service by day of this policy and the baselines, with the lower bound"
        ] = png(replay_lines(drawn, bounds))
    return result


def _differences(runs: list[Mapping[str, str]]) -> list[Row]:
    """Return the parameters that differ between runs, with each run's value."""
    names = sorted({name for params in runs for name in params})
    rows = [{"name": name, "values": [params.get(name, UNKNOWN) for params in runs]} for name in names]
    return [row for row in rows if len(set(row["values"])) > 1]


def _headline(runs: list[BacktestRun]) -> list[Row]:
    return [
        {"name": text, "values": [_written(run.metrics.get(name), kind) for run in runs]}
        for name, text, kind in _HEADLINE
    ]


def _by_level(runs: list[BacktestRun]) -> list[Row]:
    """Return WRMSSE of the judged method by level, one value per run."""
    result: dict[tuple[float, str], list[str]] = {}
    for position, run in enumerate(runs):
        for row in judged(run.levels).to_dict("records"):
            values = result.setdefault((float(row["number"]), str(row["level"])), [UNKNOWN] * len(runs))
            values[position] = number(float(row["wrmsse"]), 3)
    return [{"name": f"{index:.0f} {level}", "values": values} for (index, level), values in sorted(result.items())]


def _by_segment(runs: list[BacktestRun]) -> list[Row]:
    """Return WAPE and bias of the judged method by segment, largest demand first, one pair per run."""
    result: dict[tuple[str, str], list[str]] = {}
    for position, run in enumerate(runs):
        for row in judged(run.segments).sort_values("actual_units", ascending=False, kind="stable").itertuples():
            values = result.setdefault((str(row.kind), str(row.segment)), [UNKNOWN] * len(runs))
            values[position] = f"{rate(row.wape)} / {rate(row.bias)}"  # type: ignore[arg-type] # numbers of a table
    return [
        {"name": f"{kind}: {segment}", "values": values} for (kind, segment), values in list(result.items())[:_SEGMENTS]
    ]


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the judged method, the first one; an empty table stays empty."""
    return table[table["method"] == table["method"].iloc[0]] if len(table) else table


def _replay_rows(runs: list[ReplayRun], page: ExperimentPage) -> list[Row]:
    """Return one row per figure: this policy's value and that of the least costly other policy, by replay."""
    figures: list[tuple[str, str, Callable[[float], str]]] = [
        ("value_eur", "Operating cost", Money(page.currency)), ("closed", "Share of the possible savings", rate)
    ]  # fmt: skip
    figures += [(kpi.name, kpi.label, kpi.text) for kpi in page.kpis]
    return [
        {"name": label, "values": [_beside_the_best(run.policies, name, text) for run in runs]}
        for name, label, text in figures
    ]


def _beside_the_best(policies: pd.DataFrame, name: str, text: Callable[[float], str]) -> str:
    judged_policy, others = policies[policies["policy"] == FORESTOCK], policies[policies["policy"] != FORESTOCK]
    best = others.loc[[int(others["value_eur"].argmin())]] if len(others) else others
    values = [text(rows[name].iloc[0]) if len(rows) and name in rows else UNKNOWN for rows in (judged_policy, best)]
    other = method_name(str(best["policy"].iloc[0])) if len(best) else UNKNOWN
    return f"{values[0]} ({other}: {values[1]})"


def _written(value: float | None, kind: str, currency: str = "EUR") -> str:
    if value is None or pd.isna(value):
        return UNKNOWN
    return {"rate": rate, "money": Money(currency)}.get(kind, lambda given: number(given, 3))(float(value))  # type: ignore[operator] # writers of one number


def level_lines(levels: Tables) -> Figure:
    """Return WRMSSE and scaled pinball loss by level, one line per run; tables have `number`, `level`, `method`, `wrmsse`, `wspl`."""
    figure = blank(11, 4.2)
    for axes, score, title in zip(
        figure.subplots(1, 2), ("wrmsse", "wspl"), ("WRMSSE", "Weighted scaled pinball loss"), strict=True
    ):
        for run, color in method_colors(list(levels)).items():
            rows = judged(levels[run]).sort_values("number") if len(levels[run]) else levels[run]
            if len(rows):
                axes.plot(rows["level"], rows[score], marker="o", color=color, label=run)
        styled(axes, f"{title} by level", "", "lower is better").set_ylim(bottom=0)
        axes.tick_params(axis="x", rotation=40)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    return figure


def calibration_lines(coverage: Tables) -> Figure:
    """Return observed against nominal quantile levels of single periods and of the longest windows, one line per run."""
    figure = blank(11, 4.4)
    for axes, which, title in zip(figure.subplots(1, 2), (0, -1), ("single periods", "longest window"), strict=True):
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--")
        for run, color in method_colors(list(coverage)).items():
            table = judged(coverage[run])
            if len(table):
                rows = table[table["sum_days"] == sorted(table["sum_days"].unique())[which]].sort_values("level")
                axes.plot(rows["level"], rows["coverage_randomised"], marker="o", markersize=4, color=color, label=run)
        styled(axes, f"Share of demand below each quantile, {title}", "quantile level", "share below (randomized)")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    return figure


def bias_map(segments: Tables) -> Figure:
    """Return bias by segment (rows, largest demand first) and run (columns); blue: forecast too low, red: too high."""
    wide = pd.DataFrame({run: judged(table).assign(name=lambda rows: rows["kind"] + ": " + rows["segment"].astype(str)).set_index("name")["bias"] for run, table in segments.items() if len(table)})  # fmt: skip
    first = judged(next(iter(segments.values())))
    order = (first["kind"] + ": " + first["segment"].astype(str))[first["actual_units"].sort_values(ascending=False, kind="stable").index]  # fmt: skip
    wide = wide.reindex(order.tolist()[:_CELLS])
    figure = blank(3.5 + 1.1 * max(len(wide.columns), 2), 1.4 + 0.3 * len(wide))
    axes = figure.subplots()
    values = 100 * wide.to_numpy("float64")
    limit = max(float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0, 1.0)
    axes.imshow(values, cmap="coolwarm", vmin=-2 * limit, vmax=2 * limit, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, "" if np.isnan(value) else f"{value:+.1f}", ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(wide.columns)), list(wide.columns))
    axes.set_yticks(range(len(wide)), list(wide.index))
    styled(axes, "Bias by segment and run, %").grid(visible=False)
    return figure


def replay_lines(days: Tables, bounds: Mapping[str, float]) -> Figure:
    """Return cumulative cost, stock and service by day since the start: one color per replay, one line style per policy.

    ``bounds`` is the lower bound on each replay's total cost, drawn as a horizontal line on the right half.
    """
    figure = blank(11, 7.6)
    money, stock, service = figure.subplots(3, 1, sharex=True)
    for run, color in method_colors(list(days)).items():
        for policy, (style, width) in _POLICIES.items():
            rows = days[run][days[run]["policy"] == policy].sort_values("date")
            if rows.empty:
                continue
            place = np.arange(1, len(rows) + 1)
            window = rows[["served", "demanded"]].rolling(7, min_periods=1).sum()
            served = 100 * window["served"] / window["demanded"].clip(lower=1e-9)
            label = f"{run} {method_name(policy)}"
            for axes, values in ((money, rows["eur"].cumsum()), (stock, rows["stock_units"]), (service, served)):
                axes.plot(
                    place,
                    values,
                    color=color,
                    linestyle=style,
                    linewidth=width,
                    label=label if axes is money else None,
                )
        length = days[run]["date"].nunique()
        money.plot(
            [length / 2, length],
            [bounds[run]] * 2,
            color=color,
            linewidth=3,
            alpha=0.35,
            label=f"{run} lower bound, whole replay",
        )
    styled(money, "Cumulative cost; lower is better").set_ylim(bottom=0)
    styled(stock, "Stock at the end of the day, units").set_ylim(bottom=0)
    styled(service, "Share of demand served, last seven days, %", "day of the replay")
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure
