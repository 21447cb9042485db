"""The backtest of a combination beside its parts, and calibration by segment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix, training_set
from models import train
from models.backtest import Method, Outcome, Part, combined_parts, judge, summarize
from models.backtest.judge import by_part, calibration_by_segment
from models.backtest.levels import MeasuredSpread
from models.predict import combination_of, origin_means
from tests.worlds.small_world import AS_OF, settings, tables

LEVELS = (0.1, 0.5, 0.9)
N = 400
DRAW = np.random.default_rng(5)


def _outcome(parts: dict[str, Part], quantiles: np.ndarray | None = None) -> Outcome:
    """Return an outcome of ``N`` series with demand that is uniform on 0 to 10; the first half has 30 known periods."""
    actual = DRAW.uniform(0, 10, (N, 4))
    history = DRAW.uniform(0, 10, (N, 400))
    mean = np.full((N, 4), 5.0)
    if quantiles is None:
        quantiles = np.broadcast_to(10 * np.array(LEVELS), (N, 4, 3))
    windows = {2: np.broadcast_to(np.array([4.5, 10.0, 15.5]), (N, 3))}
    method = Method(mean, quantiles, windows, MeasuredSpread(LEVELS, mean, np.zeros((N, 1))))
    series = pd.DataFrame({"region": "r", "sku": [f"s{k:03d}" for k in range(N)], "unit_price_eur": 1.0})
    series["known_periods"] = np.where(np.arange(N) < N // 2, 30.0, 400.0)
    return Outcome(date(2024, 5, 6), LEVELS, 1, series, (), actual, history, {"forestock": method}, parts)


def test_each_part_is_scored_on_the_same_actuals_as_the_combination() -> None:
    outcome = _outcome({})
    parts = {"perfect": Part(outcome.actual, 0.7), "zero": Part(np.zeros((N, 4)), 0.3)}
    result = by_part(replace(outcome, parts=parts), None).set_index("part")
    assert result.index.tolist() == ["forestock", "perfect", "zero"]
    assert result["share"].tolist() == [1.0, 0.7, 0.3]
    assert result.loc["perfect", ["wrmsse", "wape", "bias", "rmsse"]].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert result.loc["zero", "wape"] == pytest.approx(1.0)
    assert result.loc["zero", "bias"] == pytest.approx(-1.0)
    overall = judge(outcome).overall.iloc[0]
    for name in ("wrmsse", "wape", "bias", "rmsse"):
        assert result.loc["forestock", name] == pytest.approx(overall[name])


def test_a_model_used_alone_has_no_parts() -> None:
    assert by_part(_outcome({}), None).empty
    assert summarize([judge(_outcome({}))]).parts.empty


def test_calibration_tells_segments_apart() -> None:
    """Quantiles that are right for old series and half as high for new ones are right on average of nothing."""
    quantiles = np.repeat(10 * np.array(LEVELS)[None, None, :], N, axis=0).repeat(4, axis=1)
    quantiles[: N // 2] /= 2
    result = calibration_by_segment(_outcome({}, quantiles))
    period = result[(result["sum_days"] == 1) & (result["kind"] == "age")].pivot(index="segment", columns="level", values="coverage_randomised")  # fmt: skip
    assert period.loc["old"].to_numpy() == pytest.approx(np.array(LEVELS), abs=0.04)
    assert period.loc["new"].to_numpy() == pytest.approx(np.array(LEVELS) / 2, abs=0.04)
    assert set(result["kind"]) == {"volume", "intermittency", "age"}
    assert set(result["sum_days"]) == {1, 2}
    assert result.groupby(["kind", "sum_days", "level"])["n"].sum().unique().tolist() == [4 * N, N]


def test_the_parts_of_a_model_add_up_to_its_combination() -> None:
    used = settings()
    panel = build_panel(tables(), used, AS_OF)
    model, matrix = train(training_set(panel, used), used, AS_OF), forecast_matrix(panel, used)
    parts = combined_parts(model, matrix, 1)
    combination, components = combination_of(model), origin_means(model, matrix, 1)
    assert combination is not None
    weights = combination.series_weights(components.simple)
    added = sum(weights[:, index, None] * part.mean for index, part in enumerate(parts.values()))
    expected = combination.combine(components.models, components.simple)
    assert added == pytest.approx(np.where(components.is_sold, expected, 0.0), rel=1e-5)
    assert list(parts) == list(combination.parts)
    assert sum(part.share for part in parts.values()) == pytest.approx(1.0)
    alone = settings(model="seasonal_naive")
    assert combined_parts(train(training_set(panel, alone), alone, AS_OF), matrix, 1) == {}
