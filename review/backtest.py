"""The report of a backtest and its charts: one HTML text that needs no network, and matplotlib figures.

Charts: scores by level and origin, calibration, bias, feature importance, single series. Not here: the computation of scores
(``models``), records in MLflow (``models.tracking``).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foundation.wording import UNKNOWN, number, rate
from review.charts import INK, JUDGED, QUIET, blank, method_colors, method_name, styled

# column of `overall`, label, format, explanation
_FIGURES = (
    (
        "wrmsse",
        "WRMSSE",
        "score",
        "squared error scaled by the series' period-to-period changes, weighted by revenue, mean over levels",
    ),
    ("wspl", "Weighted scaled pinball", "score", "pinball loss of all quantiles, scaled and weighted in the same way"),
    ("wape", "WAPE", "rate", "absolute error ÷ demand, by region × SKU × period"),
    ("bias", "Bias", "rate", "forecast ÷ demand − 1"),
    ("rmsse", "RMSSE", "score", "scaled error, mean over series"),
    ("wql", "Weighted quantile loss", "score", "2 Σ pinball ÷ Σ demand, by region × SKU"),
    (
        "coverage_950",
        "95% interval coverage",
        "rate",
        "share of demand inside the interval; 95% is ideal, periods without demand raise it",
    ),
    ("order_cost_rate", "Order cost", "rate", "cost of units short and left over ÷ value of demand, longest window"),
)
_MOST_CELLS = 40


_SHOWN_LEVELS = (0.025, 0.5, 0.835, 0.975)


@dataclass(frozen=True)
class BacktestPage:
    """The data of the report.

    Attributes
    ----------
    title, conclusion
        Heading, and the result in one sentence.
    facts
        Text by name, shown below the heading.
    overall, levels, segments, parts, calibration
        Scores as in a summary of a backtest, with the standard deviation over origins in `_sd` columns.
    pictures
        PNG by caption.
    notes
        Sentences for the reader.
    """

    title: str
    conclusion: str
    facts: Mapping[str, str]
    overall: pd.DataFrame
    levels: pd.DataFrame
    segments: pd.DataFrame
    parts: pd.DataFrame
    calibration: pd.DataFrame
    pictures: Mapping[str, bytes]
    notes: Sequence[str]


def backtest_page(page: BacktestPage) -> str:
    """Return the report as one HTML text; it makes no request."""
    environment = Environment(
        loader=PackageLoader("review"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pictures = {caption: base64.b64encode(image).decode() for caption, image in page.pictures.items()}
    methods = [method_name(name) for name in page.overall["method"]]
    return environment.get_template("backtest.html.j2").render(
        page=page, pictures=pictures, methods=methods, figures=_figure_rows(page.overall), levels=_level_rows(page.levels),
        segments=_segment_rows(page.segments), parts=_part_rows(page.parts), levels_shown=_SHOWN_LEVELS,
        calibration=_calibration_rows(page.calibration),
    )  # fmt: skip


def _written(row: pd.Series, name: str, kind: str) -> str:
    """Return a figure as text, with its standard deviation over forecast origins where it is known."""
    if name not in row or pd.isna(row[name]):
        return UNKNOWN
    write = (lambda value: rate(value)) if kind == "rate" else (lambda value: number(value, 3))
    spread = row.get(f"{name}_sd")
    return write(row[name]) if spread is None or pd.isna(spread) else f"{write(row[name])} ± {write(spread)}"


def _figure_rows(overall: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {"name": title, "text": text, "values": [_written(row, name, kind) for _, row in overall.iterrows()]}
        for name, title, kind, text in _FIGURES
        if name in overall
    ]


def _level_rows(levels: pd.DataFrame) -> list[dict[str, object]]:
    result = []
    for number_, rows in levels.groupby("number", sort=True):
        first = rows.iloc[0]
        values = [_written(row, "wrmsse", "score") for _, row in rows.iterrows()]
        quantiles = _written(first, "wspl", "score")
        covered = _written(first, "interval_coverage", "rate")
        parts = {"number": number_, "name": first["level"], "n": number(first["n_nodes"])}
        result.append(parts | {"values": values, "wspl": quantiles, "covered": covered})
    return result


def _segment_rows(segments: pd.DataFrame) -> list[dict[str, object]]:
    """Return the judged method's rows, each with the WAPE of the best baseline in its segment."""
    judged = segments["method"].iloc[0]
    result = []
    for (kind, segment), rows in segments.groupby(["kind", "segment"], sort=False):
        row, others = rows[rows["method"] == judged].iloc[0], rows[rows["method"] != judged]
        values = [number(row["n_series"]), rate(row["actual_units"] / _total(segments, judged, str(kind)), 0)]
        values += [_written(row, "wape", "rate"), rate(others["wape"].min()), _written(row, "bias", "rate")]
        values += [_written(row, name, kind_) for name, kind_ in (("wql", "score"), ("coverage_950", "rate"))]
        result.append({"kind": kind, "segment": segment, "values": values})
    return result


