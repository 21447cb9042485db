"""Features against a slow and simple pandas version on a small panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix, training_set
from foundation.matrix import FeatureMatrix
from tests.worlds.small_world import AS_OF, settings, tables


@pytest.fixture(scope="module")
def built() -> tuple[dict[str, pd.DataFrame], FeatureMatrix, pd.DataFrame]:
    """Return the tables, the forecast matrix and demand as a frame of dates × (region, sku)."""
    given = tables()
    matrix = forecast_matrix(build_panel(given, settings(), AS_OF), settings())
    sales = given["sales"]
    wide = sales.assign(units=sales["units_sold"].where(sales["in_stock_rate"] >= 1))
    return given, matrix, wide.pivot(index="date", columns=["region", "sku"], values="units")


def _column(matrix: FeatureMatrix, name: str) -> pd.Series:
    keys = matrix.series.iloc[matrix.series_code]
    index = pd.MultiIndex.from_arrays([keys["region"], keys["sku"], matrix.date], names=["region", "sku", "date"])
    return pd.Series(matrix.values[:, matrix.names.index(name)], index=index)


@pytest.mark.parametrize("days", [7, 14, 28, 56])
def test_rolling_mean_is_the_mean_of_the_last_known_days(built, days: int) -> None:
    _, matrix, wide = built
    for (region, sku), units in wide.items():
        result = _column(matrix, f"mean_{days}").loc[region, sku]
        assert np.allclose(result, units.iloc[-days:].mean(), rtol=1e-5)


def test_deviation_is_the_population_deviation_of_the_last_known_days(built) -> None:
    _, matrix, wide = built
    for (region, sku), units in wide.items():
        assert np.allclose(_column(matrix, "deviation_28").loc[region, sku], units.iloc[-28:].std(ddof=0), rtol=1e-4)


def test_weekday_mean_looks_at_the_weekday_of_the_target(built) -> None:
    _, matrix, wide = built
    for (region, sku), units in wide.items():
        result = _column(matrix, "weekday_mean_8").loc[region, sku]
        recent = units.iloc[-56:]
        for day, value in result.items():
            assert value == pytest.approx(recent[recent.index.day_of_week == day.day_of_week].mean(), rel=1e-5)


def test_exponentially_weighted_mean_halves_the_weight_every_half_life(built) -> None:
    _, matrix, wide = built
    for (region, sku), units in wide.items():
        tail = units.iloc[-32:]
        weight = 0.5 ** (np.arange(31, -1, -1) / 4)
        known = tail.notna().to_numpy()
        expected = (tail.to_numpy()[known] * weight[known]).sum() / weight[known].sum()
        assert np.allclose(_column(matrix, "ewm_4").loc[region, sku], expected, rtol=1e-4)


def test_price_is_relative_to_its_recent_mean(built) -> None:
    """120 days: 60 at 2.00, then 1.50; the plan says 2.50 from the sixth day on."""
    _, matrix, _ = built
    result = _column(matrix, "price_to_mean").loc["east", "cream"].to_numpy()
    assert np.allclose(result[:5], 1.5 / 1.75)
    assert np.allclose(result[5:], 2.5 / 1.75)
    assert np.allclose(_column(matrix, "price_to_last").loc["east", "cream"].to_numpy()[5:], 2.5 / 1.5)


def test_event_countdown_counts_to_the_next_event_of_the_region(built) -> None:
    """The feast on 10 June is held in the east alone."""
    _, matrix, _ = built
    ahead = _column(matrix, "event_ahead")
    assert ahead.loc["east", "cream"].tolist()[:9] == [7, 6, 5, 4, 3, 2, 1, 0, 21]
    assert ahead.loc["north", "cream"].tolist()[0] == 21


def test_pooled_mean_is_over_all_regions_of_the_sku(built) -> None:
    _, matrix, wide = built
    daily = wide.T.groupby("sku").mean().T
    for sku in daily:
        assert np.allclose(_column(matrix, "sku_mean_28").loc["east", sku], daily[sku].iloc[-28:].mean(), rtol=1e-4)


def test_flag_response_compares_raised_days_with_all_days(built) -> None:
    given, matrix, wide = built
    flag = given["regional"].query("region == 'east'").set_index("date")["snap"].reindex(wide.index)[-112:]
    units = wide["east", "cream"].iloc[-112:]
    result = _column(matrix, "snap_response").loc["east", "cream"]
    raised = units[flag == 1].mean() / units.mean()
    assert result.loc["2024-06-04"] == pytest.approx(raised, rel=1e-4)


def test_category_codes_mean_the_same_in_training_and_forecast(built) -> None:
    _, matrix, _ = built
    panel = build_panel(tables(), settings(), AS_OF)
    fit = training_set(panel, settings()).fit()
    assert fit.names == matrix.names
    assert fit.categories == matrix.categories
    names = np.array(fit.categories["region"])
    code = fit.values[:, fit.names.index("region")].astype(int)
    assert (names[code] == fit.series["region"].to_numpy()[fit.series_code]).all()


def test_every_training_target_lies_before_as_of() -> None:
    training = training_set(build_panel(tables(), settings(), AS_OF), settings())
    assert training.fit().date.max() < np.datetime64(AS_OF)
    assert all(matrix.date.max() < np.datetime64(AS_OF) for matrix in training.calibration)


def test_switched_off_family_leaves_no_feature() -> None:
    chosen = settings(families=("lags", "calendar"))
    matrix = forecast_matrix(build_panel(tables(), chosen, AS_OF), chosen)
    assert set(matrix.families) == {"lags", "calendar"}
