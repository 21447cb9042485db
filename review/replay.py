"""The page of a replay and its charts: one HTML text that needs no network, and matplotlib figures.

Not here: the replay and its figures (``positioning``), records in MLflow (``models.tracking``).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from foundation.wording import UNKNOWN, Money, rate
from review.charts import QUIET, blank, method_colors, method_name, styled
from review.plan.page import environment

# A benchmark with known demand, which no policy can be expected to beat, and the judged plans with another routing.
_NOT_COMPARED = ("foresight", "forestock_value_routing")
_TERM_COLORS = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#999999", "#f0e442", "#117733", "#882255")  # fmt: skip


class KpiText(Protocol):
    """A KPI as the registry of replays (``positioning.simulation.kpi``) holds it: its column, its label and its format."""

    @property
    def name(self) -> str:
        """Name of the column of the figures."""
        ...

    @property
    def label(self) -> str:
        """Name for the reader."""
        ...

    def text(self, value: float | None) -> str:
        """Return a value as text."""
        ...


@dataclass(frozen=True)
class ReplayPage:
    """The data of the page.

    Attributes
    ----------
    title
        Heading of the page.
    currency
        ISO 4217 code.
    facts
        Text by name, shown below the heading.
    figures
        One row per policy; the policy without shipments is first, the judged policy last.
    kpis
        KPIs to show, in order.
    bound_eur
        Cost of the perfect-foresight benchmark, a lower bound, without and with inventory value.
    pictures
        PNG by caption.
    notes
        Sentences for the reader.
    """

    title: str
    currency: str
    facts: Mapping[str, str]
    figures: pd.DataFrame
    kpis: Sequence[KpiText]
    bound_eur: tuple[float, float]
    pictures: Mapping[str, bytes]
    notes: Sequence[str]


def replay_page(page: ReplayPage) -> str:
    """Return the page as one HTML text; it makes no request."""
    pictures = {caption: base64.b64encode(image).decode() for caption, image in page.pictures.items()}
    policies = [method_name(name) for name in page.figures["policy"]]
    return environment().get_template("replay.html.j2").render(
        page=page, pictures=pictures, policies=policies, result=result(page), money_rows=_money_rows(page), kpis=_kpi_rows(page)
    )  # fmt: skip


def result(page: ReplayPage) -> str:
    """Return the result in one sentence: the judged policy compared with the best other policy and the lower bound."""
    money, judged = Money(page.currency), page.figures.iloc[-1]
    others = page.figures.iloc[:-1]
    others = others[~others["policy"].isin(_NOT_COMPARED)]
    best = others.iloc[int(others["value_eur"].to_numpy().argmin())]
    share = float(judged["value_eur"]) / float(best["value_eur"]) - 1.0
    side = "less" if share < 0 else "more"
    return (
        f"{method_name(str(judged['policy']))} cost {money(judged['value_eur'])}, {rate(abs(share))} {side} than {method_name(str(best['policy']))} ({money(best['value_eur'])}). "
        f"It achieved {rate(judged['closed'])} of the possible savings "
        f"({rate(judged['closed_low'])} to {rate(judged['closed_high'])}), measured against no shipments and the lower bound."
    )


def _money_rows(page: ReplayPage) -> list[dict[str, object]]:
    money, judged = Money(page.currency), method_name(str(page.figures["policy"].iloc[-1]))
    rows: list[dict[str, object]] = []
    for ending, title, bound in (("", "Operating cost", page.bound_eur[0]), ("_with_goods", "Cost with purchases and change in inventory value", page.bound_eur[1])):  # fmt: skip
        rows += [
            {"name": title, "values": [money(value) for value in page.figures[f"value_eur{ending}"]], "bound": money(bound)},
            {"name": "Savings against no shipments, 95% interval", "values": _spans(page.figures, f"saved_eur{{}}{ending}", money), "bound": UNKNOWN},
            {"name": f"Additional cost compared with {judged}, paired over SKUs, 95% interval", "values": _spans(page.figures, f"extra_cost_eur{{}}{ending}", money), "bound": UNKNOWN},
            {"name": "Share of the possible savings, 95% interval", "values": _spans(page.figures, f"closed{{}}{ending}", rate), "bound": rate(1.0)},
        ]  # fmt: skip
    return rows


def _spans(figures: pd.DataFrame, column: str, write: Callable[[float], str]) -> list[str]:
    parts = [figures[column.format(part)] for part in ("", "_low", "_high")]
    return [f"{write(value)} ({write(low)} … {write(high)})" for value, low, high in zip(*parts, strict=True)]


def _kpi_rows(page: ReplayPage) -> list[dict[str, object]]:
    known = [kpi for kpi in page.kpis if kpi.name in page.figures]
    return [{"name": kpi.label, "values": [kpi.text(value) for value in page.figures[kpi.name]]} for kpi in known]


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
