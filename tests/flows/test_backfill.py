"""Runs of past dates: they read no later data, several run in parallel, several backfills run at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness

from forestock.cli.run import run_backfill
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline import run
from pipeline.backfill import Span
from tests.conftest import Tables
from tests.flows.conftest import QUICK

LAST = date(2016, 5, 23)
FIVE = [LAST - timedelta(weeks=weeks) for weeks in range(5, 0, -1)]
WRITTEN = (*run.FORECAST_TABLES, *run.PLAN_TABLES)


def _known_by(tables: Tables, as_of: date) -> Tables:
    """Return the tables as a source would have held them on the morning of ``as_of``: without later data."""
    morning = pd.Timestamp(as_of)
    kept = {name: frame.copy() for name, frame in tables.items()}
    kept["sales"] = kept["sales"][kept["sales"]["date"] < morning]
    kept["stock"] = kept["stock"][kept["stock"]["date"] <= morning]
    kept["inbound"] = kept["inbound"][kept["inbound"]["as_of"] <= morning]
    observed = [name for name in kept["regional"] if name not in ("date", "region", "snap")]
    kept["regional"].loc[kept["regional"]["date"] >= morning, observed] = None
    return kept


def _plan(settings: Settings, as_of: date) -> dict[str, pd.DataFrame]:
    context = run.validate_stage(settings, as_of, "rebalance")
    run.rebalance_stage(context, run.forecast_stage(context, run.train_stage(context)))
    return {name: Warehouse(settings).read(name, as_of) for name in WRITTEN}


def _assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)


@pytest.mark.slow
def test_five_past_runs_equal_those_of_a_warehouse_that_never_saw_later_data(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """One warehouse has all data and plans the dates in reverse order; the other has only the data of each morning."""
    parts = (*QUICK, "positioning.max_gap_rate=1.0", "inputs.keep_snapshots=50")
    all_of_it = settings_for(write_tables(demo_tables, tmp_path / "all"), *parts)
    late = {as_of: _plan(all_of_it, as_of) for as_of in reversed(FIVE)}
    for as_of in FIVE:
        folder = write_tables(_known_by(demo_tables, as_of), tmp_path / f"known-{as_of}")
        early = _plan(settings_for(folder, *parts, f"warehouse={tmp_path / 'early'}"), as_of)
        assert len(early["forecast"])
        _assert_same(early, late[as_of])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run Prefect's temporary server for the file and return its address."""
    with prefect_test_harness(server_startup_timeout=300):
        yield get_current_settings().api.url or ""


def _overrides(inputs: Path, warehouse: Path) -> list[str]:
    return [*QUICK, f"inputs.path={inputs}", f"warehouse={warehouse}", "positioning.max_gap_rate=1.0"]


def _tables(warehouse: Path) -> dict[str, pd.DataFrame]:
    return {name: Warehouse(str(warehouse)).read(name) for name in WRITTEN}


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.xdist_group("backfill")
def test_overlapping_parallel_backfills_and_a_run_write_the_rows_of_sequential_runs(
    server: str, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = write_tables(demo_tables, tmp_path / "inputs")
    run_backfill("demo", Span(FIVE[2], LAST, 7), _overrides(inputs, tmp_path / "one"))
    monkeypatch.setenv("PREFECT_API_URL", server)
    parts = [part for text in _overrides(inputs, tmp_path / "many") for part in ("--set", text)]
    span = ["--start", str(FIVE[2]), "--end", str(FIVE[4])]
    commands = [
        ["backfill", *span, "--parallel", "2"],
        ["backfill", "--start", str(FIVE[3]), "--end", str(LAST)],
        ["run", "--as-of", str(LAST)],
    ]
    started = [
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "forestock.cli.main", *command, "--config", "demo", *parts],
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    ended = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0, 0], [parts for parts, _ in ended]
    _assert_same(_tables(tmp_path / "many"), _tables(tmp_path / "one"))
