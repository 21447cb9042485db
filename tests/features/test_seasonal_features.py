"""The season of the year in weekly data: its estimate and its effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix
from foundation.matrix import FeatureMatrix
from foundation.seasonality import recent_seasonal_mean, seasonal_index_by_week
from foundation.settings import Settings
from models.kinds.lightgbm_tweedie import LightGBMTweedie

WEEKS = np.tile(np.arange(52), 3)


def weekly_matrix(units: np.ndarray, ignored: tuple[str, ...] = ()) -> FeatureMatrix:
    """Return the matrix after the weekly ``units`` of one series that begins on 2023-01-02."""
    dates = pd.date_range("2023-01-02", periods=len(units), freq="W-MON", unit="us")
    tables = {
        "sales": pd.DataFrame({"date": dates, "region": "R", "sku": "K", "units_sold": units}),
        "skus": pd.DataFrame({"sku": ["K"]}), "regions": pd.DataFrame({"region": ["R"]}),
    }  # fmt: skip
    weekly = Settings.model_validate(
        {
            "frequency": "W-MON",
            "horizon": 4,
            "series": {"hierarchy": []},
            "forecast": {"window_days": [7], "ignored_features": ignored},
        }
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


def test_a_large_series_out_of_stock_is_not_a_season() -> None:
    """A mean over the series in stock would fall in those weeks and look like a season."""
    demand = np.tile([[100.0], [1.0], [1.0]], (1, 156))
    demand[0, (WEEKS >= 10) & (WEEKS < 20)] = np.nan
    assert np.allclose(seasonal_index_by_week(demand, WEEKS), 1.0, atol=1e-6)


def test_less_than_a_year_of_history_gives_no_season() -> None:
    assert np.array_equal(seasonal_index_by_week(np.random.default_rng(1).random((3, 51)), WEEKS[:51]), np.ones(53))


def test_the_recent_level_is_half_as_heavy_every_sixteen_weeks() -> None:
    """With less than a year of history no season disturbs the weighted mean."""
    units = np.arange(40.0)
    matrix = weekly_matrix(units)
    weight = 0.5 ** (np.arange(40)[::-1] / 16)
    result = matrix.values[:, matrix.names.index("seasonal_recent")]
    assert result == pytest.approx(np.full(4, (units * weight).sum() / weight.sum()), rel=1e-5)


@pytest.mark.parametrize("ignored", [(), ("seasonal_recent",)])
def test_a_third_of_a_weekly_forecast_is_the_recent_level_whatever_features_it_sees(ignored: tuple[str, ...]) -> None:
    """The booster that predicts 0 leaves the blend: a third of the feature's value, or of 9 where the feature is ignored."""
    matrix = weekly_matrix(np.full(40, 9.0), ignored)
    assert ("seasonal_recent" in matrix.names) == (not ignored)
    assert LightGBMTweedie("", seasonal_share=1 / 3).predict(matrix, 1) == pytest.approx(np.full(4, 3.0))
    assert LightGBMTweedie("").predict(matrix, 1).tolist() == [0.0] * 4
    unknown = replace(matrix, past=np.full_like(matrix.past, np.nan))
    assert LightGBMTweedie("", seasonal_share=1 / 3).predict(unknown, 1).tolist() == [0.0] * 4


def test_the_model_computes_the_recent_level_as_the_feature_does() -> None:
    """Bit for bit, with two years of history and gaps."""
    units = np.random.default_rng(4).poisson(6.0, 120).astype(float)
    units[[3, 60, 61, 110]] = np.nan
    matrix = weekly_matrix(units)
    feature = matrix.values[:, matrix.names.index("seasonal_recent")]
    assert matrix.past is not None
    result = recent_seasonal_mean(matrix.past, matrix.origin[0], int(matrix.step.max()))
    assert np.array_equal(result.reshape(-1), feature)
