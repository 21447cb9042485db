"""The page of a replay: one HTML text that needs no network.

Not here: how pictures are drawn or figures computed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from review.backtest.pictures import method_name
from review.plan.page import environment
from review.wording import NOTHING, Money, number, rate

_FORESIGHT = "foresight"  # plays with demand known beforehand: no policy to beat
KPIS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("unit_fill_rate", "Units filled ÷ demanded", rate),
    ("local_fill_rate", "Shipped from the nearest hub ÷ demanded", rate),
    ("promise_hit_rate", "At the door as promised ÷ demanded", rate),
    ("time_to_door_mean_days", "Days to the door, mean", lambda value: number(value, 2)),
    ("time_to_door_p95_days", "Days to the door, 95 %", number),
    ("eur_per_unit_served", "Cost per unit served", lambda value: number(value, 2)),
    ("days_of_supply", "Days of supply", lambda value: number(value, 1)),
    ("stock_imbalance", "Stock imbalance", rate),
    ("transfer_churn", "Units moved there and back", rate),
    ("plan_nervousness", "Plan nervousness", rate),
    ("kg_co2e_per_unit", "kg CO₂e per unit served", lambda value: number(value, 3)),
    ("refused_units", "Wished units that did not fit", number),
)


@dataclass(frozen=True)
class ReplayPage:
    """What the page shows.

    ``figures`` has a row per policy, nothing first and the judged one last; ``bound_eur`` the clairvoyant bound without and with
    goods; ``pictures`` PNG by caption; ``facts`` lines of name and text; ``notes`` sentences.
    """

    title: str
    currency: str
    facts: Mapping[str, str]
    figures: pd.DataFrame
    bound_eur: tuple[float, float]
    pictures: Mapping[str, bytes]
    notes: Sequence[str]


def replay_page(page: ReplayPage) -> str:
    """Return the page as one HTML text; it makes no request."""
    pictures = {caption: base64.b64encode(image).decode() for caption, image in page.pictures.items()}
    policies = [method_name(name) for name in page.figures["policy"]]
    return environment().get_template("replay.html.j2").render(
        page=page, pictures=pictures, policies=policies, verdict=verdict(page), money_rows=_money_rows(page), kpis=_kpi_rows(page)
    )  # fmt: skip


def verdict(page: ReplayPage) -> str:
    """Return the outcome in a sentence: the judged policy beside the best of the others and the bound."""
    money, specified = Money(page.currency), page.figures.iloc[-1]
    others = page.figures.iloc[:-1]
    others = others[others["policy"] != _FORESIGHT]
    best = others.iloc[int(others["value_eur"].to_numpy().argmin())]
    share = float(specified["value_eur"]) / float(best["value_eur"]) - 1.0
    side = "less" if share < 0 else "more"
    return (
        f"{method_name(str(specified['policy']))} cost {money(specified['value_eur'])}, {rate(abs(share))} {side} than {method_name(str(best['policy']))} ({money(best['value_eur'])}), "
        f"and closed {rate(specified['closed'])} of what perfect hindsight could win over doing nothing "
        f"({rate(specified['closed_low'])} to {rate(specified['closed_high'])})."
    )


def _money_rows(page: ReplayPage) -> list[dict[str, object]]:
    money, judged = Money(page.currency), method_name(str(page.figures["policy"].iloc[-1]))
    rows: list[dict[str, object]] = []
    for ending, title, bound in (("", "Operating cost", page.bound_eur[0]), ("_with_goods", "With purchase and leftovers", page.bound_eur[1])):  # fmt: skip
        rows += [
            {"name": title, "values": [money(value) for value in page.figures[f"value_eur{ending}"]], "bound": money(bound)},
            {"name": "Saved against doing nothing, 95 % interval", "values": _spans(page.figures, f"saved_eur{{}}{ending}", money), "bound": NOTHING},
            {"name": f"Dearer than {judged}, paired over articles, 95 % interval", "values": _spans(page.figures, f"dearer_eur{{}}{ending}", money), "bound": NOTHING},
            {"name": "Closed, 95 % interval", "values": _spans(page.figures, f"closed{{}}{ending}", rate), "bound": rate(1.0)},
        ]  # fmt: skip
    return rows


def _spans(figures: pd.DataFrame, column: str, write: Callable[[float], str]) -> list[str]:
    parts = [figures[column.format(part)] for part in ("", "_low", "_high")]
    return [f"{write(value)} ({write(low)} … {write(high)})" for value, low, high in zip(*parts, strict=True)]


def _kpi_rows(page: ReplayPage) -> list[dict[str, object]]:
    known = [kpi for kpi in KPIS if kpi[0] in page.figures]
    return [{"name": text, "values": [write(value) for value in page.figures[name]]} for name, text, write in known]
