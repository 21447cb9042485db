"""Calibration of quantiles, for series and for their sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from models.backtest.levels import ModelledSpread, deviation_of, groupings, sum_quantiles
from models.backtest.metrics import check, coverage, randomized_pit
from models.correlation import CommonFactor, fit_common_factor

LEVELS = (0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995)
FINE = tuple(np.round(np.arange(0.02, 1.0, 0.02), 3))


def test_pit_is_flat_when_the_quantiles_are_right_whatever_the_mass_at_zero() -> None:
    """Two in five demands are zero, as forecast: plain coverage is not meaningful, the randomized one is."""
    rng = np.random.default_rng(1)
    drawn = np.where(rng.random(20_000) < 0.4, 0.0, rng.gamma(2.0, 3.0, 20_000))
    law = np.array([0.0 if level <= 0.4 else stats.gamma.ppf((level - 0.4) / 0.6, 2.0, scale=3.0) for level in FINE])
    covered, histogram = check(drawn, np.tile(law, (len(drawn), 1)), FINE, [2, 7])
    assert covered["coverage"].iloc[0] > 0.38
    assert covered["coverage_randomised"].to_numpy() == pytest.approx(np.array(FINE), abs=0.02)
    assert histogram["share"].to_numpy() == pytest.approx(np.full(20, 0.05), abs=0.015)


def test_pit_leans_to_the_right_when_too_little_was_forecast() -> None:
    drawn = np.random.default_rng(1).normal(1.0, 1.0, 5_000)
    quantiles = np.tile(stats.norm.ppf(LEVELS), (len(drawn), 1))
    pit = randomized_pit(drawn, quantiles, LEVELS, np.random.default_rng(2))
    assert (pit > 0.5).mean() > 0.8


def test_coverage_counts_the_bound_as_inside_and_leaves_out_unknown_actuals() -> None:
    covered = coverage(np.array([1.0, 2.0, np.nan]), np.array([[1.0], [1.0], [9.0]]))
    assert covered == pytest.approx([0.5])


def test_a_deviation_is_read_back_from_quantiles() -> None:
    levels = tuple(np.linspace(0.001, 0.999, 999))
    quantiles = stats.norm.ppf(levels, 5.0, 2.0)[None]
    assert deviation_of(quantiles, levels, np.array([5.0])) == pytest.approx([2.0], rel=0.01)


def test_the_variance_of_a_sum_counts_every_pair_once_by_its_kind() -> None:
    """Against the full covariance matrix of a 3 × 2 panel, written out pair by pair."""
    series = pd.DataFrame({"region": list("NNNSSS"), "sku": list("abcabc")})
    deviation = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    common = CommonFactor(sku=0.3, region=0.2, other=0.1)
    covariance = np.empty((6, 6))
    for i, j in np.ndindex(6, 6):
        same = (series["sku"][i] == series["sku"][j], series["region"][i] == series["region"][j])
        rho = {(True, True): 1.0, (True, False): 0.3, (False, True): 0.2, (False, False): 0.1}[same]
        covariance[i, j] = rho * deviation[i] * deviation[j]
    total = groupings(series, ())[0]
    by_sku, by_region = (total.squares_within(deviation, code) for code in (total.sku, total.region))
    result = common.variance(total.sums(deviation**2), by_sku, by_region, total.sums(deviation) ** 2)
    assert result == pytest.approx([covariance.sum()])


def test_common_errors_are_estimated_correctly() -> None:
    """One factor per region and date with half the variance: only skus of one region move together."""
    rng = np.random.default_rng(0)
    keys = pd.MultiIndex.from_product([range(400), list("NSW"), list("abcd")], names=["step", "region", "sku"])
    rows = keys.to_frame(index=False).assign(origin=0, deviation=1.0)
    shared = rows.groupby(["step", "region"])["sku"].transform(lambda part: rng.normal())
    rows["residual"] = np.sqrt(0.5) * (shared.astype(float) + rng.normal(size=len(rows)))
    result = fit_common_factor(rows)
    assert result.region == pytest.approx(0.5, abs=0.05)
    assert result.sku == pytest.approx(0.0, abs=0.05)
    assert result.other == pytest.approx(0.0, abs=0.05)


def test_members_without_stock_are_left_out_of_a_sum() -> None:
    series = pd.DataFrame({"region": ["N", "S"], "sku": ["a", "a"]})
    spread = ModelledSpread(LEVELS, np.full((2, 1), 300.0), np.full((2, 1), 10.0), CommonFactor(0.0, 0.0, 0.0))
    total = groupings(series, ())[0]
    both = spread.of_sums(total, np.array([[True], [True]]))[0, 0]
    one = spread.of_sums(total, np.array([[True], [False]]))[0, 0]
    assert both[4] == pytest.approx(600, rel=0.01)
    assert one[4] == pytest.approx(300, rel=0.01)
    assert both[-1] - both[0] == pytest.approx(np.sqrt(2) * (one[-1] - one[0]), rel=0.01)


@pytest.mark.parametrize("mean", [0.3, 5.0, 150.0, 250.0, 40_000.0])
def test_quantiles_of_sums_ascend_around_the_mean(mean: float) -> None:
    result = sum_quantiles(np.array([mean]), np.array([1.5 * mean]), LEVELS)[0]
    assert (np.diff(result) >= 0).all()
    assert result[0] <= mean <= result[-1]
