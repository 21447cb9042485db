"""The variance of a series is learned from its own history, where there are enough series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from foundation.settings import Settings
from models.backtest.metrics import randomized_pit
from models.calibration import Spread, calibrate
from models.distribution import Margins, quantiles
from models.support import Support
from models.variance import FEWEST_SERIES, History, Past
from tests.worlds.small_world import settings as small_settings

MEAN, N_PAST, N_STEPS = 6.0, 200, 14
ORIGIN = pd.Timestamp("2024-03-04")


def _demand(n: int, unit: float, seed: int = 5) -> np.ndarray:
    """Return demand of ``n`` series with one mean: the first half regular, the second half in rare large orders."""
    random = np.random.default_rng(seed)
    shape = (n // 2, N_PAST + N_STEPS)
    regular = random.poisson(MEAN, shape)
    lumpy = random.poisson(MEAN / 2, shape) * random.binomial(1, 0.1, shape) * 20.0
    return unit * np.concatenate([regular, lumpy]).astype(np.float32)


def _calibration(demand: np.ndarray, unit: float, settings: Settings) -> dict:
    n = len(demand)
    index = pd.MultiIndex.from_product([range(n), range(1, N_STEPS + 1)], names=["series", "step"])
    rows = index.to_frame(index=False).assign(
        origin=ORIGIN, region="r", sku=[f"s{code}" for code in index.get_level_values("series")], category="c",
        mean=MEAN * unit, actual=demand[:, N_PAST:].ravel(),
    )  # fmt: skip
    return calibrate(rows, settings, {ORIGIN: History.of(demand[:, :N_PAST], 1)})


def _margins(calibration: dict, demand: np.ndarray, unit: float, window: int | None = None) -> tuple[Spread, Margins]:
    """Return the margins of new series with the same mean and histories like ``demand``."""
    values = calibration["period"] if window is None else calibration["windows"][str(window)]
    spread = Spread.from_json(values, Support.from_json(calibration["support"]))
    n, periods = len(demand), window or 1
    past = Past(History.of(demand[:, :N_PAST], 1), np.arange(n), np.full(n, periods), periods, np.ones(n))
    mean = np.full(n, MEAN * unit * periods)
    return spread, spread.margins(pd.Series(["new"] * n), mean, np.ones(n), past)


@pytest.mark.parametrize("window", [None, 14])
def test_series_with_equal_means_get_the_variance_of_their_own_histories(window: int | None) -> None:
    settings, new = small_settings(), _demand(400, 1.0, seed=6)
    calibration = _calibration(_demand(2400 if window else 1200, 1.0), 1.0, settings)
    spread, margins = _margins(calibration, new, 1.0, window)
    result = quantiles(spread.table, margins, settings.forecast.quantiles)
    actual = new[:, N_PAST:].sum(axis=1) if window else new[:, N_PAST]
    width = result[:, -2] - result[:, 1]
    assert np.median(width[200:]) > 3 * np.median(width[:200])
    for half in (slice(0, 200), slice(200, 400)):
        pit = randomized_pit(actual[half], result[half], settings.forecast.quantiles, np.random.default_rng(1))
        assert abs(np.mean(pit <= 0.975) - 0.975) < 0.04


@pytest.mark.parametrize("unit", [0.1, 100.0])
def test_the_unit_of_demand_does_not_change_the_learned_variance(unit: float) -> None:
    settings = small_settings()
    dispersions = [
        _margins(_calibration(_demand(1200, factor), factor, settings), _demand(40, factor, seed=6), factor)[
            1
        ].dispersion
        for factor in (1.0, unit)
    ]
    np.testing.assert_allclose(dispersions[1], dispersions[0], rtol=0.02)


def test_threads_do_not_change_the_trees() -> None:
    one, other = (_calibration(_demand(1200, 1.0), 1.0, small_settings(threads=threads)) for threads in (1, 3))
    assert one["period"]["trees"] == other["period"]["trees"] != ""


def test_few_series_leave_the_dispersion_to_the_level_and_the_sku() -> None:
    demand = _demand(FEWEST_SERIES - 2, 1.0)
    assert _calibration(demand, 1.0, small_settings())["period"]["trees"] == ""


def test_figures_of_a_history_ignore_unknown_periods() -> None:
    known = np.array([[2.0, 0.0, 4.0, 6.0]], np.float32)
    with_gap = np.array([[np.nan, 2.0, np.nan, 0.0, 4.0, np.nan, 6.0]], np.float32)
    first, second = History.of(known, 1), History.of(with_gap, 1)
    np.testing.assert_allclose(second.mean, first.mean)
    np.testing.assert_allclose(second.variance, first.variance)
    np.testing.assert_allclose(second.zeros, first.zeros)
    assert first.zeros[0, 0] == pytest.approx(0.25)
    empty = History.of(np.empty((2, 0), np.float32), 1)
    assert np.isfinite(np.column_stack(empty.columns(np.array([0, 1]), np.ones(2), np.ones(2)))).all()


def test_weekly_data_have_no_trees() -> None:
    values = small_settings().model_dump() | {"frequency": "W-MON"}
    weekly = Settings.model_validate(values)
    assert _calibration(_demand(1200, 1.0), 1.0, weekly)["period"]["trees"] == ""
