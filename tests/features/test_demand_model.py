"""Training and forecasting on small worlds, and on unusual series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import models
from features import build_panel, forecast_matrix, training_set
from foundation.errors import ConfigurationError
from foundation.settings import Settings, quantile_columns
from models.demand_model import DemandModel
from tests.worlds.small_world import AS_OF, REGIONS, SKUS, settings, tables

_SMALL = settings()
_QUANTILES = quantile_columns(_SMALL.forecast.quantiles)


def _forecast_run(
    given: dict[str, pd.DataFrame], chosen: Settings = _SMALL
) -> tuple[DemandModel, dict[str, pd.DataFrame]]:
    panel = build_panel(given, chosen, AS_OF)
    model = models.train(training_set(panel, chosen), chosen, AS_OF)
    return model, models.forecast(model, forecast_matrix(panel, chosen), chosen, AS_OF)


@pytest.fixture(scope="module")
def forecast_run() -> tuple[DemandModel, dict[str, pd.DataFrame]]:
    """Return a model and its forecast of the small world."""
    return _forecast_run(tables())


def test_every_series_and_period_of_the_horizon_has_a_row(forecast_run) -> None:
    forecast = forecast_run[1]["forecast"]
    assert len(forecast) == len(REGIONS) * len(SKUS) * _SMALL.horizon
    assert not forecast.duplicated(["date", "region", "sku"]).any()
    assert forecast["date"].min() == pd.Timestamp(AS_OF)


@pytest.mark.parametrize("table", ["forecast", "forecast_window"])
def test_quantiles_never_cross_and_are_never_negative(forecast_run, table: str) -> None:
    result = forecast_run[1][table][_QUANTILES].to_numpy()
    assert (result >= 0).all()
    assert (np.diff(result, axis=1) >= 0).all()


def test_window_mean_is_the_sum_of_its_days(forecast_run) -> None:
    forecast, window = forecast_run[1]["forecast"], forecast_run[1]["forecast_window"]
    first_week = forecast[forecast["date"] < pd.Timestamp(AS_OF) + pd.Timedelta(days=7)]
    added = first_week.groupby(["region", "sku"])["mean_units"].sum()
    parts = window[window["window_days"] == 7].set_index(["region", "sku"])["mean_units"]
    assert np.allclose(added, parts.reindex(added.index), rtol=1e-5)


def test_window_is_narrower_than_summed_daily_quantiles(forecast_run) -> None:
    """Summing quantiles overstates the spread, because fourteen high days in a row are unlikely."""
    forecast, window = forecast_run[1]["forecast"], forecast_run[1]["forecast_window"]
    summed = forecast.groupby(["region", "sku"])["q975"].sum()
    parts = window[window["window_days"] == 14].set_index(["region", "sku"])["q975"]
    assert (parts.reindex(summed.index) < summed).all()


def test_equal_inputs_give_equal_bytes(forecast_run) -> None:
    model, frames = _forecast_run(tables())
    assert model.version == forecast_run[0].version
    assert model.to_files() == forecast_run[0].to_files()
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, forecast_run[1][name], check_exact=True)


def test_model_survives_its_files(forecast_run) -> None:
    model = forecast_run[0]
    assert DemandModel.from_files(model.to_files()) == model


def test_training_reports_its_error_beside_the_baselines(forecast_run) -> None:
    assert {"model_wape", "seasonal_naive_wape", "recent_mean_wape", "exponential_smoothing_wape"} <= set(
        forecast_run[0].metrics
    )


def test_other_quantile_levels_are_refused(forecast_run) -> None:
    panel = build_panel(tables(), _SMALL, AS_OF)
    with pytest.raises(ConfigurationError, match="calibrated for other levels"):
        models.forecast(forecast_run[0], forecast_matrix(panel, _SMALL), settings(quantiles=(0.1, 0.9)), AS_OF)


def test_an_ignored_feature_is_not_in_the_model() -> None:
    chosen = settings(ignored_features=("region", "lag_1"))
    model, result = _forecast_run(tables(), chosen)
    everything = training_set(build_panel(tables(), _SMALL, AS_OF), _SMALL).fit().names
    assert model.facts["features"] == [name for name in everything if name not in ("region", "lag_1")]
    assert "region" not in model.facts["categories"]
    assert len(result["forecast"]) == len(REGIONS) * len(SKUS) * _SMALL.horizon


def test_an_unknown_ignored_feature_is_reported_and_training_continues(caplog: pytest.LogCaptureFixture) -> None:
    """The feature may belong to a table that other runs had; a misspelled name must not be ignored silently."""
    chosen = settings(ignored_features=("regoin",))
    (parts,) = _forecast_run(tables(), chosen)[0].facts["unknown_features"]
    assert parts == "forecast.ignored_features: there is no feature 'regoin' (did you mean 'region'?)"
    assert parts in caplog.text


def test_unseen_sku_region_and_kind_get_a_forecast_of_a_new_series(forecast_run) -> None:
    """The model of last week forecasts an SKU, a region and a department that it was not trained on."""
    given = tables()
    given["regions"] = pd.DataFrame({"region": [*REGIONS, "south"]})
    given["skus"] = pd.concat([given["skus"], pd.DataFrame([{"sku": "egg", "department": "eggs", "category": "new"}])])
    price = {"date": pd.Timestamp("2024-06-01"), "region": "south", "sku": "egg", "unit_price_eur": 2.0}
    given["prices"] = pd.concat([given["prices"], pd.DataFrame([price])])
    matrix = forecast_matrix(build_panel(given, _SMALL, AS_OF), _SMALL)
    forecast = models.forecast(forecast_run[0], matrix, _SMALL, AS_OF)["forecast"]
    new = forecast[forecast["region"] == "south"]
    assert len(new) == _SMALL.horizon
    assert set(new["tier"]) == {"lightgbm_new"}
    assert np.isfinite(new[["mean_units", *_QUANTILES]].to_numpy()).all()


def test_new_regions_do_not_change_category_codes(forecast_run) -> None:
    """A region that sorts first shifts every code; forecasts of the old regions must not move."""
    given = tables()
    given["regions"] = pd.DataFrame({"region": ["aaa", *REGIONS]})
    price = {"date": pd.Timestamp("2024-06-01"), "region": "aaa", "sku": "apple", "unit_price_eur": 1.5}
    given["prices"] = pd.concat([given["prices"], pd.DataFrame([price])])
    matrix = forecast_matrix(build_panel(given, _SMALL, AS_OF), _SMALL)
    result = models.forecast(forecast_run[0], matrix, _SMALL, AS_OF)["forecast"]
    old = result[(result["region"] != "aaa") & (result["sku"] != "apple")].reset_index(drop=True)
    before = forecast_run[1]["forecast"]
    pd.testing.assert_frame_equal(old, before[before["sku"] != "apple"].reset_index(drop=True))


def _only_zeros(given: dict[str, pd.DataFrame]) -> None:
    given["sales"].loc[given["sales"]["sku"] == "apple", "units_sold"] = 0.0


def _single_observation(given: dict[str, pd.DataFrame]) -> None:
    sales = given["sales"]
    given["sales"] = sales[(sales["sku"] != "apple") | (sales["date"] == sales["date"].max())]


def _missing_week(given: dict[str, pd.DataFrame]) -> None:
    sales = given["sales"]
    given["sales"] = sales[(sales["sku"] != "apple") | ~sales["date"].between("2024-05-06", "2024-05-12")]


def _constant_prices(given: dict[str, pd.DataFrame]) -> None:
    given["prices"]["unit_price_eur"] = 2.0


def _patchy_weather(given: dict[str, pd.DataFrame]) -> None:
    rows = given["regional"].sample(frac=0.4, random_state=1).index
    given["regional"].loc[rows, "temperature"] = np.nan


@pytest.mark.parametrize(
    "distort", [_only_zeros, _single_observation, _missing_week, _constant_prices, _patchy_weather]
)
def test_odd_data_still_gives_finite_forecasts(distort) -> None:
    given = tables()
    distort(given)
    frames = _forecast_run(given)[1]
    for name in ("forecast", "forecast_window"):
        assert np.isfinite(frames[name][["mean_units", *_QUANTILES]].to_numpy()).all()
    dependence = frames["forecast_dependence"]
    assert dependence[["day_correlation", "region_correlation"]].to_numpy().min() >= 0


def test_series_of_zeros_is_forecast_near_zero() -> None:
    given = tables()
    _only_zeros(given)
    forecast = _forecast_run(given, settings(lightgbm={"trees": 60}))[1]["forecast"]
    by_sku = forecast.groupby("sku")["mean_units"].mean()
    assert by_sku["apple"] < 0.15 * by_sku.drop("apple").min()


def test_closed_days_are_forecast_as_zero() -> None:
    series = _SMALL.series.model_copy(update={"closed_days": ("06-05",)})
    forecast = _forecast_run(tables(), _SMALL.model_copy(update={"series": series}))[1]["forecast"]
    closed = forecast["date"] == "2024-06-05"
    assert (forecast.loc[closed, "mean_units"] == 0).all()
    assert (forecast.loc[~closed, "mean_units"] > 0).all()


def test_weekly_data_are_forecast_by_the_same_functions() -> None:
    weekly = Settings.model_validate(
        {
            "name": "weekly", "frequency": "W-MON", "horizon": 4,
            "forecast": {"window_days": (7, 28), "lightgbm": {"trees": 10, "num_leaves": 7, "min_data_in_leaf": 10}},
            "series": {"hierarchy": ("department", "category")},
        }
    )  # fmt: skip
    given = tables(days=560)
    sales = given["sales"]
    week = sales["date"] - pd.to_timedelta(sales["date"].dt.day_of_week, unit="D")
    given["sales"] = sales.assign(date=week, in_stock_rate=1.0).groupby(["date", "region", "sku"], as_index=False).agg(
        {"units_sold": "sum", "in_stock_rate": "min"}
    )  # fmt: skip
    forecast = _forecast_run(given, weekly)[1]["forecast"]
    assert forecast["date"].nunique() == 4
    recent = given["sales"]["units_sold"].tail(12 * 8).mean()
    assert forecast["mean_units"].mean() == pytest.approx(recent, rel=0.25)
