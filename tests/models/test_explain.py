"""Explanations add up: on the log scale, in units, and between two runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix, training_set
from foundation.matrix import FeatureMatrix
from models import DemandModel, explain, movement, train
from models.combination import Combination
from models.explain import DRIVERS, TERMS, drivers_of, logarithmic_mean
from models.kinds.lightgbm_tweedie import LightGBMTweedie
from models.predict import means
from tests.worlds.small_world import AS_OF, settings, tables

NAMES = ("mean_28", "weekday", "price_to_mean", "is_promoted", "next_event", "region", "temperature_change")
FAMILIES = ("rolling", "calendar", "price", "price", "calendar", "static", "regional")
GROUPS = ("level", "season", "price", "promotion", "event", "region", "weather")
N_SERIES, N_STEPS = 10, 14
UNITS = [f"{term}_units" for term in TERMS]


def _matrix(seed: int = 0, shift: float = 0.0) -> FeatureMatrix:
    rng = np.random.default_rng(seed)
    n = N_SERIES * N_STEPS
    values = rng.normal(size=(n, len(NAMES))).astype(np.float32)
    values[:, 0] += shift
    series = pd.DataFrame({"region": [f"r{k % 2}" for k in range(N_SERIES)], "sku": [f"s{k}" for k in range(N_SERIES)]})
    step = np.tile(np.arange(1, N_STEPS + 1, dtype=np.int16), N_SERIES)
    origin = np.datetime64("2016-05-02", "us")
    empty = np.empty(0, np.float32)
    return FeatureMatrix(
        values=values, names=NAMES, families=FAMILIES, drivers=GROUPS, categories={}, series=series.assign(category="c"),
        series_code=np.repeat(np.arange(N_SERIES, dtype=np.int32), N_STEPS), origin=np.full(n, origin),
        date=origin + (step - 1) * np.timedelta64(1, "D"), step=step, is_sold=np.ones(n, bool),
        history=np.full(n, 99, np.int32), target=empty, weight=empty,
    )  # fmt: skip


def _model(seed: int = 1) -> DemandModel:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(600, len(NAMES)))
    target = rng.poisson(np.exp(0.5 + 0.6 * values[:, 0] + 0.3 * values[:, 3])).astype(float)
    parameters = {"objective": "tweedie", "num_leaves": 15, "verbosity": -1, "num_threads": 1, "seed": seed}
    booster = lgb.train(parameters, lgb.Dataset(values, target, feature_name=list(NAMES)), num_boost_round=20)
    facts = {"features": list(NAMES), "families": list(FAMILIES), "categories": {}, "category": "category", "kind": "lightgbm",
             "bias": {"r0": {"c": 1.1}, "r1": {"c": 0.8}}}  # fmt: skip
    return DemandModel("demo", date(2016, 5, 2), (LightGBMTweedie(booster.model_to_string()),), facts)


def test_drivers_add_up_to_the_forecast_in_logs_and_in_units() -> None:
    matrix, model = _matrix(), _model()
    rows = np.array([3, 77, 20])
    result = explain(model, matrix, rows)
    expected = means(model, matrix, 1)[rows]
    logs = result[[f"{term}_log" for term in TERMS]].sum(axis=1)
    assert result["mean_units"].to_numpy() == pytest.approx(expected, rel=1e-5)
    assert np.exp(logs).to_numpy() == pytest.approx(expected, rel=1e-5)
    assert result[UNITS].sum(axis=1).to_numpy() == pytest.approx(expected, rel=1e-5)
    assert result["sku"].tolist() == ["s0", "s5", "s1"]


def test_a_closed_period_is_explained_by_not_being_sold() -> None:
    matrix = _matrix()
    is_sold = matrix.is_sold.copy()
    is_sold[5] = False
    result = explain(_model(), replace(matrix, is_sold=is_sold), np.array([5]))
    assert result["mean_units"].tolist() == [0.0]
    assert result[UNITS].sum(axis=1).to_numpy() == pytest.approx([0.0], abs=1e-9)
    assert result["not_sold_units"].iloc[0] < 0


def test_the_bias_factor_is_shown_as_a_correction() -> None:
    result = explain(_model(), _matrix(), np.arange(2 * N_STEPS))
    assert (result.loc[result["region"] == "r0", "correction_units"] > 0).all()
    assert (result.loc[result["region"] == "r1", "correction_units"] < 0).all()


def test_a_driver_that_changed_alone_explains_the_whole_movement() -> None:
    """Only the level feature moved, the model did not: nothing may be put down to anything else."""
    model, rows = _model(), np.arange(N_STEPS)
    before, after = explain(model, _matrix(), rows), explain(model, _matrix(shift=1.0), rows)
    moved = movement(before, after, after)
    difference = moved["mean_units"] - moved["mean_units_before"]
    assert difference.abs().sum() > 1
    others = moved[[f"{driver}_units" for driver in DRIVERS if driver != "level"]].abs().to_numpy()
    assert moved[[f"{driver}_units" for driver in DRIVERS]].sum(axis=1).to_numpy() == pytest.approx(
        difference, abs=1e-5
    )
    assert moved["model_units"].to_numpy() == pytest.approx(np.zeros(N_STEPS), abs=1e-5)
    assert others.mean() < moved["level_units"].abs().mean()


def test_a_new_model_on_the_same_inputs_moves_by_the_model_alone() -> None:
    matrix, rows = _matrix(), np.arange(N_STEPS)
    old, new = _model(1), _model(2)
    moved = movement(explain(old, matrix, rows), explain(old, matrix, rows), explain(new, matrix, rows))
    difference = (moved["mean_units"] - moved["mean_units_before"]).to_numpy()
    assert moved["model_units"].to_numpy() == pytest.approx(difference)
    assert moved[[f"{driver}_units" for driver in DRIVERS]].abs().to_numpy().max() == pytest.approx(0.0)


def test_movement_adds_up_when_inputs_and_model_both_changed() -> None:
    rows = np.arange(N_STEPS * 3)
    old, new, changed = _model(1), _model(2), _matrix(seed=5)
    moved = movement(explain(old, _matrix(), rows), explain(old, changed, rows), explain(new, changed, rows))
    parts = moved[[*(f"{driver}_units" for driver in DRIVERS), "model_units", "not_sold_units"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx((moved["mean_units"] - moved["mean_units_before"]).to_numpy())


def test_drivers_are_those_the_model_was_trained_with_or_else_those_of_the_matrix() -> None:
    model, matrix = _model(), _matrix()
    assert drivers_of(model, matrix) == list(GROUPS)
    trained = replace(model, facts=model.facts | {"drivers": ["level"] * len(NAMES)})
    assert drivers_of(trained, matrix) == ["level"] * len(NAMES)
    unknown = replace(matrix, names=("other", *NAMES[1:]))
    assert drivers_of(model, unknown)[0] == "level"


def test_the_logarithmic_mean_lies_between_its_arguments() -> None:
    a, b = np.array([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 0.1])
    result = logarithmic_mean(a, b)
    assert (result >= np.minimum(a, b)).all()
    assert (result <= np.maximum(a, b)).all()
    assert result * np.log(a / b) == pytest.approx(a - b)


def test_a_series_that_simple_methods_forecast_is_explained_by_them_and_not_by_the_model() -> None:
    """LightGBM loses on 12 series and has no weight: its trees say nothing about the forecast."""
    used = settings()
    panel = build_panel(tables(), used, AS_OF)
    model, matrix = train(training_set(panel, used), used, AS_OF), forecast_matrix(panel, used)
    result = explain(model, matrix, np.arange(matrix.n_rows))
    expected = means(model, matrix, 1)
    assert model.facts["combination"]["weights"]["all"][0] == 0
    assert result[UNITS].sum(axis=1).to_numpy() == pytest.approx(expected, rel=1e-4)
    shares = result.filter(regex="_share$")
    assert shares.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(result)))
    assert not shares.get("lightgbm_share", pd.Series([0.0])).any()
    silent = [f"{driver}_units" for driver in DRIVERS if driver not in ("level", "season")]
    assert result[silent].abs().to_numpy().max() == 0
    assert result["level_units"].abs().mean() > 0
    assert (result["correction_log"] >= -0.5).all()


def test_the_parts_of_a_combination_contribute_by_their_shares() -> None:
    """Half of the forecast is the model's, so it brings half of its price effect on the log scale."""
    matrix, model = _matrix(), _model()
    past = np.full((N_SERIES, 400), 5.0, np.float32)  # more than a year: the total is not drawn to simple methods
    matrix = replace(matrix, past=past)
    weights = {"all": (0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0)}
    combination = Combination(1, (0.0, 0.0), weights, ("lightgbm",))
    facts = model.facts | {"combination": combination.to_json()}
    combined, rows = explain(replace(model, facts=facts), matrix, np.arange(N_STEPS)), np.arange(N_STEPS)
    alone = explain(model, matrix, rows)
    share = combined["lightgbm_share"].to_numpy()
    assert combined["recent_mean_share"].to_numpy() == pytest.approx(1 - share)
    trees = alone["mean_units"].to_numpy() / 1.1  # the bias factor of the region
    assert share == pytest.approx(trees / (trees + 5.0), rel=1e-5)
    assert combined["price_log"].to_numpy() == pytest.approx(share * alone["price_log"].to_numpy())
    assert combined["mean_units"].to_numpy() == pytest.approx(1.1 * (trees + 5.0) / 2, rel=1e-5)
