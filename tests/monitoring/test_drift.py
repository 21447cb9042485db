"""The population stability index and the windows it compares."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift import drift, stability_index

RNG = np.random.default_rng(5)


def test_the_index_is_the_sum_over_bins() -> None:
    """Two values, so two bins; (0.8 − 0.5) ln 1.6 + (0.2 − 0.5) ln 0.4, and the empty bins of both cancel."""
    reference, recent = np.array([0.0] * 5 + [1.0] * 5), np.array([0.0] * 8 + [1.0] * 2)
    assert stability_index(recent, reference) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))


def test_a_column_without_recent_values_drifts() -> None:
    assert stability_index(np.full(50, np.nan), RNG.normal(size=500)) > 1


def test_a_shift_of_one_deviation_is_drift_and_a_new_sample_is_not() -> None:
    reference = RNG.normal(size=5000)
    assert stability_index(RNG.normal(size=5000) + 1, reference) > 0.25
    assert stability_index(RNG.normal(size=5000), reference) < 0.01


def test_a_yearly_season_is_not_drift() -> None:
    days = np.arange(3 * 364)
    values = np.cos(2 * np.pi * days / 364) + RNG.normal(scale=0.3, size=(20, len(days)))
    rows = drift({("regional", "warmth"): values}, 28, 1)
    assert rows["stability_index"].iloc[0] < 0.25


def _growing(rate_per_year: float) -> np.ndarray:
    """Ten regions of different size that grow alike for four years."""
    days = np.arange(4 * 364)
    size = np.linspace(100, 1000, 10)[:, np.newaxis]
    return size * (1 + rate_per_year) ** (days / 364) * (1 + RNG.normal(scale=0.05, size=(10, len(days))))


def test_a_continuing_trend_is_not_drift() -> None:
    """A total that grows by a third every year is unlike last year's on every day, and nothing is wrong with it."""
    row = drift({("regional", "units"): _growing(0.33)}, 28, 1).iloc[0]
    assert row["stability_index"] < 0.25


@pytest.mark.parametrize("factor", [12.0, 0.4])
def test_a_changed_unit_is_drift_even_with_a_trend(factor: float) -> None:
    values = _growing(0.33)
    values[:, -28:] *= factor
    row = drift({("regional", "units"): values}, 28, 1).iloc[0]
    assert row["stability_index"] > 1 > 0.25 > row["usual_stability_index"]


def test_the_usual_index_comes_from_earlier_windows() -> None:
    values = RNG.normal(size=(30, 600))
    values[:, -28:] += 3
    row = drift({("sales", "units_sold"): values}, 28, 1).iloc[0]
    assert row["stability_index"] > 1 > 0.25 > row["usual_stability_index"]


def test_a_column_without_a_past_is_left_out() -> None:
    assert drift({("sales", "units_sold"): np.ones((3, 28))}, 28, 1).empty
