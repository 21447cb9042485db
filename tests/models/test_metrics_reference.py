"""Metrics of the backtest against their formulas and scikit-learn's losses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss, mean_squared_error

from models.backtest.metrics import pinball, rmsse, wape

DRAW = np.random.default_rng(4)
ACTUAL, FORECAST = DRAW.poisson(3.0, 200).astype(float), DRAW.gamma(3.0, 1.0, 200)


def test_wape_is_the_mean_absolute_error_relative_to_the_mean() -> None:
    assert wape(ACTUAL, FORECAST) == pytest.approx(np.abs(ACTUAL - FORECAST).mean() / ACTUAL.mean())


@pytest.mark.parametrize("level", [0.05, 0.5, 0.975])
def test_pinball_loss_of_a_level_is_the_reference_loss(level: float) -> None:
    loss = pinball(ACTUAL, FORECAST[:, None], (level,))
    assert loss.mean() == pytest.approx(mean_pinball_loss(ACTUAL, FORECAST, alpha=level))


def test_rmsse_is_the_root_mean_squared_error_relative_to_the_scale() -> None:
    expected = np.sqrt(mean_squared_error(ACTUAL, FORECAST) / 2.0)
    assert rmsse(ACTUAL[None], FORECAST[None], np.array([2.0])) == pytest.approx(expected)
