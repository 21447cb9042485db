"""The methods of smoothing against a plain loop over one series, and on series whose future is certain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.smoothing import damped_trend, intermittent, methods, recent_level, seasonal_forecast, theta

ORIGIN = np.datetime64("2024-06-03", "us")
DRAW = np.random.default_rng(3)


@pytest.mark.parametrize(("name", "level"), list(methods(1)))
def test_a_constant_goes_on(name: str, level: Callable[[np.ndarray, int], np.ndarray]) -> None:
    past = np.full((3, 60), 4.0, np.float32)
    past[1, :30] = np.nan
    past[2, ::3] = np.nan
    assert seasonal_forecast(level, past, ORIGIN, 10, 1) == pytest.approx(4.0, rel=1e-3), name


@pytest.mark.parametrize(("name", "level"), list(methods(1)))
def test_the_weekday_goes_on(name: str, level: Callable[[np.ndarray, int], np.ndarray]) -> None:
    week = np.array([1.0, 1, 1, 1, 1, 4, 5], np.float32)
    result = seasonal_forecast(level, np.tile(week, (2, 10)), ORIGIN, 14, 1)
    assert result[0] == pytest.approx(np.tile(week, 2), rel=0.2), name


@pytest.mark.parametrize(("name", "level"), list(methods(7)))
def test_the_season_of_the_year_goes_on(name: str, level: Callable[[np.ndarray, int], np.ndarray]) -> None:
    """Three years of weeks with twice the demand in every December."""
    weeks = ORIGIN + np.arange(-156, 52) * np.timedelta64(7, "D")
    demand = np.where(weeks.astype("datetime64[M]").astype(int) % 12 == 11, 20.0, 10.0)
    result = seasonal_forecast(level, np.tile(demand[:156], (5, 1)), ORIGIN, 52, 7)[0]
    is_high = demand[156:] == 20.0
    assert result[is_high].mean() > 1.4 * result[~is_high].mean(), name


@pytest.mark.parametrize("level", [damped_trend, theta])
def test_a_trend_goes_on_and_is_damped(level: Callable[[np.ndarray, int], np.ndarray]) -> None:
    past = 10.0 + 0.2 * np.arange(120)[None] + DRAW.normal(0, 0.3, (1, 120))
    result = level(past, 14)[0]
    assert result[-1] > result[0] > past[0, -20:].mean()
    assert result[-1] < 10.0 + 0.2 * 134 + 1.0


def test_without_a_trend_none_is_found() -> None:
    result = damped_trend(DRAW.poisson(5.0, (200, 120)).astype(float), 28)
    assert np.abs(result[:, -1] - result[:, 0]).mean() < 0.5
    assert result.mean() == pytest.approx(5.0, rel=0.05)


def test_damped_trend_is_the_recursion_of_one_series() -> None:
    """A line without noise is followed by the largest constants of the grid."""
    values = 5.0 + 1.0 * np.arange(40)
    level, trend = values[:14].mean(), 0.0
    for value in values:
        error = value - level - 0.98 * trend
        level, trend = level + 0.98 * trend + 0.4 * error, 0.98 * trend + 0.4 * 0.02 * error
    candidates = [level + sum(0.98**j for j in range(1, h + 1)) * trend for h in (1, 2, 3)]
    other_level, other_trend = values[:14].mean(), 0.0
    for value in values:
        error = value - other_level - 0.9 * other_trend
        other_level, other_trend = other_level + 0.9 * other_trend + 0.4 * error, 0.9 * other_trend + 0.4 * 0.1 * error
    others = [other_level + sum(0.9**j for j in range(1, h + 1)) * other_trend for h in (1, 2, 3)]
    result = damped_trend(values[None], 3)[0]
    assert result == pytest.approx(candidates) or result == pytest.approx(others)


def test_theta_is_smoothing_with_half_the_slope() -> None:
    values = np.array([3.0, 5.0, 4.0, 6.0, 8.0, 7.0, 9.0, 12.0])
    slope = np.polyfit(np.arange(8), values, 1)[0]
    expected = {}
    for alpha in (0.05, 0.1, 0.2, 0.4):
        level, squares = values[:4].mean(), 0.0
        for value in values:
            squares += (value - level) ** 2
            level += alpha * (value - level)
        drift = [slope / 2 * (h + (1 - (1 - alpha) ** 8) / alpha) for h in range(3)]
        expected[squares] = [level + one for one in drift]
    assert theta(values[None], 3)[0] == pytest.approx(expected[min(expected)])


def test_intermittent_demand_is_probability_times_size() -> None:
    values = np.zeros((300, 200))
    values[DRAW.random(values.shape) < 0.1] = 6.0
    result = intermittent(values, 3)
    assert result.mean() == pytest.approx(0.6, rel=0.1)
    ended = np.concatenate([values, np.zeros((300, 100))], axis=1)
    assert intermittent(ended, 3).mean() < 0.5 * result.mean()


def test_series_without_a_known_period_get_zero_and_the_others_do_not_change() -> None:
    past = DRAW.poisson(3.0, (4, 90)).astype(np.float32)
    unknown = past.copy()
    unknown[1] = np.nan
    for _, level in methods(1):
        whole = level(past.astype(float), 5)
        part = level(unknown.astype(float), 5)
        assert np.nan_to_num(part[1]).max() <= 1e-9
        assert np.delete(part, 1, axis=0) == pytest.approx(np.delete(whole, 1, axis=0))


def test_the_recent_mean_is_of_the_last_known_periods() -> None:
    values = np.array([[9.0, 1.0, np.nan, 3.0], [2.0, np.nan, np.nan, np.nan]])
    assert recent_level(values, 2, 3).tolist() == [[2.0, 2.0], [2.0, 2.0]]
