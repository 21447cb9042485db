"""Shared by tests of the flows: quick settings, a warehouse per test, the command as a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import flows  # sets the defaults of the process before Prefect and MLflow are imported
from forestock.cli.main import app
from foundation.configuration import load_settings
from foundation.settings import Settings
from pipeline import run
from tests.conftest import Tables, built_once

assert flows
PLANNED = date(2016, 5, 16)
QUICK = (
    "horizon=14", "forecast.window_days=[7,14]", "forecast.lightgbm.trees=20", "forecast.lightgbm.num_leaves=15", "forecast.threads=1",
    "forecast.calibration_origins=2", "forecast.lightgbm.min_data_in_leaf=20", "positioning.scenarios=8",
    "positioning.out_of_sample_scenarios=50", "positioning.processes=1",
)  # fmt: skip
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def forestock(tmp_path: Path) -> Command:
    """Return a function that runs ``forestock`` as its own process, in an empty folder, and returns the completed process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "forestock.cli.main", *arguments]
        plain = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
        return subprocess.run(  # noqa: S603 - our own command
            command, cwd=folder, env=plain, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def cli() -> Command:
    """Return a function that runs ``forestock`` in this process; it starts faster than a process of its own."""

    def invoke(*arguments: str) -> subprocess.CompletedProcess[str]:
        result = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}).invoke(app, arguments)
        return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)

    return invoke


def copy_built(built: Path, target: Path) -> None:
    """Copy a folder with a ``warehouse`` that ``built_once`` returned; records of runs then name the copied snapshots."""
    shutil.copytree(built, target, dirs_exist_ok=True)
    for record in (target / "warehouse" / "_nights").iterdir():
        if record.is_file():
            record.write_text(record.read_text("utf-8").replace(f"{built}.started", str(target)), "utf-8")


@pytest.fixture(scope="session")
def _planned_once(_demo_cut: Tables, tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    def build(folder: Path) -> None:
        (folder / "inputs").mkdir()
        for name, frame in _demo_cut.items():
            frame.to_parquet(folder / "inputs" / f"{name}.parquet")
        context = run.validate_stage(_settings_in(folder), PLANNED, "rebalance")
        run.rebalance_stage(context, run.forecast_stage(context, run.train_stage(context)))
        run.review_stage(context)
        shutil.copy(empty_store, folder / "warehouse")

    return built_once(tmp_path_factory, "planned", build)


def _settings_in(folder: Path, *overrides: str) -> Settings:
    places = (f"inputs.path={folder / 'inputs'}", f"warehouse={folder / 'warehouse'}")
    return load_settings("demo", [*places, *QUICK, *overrides])


@pytest.fixture
def planned_settings(_planned_once: Path, tmp_path: Path) -> Callable[..., Settings]:
    """Return a function that gives settings of a copied warehouse with the plan of ``PLANNED``, its page and an MLflow store."""
    copy_built(_planned_once, tmp_path)
    return lambda *overrides: _settings_in(tmp_path, *overrides)


def with_cheap_trucks(lanes: pd.DataFrame, divisor: float = 20.0) -> pd.DataFrame:
    """Return ``lanes`` on which some loads pay even for four SKUs, while the relaxation uses fractions of them."""
    return lanes.assign(eur_per_load=lanes["eur_per_load"] / divisor)
