"""The total of series without a year of history lies halfway between that of the combination and that of simple methods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.combination import Combination
from models.means import OriginMeans, _young
from models.simple import METHODS, simple_means

_STEPS = 14
_OF_MODEL = Combination(1, (0.0, 0.0), {"all": (1.0, *[0.0] * len(METHODS))}, ("lightgbm",))


def _means(days: int, model: float) -> tuple[OriginMeans, float]:
    """Return the components of 50 series with ``days`` of history whose model predicts ``model`` × the mean, and the true total."""
    past = np.random.default_rng(5).poisson(8.0, (50, days)).astype(np.float32)
    means = np.full((1, 50, _STEPS), 8.0 * model, np.float32)
    is_sold = np.ones((50, _STEPS), bool)
    simple = simple_means(past, _STEPS, 1)
    return OriginMeans(means, simple, is_sold, None, np.empty(0, np.int32), _young(past, 1)), 8.0 * 50 * _STEPS


@pytest.mark.parametrize("model", [0.8, 1.0, 1.25])
def test_a_young_total_is_the_geometric_mean_of_model_and_exponential_smoothing(model: float) -> None:
    means, total = _means(100, model)
    assert means.combined(_OF_MODEL).sum() == pytest.approx(total * model**0.5, rel=0.02)


def test_a_young_total_follows_the_latest_weeks() -> None:
    """Where demand has risen, the mean of four weeks lags behind exponential smoothing."""
    means, _ = _means(100, 1.0)
    past = np.full((50, 100), 8.0, np.float32)
    past[:, -10:] = 12.0
    simple = simple_means(past, _STEPS, 1)
    smoothed = simple.means[METHODS.index("exponential_smoothing")].sum()
    assert smoothed > 1.1 * simple.means[METHODS.index("recent_mean")].sum()
    combined = replace(means, simple=simple).combined(_OF_MODEL).sum()
    assert combined == pytest.approx(np.sqrt(means.models.sum() * smoothed), rel=1e-3)


def test_with_a_year_of_history_the_model_decides() -> None:
    means, total = _means(400, 1.25)
    assert means.combined(_OF_MODEL).sum() == pytest.approx(1.25 * total, rel=1e-5)


def test_a_model_alone_keeps_its_total() -> None:
    means, total = _means(100, 1.25)
    assert means.combined(None).sum() == pytest.approx(1.25 * total, rel=1e-5)


def test_series_turn_old_in_the_course_of_the_fourth_quarter() -> None:
    past = np.full((4, 400), np.nan, np.float32)
    for row, days in enumerate((100, 273, 319, 364)):
        past[row, -days:] = 1.0
    assert _young(past, 1) == pytest.approx([1.0, 1.0, 45 / 91, 0.0])
