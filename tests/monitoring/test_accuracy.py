"""Scores of earlier forecasts, on numbers one can add up by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from monitoring.accuracy import JUDGED, Said, Scored, accuracy, best_baseline, overall, tally

SERIES = pd.DataFrame({"region": ["N", "N", "S"], "segment": ["FOOD", "FOOD", "TOYS"]})


def _night(actual: list[list[float]], mean: float, first_age: int = 14, half_width: float = 2.0) -> Scored:
    known = np.array(actual)
    parts = Said(
        np.full(known.shape, mean), np.full(known.shape, mean - half_width), np.full(known.shape, mean + half_width)
    )
    naive = Said(known + 1, known, known + 1)
    ages = np.arange(first_age, first_age - known.shape[1], -1)
    return Scored(SERIES, known, ages, {JUDGED: parts, "naive": naive})


def test_errors_are_added_up_before_they_are_divided() -> None:
    rows = accuracy([tally(_night([[1.0, 3.0], [2.0, np.nan], [10.0, 0.0]], 2.0))])
    food = rows[(rows["method"] == JUDGED) & (rows["segment"] == "FOOD")].iloc[0]
    assert (food["n_periods"], food["actual_units"], food["forecast_units"]) == (3, 6.0, 6.0)
    assert food["bias_rate"] == 0.0
    assert food["wape_rate"] == pytest.approx(2 / 6)
    toys = rows[(rows["method"] == JUDGED) & (rows["segment"] == "TOYS")].iloc[0]
    assert toys["wape_rate"] == pytest.approx((8 + 2) / 10)
    assert toys["coverage_rate"] == 0.5  # 10 lies above 4, 0 is the lower end and counts as inside


def test_an_unknown_period_and_a_series_without_a_forecast_are_not_scored() -> None:
    night = _night([[1.0], [np.nan], [2.0]], 1.0)
    night.methods[JUDGED].mean[2] = np.nan
    rows = tally(night)
    assert rows.loc[rows["method"] == JUDGED, "n_periods"].sum() == 1


def test_bias_is_sustained_only_where_every_week_errs_to_the_same_side() -> None:
    high = _night([[1.0] * 14, [1.0] * 14, [5.0] * 7 + [1.0] * 7], 3.0)
    rows = accuracy([tally(high)]).set_index(["method", "segment"])
    assert bool(rows.loc[(JUDGED, "FOOD"), "is_sustained"])
    assert not bool(rows.loc[(JUDGED, "TOYS"), "is_sustained"])


def test_one_week_alone_sustains_nothing() -> None:
    assert not accuracy([tally(_night([[1.0] * 7] * 3, 3.0, first_age=7))])["is_sustained"].any()


def test_without_demand_a_rate_is_unknown_and_without_nights_there_are_no_rows() -> None:
    silent = accuracy([tally(_night([[0.0], [0.0], [0.0]], 1.0))])
    assert silent["wape_rate"].isna().all()
    assert accuracy([]).empty
    assert best_baseline(accuracy([])) is None


def test_the_total_is_the_sum_of_the_cells() -> None:
    rows = accuracy([tally(_night([[1.0, 3.0], [2.0, 4.0], [10.0, 1.0]], 2.0))])
    total = overall(rows).loc[JUDGED]
    assert total["wape_rate"] == pytest.approx((1 + 1 + 0 + 2 + 8 + 1) / 21)
    assert total["bias_rate"] == pytest.approx((12 - 21) / 21)
    assert best_baseline(rows) == "naive"
