"""Quantiles around an external forecast: calibrated on its own past errors, and window sums that follow from its quantiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix, training_set
from foundation.demand_distribution import dispersion_of_quantiles
from foundation.settings import Settings, quantile_columns
from models import forecast, train
from models.backtest.metrics import check
from models.distribution import binomial_quantiles
from models.external import _variance_of_sum
from tests.worlds.small_world import AS_OF, settings

N_SKUS, N_DAYS, HORIZON = 60, 200, 14
LEVELS = Settings().forecast.quantiles


def _world(noise: float) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return tables of three regions with an external forecast of the true means × noise, and the sales of the horizon."""
    draw = np.random.default_rng(8)
    dates = pd.date_range(end=AS_OF, periods=N_DAYS + HORIZON).shift(HORIZON - 1).as_unit("us")
    keys = pd.MultiIndex.from_product([dates, ("east", "north", "west"), [f"s{k:02d}" for k in range(N_SKUS)]])
    rows = keys.to_frame(index=False, name=["date", "region", "sku"])
    level = np.tile(draw.gamma(1.0, 4.0, 3 * N_SKUS) + 0.2, len(dates))
    true = level * (1 + 0.5 * (rows["date"].dt.day_of_week >= 5).to_numpy())
    mean = true * draw.lognormal(-(noise**2) / 2, noise, len(rows))
    sales = rows.assign(units_sold=draw.negative_binomial(2.0, 2.0 / (2.0 + true)).astype(float))
    is_known = (rows["date"] < pd.Timestamp(AS_OF)).to_numpy()
    skus = pd.DataFrame({"sku": sorted(rows["sku"].unique()), "department": "d", "category": "c"})
    regions = pd.DataFrame({"region": ("east", "north", "west")})
    tables = {
        "sales": sales[is_known],
        "skus": skus,
        "regions": regions,
        "external_forecast": rows.assign(mean_units=mean),
    }
    return tables, sales[~is_known]


def _forecast(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    used = settings(model="external", calibration_origins=4)
    used = used.model_copy(update={"series": used.series.model_copy(update={"known_in_advance": ()})})
    panel = build_panel(tables, used, AS_OF)
    model = train(training_set(panel, used), used, AS_OF)
    return forecast(model, forecast_matrix(panel, used), used, AS_OF)


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_quantiles_of_periods_and_windows_have_near_nominal_coverage(noise: float) -> None:
    tables, sales = _world(noise)
    frames = _forecast(tables)
    keys = ["region", "sku", "date"]
    periods = frames["forecast"].merge(sales, on=keys)
    weekly = sales[sales["date"] < pd.Timestamp(AS_OF) + pd.Timedelta(days=7)]
    weekly = weekly.groupby(["region", "sku"], as_index=False)["units_sold"].sum()
    windows = frames["forecast_window"].query("window_days == 7").merge(weekly, on=["region", "sku"])
    for rows, tolerance in ((periods, 0.06), (windows, 0.15)):
        values = rows[quantile_columns(LEVELS)].to_numpy()
        covered, _ = check(rows["units_sold"].to_numpy(), values, LEVELS, [1])
        assert covered["coverage_randomised"].to_numpy() == pytest.approx(np.array(LEVELS), abs=tolerance)


def test_the_sum_of_given_quantiles_has_the_spread_of_independent_periods() -> None:
    tables, sales = _world(0.0)
    rows = tables["external_forecast"]
    rows = rows[rows["date"] >= pd.Timestamp(AS_OF)]
    mean = rows["mean_units"].to_numpy()
    values = binomial_quantiles(mean, np.full(len(mean), 0.5), LEVELS)
    rows = rows.assign(**dict(zip(quantile_columns(LEVELS), values.T, strict=True)))
    window = _forecast(tables | {"external_forecast": rows})["forecast_window"].query("window_days == 14")
    total = sales.groupby(["region", "sku"], as_index=False)["units_sold"].sum().merge(window, on=["region", "sku"])
    covered, _ = check(total["units_sold"].to_numpy(), total[quantile_columns(LEVELS)].to_numpy(), LEVELS, [1])
    assert covered["coverage_randomised"].to_numpy() == pytest.approx(np.array(LEVELS), abs=0.1)
    assert (window["tier"] == "external").all()


@pytest.mark.parametrize("step", [1.0, 0.1, 100.0])
def test_the_dispersion_of_quantiles_does_not_depend_on_the_unit(step: float) -> None:
    mean = np.array([3.0, 40.0])
    values = binomial_quantiles(mean, np.array([0.5, 0.5]), LEVELS)
    expected = dispersion_of_quantiles(np.array(LEVELS), values, mean)
    assert dispersion_of_quantiles(np.array(LEVELS), step * values, step * mean, step) == pytest.approx(expected)
    assert expected == pytest.approx([0.5, 0.5], rel=0.25)


def test_the_variance_of_a_sum_counts_each_pair_of_periods() -> None:
    deviation, correlation = np.array([[1.0, 2.0, 3.0]]), np.array([0.5])
    matrix = 0.5 ** np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    assert _variance_of_sum(deviation, correlation) == pytest.approx([deviation[0] @ matrix @ deviation[0]])
