"""The page of a replay: one HTML text that needs no network.

Not here: the drawing of charts, the computation of figures.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from review.backtest.pictures import method_name
from review.plan.page import environment
from review.wording import UNKNOWN, Money, rate

_FORESIGHT = "foresight"  # a benchmark with known demand, which no policy can be expected to beat


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
    others = others[others["policy"] != _FORESIGHT]
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
