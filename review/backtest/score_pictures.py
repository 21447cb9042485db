"""Pictures of scores: by level, by origin, calibration, bias by region and category.

Not here: what the model learned from, or single series (``evidence_pictures``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from review.backtest.style import JUDGED, QUIET, blank, calm, method_colours, method_name

_MOST_CELLS = 40


def level_picture(levels: pd.DataFrame) -> Figure:
    """Return WRMSSE and weighted scaled pinball by level, every method with its ± sd over origins.

    ``levels`` has `number`, `level`, `n_nodes`, `method` (the judged first), `wrmsse`, `wspl` and their `_sd`.
    """
    names = levels.drop_duplicates("number").sort_values("number")
    figure = blank(11, 1.6 + 0.42 * len(names))
    left, right = figure.subplots(1, 2, sharey=True)
    _dots(left, levels, "wrmsse", "Mean forecasts: WRMSSE by level")
    _dots(right, levels, "wspl", "Quantiles: weighted scaled pinball by level")
    labels = [f"{row.number}  {row.level} ({row.n_nodes:.0f})" for row in names.itertuples()]
    left.set_yticks(range(len(names)), labels)
    left.invert_yaxis()
    handles, texts = left.get_legend_handles_labels()
    figure.legend(handles[::-1], texts[::-1], loc="outside lower center", ncols=4, frameon=False)
    return figure


def _dots(axes: Axes, levels: pd.DataFrame, score: str, title: str) -> None:
    methods = list(dict.fromkeys(levels["method"]))
    colours = method_colours(methods)
    for order, method in reversed(list(enumerate(methods))):
        rows = levels[levels["method"] == method].sort_values("number")
        place = np.arange(len(rows)) + 0.15 * order  # beside one another, so that none is hidden
        spread = np.nan_to_num(rows[f"{score}_sd"].to_numpy(float))
        is_judged = method == methods[0]
        axes.errorbar(
            rows[score], place, xerr=spread, fmt="o", color=colours[method], label=method_name(method),
            markersize=8 if is_judged else 5, linewidth=1.6 if is_judged else 0.8, alpha=1 if is_judged else 0.85,
            zorder=3 if is_judged else 2,
        )  # fmt: skip
    calm(axes, title, "lower is better; bars: ± 1 sd over origins")
    axes.set_xlim(left=0)


def origin_picture(origins: pd.DataFrame) -> Figure:
    """Return WRMSSE and bias of every method at each origin; ``origins`` has `origin`, `method`, `wrmsse`, `bias`."""
    figure = blank(11, 3.4)
    left, right = figure.subplots(1, 2)
    methods = list(dict.fromkeys(origins["method"]))
    for method, colour in method_colours(methods).items():
        rows = origins[origins["method"] == method].sort_values("origin")
        day = rows["origin"].dt.strftime("%Y-%m-%d")
        width = 2.4 if method == methods[0] else 1.2
        left.plot(day, rows["wrmsse"], marker="o", color=colour, linewidth=width, label=method_name(method))
        right.plot(day, 100 * rows["bias"], marker="o", color=colour, linewidth=width)
    calm(left, "WRMSSE by origin", "origin").set_ylim(bottom=0)
    calm(right, "Bias by origin", "origin", "forecast ÷ demand − 1, %").axhline(0, color=QUIET, linewidth=0.8)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def calibration_picture(coverage: pd.DataFrame, pit: pd.DataFrame, period_days: int) -> Figure:
    """Return nominal against observed coverage for periods and windows, and the PIT histogram of periods.

    ``coverage`` has `sum_days`, `level`, `coverage_randomised` of the judged method; ``pit`` has `sum_days`,
    `pit_from`, `pit_to`, `share`.
    """
    figure = blank(11, 4.4)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--", label="perfect")
    for place, (days, rows) in enumerate(coverage.groupby("sum_days", sort=True)):
        name = "one period" if days == period_days else f"sum of {days} days"
        colour = list(method_colours(["judged", *"abcde"]).values())[place % 6]
        left.plot(rows["level"], rows["coverage_randomised"], marker="o", markersize=4, color=colour, label=name)
    calm(left, "Do quantiles hold? Share of demand below each", "quantile level", "share of demand below (randomised)")
    left.set(xlim=(0, 1), ylim=(0, 1))
    left.legend(frameon=False, loc="upper left")
    rows = pit[pit["sum_days"] == period_days]
    width = rows["pit_to"] - rows["pit_from"]
    right.bar(rows["pit_from"], rows["share"], width=width, align="edge", color=JUDGED, edgecolor="white")
    right.axhline(1 / len(rows), color=QUIET, linewidth=0.8, linestyle="--")
    calm(right, "Randomised PIT of periods: flat is right", "where demand fell in the forecast law", "share of rows")
    return figure


def bias_picture(cells: pd.DataFrame) -> Figure:
    """Return bias by region and category as a heat map; of more than 40 regions the 40 most biased are shown.

    ``cells`` has `region`, `category`, `bias`; red is too much forecast, blue too little.
    """
    table = cells.pivot(index="region", columns="category", values="bias").astype(float)
    if len(table) > _MOST_CELLS:
        table = table.loc[table.abs().max(axis=1).nlargest(_MOST_CELLS).index.sort_values()]
    figure = blank(2.8 + 1.1 * len(table.columns), 1.6 + 0.3 * len(table))
    axes = figure.subplots()
    limit = max(float(np.nanquantile(np.abs(table.to_numpy()), 0.9)), 0.05)
    shown = axes.imshow(table, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    for y, x in np.argwhere(np.isfinite(table.to_numpy())):
        value = float(table.to_numpy()[y, x])
        colour = "white" if abs(value) > 0.7 * limit else "black"
        axes.text(x, y, f"{value:+.0%}", ha="center", va="center", fontsize=8, color=colour)
    calm(axes, "Bias by region and category").grid(False)
    axes.set_xticks(range(len(table.columns)), table.columns, rotation=30 if len(table.columns) > 5 else 0)
    axes.set_yticks(range(len(table)), table.index)
    figure.colorbar(shown, ax=axes, format=lambda v, _: f"{v:+.0%}", label="forecast ÷ demand − 1", shrink=0.8)
    return figure
