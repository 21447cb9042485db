"""Scores of earlier forecasts, on numbers small enough to sum by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from monitoring.accuracy import FORESTOCK, MethodForecast, ScoredRun, accuracy, best_baseline, overall, tally

SERIES = pd.DataFrame({"region": ["N", "N", "S"], "segment": ["FOOD", "FOOD", "TOYS"]})


def _run(actual: list[list[float]], mean: float, first_age: int = 14, half_width: float = 2.0) -> ScoredRun:
    known = np.array(actual)
    forecast = MethodForecast(
        np.full(known.shape, mean), np.full(known.shape, mean - half_width), np.full(known.shape, mean + half_width)
    )
    naive = MethodForecast(known + 1, known, known + 1)
    ages = np.arange(first_age, first_age - known.shape[1], -1)
    return ScoredRun(SERIES, known, ages, {FORESTOCK: forecast, "naive": naive})


def test_errors_are_summed_before_they_are_divided() -> None:
    rows = accuracy([tally(_run([[1.0, 3.0], [2.0, np.nan], [10.0, 0.0]], 2.0))])
    food = rows[(rows["method"] == FORESTOCK) & (rows["segment"] == "FOOD")].iloc[0]
    assert (food["n_periods"], food["actual_units"], food["forecast_units"]) == (3, 6.0, 6.0)
    assert food["bias_rate"] == 0.0
    assert food["wape_rate"] == pytest.approx(2 / 6)
    toys = rows[(rows["method"] == FORESTOCK) & (rows["segment"] == "TOYS")].iloc[0]
    assert toys["wape_rate"] == pytest.approx((8 + 2) / 10)
    assert toys["coverage_rate"] == 0.5  # 10 lies above 4, 0 is the lower end and counts as inside


def test_an_unknown_period_and_a_series_without_a_forecast_are_not_scored() -> None:
    run = _run([[1.0], [np.nan], [2.0]], 1.0)
    run.methods[FORESTOCK].mean[2] = np.nan
    rows = tally(run)
    assert rows.loc[rows["method"] == FORESTOCK, "n_periods"].sum() == 1


def test_bias_is_sustained_only_where_every_week_errs_to_the_same_side() -> None:
    high = _run([[1.0] * 14, [1.0] * 14, [5.0] * 7 + [1.0] * 7], 3.0)
    rows = accuracy([tally(high)]).set_index(["method", "segment"])
    assert bool(rows.loc[(FORESTOCK, "FOOD"), "is_sustained"])
    assert not bool(rows.loc[(FORESTOCK, "TOYS"), "is_sustained"])


def test_bias_of_a_single_week_is_not_sustained() -> None:
    assert not accuracy([tally(_run([[1.0] * 7] * 3, 3.0, first_age=7))])["is_sustained"].any()


def test_without_demand_a_rate_is_unknown_and_without_runs_there_are_no_rows() -> None:
    silent = accuracy([tally(_run([[0.0], [0.0], [0.0]], 1.0))])
    assert silent["wape_rate"].isna().all()
    assert accuracy([]).empty
    assert best_baseline(accuracy([])) is None


def test_the_total_is_the_sum_of_the_cells() -> None:
    rows = accuracy([tally(_run([[1.0, 3.0], [2.0, 4.0], [10.0, 1.0]], 2.0))])
    total = overall(rows).loc[FORESTOCK]
    assert total["wape_rate"] == pytest.approx((1 + 1 + 0 + 2 + 8 + 1) / 21)
    assert total["bias_rate"] == pytest.approx((12 - 21) / 21)
    assert best_baseline(rows) == "naive"
