"""Forecasts of totals: a regression with a moving level, averaged with the model's forecast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features import build_panel, forecast_matrix, training_set
from foundation.matrix import TotalHistory, TotalMatrix
from models import train
from models.backtest.promotion import BaselineComparison
from models.demand_model import DemandModel
from models.forecaster import Forecaster
from models.totals import forecast_totals, regression_forecast, total_weights
from models.tracking.registry import note
from tests.features.test_totals import _with_totals
from tests.worlds.small_world import AS_OF, settings

_STEPS = 28
_WEEKDAYS = np.array([0.8, 0.8, 0.9, 0.9, 1.1, 1.4, 1.1])


def _pattern(days: int, yearly: float = 0.0) -> np.ndarray:
    """Return demand with a weekday pattern and a yearly wave of height ``yearly``, (days + _STEPS)."""
    day = np.arange(days + _STEPS)
    return _WEEKDAYS[day % 7] * (1 + yearly * np.sin(2 * np.pi * day / 365.25))


def _history(expected: np.ndarray, noise: float = 0.02, totals: int = 4) -> tuple[TotalHistory, np.ndarray]:
    """Return totals that follow ``expected`` (n_periods) at different levels, and what is expected of their horizon."""
    draw = np.random.default_rng(3)
    units = np.linspace(1, 4, totals)[:, None] * expected
    demand = (units * draw.lognormal(0, noise, units.shape)).astype(np.float32)[:, :-_STEPS]
    n_periods = len(expected)
    history = TotalHistory(
        demand=demand, periods=(np.datetime64("2020-01-06") + np.arange(n_periods)).astype("datetime64[us]"),
        event=np.full((2, n_periods), -1, np.int32), flags=np.zeros((0, 2, n_periods), np.float32),
        region=np.arange(totals, dtype=np.int32) % 2, kind=np.arange(totals, dtype=np.int32) // 2,
    )  # fmt: skip
    return history, units[:, -_STEPS:]


def test_weekdays_and_the_time_of_year_are_continued() -> None:
    history, came = _history(_pattern(1100, yearly=0.3))
    assert regression_forecast(history, 1) == pytest.approx(came, rel=0.05)


def test_the_forecast_is_at_the_level_after_a_change() -> None:
    """The weekday pattern is that of both levels, and the level is the new one."""
    pattern = _pattern(1000)
    pattern[850:] *= 2
    history, came = _history(pattern)
    result = regression_forecast(history, 1)
    assert result.sum(axis=1) == pytest.approx(came.sum(axis=1), rel=0.05)
    assert result / result.mean(axis=1, keepdims=True) == pytest.approx(
        came / came.mean(axis=1, keepdims=True), rel=0.04
    )


@pytest.mark.parametrize("away", [-1, 0])
def test_an_event_moves_the_days_around_it(away: int) -> None:
    """The day before the event sells as much more as it did before the same event in past years."""
    pattern = _pattern(1100)
    days = np.array([10, 375, 740, 1110])
    pattern[days + away] *= 2
    history, came = _history(pattern, totals=40)
    history.event[:, days] = 0
    forecast = regression_forecast(history, 1)
    assert forecast[:, 10 + away] == pytest.approx(came[:, 10 + away], rel=0.15)
    assert forecast[:, 17 + away] == pytest.approx(came[:, 17 + away], rel=0.05)


def test_a_number_known_in_advance_moves_the_days_on_which_it_is_high() -> None:
    pattern = _pattern(800)
    is_high = np.arange(len(pattern)) % 30 < 10
    history, came = _history(pattern * np.where(is_high, 1.5, 1.0))
    history = replace(history, flags=np.broadcast_to(is_high, (1, 2, len(pattern))).astype(np.float32))
    assert regression_forecast(history, 1) == pytest.approx(came, rel=0.07)


def test_totals_of_one_year_are_left_to_the_model() -> None:
    history, _ = _history(_pattern(365))
    assert np.isnan(regression_forecast(history, 1)).all()
    history, _ = _history(_pattern(1000))
    history.demand[1, :700] = np.nan
    assert np.isnan(regression_forecast(history, 1)).all(axis=1).tolist() == [False, True, False, False]


def test_a_total_that_stopped_selling_is_forecast_near_zero() -> None:
    history, came = _history(_pattern(1200))
    history.demand[2, 700:] = 0.0
    result = regression_forecast(history, 1)
    assert (result[2] < 0.001 * came[2]).all()
    history.demand[2] = 0.0
    result = regression_forecast(history, 1)
    assert (result[2] == 0).all()
    assert result[[0, 1, 3]] == pytest.approx(came[[0, 1, 3]], rel=0.1)


def test_unknown_periods_do_not_count() -> None:
    """Gaps of a day, and of the last three weeks of a total, leave the forecast where it was."""
    history, came = _history(_pattern(1000))
    history.demand[:, 100::50] = np.nan
    history.demand[0, -21:] = np.nan
    assert regression_forecast(history, 1) == pytest.approx(came, rel=0.06)


def test_the_forecast_scales_with_the_unit_of_demand() -> None:
    history, _ = _history(_pattern(900, yearly=0.2))
    grams = replace(history, demand=history.demand * 1000)
    assert regression_forecast(grams, 1) == pytest.approx(1000 * regression_forecast(history, 1), rel=1e-4)


def test_weekly_totals_follow_the_time_of_year() -> None:
    week = np.arange(170 + _STEPS)
    history, came = _history(1 + 0.4 * np.sin(2 * np.pi * week * 7 / 365.25))
    history = replace(history, periods=np.datetime64("2020-01-06", "us") + week * np.timedelta64(7, "D"))
    assert regression_forecast(history, 7) == pytest.approx(came, rel=0.1)


def test_totals_without_demand_do_not_flatten_the_others() -> None:
    """The weekdays of two totals that sell are those without the two that never do."""
    history, came = _history(_pattern(1000), noise=0.15, totals=6)
    history.demand[2:] = 0.0
    result = regression_forecast(history, 1)[:2]
    assert result / result.mean(axis=1, keepdims=True) == pytest.approx(
        came[:2] / came[:2].mean(axis=1, keepdims=True), rel=0.1
    )


class _Constant(Forecaster):
    """A model whose every total is 10 units."""

    def predict_totals(self, totals: TotalMatrix, threads: int) -> np.ndarray:
        return np.full((len(totals.scale), int(totals.matrix.step.max())), 10.0)


def _totals_of_small_world() -> TotalMatrix:
    totals = forecast_matrix(build_panel(_with_totals(), settings(), AS_OF), settings()).totals
    assert totals is not None
    return totals


def test_the_model_and_the_regression_count_the_same() -> None:
    totals = _totals_of_small_world()
    n_totals, steps = len(totals.scale), int(totals.matrix.step.max())
    past = np.full((n_totals, 800), 3.0, np.float32)
    past[0, :500] = np.nan
    history = replace(
        totals.history, demand=past, event=np.full((3, 800 + steps), -1, np.int32), flags=np.zeros((0, 3, 800 + steps), np.float32),
        periods=(np.datetime64("2022-01-03") + np.arange(800 + steps)).astype("datetime64[us]"),
    )  # fmt: skip
    totals = replace(totals, history=history)
    result = forecast_totals([None, _Constant()], totals, 1, 1)
    assert result[0] == pytest.approx(10.0)
    assert result[1:] == pytest.approx(np.repeat(5.0 + 1.5 * totals.scale[1:, None], steps, axis=1), rel=1e-3)
    shares = total_weights(totals, 1)
    assert shares == pytest.approx({"model": 0.5 + 0.5 / n_totals, "regression": 0.5 - 0.5 / n_totals})


def test_a_model_without_totals_has_none() -> None:
    class Silent(Forecaster):
        pass

    assert forecast_totals([Silent()], _totals_of_small_world(), 1, 1) is None
    assert forecast_totals([None], _totals_of_small_world(), 1, 1) is None


def test_the_model_card_names_the_weights_of_the_parts() -> None:
    facts = {
        "training": {"rows": 9, "series": 3, "first_date": "2024-01-01", "last_date": "2024-02-01", "calibration_start": "2024-01-20"},
        "kind": "lightgbm", "given_up": [], "totals": {"model": 0.5, "regression": 0.5}, "metrics": {},
    }  # fmt: skip
    model = DemandModel("small", AS_OF, (), facts)
    card = note(model, "f00d", BaselineComparison.of(model))
    assert "forecasts of their totals, which are 50% model and 50% regression" in card


def test_a_training_with_totals_records_their_weights() -> None:
    """Half a year of totals is too short for the regression."""
    model = train(training_set(build_panel(_with_totals(), settings(), AS_OF), settings()), settings(), AS_OF)
    assert model.facts["totals"] == {"model": 1.0, "regression": 0.0}


def test_the_history_of_totals_ends_before_each_origin() -> None:
    panel = build_panel(_with_totals(), settings(), AS_OF)
    for matrix in [*training_set(panel, settings()).calibration, forecast_matrix(panel, settings())]:
        history = matrix.totals.history
        assert history.periods[history.demand.shape[1]] == matrix.origin[0]
        assert history.periods[-1] == matrix.date.max()
        assert history.event.shape == (3, len(history.periods))
        assert history.flags.shape == (1, 3, len(history.periods))
