"""Shared by tests of the flows: quick settings, a warehouse per test, the command as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import flows  # sets the defaults of the process before Prefect and MLflow are imported

assert flows
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


def with_cheap_trucks(lanes: pd.DataFrame, divisor: float = 20.0) -> pd.DataFrame:
    """Return ``lanes`` on which some loads pay even for four SKUs, while the relaxation uses fractions of them."""
    return lanes.assign(eur_per_load=lanes["eur_per_load"] / divisor)
