"""Dispersion of demand scenarios: stated by a forecast, else from its quantiles."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from foundation.demand_distribution import dispersion_of_quantiles
from foundation.demand_scenarios import CERTAIN
from foundation.settings import Settings, quantile_columns
from positioning.inputs.demand import read_demand

LEVELS = np.array([0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995])


@pytest.mark.parametrize("mean", [20.0, 60.0, 400.0])
@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.4])
def test_quantiles_of_a_negative_binomial_give_its_variance_back(mean: float, alpha: float) -> None:
    """Paths must be as wide as the forecast says."""
    size = 1.0 / alpha
    values = nbinom.ppf(LEVELS, size, size / (size + mean))
    result = dispersion_of_quantiles(LEVELS, values[None], np.array([mean]))
    assert mean + result * mean**2 == pytest.approx([mean + alpha * mean**2], rel=0.1)


def test_one_far_quantile_does_not_decide() -> None:
    """The variance of these quantiles would more than double the dispersion."""
    mean, size = 50.0, 1.0 / 0.1
    values = nbinom.ppf(LEVELS, size, size / (size + mean))
    far = np.where(LEVELS > 0.99, values * 1.3, values)
    result = dispersion_of_quantiles(LEVELS, np.array([values, far]), np.array([mean, mean]))
    assert result[1] < 2.0 * result[0]


def test_no_demand_has_no_dispersion() -> None:
    """A mean of 0 must not divide by itself."""
    assert (dispersion_of_quantiles(LEVELS, np.zeros((2, 9)), np.zeros(2)) == 0.0).all()


def test_quantiles_as_narrow_as_chance_alone_are_poisson() -> None:
    """Nothing below the spread of a Poisson law can be told apart from it."""
    result = dispersion_of_quantiles(LEVELS, np.full((1, 9), 30.0), np.array([30.0]))
    assert result == pytest.approx([0.0])


def _windows(**columns: object) -> pd.DataFrame:
    values = dict.fromkeys(quantile_columns(tuple(LEVELS)), 30.0)
    row = {"region": "r", "sku": "s", "window_days": 7, "mean_units": 30.0}
    return pd.DataFrame([row | values | columns])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [({"dispersion": 0.31}, 0.31), ({"dispersion": None}, 0.0), ({}, 0.0), ({"dispersion": 0.31, "is_certain": True}, CERTAIN)],
)  # fmt: skip
def test_a_stated_dispersion_is_taken_and_a_missing_one_fitted(columns: dict[str, object], expected: float) -> None:
    """Tables of earlier versions and forecasts made elsewhere have quantiles alone."""
    windows = _windows(**columns)
    before = windows.copy()
    network = SimpleNamespace(regions=("r",), as_of=date(2024, 6, 3))
    result = read_demand({"forecast": _no_rows(), "forecast_window": windows}, network, ("s",), Settings())
    assert result.dispersion[0, 0].tolist() == [expected]
    pd.testing.assert_frame_equal(windows, before)


@pytest.mark.parametrize(("columns", "expected"), [({"step_units": 0.1}, 0.1), ({"step_units": None}, 1.0), ({}, 1.0)])
def test_demand_is_whole_unless_the_forecast_states_a_step(columns: dict[str, object], expected: float) -> None:
    network = SimpleNamespace(regions=("r",), as_of=date(2024, 6, 3))
    result = read_demand({"forecast": _no_rows(), "forecast_window": _windows(**columns)}, network, ("s",), Settings())
    assert result.step_units.tolist() == [expected]


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame({"date": pd.to_datetime([]), "region": [], "sku": [], "mean_units": np.zeros(0)})