def _part_rows(parts: pd.DataFrame) -> list[dict[str, object]]:
    """Return the combination and its parts."""
    figures = (("share", "rate"), ("wrmsse", "score"), ("wape", "rate"), ("bias", "rate"), ("rmsse", "score"))
    return [
        {"name": method_name(str(row["part"])), "values": [_written(row, name, kind) for name, kind in figures]}
        for _, row in parts.iterrows()
    ]


def _calibration_rows(calibration: pd.DataFrame) -> list[dict[str, object]]:
    """Return the randomized coverage of single periods and of the longest window at some levels, by segment."""
    result = []
    days = sorted(calibration["sum_days"].unique())
    for (kind, segment), rows in calibration.groupby(["kind", "segment"], sort=False):
        values = [number(rows.loc[rows["sum_days"] == days[0], "n"].iloc[0])]
        for length in (days[0], days[-1]):
            selected = rows[rows["sum_days"] == length]
            for level in _SHOWN_LEVELS:
                nearest = (selected["level"] - level).abs().to_numpy().argmin()
                values.append(rate(selected["coverage_randomised"].iloc[nearest]))
        result.append({"kind": kind, "segment": segment, "values": values})
    return result


def _total(segments: pd.DataFrame, method: str, kind: str) -> float:
    rows = segments[(segments["method"] == method) & (segments["kind"] == kind)]
    return max(float(rows["actual_units"].sum()), 1e-9)


def level_picture(levels: pd.DataFrame) -> Figure:
    """Return WRMSSE and weighted scaled pinball loss by level, each method with ± 1 standard deviation over origins.

    ``levels`` has `number`, `level`, `n_nodes`, `method` (the judged first), `wrmsse`, `wspl` and their `_sd`.
    """
    names = levels.drop_duplicates("number").sort_values("number")
    figure = blank(11, 1.6 + 0.42 * len(names))
    left, right = figure.subplots(1, 2, sharey=True)
    _dots(left, levels, "wrmsse", "Mean forecasts: WRMSSE by level")
    _dots(right, levels, "wspl", "Quantiles: weighted scaled pinball loss by level")
    labels = [f"{row.number}  {row.level} ({row.n_nodes:.0f})" for row in names.itertuples()]
    left.set_yticks(range(len(names)), labels)
    left.invert_yaxis()
    handles, texts = left.get_legend_handles_labels()
    figure.legend(handles[::-1], texts[::-1], loc="outside lower center", ncols=4, frameon=False)
    return figure


