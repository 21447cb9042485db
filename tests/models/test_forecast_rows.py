"""Rows of a forecast around given means: the columns of quantiles, the sums of windows, the bias factors."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from foundation.matrix import FeatureMatrix
from foundation.settings import Settings, quantile_columns
from models.calibration import bias_factors, calibrate
from models.demand_model import DemandModel
from models.predict import forecast_around

AS_OF = date(2024, 1, 1)
_SETTINGS = Settings(horizon=14, forecast={"window_days": (7, 14)})


def _frames(mean: np.ndarray) -> dict[str, pd.DataFrame]:
    """Return the frames of one series with ``mean`` (horizon,), calibrated on rows that vary as counts do."""
    draw, steps = np.random.default_rng(3), np.tile(np.arange(1, 15), 40)
    actual = draw.poisson(8.0, len(steps)).astype(float)
    rows = pd.DataFrame({"origin": np.repeat(np.arange(40), 14), "series": 0, "step": steps, "region": "r", "sku": "k", "category": "c", "mean": 8.0, "actual": actual})  # fmt: skip
    series = pd.DataFrame({"region": ["r"], "sku": ["k"], "kind": ["c"]})
    n, empty = len(mean), np.zeros(0, np.float32)
    origin = np.full(n, np.datetime64(AS_OF, "us"))
    matrix = FeatureMatrix(
        np.zeros((n, 1), np.float32), ("x",), ("y",), ("level",), {}, series, np.zeros(n, np.int32), origin,
        origin + np.arange(n) * np.timedelta64(1, "D"), np.arange(1, n + 1, dtype=np.int16), np.ones(n, bool),
        np.full(n, 300, np.int32), empty, empty,
    )  # fmt: skip
    model = DemandModel("m", AS_OF, (), {"kind": "test", "category": "kind", "calibration": calibrate(rows, _SETTINGS)})
    return forecast_around(model, matrix, mean, _SETTINGS, AS_OF)


def test_quantiles_stand_under_their_levels() -> None:
    levels = np.array(_SETTINGS.forecast.quantiles)
    for frame in (_frames(np.full(14, 8.0))[name] for name in ("forecast", "forecast_window")):
        values = frame[quantile_columns(_SETTINGS.forecast.quantiles)].to_numpy()
        assert (np.diff(values, axis=1) >= 0).all()
        low, high = values[:, levels < 0.2], values[:, levels > 0.8]
        assert (low < frame["mean_units"].to_numpy()[:, None]).all()
        assert (high > frame["mean_units"].to_numpy()[:, None]).all()


def test_a_window_is_the_sum_of_its_periods() -> None:
    mean = np.arange(1.0, 15.0)
    windows = _frames(mean)["forecast_window"].set_index("window_days")["mean_units"]
    assert windows.to_dict() == {7: pytest.approx(mean[:7].sum()), 14: pytest.approx(mean.sum())}


def test_bias_factors_are_worked_out_by_hand() -> None:
    """(ΣA + 9 ΣF) ÷ (ΣF + 9 ΣF) by region and category; an unknown actual is left out."""
    rows = pd.DataFrame({"region": ["r"] * 3, "category": ["c"] * 3, "mean": [4.0, 6.0, 90.0], "actual": [8.0, 12.0, np.nan]})  # fmt: skip
    assert bias_factors(rows) == {"r": {"c": pytest.approx(1.1)}}


def test_without_a_hierarchy_one_factor_serves_all_series() -> None:
    """A series that sold 20 times its forecast by chance does not get a factor of its own: (300 + 9 × 110) ÷ (10 × 110)."""
    rows = pd.DataFrame({"region": ["r", "r"], "sku": ["a", "b"], "category": ["a", "b"], "mean": [10.0, 100.0], "actual": [200.0, 100.0]})  # fmt: skip
    factors = bias_factors(rows)["r"]
    assert factors == {"a": pytest.approx(1290 / 1100), "b": pytest.approx(1290 / 1100)}
