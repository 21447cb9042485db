"""Recent level shifts are found, forecast at the new level and reported; seasons, noise and stops are no shifts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import models
from features import build_panel, forecast_matrix, training_set
from foundation.level_shift import find_shifts
from models.predict import shift_note, stop_note
from tests.worlds.small_world import AS_OF, settings, tables

_SMALL = settings()


def _demand(rate: float, n_series: int = 40, length: int = 200, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate, (n_series, length)).astype(np.float32)


@pytest.mark.parametrize("split", [7, 10, 14, 20])
@pytest.mark.parametrize("factor", [0.3, 5.0])
def test_a_shift_of_one_series_is_found_where_it_begins(split: int, factor: float) -> None:
    demand = _demand(20.0)
    demand[3, -split:] = np.random.default_rng(1).poisson(20.0 * factor, split)
    result = find_shifts(demand, 1)
    assert np.flatnonzero(result.is_shifted).tolist() == [3]
    assert abs(200 - split - result.start[3]) <= 4
    assert result.ratio[3] == pytest.approx(factor, rel=0.35)


def test_a_shift_of_all_series_is_found_where_each_alone_is_too_rare_to_tell() -> None:
    demand = _demand(0.3, n_series=300)
    demand[:, -14:] = np.random.default_rng(1).poisson(1.5, (300, 14))
    assert find_shifts(demand, 1).is_shifted.all()


@pytest.mark.parametrize("rate", [0.05, 0.5, 5.0, 100.0])
def test_noise_is_no_shift(rate: float) -> None:
    assert not find_shifts(_demand(rate, n_series=2000), 1).is_shifted.any()


def test_a_season_of_last_year_is_no_shift() -> None:
    demand = _demand(20.0, length=480)
    demand[:, [*range(480 - 364 - 14, 480 - 364), *range(480 - 14, 480)]] *= 4
    assert not find_shifts(demand, 1).is_shifted.any()


def test_a_series_that_stops_is_no_shift() -> None:
    demand = _demand(20.0)
    demand[0, -14:] = 0
    assert not find_shifts(demand, 1).is_shifted.any()


@pytest.mark.parametrize("scale", [0.1, 100.0])
def test_units_of_another_size_shift_alike(scale: float) -> None:
    demand = _demand(20.0)
    demand[3, -14:] *= 5
    assert np.array_equal(find_shifts(demand, 1).start, find_shifts(demand * np.float32(scale), 1).start)


@pytest.mark.parametrize("factor", [0.3, 5.0])
def test_a_world_whose_level_shifts_is_forecast_near_the_new_level_and_reported(factor: float) -> None:
    given = tables(200)
    sales = given["sales"]
    since = pd.Timestamp(AS_OF) - pd.Timedelta(days=14)
    is_new = sales["date"] >= since
    given["sales"] = sales.assign(units_sold=sales["units_sold"] * np.where(is_new, factor, 1.0))
    panel = build_panel(given, _SMALL, AS_OF)
    model = models.train(training_set(panel, _SMALL), _SMALL, AS_OF)
    matrix = forecast_matrix(panel, _SMALL)
    result = models.forecast(model, matrix, _SMALL, AS_OF)["forecast"]
    recent = given["sales"][is_new]["units_sold"].mean()
    assert result["mean_units"].mean() == pytest.approx(recent, rel=0.2)
    assert set(result["tier"]) == {"level_shift"}
    note = shift_note(matrix, 1)
    assert note is not None
    assert "12 of 12 series" in note
    assert f"{since:%Y-%m-%d}" in note


def test_a_world_that_does_not_shift_has_no_note() -> None:
    assert shift_note(forecast_matrix(build_panel(tables(200), _SMALL, AS_OF), _SMALL), 1) is None


def test_no_forecast_is_far_beyond_what_a_series_ever_sold() -> None:
    """The model may extrapolate; the mean over the horizon stays below 1.5 x the best week."""
    given = tables(120)
    panel = build_panel(given, _SMALL, AS_OF)
    model = models.train(training_set(panel, _SMALL), _SMALL, AS_OF)
    combination = model.facts["combination"]
    combination["weights"] = {name: [50.0 * weight for weight in row] for name, row in combination["weights"].items()}
    model.facts["bias"] = {}
    result = models.forecast(model, forecast_matrix(panel, _SMALL), _SMALL, AS_OF)["forecast"]
    weekly = given["sales"].groupby(["region", "sku"])["units_sold"].max()
    mean = result.groupby(["region", "sku"])["mean_units"].mean()
    assert (mean <= 1.5 * weekly.reindex(mean.index)).all()


def test_a_series_that_stops_selling_is_named_and_one_that_rarely_sells_is_not() -> None:
    """A drop to nothing needs a person more than one by 80%: a stockout or a delisting looks the same in sales."""
    given = tables(200)
    sales = given["sales"]
    late = sales["date"] >= sales["date"].max() - pd.Timedelta(days=13)
    top = sales.groupby(["region", "sku"])["units_sold"].sum().idxmax()
    is_top = (sales["region"] == top[0]) & (sales["sku"] == top[1])
    sales.loc[late & is_top, "units_sold"] = 0.0
    note = stop_note(forecast_matrix(build_panel(given, _SMALL, AS_OF), _SMALL), 1)
    assert note is not None
    assert "1 of 12 series" in note
    assert f"{top[1]} in {top[0]}" in note


def test_a_world_that_sells_on_has_no_stop_note() -> None:
    for seed in range(3):
        assert stop_note(forecast_matrix(build_panel(tables(200, seed), _SMALL, AS_OF), _SMALL), 1) is None
