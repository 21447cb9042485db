"""The season of the year in weekly data: what it is estimated from and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix
from features.families.seasonal import seasonal_index_by_week
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.lightgbm_tweedie import blend

WEEKS = np.tile(np.arange(52), 3)


def weekly_matrix(units: np.ndarray) -> FeatureMatrix:
    """Return the matrix after the weekly ``units`` of one series that begins on 2023-01-02."""
    dates = pd.date_range("2023-01-02", periods=len(units), freq="W-MON", unit="us")
    tables = {
        "sales": pd.DataFrame({"date": dates, "region": "R", "sku": "K", "units_sold": units}),
        "skus": pd.DataFrame({"sku": ["K"]}), "regions": pd.DataFrame({"region": ["R"]}),
    }  # fmt: skip
    weekly = Settings.model_validate(
        {"frequency": "W-MON", "horizon": 4, "series": {"hierarchy": []}, "forecast": {"window_days": [7]}}
    )
    as_of = (dates[-1] + pd.Timedelta(weeks=1)).date()
    return forecast_matrix(build_panel(tables, weekly, as_of), weekly)


def test_a_peak_that_comes_back_every_year_is_shrunk_by_one_year_without_season() -> None:
    demand = np.tile(10.0 + 30.0 * (WEEKS == 20), (5, 1))
    index = seasonal_index_by_week(demand, WEEKS)
    level = 10 + 30 / 53  # 53 weeks hold one peak, or two where it stands at both ends
    raw = (3 * 40 / level + 1) / 4
    flat = (3 * 10 / level + 1) / 4
    assert index[20] / index[30] == pytest.approx((raw + flat) / 2 / flat, rel=0.02)
    assert index[19] == pytest.approx(index[21], rel=0.01)


def test_a_large_series_out_of_stock_is_no_season() -> None:
    """A mean over the series in stock would fall in those weeks and call it a season."""
    demand = np.tile([[100.0], [1.0], [1.0]], (1, 156))
    demand[0, (WEEKS >= 10) & (WEEKS < 20)] = np.nan
    assert np.allclose(seasonal_index_by_week(demand, WEEKS), 1.0, atol=1e-6)


def test_less_than_a_year_teaches_no_season() -> None:
    assert np.array_equal(seasonal_index_by_week(np.random.default_rng(1).random((3, 51)), WEEKS[:51]), np.ones(53))


def test_the_recent_level_is_half_as_heavy_every_sixteen_weeks() -> None:
    """With less than a year of history no season disturbs the weighted mean."""
    units = np.arange(40.0)
    matrix = weekly_matrix(units)
    weight = 0.5 ** (np.arange(40)[::-1] / 16)
    result = matrix.values[:, matrix.names.index("seasonal_recent")]
    assert result == pytest.approx(np.full(4, (units * weight).sum() / weight.sum()), rel=1e-5)


def test_a_third_of_a_weekly_forecast_is_the_recent_level() -> None:
    matrix = weekly_matrix(np.full(40, 9.0))
    assert blend(np.full(4, 3.0, np.float32), matrix) == pytest.approx(np.full(4, 5.0))
    unknown = replace(matrix, values=np.full_like(matrix.values, np.nan))
    assert blend(np.full(4, 3.0, np.float32), unknown) == pytest.approx(np.full(4, 3.0))
