"""Scores of a backtest against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from foundation.errors import InputError
from foundation.settings import Settings
from models.backtest import GivenScales, Method, Outcome, baseline_methods, judge, summarize
from models.backtest.judge import by_level
from models.backtest.levels import MeasuredSpread, groupings
from models.backtest.methods import Spread
from models.backtest.promotion import BaselineComparison

LEVELS = (0.025, 0.5, 0.835, 0.975)
SERIES = pd.DataFrame(
    {
        "region": ["N", "N", "S", "S"],
        "sku": ["a", "b", "a", "b"],
        "department": ["x", "y", "x", "y"],
        "subdivision": ["E", "E", "W", "W"],
        "unit_price_eur": [1.0, 2.0, 1.0, 2.0],
        "known_periods": [100.0, 100.0, 100.0, 20.0],
    }
)
# every series changes by 2 from day to day: squared scale 4, absolute scale 2; the total by 4 × 2
HISTORY = np.tile(np.array([1.0, 3.0] * 14), (4, 1))
ACTUAL = np.array([[2.0, 2.0], [4.0, 4.0], [2.0, 2.0], [4.0, 4.0]])


def _method(mean: np.ndarray, spread: Spread | None = None) -> Method:
    """Return a method without uncertainty: every quantile is the mean."""
    quantiles = np.repeat(mean[:, :, None], len(LEVELS), axis=2)
    windows = {2: np.repeat(mean.sum(axis=1)[:, None], len(LEVELS), axis=1)}
    return Method(mean, quantiles, windows, spread or MeasuredSpread(LEVELS, mean, np.zeros((4, 1))))


def _outcome(**methods: np.ndarray) -> Outcome:
    built = {name: _method(mean) for name, mean in methods.items()}
    return Outcome(date(2016, 5, 2), LEVELS, 1, SERIES, ("department",), ACTUAL, HISTORY, built)


def test_levels_stand_in_the_order_of_the_published_ones() -> None:
    """Places first, then products in every place, the finest last, so that weights given by number match."""
    series = SERIES.assign(category=["p", "q", "p", "r"], sku=["a", "b", "c", "d"])
    names = [level.name for level in groupings(series, ("department", "category"))]
    assert names[:4] == ["total", "subdivision", "category", "department"]
    assert names[-1] == "region × sku"


def test_every_level_of_the_hierarchy_is_there_when_all_differ() -> None:
    places = pd.DataFrame({"region": list("ABCD"), "subdivision": list("XXYY")})
    skus = pd.DataFrame({"sku": list("abcdefgh"), "department": list("ppqqrrss"), "category": list("mmmmnnnn")})
    levels = groupings(places.merge(skus, how="cross"), ("department", "category"))
    assert [level.n_nodes for level in levels] == [1, 2, 4, 2, 4, 4, 8, 8, 16, 8, 16, 32]


def test_the_score_of_a_level_is_the_money_weighted_scaled_error() -> None:
    """Only `a` in N is off, by 2 both days: RMSSE √(4 ÷ 4) = 1 there and 0 elsewhere; its money is 1 ÷ 6."""
    mean = ACTUAL.copy()
    mean[0] += 2
    levels = by_level(_outcome(model=mean), None).set_index("level")
    assert levels.loc["region × sku", "wrmsse"] == pytest.approx(1 / 6)
    assert levels.loc["total", "wrmsse"] == pytest.approx(np.sqrt(4 / 64))
    assert levels.loc["subdivision", "wrmsse"] == pytest.approx(np.sqrt(4 / 16) / 2)


def test_scaled_pinball_of_a_level_is_worked_out_by_hand() -> None:
    """Forecast 2 too high at every level: mean loss 2 × mean(1 − τ) over absolute scale 2, money share 1 ÷ 6."""
    mean = ACTUAL.copy()
    mean[0] += 2
    levels = by_level(_outcome(model=mean), None).set_index("level")
    assert levels.loc["region × sku", "wspl"] == pytest.approx(np.mean([1 - level for level in LEVELS]) / 6)


def test_a_period_without_full_stock_is_not_scored_anywhere() -> None:
    """Sales then are not demand; neither series nor totals may be scored on them."""
    outcome = _outcome(model=ACTUAL.copy())
    actual = ACTUAL.copy()
    actual[2, 0] = np.nan
    wrong = ACTUAL.copy()
    wrong[2, 0] = 99.0
    judged = judge(replace(outcome, actual=actual, methods={"model": _method(wrong)}))
    assert judged.levels["wrmsse"].tolist() == pytest.approx([0.0] * len(judged.levels))
    assert judged.overall["bias"].iloc[0] == pytest.approx(0.0)


def test_overall_figures_are_worked_out_by_hand() -> None:
    """One unit too many every day: 8 of 24 units, every window 2 units over at a price of 1 or 2."""
    row = judge(_outcome(model=ACTUAL + 1)).overall.iloc[0]
    assert row["wape"] == pytest.approx(8 / 24)
    assert row["bias"] == pytest.approx(8 / 24)
    assert row["rmsse"] == pytest.approx(0.5)
    assert row["wql"] == pytest.approx(2 * 8 * np.mean([1 - level for level in LEVELS]) / 24)
    assert row["order_cost_rate"] == pytest.approx((1 - 0.835) * 2 * (1 + 2 + 1 + 2) / (4 + 16 + 4 + 16))
    assert row["coverage_950"] == 0.0


def test_segments_add_up_to_the_whole() -> None:
    segments = judge(_outcome(model=ACTUAL + 1)).segments
    for kind, rows in segments.groupby("kind"):
        assert rows["n_series"].sum() == 4, kind
        assert rows["actual_units"].sum() == 24, kind
    new = segments[(segments["kind"] == "age") & (segments["segment"] == "new")]
    assert new["n_series"].tolist() == [1]


def test_given_weights_and_scales_replace_the_measured_ones() -> None:
    """Names may be spelled in either order with | or _, as published tables have them."""
    rows = [(12, "N_a", 1.0), (12, "S|a", 0.0), (12, "b|N", 0.0), (12, "b_S", 0.0)]
    mean = ACTUAL.copy()
    mean[0] += 2
    level = groupings(SERIES, ("department",))[-1]
    table = pd.DataFrame(rows, columns=["level", "series", "weight"]).assign(scale=16.0)
    weight, scale = GivenScales(table.assign(level=level.number)).of(level)
    assert dict(zip(level.nodes.agg("".join, axis=1), weight, strict=True)) == {"Na": 1.0, "Nb": 0, "Sa": 0, "Sb": 0}
    assert scale.tolist() == [16.0] * 4


def test_given_weights_without_a_scale_name_the_missing_column() -> None:
    with pytest.raises(InputError, match="no column scale"):
        GivenScales(pd.DataFrame({"level": [1], "series": ["Total"], "weight": [1.0]}))


def test_the_headline_begins_with_the_comparison() -> None:
    origins = [
        judge(replace(_outcome(model=ACTUAL + 0.5, naive=ACTUAL + 1), origin=date(2016, 5, day))) for day in (2, 9)
    ]
    summary = summarize(origins)
    assert summary.headline.startswith("Better than the best baseline, naive: WRMSSE")
    assert "better on 2 of 2 origins (paired p = 0.250)" in summary.headline
    assert summary.overall["wrmsse_sd"].tolist() == pytest.approx([0.0, 0.0])


def test_intervals_of_baselines_come_from_their_earlier_errors() -> None:
    """Demand 0, 2, 0, 2 …: the 28-day mean is 1, its errors all 1, so the 84 % quantile is about 2."""
    settings = Settings(horizon=7, forecast={"window_days": [7], "quantiles": [0.5, 0.841]})
    demand = np.tile([0.0, 2.0], (1, 40))
    method = baseline_methods(demand, settings)["recent_mean"]
    assert method.mean == pytest.approx(np.ones((1, 7)))
    assert method.quantiles[0, 0] == pytest.approx([1.0, 2.0], abs=0.01)
    assert method.windows[7][0] == pytest.approx([7.0, 7 + np.sqrt(7)], abs=0.02)


def test_a_model_with_the_better_score_and_a_bias_is_refused_because_of_its_bias() -> None:
    """Otherwise the sentence would contradict its own figures."""
    refused = BaselineComparison("recent_mean", 0.5, 0.6, -0.2, 0.01)
    assert refused.sentence.startswith("Not better than recent mean, because of its bias: WAPE 0.500 against 0.600")
    assert BaselineComparison("recent_mean", 0.7, 0.6, -0.2, 0.01).sentence.startswith(
        "Not better than recent mean: WAPE"
    )
