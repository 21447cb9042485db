"""The combination of the model and simple methods: the better method out of sample makes the forecast."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import models
from features import build_panel, forecast_matrix, training_set
from models.combination import CalibrationOrigin, Combination, _overruled, wape_advantage
from models.simple import METHODS, simple_means
from tests.worlds.small_world import AS_OF, settings, tables

_HORIZON = 14
_MODEL = ("lightgbm",)


def _origins(n_series: int, rate: float, model: float, seed: int = 3) -> list[CalibrationOrigin]:
    """Return three origins of Poisson series of mean ``rate``, whose model predicts ``model`` × the true mean."""
    draw = np.random.default_rng(seed)
    level = rate * draw.gamma(4.0, 0.25, n_series)
    demand = draw.poisson(level[:, None], (n_series, 120)).astype(np.float32)
    mean = np.repeat((model * level)[:, None], _HORIZON, axis=1).astype(np.float32)
    return [
        CalibrationOrigin(mean[None], simple_means(demand[:, :index], _HORIZON, 1), demand[:, index : index + _HORIZON])
        for index in (92, 99, 106)
    ]  # fmt: skip


@pytest.mark.parametrize("rate", [0.06, 1.0, 40.0])
@pytest.mark.parametrize("off", [1 / 30, 0.5, 2.0])
def test_a_model_that_loses_does_not_make_the_forecast(rate: float, off: float) -> None:
    origins = _origins(200, rate, off)
    combination = Combination.fit(origins, 1, _MODEL)
    last = origins[-1]
    result, simple = combination.combine(last.models, last.simple), last.simple.means[METHODS.index("recent_mean")]
    assert abs(result.sum() / last.actual.sum() - 1) < 0.2  # 162 units at the lowest rate: 8% by chance alone
    assert np.abs(result - last.actual).sum() <= 1.05 * np.abs(simple - last.actual).sum()
    if rate >= 1:  # below, the simple methods know less than half the truth
        assert combination.weights["all"][0] == 0
        assert not [name for name in combination.methods(last.simple) if name.startswith("lightgbm")]


def test_a_model_that_knows_the_truth_makes_most_of_the_forecast() -> None:
    combination = Combination.fit(_origins(200, 5.0, 1.0), 1, _MODEL)
    assert combination.weights["all"][0] > 0.6


def test_a_model_without_rows_is_never_used() -> None:
    origins = _origins(50, 5.0, 1.0)
    combination = Combination.fit(origins, 1, _MODEL, are_models_usable=False)
    assert {row[0] for row in combination.weights.values()} == {0.0}


@pytest.mark.parametrize("seed", range(5))
def test_weights_are_shares_and_survive_json(seed: int) -> None:
    draw = np.random.default_rng(seed)
    combination = Combination.fit(_origins(int(draw.integers(1, 60)), float(draw.gamma(1.0)), 1.3, seed), 1, _MODEL)
    weights = np.array(list(combination.weights.values()))
    assert weights.shape[1] == len(combination.parts)
    assert (weights >= 0).all()
    assert np.allclose(weights.sum(axis=1), 1)
    assert Combination.from_json(json.loads(json.dumps(combination.to_json()))) == combination


def test_a_series_without_a_known_period_has_the_models_mean() -> None:
    origins = _origins(50, 5.0, 0.5)
    combination = Combination.fit(origins, 1, _MODEL)
    no_shipment = simple_means(np.full((2, 40), np.nan, np.float32), _HORIZON, 1)
    model = np.full((2, _HORIZON), 3.0, np.float32)
    assert np.allclose(combination.combine(model[None], no_shipment), model)


@pytest.mark.parametrize("scale", [0.1, 100.0])
def test_units_of_another_size_give_the_same_weights(scale: float) -> None:
    origins = _origins(80, 2.0, 0.7)
    scaled = [
        CalibrationOrigin(one.models * scale, simple_means(scale * _past(one), _HORIZON, 1), one.actual * scale)
        for one in origins
    ]
    unscaled = [CalibrationOrigin(one.models, simple_means(_past(one), _HORIZON, 1), one.actual) for one in origins]
    first, second = (Combination.fit(some, 1, _MODEL) for some in (unscaled, scaled))
    for name, row in first.weights.items():
        assert np.allclose(row, second.weights[name], atol=1e-3)


def _past(one: CalibrationOrigin) -> np.ndarray:
    return np.repeat(one.simple.level[:, None], 60, axis=1).astype(np.float32)


@pytest.mark.parametrize("days", [1, 7])
def test_simple_methods_continue_a_constant(days: int) -> None:
    past = np.full((3, 60), 4.0, np.float32)
    past[1, :30] = np.nan
    past[2, ::3] = np.nan
    assert np.allclose(simple_means(past, 10, days).means, 4.0, atol=1e-4)


def test_days_closed_every_week_do_not_lower_the_level() -> None:
    past = np.tile(np.array([5.0, 5, 5, 5, 5, 0, 0], np.float32), (20, 12))
    means = simple_means(past, 14, 1).means
    for name, mean in zip(METHODS, means, strict=True):
        assert mean.sum() == pytest.approx(20 * 50.0, rel=0.01), name


def test_simple_methods_keep_the_weekday() -> None:
    week = np.array([1.0, 1, 1, 1, 1, 4, 5], np.float32)
    result = simple_means(np.tile(week, (2, 10)), 14, 1)
    for name in ("seasonal_naive", "recent_mean", "exponential_smoothing"):
        assert np.allclose(result.means[METHODS.index(name)][0], np.tile(week, 2), rtol=0.2)


def _thin(days: int, rate: float) -> dict[str, pd.DataFrame]:
    """Return a world of 4 SKUs, the k-th of which sells (k + 1) × ``rate`` a day."""
    given = tables(days)
    sales = given["sales"]
    draw = np.random.default_rng(5)
    rank = pd.factorize(sales["sku"], sort=True)[0] + 1
    given["sales"] = sales.assign(units_sold=draw.poisson(rate * rank).astype(float), in_stock_rate=1.0)
    return given


@pytest.mark.parametrize(("days", "rate"), [(20, 2.0), (40, 0.5), (120, 0.08)])
def test_thin_histories_are_forecast_at_the_level_of_each_sku(days: int, rate: float) -> None:
    given, chosen = _thin(days, rate), settings(lightgbm={"min_data_in_leaf": 150, "num_leaves": 63, "trees": 60})
    panel = build_panel(given, chosen, AS_OF)
    model = models.train(training_set(panel, chosen), chosen, AS_OF)
    result = models.forecast(model, forecast_matrix(panel, chosen), chosen, AS_OF)["forecast"]
    by_sku = result.groupby("sku")["mean_units"].mean()
    sold = given["sales"]["units_sold"].mean()
    assert result["mean_units"].mean() == pytest.approx(sold, rel=0.3)
    if rate > 0.1:
        assert by_sku.is_monotonic_increasing
        assert by_sku.iloc[-1] > 2 * by_sku.iloc[0]


def test_a_model_that_wins_clearly_makes_the_forecast_and_one_that_loses_clearly_has_no_part() -> None:
    """Between the two, the least-squares weights stand; sparse demand is not judged by WAPE."""
    dense, sparse = _origins(200, 5.0, 1.0), _origins(200, 0.06, 1.0)
    assert wape_advantage(dense)[0] > 0.03
    assert set(Combination.fit(dense, 1, _MODEL).weights["all"][1:]) == {0.0}
    assert wape_advantage(_origins(200, 5.0, 2.0))[0] < -0.2
    assert wape_advantage(sparse)[0] == 0.0


def test_a_model_loses_its_weight_gradually() -> None:
    """One bad horizon is partly chance: a WAPE a little higher than 10% does not decide more than one a little lower."""
    weights = [
        _overruled(np.array([0.6, 0.4, 0, 0, 0, 0, 0]), np.array([-over])) for over in (0, 0.03, 0.09, 0.11, 0.2, 9)
    ]
    of_model = [row[0] for row in weights]
    assert of_model[:2] == [0.6, 0.6]
    assert of_model == sorted(of_model, reverse=True)
    assert 0.3 < of_model[3] < of_model[2] < 0.6
    assert of_model[2] - of_model[3] < 0.1
    assert of_model[4:] == [0.0, 0.0]
    assert [float(row.sum()) for row in weights] == pytest.approx([1.0] * 6)


def _two(first: float, second: float) -> list[CalibrationOrigin]:
    """Return origins of two models that predict ``first`` and ``second`` × the true mean."""
    one, other = _origins(200, 5.0, first), _origins(200, 5.0, second)
    return [
        CalibrationOrigin(np.concatenate([a.models, b.models]), a.simple, a.actual)
        for a, b in zip(one, other, strict=True)
    ]


_TWO = ("lightgbm", "other")


def test_of_two_models_the_one_that_wins_makes_the_forecast_and_the_one_that_loses_has_no_part() -> None:
    for origins, winner in ((_two(1.0, 2.0), 0), (_two(2.0, 1.0), 1)):
        combination = Combination.fit(origins, 1, _TWO)
        assert combination.weights["all"][winner] == 1.0
        assert set(combination.methods(origins[-1].simple)) == {_TWO[winner]}


def test_two_models_that_both_win_share_the_forecast() -> None:
    combination = Combination.fit(_two(1.0, 1.0), 1, _TWO)
    assert combination.weights["all"][0] == pytest.approx(0.5, abs=1e-6)
    assert sum(combination.weights["all"][:2]) == 1.0
    assert Combination.from_json(json.loads(json.dumps(combination.to_json()))) == combination


@pytest.mark.parametrize("change", [0.0, 6.0])
def test_a_break_in_one_series_leaves_the_weights_of_the_others(change: float) -> None:
    """The second largest SKU ends, or sells six times as much, ten days before the training date."""
    plain = tables(days=200)
    broken = {name: frame.copy() for name, frame in plain.items()}
    sales = broken["sales"]
    second = sales.groupby("sku")["units_sold"].sum().sort_values().index[-2]
    is_late = (sales["sku"] == second) & (sales["date"] >= pd.Timestamp(AS_OF) - pd.Timedelta(days=10))
    sales.loc[is_late, "units_sold"] = np.round(sales.loc[is_late, "units_sold"] * change)
    fitted = []
    for world in (plain, broken):
        panel = build_panel(world, settings(), AS_OF)
        fitted.append(
            models.train(training_set(panel, settings()), settings(), AS_OF).facts["combination"]["weights"]["all"]
        )
    assert np.abs(np.subtract(*fitted)).max() < 0.1


def _repeating(steps: int) -> list[CalibrationOrigin]:
    """Return an origin of weekly series of ten weeks, of which the last value is sold in the next ``steps`` weeks too."""
    demand = np.random.default_rng(4).poisson(6.0, (80, 10)).astype(np.float32)
    simple = simple_means(demand, steps, 7)
    return [
        CalibrationOrigin(np.full((1, 80, steps), 60.0, np.float32), simple, np.repeat(demand[:, -1:], steps, axis=1))
    ]


def test_the_next_weeks_alone_decide_little_over_a_long_horizon() -> None:
    """The two methods that repeat the last value know all of the next two weeks, and nothing of the eleven after them is seen."""
    last = [1 + METHODS.index(name) for name in ("seasonal_naive", "last_week")]
    short, long = (
        np.array(Combination.fit(_repeating(2), 7, _MODEL, horizon=horizon).weights["all"]) for horizon in (2, 13)
    )
    assert short[last].sum() > 0.8
    assert long[last].sum() < 0.35


def test_methods_that_are_the_same_share_the_weight_of_one() -> None:
    prior = np.array(Combination.fit(_repeating(2), 7, _MODEL, are_models_usable=False, horizon=10_000).weights["all"])
    last = prior[[1 + METHODS.index(name) for name in ("seasonal_naive", "last_week")]].sum()
    assert last == pytest.approx(prior[1 + METHODS.index("recent_mean")], abs=0.02)
