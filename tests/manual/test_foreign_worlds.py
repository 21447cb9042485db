"""Small worlds of other users that once failed, each run as its user would.

The kinds they stand for have tests of their own: quantiles beyond 5,000 units (``tests/models/test_demand_law.py``), level shifts
(``tests/features/test_level_shift.py``), money that is missing and lanes that are too slow (``test_silent_input.py``), remedies
(``test_remedies.py``), zeros before the first sale (``tests/models/test_sparse_worlds.py``), truncated sales
(``test_cut_data.py``), separators and encodings (``test_foreign_files.py``).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foundation.errors import ConfigurationError, InputError
from foundation.settings import Settings
from pipeline import run
from tests.worlds.foreign_world import foreign_world, validated, write_world

_QUICK = (
    "forecast.lightgbm.trees=8", "forecast.lightgbm.num_leaves=7", "forecast.threads=1", "forecast.calibration_origins=1",
    "positioning.processes=1", "positioning.out_of_sample_scenarios=50",
)  # fmt: skip


def _planned(settings: Settings, as_of: date) -> run.Planned:
    stages = run.validate_stage(settings, as_of, "rebalance")
    try:
        return run.rebalance_stage(stages, run.forecast_stage(stages, run.train_stage(stages)))
    finally:
        run.release(stages)


def _weekly(days: int, regions: tuple[str, ...], skus: tuple[str, ...], first_weekday: int) -> dict[str, pd.DataFrame]:
    """Return the world with its daily sales summed over whole weeks that start on ``first_weekday`` (Monday: 0)."""
    world = foreign_world(days, regions, skus)
    sales = world["sales"]
    week = sales["date"] - pd.to_timedelta((sales["date"].dt.day_of_week - first_weekday) % 7, unit="D")
    summed = (
        sales.assign(date=week).groupby(["date", "region", "sku"], as_index=False)["units_sold"].agg(["sum", "size"])
    )
    whole = summed[summed["size"] == 7]
    world["sales"] = whole.drop(columns="size").rename(columns={"sum": "units_sold"})
    world["stock"]["date"] = f"{world['sales']['date'].max() + pd.Timedelta(days=7):%Y-%m-%d}"
    return world


def test_weekly_sales_with_lead_times_below_a_week_are_planned(tmp_path: Path) -> None:
    """HiGHS, started from the basis of the round before, once ended with Not Set here or never."""
    world = _weekly(300, ("R1", "R2", "R3"), ("A", "B", "C", "D", "E"), first_weekday=6)
    as_of = pd.Timestamp(world["stock"]["date"].iloc[0]).date()
    overrides = (*_QUICK, "frequency=W-SUN", "horizon=12", "positioning.seed=1")
    assert _planned(write_world(world, tmp_path, *overrides), as_of).refusals == ()


@pytest.mark.parametrize("days", [2, 5, 6])
def test_validation_and_a_run_refuse_a_short_history_in_the_same_words(days: int, tmp_path: Path) -> None:
    world = foreign_world(days)
    faults = [str(fault) for fault in validated(world, tmp_path).faults]
    assert faults == [
        f"sales.date: {days} days of sales before as_of 2024-06-03, from {world['sales']['date'].min():%Y-%m-%d} on; "
        "a first training needs 7 days; load earlier sales or choose a later as_of"
    ]
    with pytest.raises(InputError) as refused:
        run.validate_stage(write_world(world, tmp_path), date(2024, 6, 3), "rebalance")
    assert list(refused.value.lines) == faults


def test_a_folder_that_delta_misreads_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="use a folder without it"):
        write_world(foreign_world(60), tmp_path / "pct%20dir")


def test_a_folder_with_blanks_signs_and_umlauts_is_planned_in(tmp_path: Path) -> None:
    settings = write_world(foreign_world(30), tmp_path / "5% ü#+1", *_QUICK)
    assert _planned(settings, date(2024, 6, 3)).refusals == ()
