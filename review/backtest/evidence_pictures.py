"""Pictures of what the model learned from, and of single series.

Not here: scores (``score_pictures``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from review.backtest.style import INK, JUDGED, QUIET, blank, calm

_SHOWN = 20
_DRIVER_COLOURS = dict(
    zip(("level", "season", "price", "promotion", "event", "region", "weather"),
        ("#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#999999", "#56b4e9"), strict=True)
)  # fmt: skip


def importance_picture(importance: pd.DataFrame) -> Figure:
    """Return how much each driver moves the forecasts, and the features that do.

    ``importance`` has `feature`, `driver` and `effect`, the mean absolute contribution to ln(mean).
    """
    figure = blank(11, 6)
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    by_driver = importance.groupby("driver")["effect"].sum().sort_values()
    share = by_driver / by_driver.sum()
    left.barh(share.index, 100 * share, color=[_DRIVER_COLOURS.get(name, QUIET) for name in share.index])
    for place, value in enumerate(share):
        left.text(100 * value + 1, place, f"{value:.0%}", va="center", fontsize=9, color=QUIET)
    calm(left, "Drivers", "share of the movement, %").set_xlim(0, 115 * share.max())
    top = importance.nlargest(_SHOWN, "effect").iloc[::-1]
    right.barh(top["feature"], top["effect"], color=[_DRIVER_COLOURS.get(name, QUIET) for name in top["driver"]])
    calm(right, f"The {len(top)} strongest features", "mean |TreeSHAP contribution| to ln(mean)")
    return figure


def shap_picture(contributions: pd.DataFrame, values: pd.DataFrame) -> Figure:
    """Return a bee swarm of TreeSHAP contributions; the strongest features on top.

    Both frames (n_rows, n_features) have the same columns, ``values`` the features' values; colour is a value's
    rank within its feature, blue low, red high, grey unknown.
    """
    order = contributions.abs().mean().nlargest(_SHOWN).index[::-1]
    figure = blank(9, 1.2 + 0.32 * len(order))
    axes = figure.subplots()
    for place, name in enumerate(order):
        _swarm(axes, place, contributions[name].to_numpy(float), values[name])
    axes.axvline(0, color=QUIET, linewidth=0.8)
    calm(axes, "How feature values move the forecast", "TreeSHAP contribution to ln(mean); blue: low value, red: high")
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
    """Return one panel per series: demand before and after the origin, the mean and two bands.

    ``fans`` has `label`, `date`, `actual`, `mean`, `low`, `lower`, `upper`, `high` (null before the origin).
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
    axes.fill_between(ahead["date"], ahead["low"], ahead["high"], color=JUDGED, alpha=0.15, label="95 %", linewidth=0)
    axes.fill_between(ahead["date"], ahead["lower"], ahead["upper"], color=JUDGED, alpha=0.3, label="50 %", linewidth=0)
    axes.plot(ahead["date"], ahead["mean"], color=JUDGED, linewidth=1.6, label="mean forecast")
    axes.plot(rows["date"], rows["actual"], color=INK, linewidth=0.9, marker=".", markersize=3, label="demand")
    calm(axes, label, "", "units").set_ylim(bottom=0)
    axes.axvline(ahead["date"].iloc[0], color=QUIET, linewidth=0.8, linestyle=":")
    axes.title.set_fontsize(9)
    _dates(axes)


def _dates(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
