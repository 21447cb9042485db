"""Charts of a replay: cost, stock and service by date, cost by term, and the share of the possible savings.

Not here: the computation of figures (positioning).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from review.backtest.pictures import QUIET, blank, method_colors, method_name, styled

_TERM_COLORS = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#999999", "#f0e442", "#117733", "#882255")  # fmt: skip


def course_picture(days: pd.DataFrame, policies: list[str], bound_eur: float, currency: str) -> Figure:
    """Return cumulative cost, stock and service by date, one line per policy, with the lower bound on cost.

    ``days`` has `policy`, `date`, `eur` (operating cost), `stock_units`, `demanded`, `served`; the judged policy
    is the last of ``policies``. Service is units served ÷ units demanded over the last seven dates.
    """
    figure = blank(11, 8.4)
    money, stock, service = figure.subplots(3, 1, sharex=True)
    for policy, color in _colors(policies).items():
        rows = days[days["policy"] == policy].sort_values("date")
        width = 2.4 if policy == policies[-1] else 1.3
        money.plot(rows["date"], rows["eur"].cumsum(), color=color, linewidth=width, label=method_name(policy))
        stock.plot(rows["date"], rows["stock_units"], color=color, linewidth=width)
        window = rows[["served", "demanded"]].rolling(7, min_periods=1).sum()
        service.plot(
            rows["date"], 100 * window["served"] / window["demanded"].clip(lower=1e-9), color=color, linewidth=width
        )
    money.axhline(bound_eur, color=QUIET, linewidth=1, linestyle="--", label="lower bound, whole replay")
    styled(money, f"Cumulative cost, {currency}; lower is better").set_ylim(bottom=0)
    styled(stock, "Stock at the end of the day, units").set_ylim(bottom=0)
    styled(service, "Share of demand served, last seven days, %").set_ylim(top=100.5)
    _dates(service)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure


def closed_picture(figures: pd.DataFrame) -> Figure:
    """Return each policy's share of the possible savings with its 95% interval, without and with inventory value."""
    figure = blank(11, 1.4 + 0.5 * len(figures))
    for axes, ending, title in zip(figure.subplots(1, 2, sharey=True), ("", "_with_goods"), ("operating cost", "with inventory value"), strict=True):  # fmt: skip
        share, low, high = (100 * figures[f"closed{part}{ending}"].to_numpy(float) for part in ("", "_low", "_high"))
        spread = np.nan_to_num(np.vstack([share - low, high - share])).clip(min=0)
        place = np.arange(len(figures))
        axes.barh(
            place,
            share,
            xerr=spread,
            color=list(_colors(figures["policy"].tolist()).values()),
            error_kw={"linewidth": 1},
        )
        axes.set_yticks(place, [method_name(name) for name in figures["policy"]])
        styled(axes, f"Share of the possible savings, {title}", "%; bars: 95% interval over SKUs")
    return figure


def terms_picture(costs: pd.DataFrame, policies: list[str], currency: str) -> Figure:
    """Return each policy's cost by term; ``costs`` has `policy`, `term`, `eur` of operating terms."""
    figure = blank(11, 1.6 + 0.5 * len(policies))
    axes = figure.subplots()
    wide = costs.pivot_table(index="policy", columns="term", values="eur", aggfunc="sum").reindex(policies)
    wide = wide.loc[:, wide.abs().sum() > 0]
    wide = wide[wide.sum().sort_values(ascending=False).index]
    start = np.zeros(len(wide))
    for term, color in zip(wide, _TERM_COLORS, strict=False):
        axes.barh(np.arange(len(wide)), wide[term], left=start, color=color, label=str(term).removesuffix("_eur").replace("_", " "))  # fmt: skip
        start += wide[term].to_numpy()
    axes.set_yticks(np.arange(len(wide)), [method_name(name) for name in wide.index])
    styled(axes, "Cost by term", currency)
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    return figure


def _colors(policies: list[str]) -> dict[str, str]:
    """Return the color of each policy; the judged policy is the last."""
    return dict(reversed(method_colors(policies[::-1]).items()))


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