def _dots(axes: Axes, levels: pd.DataFrame, score: str, title: str) -> None:
    methods = list(dict.fromkeys(levels["method"]))
    colors = method_colors(methods)
    for order, method in reversed(list(enumerate(methods))):
        rows = levels[levels["method"] == method].sort_values("number")
        place = np.arange(len(rows)) + 0.15 * order  # offset, so that no method hides another
        spread = np.nan_to_num(rows[f"{score}_sd"].to_numpy(float))
        is_judged = method == methods[0]
        axes.errorbar(
            rows[score], place, xerr=spread, fmt="o", color=colors[method], label=method_name(method),
            markersize=8 if is_judged else 5, linewidth=1.6 if is_judged else 0.8, alpha=1 if is_judged else 0.85,
            zorder=3 if is_judged else 2,
        )  # fmt: skip
    styled(axes, title, "lower is better; bars: ± 1 standard deviation over origins")
    axes.set_xlim(left=0)


def origin_picture(origins: pd.DataFrame) -> Figure:
    """Return WRMSSE and bias of every method at each origin; ``origins`` has `origin`, `method`, `wrmsse`, `bias`."""
    figure = blank(11, 3.4)
    left, right = figure.subplots(1, 2)
    methods = list(dict.fromkeys(origins["method"]))
    for method, color in method_colors(methods).items():
        rows = origins[origins["method"] == method].sort_values("origin")
        day = rows["origin"].dt.strftime("%Y-%m-%d")
        width = 2.4 if method == methods[0] else 1.2
        left.plot(day, rows["wrmsse"], marker="o", color=color, linewidth=width, label=method_name(method))
        right.plot(day, 100 * rows["bias"], marker="o", color=color, linewidth=width)
    styled(left, "WRMSSE by origin", "origin").set_ylim(bottom=0)
    styled(right, "Bias by origin", "origin", "forecast ÷ demand − 1, %").axhline(0, color=QUIET, linewidth=0.8)
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
        color = list(method_colors(["judged", *"abcde"]).values())[place % 6]
        left.plot(rows["level"], rows["coverage_randomised"], marker="o", markersize=4, color=color, label=name)
    styled(
        left, "Calibration: share of demand below each quantile", "quantile level", "share of demand below (randomized)"
    )
    left.set(xlim=(0, 1), ylim=(0, 1))
    left.legend(frameon=False, loc="upper left")
    rows = pit[pit["sum_days"] == period_days]
    width = rows["pit_to"] - rows["pit_from"]
    right.bar(rows["pit_from"], rows["share"], width=width, align="edge", color=JUDGED, edgecolor="white")
    right.axhline(1 / len(rows), color=QUIET, linewidth=0.8, linestyle="--")
    styled(
        right, "Randomized PIT of periods: flat is ideal", "probability integral transform of demand", "share of rows"
    )
    return figure


