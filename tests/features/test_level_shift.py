"""Recent level shifts are found, forecast at the new level and reported; seasons, noise and stops do not count as shifts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import models
from features import build_panel, forecast_matrix, training_set
from foundation.level_shift import find_shifts
from models.predict import shift_note, stop_note
from models.simple import simple_means
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


@pytest.mark.parametrize("days", [1, 7])
def test_many_series_that_begin_do_not_shift_the_others(days: int) -> None:
    demand = _demand(20.0, n_series=200, length=26 if days == 7 else 200)
    demand[20:, : -21 // days] = np.nan
    assert not find_shifts(demand, days).is_shifted.any()


@pytest.mark.parametrize("rate", [0.05, 0.5, 5.0, 100.0])
def test_noise_is_no_shift(rate: float) -> None:
    assert not find_shifts(_demand(rate, n_series=2000), 1).is_shifted.any()


def test_a_season_of_last_year_is_no_shift() -> None:
    demand = _demand(20.0, length=480)
    demand[:, [*range(480 - 364 - 14, 480 - 364), *range(480 - 14, 480)]] *= 4
    assert not find_shifts(demand, 1).is_shifted.any()


def _with_changes(factor: float, *, is_lasting: bool) -> np.ndarray:
    """Return 60 series of two years that change by ``factor`` once each, at different times, the first in the last two weeks."""
    demand = _demand(20.0, n_series=60, length=600)
    for series in range(60):
        first = 586 - 9 * series
        last = 600 if is_lasting else min(first + 21, 600)
        demand[series, first:last] = np.random.default_rng(series).poisson(20.0 * factor, last - first)
    return demand


@pytest.mark.parametrize("factor", [0.3, 4.0])
def test_a_change_is_a_shift_where_earlier_changes_lasted_and_none_where_they_did_not(factor: float) -> None:
    assert find_shifts(_with_changes(factor, is_lasting=True), 1).is_shifted[0]
    assert not find_shifts(_with_changes(factor, is_lasting=False), 1).is_shifted.any()


def test_rises_that_fell_back_do_not_count_for_falls() -> None:
    demand = _with_changes(4.0, is_lasting=False)
    demand[:, -21:] = _demand(20.0, n_series=60, length=21)
    demand[7, -14:] = np.random.default_rng(7).poisson(5.0, 14)
    assert np.flatnonzero(find_shifts(demand, 1).is_shifted).tolist() == [7]


def test_the_season_of_other_series_a_year_ago_is_no_shift_of_a_new_one() -> None:
    demand = _demand(20.0, n_series=40, length=600)
    demand[20:, :400] = 0  # launched after the season of last year
    demand[:20, 600 - 364 - 14 : 600 - 364] *= 4
    demand[:, -14:] *= 4
    assert not find_shifts(demand, 1).is_shifted[20:].any()


def test_where_a_part_of_earlier_changes_was_lost_the_forecast_lies_between_the_levels() -> None:
    demand = _demand(20.0, n_series=60, length=600)
    for series in range(60):
        first = 586 - 9 * series
        demand[series, first:] = np.random.default_rng(series).poisson(60.0, 600 - first)
        demand[series, min(first + 21, 600) :] = np.random.default_rng(series).poisson(48.0, 600 - min(first + 21, 600))
    simple = simple_means(demand, 7, 1)
    assert simple.is_shifted[0]
    assert 42 < simple.shifted_means[0].mean() < 56


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


def test_no_forecast_is_far_above_the_largest_weekly_sales() -> None:
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
    """A drop to zero needs a person's attention: a stockout and a delisting look the same in sales."""
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
