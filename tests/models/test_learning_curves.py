"""The learning curves of a fit: deviance by number of trees, in training and out of sample, without effect on the trees."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.metrics import mean_tweedie_deviance

from foundation.settings import Forecast
from models.kinds import lightgbm_tweedie
from models.kinds.lightgbm_tweedie import Learner, _parted, tweedie_deviance

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(900, 3)).astype("float32")
UNITS = RNG.poisson(np.exp(0.8 * VALUES[:, 0])).astype("float32")
WEIGHT = RNG.uniform(0.5, 1.5, len(UNITS)).astype("float32")
FITTED = np.arange(700, dtype=np.int32)
BINS = {"verbosity": -1, "max_bin": 127, "min_data_in_leaf": 20}


def _rows() -> lgb.Dataset:
    return lgb.Dataset(VALUES, UNITS, weight=WEIGHT, params=BINS).construct()


@pytest.fixture
def learner() -> Learner:
    return Learner(Forecast(), trees=120, leaves=15, rows_in_leaf=20, rate=0.1)


def test_the_deviance_is_that_of_scikit_learn() -> None:
    mean = RNG.uniform(0.1, 3.0, len(UNITS))
    expected = mean_tweedie_deviance(UNITS, mean, power=1.3)
    assert tweedie_deviance(UNITS.astype(float), mean, 1.3).mean() == pytest.approx(expected)


def test_curves_end_at_the_deviance_of_the_booster_and_do_not_change_its_trees(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, curves = _parted(learner.grow(_rows(), FITTED))
    power = learner.forecast.lightgbm.tweedie_variance_power
    mean = np.asarray(lgb.Booster(model_str=text).predict(VALUES))
    each = tweedie_deviance(UNITS.astype(float), mean, power)
    for name, place in (("training", FITTED), ("validation", np.arange(700, 900))):
        steps, values = zip(*curves[name], strict=True)
        assert steps[-1] == learner.trees
        assert 20 < len(steps) <= 61
        assert values[-1] == pytest.approx(np.average(each[place], weights=WEIGHT[place]), rel=1e-5)
    assert curves["training"][-1][1] < curves["training"][0][1]
    bare = lgb.train(learner.parameters(), _rows().subset(FITTED).construct(), learner.trees).model_to_string()
    assert text == lightgbm_tweedie._THREADS.sub("[num_threads: 0]", bare)


def test_a_fit_on_all_rows_has_no_validation_curve(learner: Learner) -> None:
    assert list(_parted(learner.grow(_rows()))[1]) == ["training"]


def test_the_text_of_an_earlier_checkpoint_has_no_curves() -> None:
    assert _parted("tree\nversion=v4\n") == ("tree\nversion=v4\n", {})
