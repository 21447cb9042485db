"""Metrics of the backtest against their formulas and the losses of scikit-learn, utilsforecast and scoringrules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scoringrules
from sklearn.metrics import mean_pinball_loss, mean_squared_error
from utilsforecast import losses

from models.backtest.metrics import bias, coverage, pinball, rmsse, scaled_pinball, scales, wape

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


LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)
N_SERIES, HORIZON = 6, 14
HISTORY = DRAW.poisson(2.0, (N_SERIES, 60)).astype(float)
HISTORY[:, 0] = 1.0  # scales count from the first period with demand
DEMAND = DRAW.poisson(2.0, (N_SERIES, HORIZON)).astype(float)
MEAN = DRAW.gamma(2.0, 1.0, (N_SERIES, HORIZON))
QUANTILES = np.sort(DRAW.gamma(2.0, 1.0, (N_SERIES, HORIZON, len(LEVELS))), axis=2)
COLUMNS = [f"q{level}" for level in LEVELS]


def _long(values: np.ndarray, start: str, **columns: np.ndarray) -> pd.DataFrame:
    """Return ``values`` (n_series, n_periods) as rows of the other library, with further columns of the same shape."""
    n, length = values.shape
    keys = {"unique_id": np.repeat(np.arange(n), length), "ds": np.tile(pd.date_range(start, periods=length), n)}
    return pd.DataFrame({**keys, "y": values.ravel(), **{name: column.ravel() for name, column in columns.items()}})


def _forecasts() -> pd.DataFrame:
    quantiles = dict(zip(COLUMNS, np.moveaxis(QUANTILES, 2, 0), strict=True))
    return _long(DEMAND, "2024-03-01", mean=MEAN, **quantiles)


TRAIN = _long(HISTORY, "2024-01-01")


def test_rmsse_and_its_scale_are_those_of_utilsforecast() -> None:
    expected = losses.rmsse(_forecasts(), ["mean"], seasonality=1, train_df=TRAIN)["mean"].to_numpy()
    assert rmsse(DEMAND, MEAN, scales(HISTORY)[0]) == pytest.approx(expected)


def test_scaled_pinball_loss_is_that_of_utilsforecast() -> None:
    expected = losses.scaled_mqloss(_forecasts(), {"m": COLUMNS}, np.array(LEVELS), 1, TRAIN)["m"].to_numpy()
    assert scaled_pinball(DEMAND, QUANTILES, LEVELS, scales(HISTORY)[1]) == pytest.approx(expected)


def test_wape_is_that_of_utilsforecast() -> None:
    """It knows a series at a time."""
    expected = losses.nd(_forecasts(), ["mean"])["mean"].to_numpy()
    assert [wape(one, mean) for one, mean in zip(DEMAND, MEAN, strict=True)] == pytest.approx(expected.tolist())


def test_bias_is_the_mean_error_of_utilsforecast_relative_to_demand() -> None:
    error = losses.bias(_forecasts(), ["mean"])["mean"].to_numpy()
    expected = np.abs(error) * HORIZON / DEMAND.sum(axis=1)
    assert [abs(bias(one, mean)) for one, mean in zip(DEMAND, MEAN, strict=True)] == pytest.approx(expected.tolist())


def test_coverage_of_a_quantile_is_that_of_utilsforecast() -> None:
    for index, name in enumerate(COLUMNS):
        expected = losses.calibration(_forecasts(), {"m": name})["m"].mean()
        assert coverage(DEMAND.ravel(), QUANTILES.reshape(-1, len(LEVELS)))[index] == pytest.approx(expected)


@pytest.mark.parametrize("level", LEVELS)
def test_pinball_loss_is_the_quantile_score_of_scoringrules(level: float) -> None:
    index = LEVELS.index(level)
    expected = scoringrules.quantile_score(DEMAND, QUANTILES[..., index], level)
    assert pinball(DEMAND, QUANTILES[..., [index]], (level,))[..., 0] == pytest.approx(np.asarray(expected))


def test_pinball_losses_of_an_interval_add_up_to_the_interval_score_of_scoringrules() -> None:
    """For the central 95% interval: (2 ÷ α) × the sum of the losses of its two quantiles."""
    low, high = QUANTILES[..., 0], QUANTILES[..., -1]
    loss = pinball(DEMAND, np.stack([low, high], axis=-1), (0.025, 0.975)).sum(axis=-1)
    expected = scoringrules.interval_score(DEMAND, low, high, 0.05)
    assert 2 / 0.05 * loss == pytest.approx(np.asarray(expected))
