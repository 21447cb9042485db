"""Pictures of a replay: money, stock and service by date, what costs are made of, what part of the gain is reached.

Not here: the figures, which positioning computes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from review.backtest.pictures import QUIET, blank, calm, method_colours, method_name

_TERM_COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#999999", "#f0e442", "#117733", "#882255")  # fmt: skip


def course_picture(days: pd.DataFrame, policies: list[str], bound_eur: float, currency: str) -> Figure:
    """Return cost so far, stock and service by date, a line per policy; the bound ends the first.

    ``days`` has `policy`, `date`, `eur` (operating cost), `stock_units`, `demanded`, `served`; the judged policy
    is the last of ``policies``. Service is units served ÷ demanded of the last seven dates.
    """
    figure = blank(11, 8.4)
    money, stock, service = figure.subplots(3, 1, sharex=True)
    for policy, colour in _colours(policies).items():
        rows = days[days["policy"] == policy].sort_values("date")
        width = 2.4 if policy == policies[-1] else 1.3
        money.plot(rows["date"], rows["eur"].cumsum(), color=colour, linewidth=width, label=method_name(policy))
        stock.plot(rows["date"], rows["stock_units"], color=colour, linewidth=width)
        window = rows[["served", "demanded"]].rolling(7, min_periods=1).sum()
        service.plot(
            rows["date"], 100 * window["served"] / window["demanded"].clip(lower=1e-9), color=colour, linewidth=width
        )
    money.axhline(bound_eur, color=QUIET, linewidth=1, linestyle="--", label="bound, whole replay")
    calm(money, f"Cost so far, {currency}; lower is better").set_ylim(bottom=0)
    calm(stock, "Stock at the end of the day, units").set_ylim(bottom=0)
    calm(service, "Served of what was demanded, last seven days, %").set_ylim(top=100.5)
    _dates(service)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure


def closed_picture(figures: pd.DataFrame) -> Figure:
    """Return the part of the reachable gain each policy closes, with its 95 % interval, without and with goods."""
    figure = blank(11, 1.4 + 0.5 * len(figures))
    for axes, ending, title in zip(figure.subplots(1, 2, sharey=True), ("", "_with_goods"), ("operating cost", "with goods"), strict=True):  # fmt: skip
        share, low, high = (100 * figures[f"closed{part}{ending}"].to_numpy(float) for part in ("", "_low", "_high"))
        spread = np.nan_to_num(np.vstack([share - low, high - share])).clip(min=0)
        place = np.arange(len(figures))
        axes.barh(
            place,
            share,
            xerr=spread,
            color=list(_colours(figures["policy"].tolist()).values()),
            error_kw={"linewidth": 1},
        )
        axes.set_yticks(place, [method_name(name) for name in figures["policy"]])
        calm(axes, f"Closed of what hindsight could win, {title}", "%; bars: 95 % interval over articles")
    return figure


def terms_picture(costs: pd.DataFrame, policies: list[str], currency: str) -> Figure:
    """Return what each policy's cost is made of; ``costs`` has `policy`, `term`, `eur` of operating terms."""
    figure = blank(11, 1.6 + 0.5 * len(policies))
    axes = figure.subplots()
    wide = costs.pivot_table(index="policy", columns="term", values="eur", aggfunc="sum").reindex(policies)
    wide = wide.loc[:, wide.abs().sum() > 0]
    wide = wide[wide.sum().sort_values(ascending=False).index]
    start = np.zeros(len(wide))
    for term, colour in zip(wide, _TERM_COLOURS, strict=False):
        axes.barh(np.arange(len(wide)), wide[term], left=start, color=colour, label=str(term).removesuffix("_eur").replace("_", " "))  # fmt: skip
        start += wide[term].to_numpy()
    axes.set_yticks(np.arange(len(wide)), [method_name(name) for name in wide.index])
    calm(axes, "What the cost is made of", currency)
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    return figure


def _colours(policies: list[str]) -> dict[str, str]:
    """Return the colour of each policy; the judged one is the last."""
    return dict(reversed(method_colours(policies[::-1]).items()))


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
