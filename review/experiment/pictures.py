"""Charts that compare several runs: scores by level, calibration, bias by segment, replays by day.

Not here: charts of one run (``review.backtest``, ``review.replay``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from review.backtest.pictures import QUIET, blank, method_colors, method_name, styled

_CELLS = 24
_POLICIES: dict[str, tuple[str, float]] = {
    "forestock": ("-", 2.4),
    "nothing": (":", 1.2),
    "base_stock": ("-.", 1.0),
    "seasonal_naive": ("--", 1.0),
}
Tables = Mapping[str, pd.DataFrame]


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["method"] == table["method"].iloc[0]] if len(table) else table


def level_lines(levels: Tables) -> Figure:
    """Return WRMSSE and scaled pinball loss by level, one line per run; tables have `number`, `level`, `method`, `wrmsse`, `wspl`."""
    figure = blank(11, 4.2)
    for axes, score, title in zip(
        figure.subplots(1, 2), ("wrmsse", "wspl"), ("WRMSSE", "Weighted scaled pinball loss"), strict=True
    ):
        for run, color in method_colors(list(levels)).items():
            rows = _judged(levels[run]).sort_values("number") if len(levels[run]) else levels[run]
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
            table = _judged(coverage[run])
            if len(table):
                rows = table[table["sum_days"] == sorted(table["sum_days"].unique())[which]].sort_values("level")
                axes.plot(rows["level"], rows["coverage_randomised"], marker="o", markersize=4, color=color, label=run)
        styled(axes, f"Share of demand below each quantile, {title}", "quantile level", "share below (randomized)")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    return figure


def bias_map(segments: Tables) -> Figure:
    """Return bias by segment (rows, largest demand first) and run (columns); blue: forecast too low, red: too high."""
    wide = pd.DataFrame({run: _judged(table).assign(name=lambda rows: rows["kind"] + ": " + rows["segment"].astype(str)).set_index("name")["bias"] for run, table in segments.items() if len(table)})  # fmt: skip
    first = _judged(next(iter(segments.values())))
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
