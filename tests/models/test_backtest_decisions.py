"""The promotion gate on constructed scores, and how much a forecast moved."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.backtest import Trace, decide, stability
from models.backtest.promotion import sign_flip_p_value


def _scores(wrmsse: list[float], bias: float = 0.0) -> pd.DataFrame:
    days = pd.date_range("2016-01-04", periods=len(wrmsse), freq="28D")
    return pd.DataFrame({"origin": days, "wrmsse": wrmsse, "bias": bias})


def test_a_challenger_that_wins_every_origin_is_promoted() -> None:
    decision = decide(_scores([0.80, 0.90, 0.85, 0.95]), _scores([0.78, 0.87, 0.84, 0.90]))
    assert decision.is_promoted
    assert decision.p_value == pytest.approx(1 / 16)
    assert decision.difference == pytest.approx(-0.0275)
    assert "better on 4 of 4 origins" in decision.reason


def test_one_lost_origin_of_four_is_not_enough() -> None:
    """The mean is better, but so it would be in 2 of 16 patterns if neither were: p = 0.125."""
    decision = decide(_scores([0.80, 0.90, 0.85, 0.95]), _scores([0.78, 0.87, 0.86, 0.90]))
    assert not decision.is_promoted
    assert decision.p_value == pytest.approx(2 / 16)


def test_three_origins_can_never_promote() -> None:
    assert not decide(_scores([0.9, 0.9, 0.9]), _scores([0.1, 0.1, 0.1])).is_promoted


def test_a_worse_bias_stops_a_better_score() -> None:
    """A lower error with biased totals would move stock to the wrong places."""
    champion, challenger = _scores([0.8] * 4, bias=0.01), _scores([0.7] * 4, bias=-0.03)
    decision = decide(champion, challenger)
    assert not decision.is_promoted
    assert decision.reason.startswith("Not promoted")
    assert "worse in bias (3.0% against 1.0% off)" in decision.reason


def test_only_shared_origins_are_paired() -> None:
    champion, challenger = _scores([0.8] * 6), _scores([0.7] * 4)
    assert decide(champion, challenger).n_origins == 4
    assert not decide(champion, _scores([0.7]).assign(origin=pd.Timestamp("2001-01-01"))).is_promoted


def test_the_sign_flip_test_is_exact() -> None:
    """Differences −3, −1, +1: means at most −1 arise in 2 of 8 patterns (−−− and one of −−+, −+−)."""
    values = np.array([-3.0, -1.0, 1.0])
    by_hand = np.mean(
        [s @ np.abs(values) <= values.sum() for s in np.array(np.meshgrid(*[[-1, 1]] * 3)).T.reshape(-1, 3)]
    )
    assert sign_flip_p_value(values) == pytest.approx(by_hand)


def _trace(day: int, mean: list[list[float]], actual: list[list[float]]) -> Trace:
    keys = pd.MultiIndex.from_tuples([("N", "a"), ("N", "b")][: len(mean)], names=["region", "sku"])
    return Trace(date(2016, 5, day), 1, keys, np.array(mean), np.array(actual))


def test_revisions_compare_forecasts_of_the_same_days() -> None:
    """Two days later the third and fourth day are forecast again: |6 − 4| + |4 − 4| over 4 + 4."""
    before = _trace(1, [[1.0, 1.0, 4.0, 4.0]], [[1.0] * 4])
    after = _trace(3, [[6.0, 4.0, 9.0, 9.0]], [[2.0] * 4])
    result = stability(before, after)
    assert result["revision_rate"] == pytest.approx(2 / 8)
    assert result["movement_ratio"] == pytest.approx(18 / 4)


def test_origins_a_horizon_apart_have_no_revision() -> None:
    before, after = _trace(1, [[1.0, 1.0]], [[1.0, 1.0]]), _trace(3, [[2.0, 2.0]], [[3.0, 3.0]])
    assert np.isnan(stability(before, after)["revision_rate"])
    assert stability(before, after)["movement_ratio"] == pytest.approx(0.5)
