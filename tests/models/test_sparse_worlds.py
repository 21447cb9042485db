"""Training on histories that are short, empty or only begin lately: a forecast, or one line with the reason."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import models
from features import build_panel, forecast_matrix, training_set
from foundation.validation.time import fewest_periods, training_faults
from models.backtest.promotion import BaselineComparison
from models.kinds.lightgbm_tweedie import booster_names
from tests.worlds.small_world import AS_OF, settings, tables

_SMALL = settings()


def _forecast(given: dict[str, pd.DataFrame]) -> tuple[models.DemandModel, pd.DataFrame]:
    panel = build_panel(given, _SMALL, AS_OF)
    model = models.train(training_set(panel, _SMALL), _SMALL, AS_OF)
    return model, models.forecast(model, forecast_matrix(panel, _SMALL), _SMALL, AS_OF)["forecast"]


@pytest.mark.parametrize("n_days", [0, 1, 10, 21])
def test_series_that_begin_to_sell_after_zeros_are_forecast(n_days: int) -> None:
    """Before the first calibration origin there is no demand at all, which LightGBM's Tweedie objective refuses."""
    given = tables()
    opened = pd.Timestamp(AS_OF) - pd.Timedelta(days=n_days)
    given["sales"].loc[given["sales"]["date"] < opened, "units_sold"] = 0.0
    result = _forecast(given)[1]
    assert np.isfinite(result.drop(columns=["date", "region", "sku", "tier", "model_version", "as_of"])).all(axis=None)
    if n_days == 0:
        assert result["mean_units"].max() < 0.01


def test_a_world_without_demand_is_reported_as_not_measured() -> None:
    given = tables()
    given["sales"]["units_sold"] = 0.0
    assert BaselineComparison.of(_forecast(given)[0]).sentence.startswith("Not measured")


@pytest.mark.parametrize("days", [7, 8, 9, 13, 20, 27, 28, 29])
def test_every_history_that_validation_accepts_can_be_trained_on(days: int) -> None:
    given = tables(days)
    first = given["sales"]["date"].min().date()
    assert training_faults(first, AS_OF, _SMALL) == []
    result = _forecast(given)[1]
    assert np.isfinite(result["mean_units"]).all()


@pytest.mark.parametrize("frequency", ["D", "W-MON"])
def test_a_history_too_short_to_train_on_is_counted(frequency: str) -> None:
    chosen = _SMALL.model_copy(update={"frequency": frequency})
    needed = fewest_periods(chosen)
    first = AS_OF - timedelta(days=(needed - 1) * chosen.grid.days)
    (fault,) = training_faults(first, AS_OF, chosen)
    assert f"{needed - 1} " in str(fault)
    assert f"needs {needed} " in str(fault)
    assert training_faults(AS_OF - timedelta(days=needed * chosen.grid.days), AS_OF, chosen) == []


def test_sales_never_in_stock_are_a_fault() -> None:
    (fault,) = training_faults(date(2020, 1, 1), AS_OF, _SMALL, is_ever_in_stock=False)
    assert "in_stock_rate" in str(fault)


@pytest.mark.parametrize("names", [("snap", "sn ap", "sn\0ap", "sn{ap"), ("lag_1", "mean_28", "temp", "température")])
def test_columns_that_share_a_name_after_cleaning_are_learned_from(names: tuple[str, ...]) -> None:
    given = tables()
    for name in names:
        given["regional"][name] = given["regional"]["temperature"]
    model, result = _forecast(given)
    assert len(set(model.facts["features"])) == len(model.facts["features"])
    assert len(set(booster_names(tuple(model.facts["features"])))) == len(model.facts["features"])
    assert np.isfinite(result["mean_units"]).all()
