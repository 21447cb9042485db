"""Regular demand is learned relative to the recent level of the series, so that small series among large ones are forecast as well."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix, training_set
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models.forecaster import FitData
from models.kinds.lightgbm_tweedie import LightGBMTweedie
from models.recent_level import is_regular_demand, level_feature, recent_level

_AS_OF = date(2024, 6, 3)
_LEVELS = np.geomspace(20.0, 20_000.0, 60)
_TREES = {"trees": 20, "num_leaves": 7, "min_data_in_leaf": 20}
_SETTINGS = Settings.model_validate(
    {"name": "levels", "horizon": 14, "series": {"hierarchy": ("category",)},
     "forecast": {"window_days": (7,), "calibration_origins": 1, "threads": 2, "history_days": 60, "lightgbm": _TREES}}
)  # fmt: skip


@cache
def _fitted(scale: float = 1.0, giants: float = 1.0) -> tuple[LightGBMTweedie, FeatureMatrix]:
    """Return LightGBM fitted on 60 regular series whose levels differ by a factor of 1,000, and the rows to forecast.

    The five largest are ``giants`` times as large.
    """
    days = pd.date_range(end=pd.Timestamp(_AS_OF), periods=100, inclusive="left").as_unit("us")
    skus = [f"s{place:02}" for place in range(len(_LEVELS))]
    sales = pd.MultiIndex.from_product([days, ["north"], skus], names=["date", "region", "sku"]).to_frame(index=False)
    sales["units_sold"] = scale * np.round(
        np.tile(np.where(np.arange(len(_LEVELS)) < len(_LEVELS) - 5, 1.0, giants) * _LEVELS, len(days))
        * np.random.default_rng(1).lognormal(0, 0.1, len(sales))
    )
    tables = {
        "sales": sales,
        "skus": pd.DataFrame({"sku": skus, "category": "c"}),
        "regions": pd.DataFrame({"region": ["north"]}),
    }
    panel = build_panel(tables, _SETTINGS, _AS_OF)
    model = LightGBMTweedie.fit(FitData(training_set(panel, _SETTINGS), _SETTINGS), None)
    return model, forecast_matrix(panel, _SETTINGS)


def test_the_smallest_of_regular_series_are_forecast_without_bias() -> None:
    model, matrix = _fitted()
    mean = model.predict(matrix, 2).reshape(len(_LEVELS), -1).mean(axis=1)
    assert np.abs(mean / _LEVELS - 1).max() < 0.1
    again = LightGBMTweedie.load(model.files())
    assert (again.predict(matrix, 2) == model.predict(matrix, 2)).all()


def test_a_few_giants_do_not_raise_the_smallest() -> None:
    model, matrix = _fitted(giants=1e4)
    mean = model.predict(matrix, 2).reshape(len(_LEVELS), -1).mean(axis=1)
    assert np.abs(mean / _LEVELS - 1)[:-5].max() < 0.15


def test_contributions_add_up_to_the_mean_with_the_level() -> None:
    model, matrix = _fitted()
    rows = np.arange(0, matrix.n_rows, 7)
    contributions = model.contributions(matrix, rows)
    assert np.exp(contributions.sum(axis=1)) == pytest.approx(model.predict(matrix, 2)[rows], rel=1e-4)
    assert np.abs(contributions[:, :-1]).max(axis=0).argmax() == level_feature(matrix)


def test_the_unit_of_demand_has_no_effect() -> None:
    one, other = (model.predict(matrix, 2) for model, matrix in (_fitted(), _fitted(8.0)))
    assert other / 8.0 == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize(("rate", "expected"), [(0.5, False), (4.0, False), (30.0, True), (5000.0, True)])
def test_counts_are_regular_where_they_are_large(rate: float, expected: bool) -> None:
    demand = np.random.default_rng(3).poisson(rate, (50, 120)).astype(np.float32)
    assert is_regular_demand(demand, 1) is expected
    assert is_regular_demand(np.full((3, 40), np.nan, np.float32), 1) is False


def test_an_unknown_level_is_the_usual_one() -> None:
    _, matrix = _fitted()
    changed = replace(matrix, values=matrix.values.copy())
    changed.values[:3, level_feature(matrix)] = (np.nan, 0.0, 50.0)
    assert recent_level(changed, 200.0)[:3] == pytest.approx([200.0, 0.2, 50.0])
