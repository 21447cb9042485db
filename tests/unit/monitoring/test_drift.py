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


def test_a_column_that_goes_silent_shows() -> None:
    assert stability_index(np.full(50, np.nan), RNG.normal(size=500)) > 1


def test_a_shift_of_one_deviation_is_drift_and_a_fresh_draw_is_not() -> None:
    reference = RNG.normal(size=5000)
    assert stability_index(RNG.normal(size=5000) + 1, reference) > 0.25
    assert stability_index(RNG.normal(size=5000), reference) < 0.01


def test_a_season_that_comes_every_year_is_no_drift() -> None:
    days = np.arange(3 * 364)
    values = np.cos(2 * np.pi * days / 364) + RNG.normal(scale=0.3, size=(20, len(days)))
    rows = drift({("regional", "warmth"): values}, 28, 1)
    assert rows["stability_index"].iloc[0] < 0.25


def test_the_windows_before_say_what_is_usual() -> None:
    values = RNG.normal(size=(30, 600))
    values[:, -28:] += 3
    row = drift({("sales", "units_sold"): values}, 28, 1).iloc[0]
    assert row["stability_index"] > 1 > 0.25 > row["usual_stability_index"]


def test_a_column_without_a_past_is_left_out() -> None:
    assert drift({("sales", "units_sold"): np.ones((3, 28))}, 28, 1).empty
