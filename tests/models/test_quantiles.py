"""Quantiles around a mean: the influence of few rows is limited."""

from __future__ import annotations

import numpy as np

from models.distribution import Margins, RatioTable, quantiles

LEVELS = (0.025, 0.5, 0.975)


def _rows(slow: int, fast: int) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted means and actuals: slow series are lumpy, fast ones come within a tenth."""
    random = np.random.default_rng(5)
    mean = np.concatenate([np.full(slow, 0.5), np.full(fast, 1000.0)])
    actual = np.concatenate([random.negative_binomial(0.1, 0.1 / 0.6, slow), random.normal(1000, 100, fast)])
    return mean, actual


def test_few_lumpy_series_do_not_widen_a_fast_one():
    """A table of one bin holds the ratios of slow series: 97.5 % of a fast one is not six times its mean."""
    mean, actual = _rows(slow=250, fast=30)
    table = RatioTable.fit(mean, actual, np.full(len(mean), 0.01), LEVELS)
    assert table.ratio[0, 0, 2] > 3
    result = quantiles(table, Margins.of_counts(np.array([1000.0]), np.array([0.01])), LEVELS)
    assert result[0, 2] < 1300


def test_many_rows_let_the_table_count_as_much_as_the_counts():
    """With eight bins or more of predicted means both methods are averaged evenly."""
    random = np.random.default_rng(6)
    mean = random.uniform(1, 100, 10_000)
    table = RatioTable.fit(mean, random.poisson(mean), np.full(len(mean), 0.05), LEVELS)
    assert len(table.ratio) >= 8
    assert table.weight == 0.5


def test_sales_where_the_forecast_is_close_to_zero_do_not_stretch_the_quantiles_of_others() -> None:
    random = np.random.default_rng(8)
    mean = random.lognormal(0.0, 0.3, 4000)
    actual = random.poisson(mean).astype(float)
    plain = RatioTable.fit(mean, actual, np.full(4000, 0.05), LEVELS)
    mean, actual = np.append(mean, [1e-6] * 40), np.append(actual, [3.0] * 40)
    table = RatioTable.fit(mean, actual, np.full(4040, 0.05), LEVELS)
    assert table.ratio.max() < 1.2 * plain.ratio.max()
