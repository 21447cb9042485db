"""The seasonal-naive forecast as frames that a plan can be made on."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.naive_forecast import naive_forecast

_AS_OF = date(2024, 4, 1)
_HORIZON = 7


def _settings() -> Settings:
    return Settings(horizon=_HORIZON, forecast={"window_days": [7]}, series={"hierarchy": ["category"]})


def _matrix(n_series: int, is_sold: np.ndarray | None = None) -> FeatureMatrix:
    rows = n_series * _HORIZON
    days = pd.date_range(_AS_OF, periods=_HORIZON).to_numpy(dtype="datetime64[us]")
    series = pd.DataFrame({"region": "R", "sku": [f"k{number}" for number in range(n_series)], "category": "c"})
    sold = np.ones(rows, dtype=bool) if is_sold is None else is_sold
    return FeatureMatrix(
        values=np.zeros((rows, 0), np.float32), names=(), families=(), drivers=(), categories={}, series=series,
        series_code=np.repeat(np.arange(n_series, dtype=np.int32), _HORIZON), origin=np.full(rows, days[0]),
        date=np.tile(days, n_series), step=np.tile(np.arange(1, _HORIZON + 1, dtype=np.int16), n_series),
        is_sold=sold, history=np.full(rows, 84, np.int32), target=np.zeros(0, np.float32), weight=np.zeros(0, np.float32),
    )  # fmt: skip


def test_each_day_repeats_the_same_weekday_of_the_last_week() -> None:
    week = np.array([3.0, 1, 4, 1, 5, 9, 2])
    result = naive_forecast(np.tile(week, 12)[None], _matrix(1), _settings(), _AS_OF)
    assert result["forecast"]["mean_units"].tolist() == week.tolist()
    assert result["forecast_window"]["mean_units"].tolist() == [25.0]
    assert set(result["forecast"]["tier"]) == {"seasonal_naive"}


def test_a_certain_season_is_as_wide_as_counts_are_and_an_erratic_one_wider() -> None:
    """With few rows the negative binomial sets the width, at least near that of independent counts."""
    noise = np.random.default_rng(1).negative_binomial(2, 0.2, (6, 84)).astype(float)
    certain = naive_forecast(np.full((6, 84), 8.0), _matrix(6), _settings(), _AS_OF)["forecast_window"]
    erratic = naive_forecast(noise, _matrix(6), _settings(), _AS_OF)["forecast_window"]
    width = [(frame["q975"] - frame["q025"]).mean() for frame in (certain, erratic)]
    assert width[1] > 1.3 * width[0]


def test_a_quiet_week_does_not_make_demand_impossible() -> None:
    """Sales every second week: the last week is 0, the mean is a tenth of the recent one, quantiles stay finite."""
    demand = np.tile(np.concatenate([np.full(7, 2.0), np.zeros(7)]), 6)[None]
    frame = naive_forecast(demand, _matrix(1), _settings(), _AS_OF)["forecast"]
    assert frame["mean_units"].tolist() == [pytest.approx(0.1)] * _HORIZON
    assert frame.filter(regex=r"^q\d").to_numpy().max() < 1_000


def test_periods_without_sales_are_forecast_as_zero() -> None:
    sold = np.array([True] * 3 + [False] * 4)
    frame = naive_forecast(np.full((1, 84), 5.0), _matrix(1, sold), _settings(), _AS_OF)["forecast"]
    assert frame["mean_units"].tolist() == [5.0] * 3 + [0.0] * 4
