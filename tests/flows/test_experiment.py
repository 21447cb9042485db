"""Runs read back from MLflow as they were recorded, and their page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store import files
from models.tracking.runs import Record, Runs, Tracker
from pipeline.runs import compare_recorded_runs
from tests.review.test_experiment import _coverage, _levels, _segments
from tests.review.test_replay import _days, _figures


def _recorded(settings: Settings, score: float) -> str:
    tables = {
        "tables/levels.json": _levels(score),
        "tables/segments.json": _segments(0.1),
        "tables/coverage.json": _coverage(),
    }
    child = Record("origin", date(2016, 5, 1), "a child", metrics={"wrmsse": 9.0})
    record = Record(
        f"WRMSSE {score}",
        date(2016, 5, 1),
        "a run",
        params={"origins": 4},
        metrics={"wrmsse": score},
        tables=tables,
        children=[child],
    )
    return Tracker(settings, "backtest", "").record(record)


@pytest.mark.slow
def test_runs_are_read_back_newest_first_and_compared(tmp_path: Path) -> None:
    settings = Settings(name="compared", warehouse=str(tmp_path))
    with pytest.raises(ConfigurationError, match="no backtest or replay of compared is recorded"):
        compare_recorded_runs(settings, 3)
    ids = [_recorded(settings, score) for score in (0.7, 0.6)]
    days = _days().assign(date="2016-05-09")
    replay = Record(
        "simulate",
        date(2016, 5, 1),
        "",
        metrics={"bound_eur": 5.0},
        tables={"policies.json": _figures(), "days.json": days},
    )
    Tracker(settings, "simulation", "").record(replay)
    runs = Runs(settings, "backtest")
    result = runs.latest(5)
    assert {run.run_id for run in result} == set(ids), "children are no runs of their own"
    first = next(run for run in result if run.run_id == ids[0])
    assert (first.metrics["wrmsse"], first.params["origins"]) == (0.7, "4")
    pd.testing.assert_frame_equal(runs.table(first, "tables/levels.json"), _levels(0.7))
    assert runs.table(first, "tables/nothing.json").empty
    text = files.read_text(compare_recorded_runs(settings, 3))
    assert "WRMSSE 0.6" in text
    assert "simulate" in text
