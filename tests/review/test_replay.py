"""The page of a replay states the figures, and its charts are drawn from them."""

from __future__ import annotations

from html import unescape

import numpy as np
import pandas as pd
import pytest

from positioning.simulation.kpis.service import FILL_RATE
from review.charts import png
from review.replay import ReplayPage, closed_picture, course_picture, replay_page, result, terms_picture

POLICIES = ["nothing", "base_stock", "forestock"]


def _figures() -> pd.DataFrame:
    values = {
        "value_eur": [1000.0, 800.0, 600.0],
        "closed": [0.0, 0.4, 0.8],
        "saved_eur": [0.0, 200.0, 400.0],
        "extra_cost_eur": [400.0, 200.0, 0.0],
    }
    result = {"policy": POLICIES}
    for name, numbers in values.items():
        for ending in ("", "_with_goods"):
            result[f"{name}{ending}"] = numbers
            if name != "value_eur":
                result |= {
                    f"{name}{part}{ending}": [n * scale for n in numbers]
                    for part, scale in (("_low", 0.9), ("_high", 1.1))
                }
    return pd.DataFrame(result | {name: [0.5, 0.6, 0.7] for name in ("unit_fill_rate", "refused_units")})


def _page(figures: pd.DataFrame) -> ReplayPage:
    return ReplayPage(
        "Replay <1>",
        "EUR",
        {"decisions": "all"},
        figures,
        (FILL_RATE,),
        (500.0, 450.0),
        {"A picture": b"png"},
        ("A note.",),
    )


def test_the_result_compares_with_the_best_other_policy_and_the_lower_bound() -> None:
    assert result(_page(_figures())) == (
        "Forestock cost €600, 25.0% less than base stock (€800). It achieved 80.0% of the possible savings "
        "(72.0% to 88.0%), measured against no shipments and the lower bound."
    )
    worse = _figures().assign(value_eur=[1000.0, 800.0, 880.0])
    assert "10.0% more than base stock" in result(_page(worse))


def test_a_policy_with_perfect_foresight_is_not_compared_with() -> None:
    knowing = _figures().assign(policy=["nothing", "foresight", "forestock"], value_eur=[1000.0, 500.0, 600.0])
    assert "40.0% less than no shipments" in result(_page(knowing))


def test_every_kpi_and_policy_is_on_the_page_and_it_makes_no_requests() -> None:
    page = replay_page(_page(_figures()))
    text = unescape(page)
    assert "Fill rate" in text
    assert "60.0%" in text
    assert all(name in text for name in ("no shipments", "base stock", "Forestock", "€500", "€450", "A note."))
    assert "Replay <1>" not in page
    assert "default-src 'none'" in text
    assert "<script" not in page


def _days() -> pd.DataFrame:
    days = pd.date_range("2016-05-09", periods=14)
    return pd.concat([
        pd.DataFrame({"policy": policy, "date": days, "eur": 10.0 + place, "stock_units": 500.0 - place, "demanded": 20, "served": 15 + place})
        for place, policy in enumerate(POLICIES)
    ])  # fmt: skip


def test_cost_so_far_ends_at_each_policys_cost() -> None:
    figure = course_picture(_days(), POLICIES, 120.0, "EUR")
    lines = figure.axes[0].get_lines()
    assert [line.get_ydata()[-1] for line in lines[:3]] == [140.0, 154.0, 168.0]
    assert set(np.unique(lines[3].get_ydata())) == {120.0}
    assert figure.axes[2].get_lines()[2].get_ydata()[-1] == pytest.approx(85.0)


def test_bars_are_as_long_as_the_figures() -> None:
    bars = [patch.get_width() for patch in closed_picture(_figures()).axes[0].patches]
    assert bars == pytest.approx([0.0, 40.0, 80.0])
    costs = pd.DataFrame(
        {"policy": POLICIES * 2, "term": ["late_eur"] * 3 + ["holding_eur"] * 3, "eur": [1.0, 2, 3, 4, 5, 6]}
    )
    widths = [patch.get_width() for patch in terms_picture(costs, POLICIES, "EUR").axes[0].patches]
    assert sum(widths) == pytest.approx(21.0)
    assert png(closed_picture(_figures()))[:4] == b"\x89PNG"