def bias_picture(cells: pd.DataFrame) -> Figure:
    """Return bias by region and category as a heat map of at most 40 regions, those with the largest bias.

    ``cells`` has `region`, `category`, `bias`; red is a forecast above demand, blue below.
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
        color = "white" if abs(value) > 0.7 * limit else "black"
        axes.text(x, y, f"{value:+.0%}", ha="center", va="center", fontsize=8, color=color)
    styled(axes, "Bias by region and category").grid(False)
    axes.set_xticks(range(len(table.columns)), table.columns, rotation=30 if len(table.columns) > 5 else 0)
    axes.set_yticks(range(len(table)), table.index)
    figure.colorbar(shown, ax=axes, format=lambda v, _: f"{v:+.0%}", label="forecast ÷ demand − 1", shrink=0.8)
    return figure


_SHOWN = 20
_DRIVER_COLORS = dict(
    zip(("level", "season", "price", "promotion", "event", "region", "weather"),
        ("#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#999999", "#56b4e9"), strict=True)
)  # fmt: skip


def importance_picture(importance: pd.DataFrame) -> Figure:
    """Return the importance of each driver and of the strongest features.

    ``importance`` has `feature`, `driver` and `effect`, the mean absolute contribution to ln(mean).
    """
    figure = blank(11, 6)
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    by_driver = importance.groupby("driver")["effect"].sum().sort_values()
    share = by_driver / by_driver.sum()
    left.barh(share.index, 100 * share, color=[_DRIVER_COLORS.get(name, QUIET) for name in share.index])
    for place, value in enumerate(share):
        left.text(100 * value + 1, place, f"{value:.0%}", va="center", fontsize=9, color=QUIET)
    styled(left, "Drivers", "share of all contributions, %").set_xlim(0, 115 * share.max())
    top = importance.nlargest(_SHOWN, "effect").iloc[::-1]
    right.barh(top["feature"], top["effect"], color=[_DRIVER_COLORS.get(name, QUIET) for name in top["driver"]])
    styled(right, f"The {len(top)} strongest features", "mean |TreeSHAP contribution| to ln(mean)")
    return figure


def shap_picture(contributions: pd.DataFrame, values: pd.DataFrame) -> Figure:
    """Return a bee swarm of TreeSHAP contributions, the strongest features on top.

    Both frames (n_rows, n_features) have the same columns; ``values`` holds the features' values. The color is a value's
    rank within its feature: blue low, red high, gray unknown.
    """
    order = contributions.abs().mean().nlargest(_SHOWN).index[::-1]
    figure = blank(9, 1.2 + 0.32 * len(order))
    axes = figure.subplots()
    for place, name in enumerate(order):
        _swarm(axes, place, contributions[name].to_numpy(float), values[name])
    axes.axvline(0, color=QUIET, linewidth=0.8)
    styled(
        axes,
        "Effect of feature values on the forecast",
        "TreeSHAP contribution to ln(mean); blue: low value, red: high",
    )
    axes.set_yticks(range(len(order)), order)
    return figure


def _swarm(axes: Axes, place: int, effect: np.ndarray, value: pd.Series) -> None:
    rank = value.rank(pct=True).to_numpy(float)
    bins = np.digitize(effect, np.linspace(effect.min(), effect.max() + 1e-12, 60))
    within = pd.Series(bins).groupby(bins).cumcount().to_numpy()
    size = pd.Series(bins).map(pd.Series(bins).value_counts()).to_numpy()
    height = 0.4 * (within - size / 2) / max(size.max() / 2, 1)
    known = np.isfinite(rank)
    axes.scatter(effect[~known], place + height[~known], s=5, color="#bbbbbb", linewidths=0)
    shade = colormaps["coolwarm"](rank[known])
    axes.scatter(effect[known], place + height[known], s=5, color=shade, linewidths=0)


def fan_picture(fans: pd.DataFrame, title: str) -> Figure:
    """Return one panel per series: demand before and after the origin, the mean forecast and two prediction intervals.

    ``fans`` has `label`, `date`, `actual`, `mean`, `low`, `lower`, `upper`, `high`; the forecast columns are null before the origin.
    """
    labels = list(dict.fromkeys(fans["label"]))
    rows = -(-len(labels) // 2)
    figure = blank(11, 0.6 + 2.5 * rows)
    panels = figure.subplots(rows, 2, squeeze=False).reshape(-1)
    for axes, label in zip(panels, labels, strict=False):
        _fan(axes, fans[fans["label"] == label], label)
    for axes in panels[len(labels) :]:
        axes.set_visible(False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _fan(axes: Axes, rows: pd.DataFrame, label: str) -> None:
    ahead = rows[rows["mean"].notna()]
    axes.fill_between(
        ahead["date"], ahead["low"], ahead["high"], color=JUDGED, alpha=0.15, label="95% interval", linewidth=0
    )
    axes.fill_between(
        ahead["date"], ahead["lower"], ahead["upper"], color=JUDGED, alpha=0.3, label="50% interval", linewidth=0
    )
    axes.plot(ahead["date"], ahead["mean"], color=JUDGED, linewidth=1.6, label="mean forecast")
    axes.plot(rows["date"], rows["actual"], color=INK, linewidth=0.9, marker=".", markersize=3, label="demand")
    styled(axes, label, "", "units").set_ylim(bottom=0)
    axes.axvline(ahead["date"].iloc[0], color=QUIET, linewidth=0.8, linestyle=":")
    axes.title.set_fontsize(9)
    _dates(axes)


def _dates(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
