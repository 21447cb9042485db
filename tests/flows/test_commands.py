"""The command line: help, mistakes, exit codes; nothing here starts Prefect."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forestock.cli import ui
from forestock.cli.main import app
from foundation.errors import GateError, InputError, StageError
from tests.conftest import Tables
from tests.flows.conftest import Command

COMMANDS = sorted(command.name or command.callback.__name__ for command in app.registered_commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert f"forestock {command}" in shown.output


def test_the_version_is_that_of_the_package() -> None:
    request = CliRunner().invoke(app, ["--version"])
    assert (request.exit_code, request.output) == (0, f"forestock {version('forestock')}\n")


def test_the_deployments_are_registered_from_the_folder_that_has_them() -> None:
    """``make ui`` ended because it looked for ``prefect.yaml`` in the package."""
    assert (ui.ROOT / "prefect.yaml").is_file()


def test_help_and_parsing_import_no_heavy_package() -> None:
    """Help must not wait for imports of pandas, Prefect or MLflow."""
    program = "import sys, forestock.cli.main; print([m for m in ('pandas', 'prefect', 'mlflow', 'lightgbm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "--config"),
        (["rnu"], "run"),
        (["run", "--config", "demo", "--as-of", "23.05.2016"], "write it as 2016-05-23"),
        (["run", "--config", "dmeo"], "demo"),
        (["run", "--config", "demo", "--set", "forecast.num_leafs=3"], "did you mean 'forecast.lightgbm.num_leaves'"),
        (["run", "--config", "demo", "--set", "forecast.lightgbm.trees"], "write key=value"),
        (["run", "--config", "demo", "--set", "horizon=-1"], "horizon"),
        (["backfill", "--config", "demo", "--start", "2016-05-23", "--end", "2016-05-01"], "before --start"),
        (["backfill", "--config", "vn2", "--start", "2024-04-15", "--end", "2024-04-15", "--every", "3"], "7 days"),
        (["backfill", "--config", "vn2", "--start", "2024-04-16", "--end", "2024-04-30"], "first day of a period"),
        (["validate", "--config", "demo", "--set", "inputs.path=nowhere"], "nowhere"),
        (["review", "--config", "demo", "--set", "warehouse=nowhere"], "has no plan"),
    ],
)
def test_a_mistake_exits_with_2_and_a_remedy(arguments: list[str], message: str) -> None:
    ended = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert ended.exit_code == 2
    assert message in ended.output
    assert "Traceback" not in ended.output


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("bad"), 2), (StageError("train", "bad"), 3), (GateError("bad"), 4)]
)
def test_each_failure_has_its_exit_code(error: Exception, code: int) -> None:
    """Schedulers branch on the code: correct the input, retry, or call a planner."""
    assert getattr(error, "exit_code", None) == code


def test_valid_inputs_are_listed_by_table(
    forestock: Command, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_tables(demo_tables, tmp_path / "inputs")
    done = forestock("validate", "--config", "demo", "--set", f"inputs.path={folder}", "--set", "warehouse=wh")
    assert done.returncode == 0, done.stderr
    assert "sales" in done.stdout
    assert f"{len(demo_tables['sales']):,}" in done.stdout
    assert "2016-05-23" in done.stdout
    assert not (tmp_path / "elsewhere" / "wh").exists()


def test_the_line_before_the_next_steps_counts_the_warnings_of_valid_inputs(
    forestock: Command, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    """The outcome and the next steps are what is read."""
    demo_tables["skus"].loc[1, "lost_sale_eur"] = 0.5
    folder = write_tables(demo_tables, tmp_path / "inputs")
    done = forestock("validate", "--config", "demo", "--set", f"inputs.path={folder}", "--set", "warehouse=wh")
    assert done.returncode == 0
    assert "warning: skus.lost_sale_eur: 1 row below the cheapest delivery" in done.stdout
    lines = done.stdout.splitlines()
    assert lines[lines.index("Next steps") - 1] == "The inputs are valid for 2016-05-23, with 1 warning."


def test_faults_are_one_plain_line_each_and_exit_with_2(
    forestock: Command, demo_tables: Tables, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    demo_tables["sales"].loc[3, "units_sold"] = -1.0
    demo_tables["skus"] = demo_tables["skus"].drop(columns="sku")
    folder = write_tables(demo_tables, tmp_path / "inputs")
    done = forestock("validate", "--config", "demo", "--set", f"inputs.path={folder}")
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2
    assert any("sales.units_sold" in line for line in lines)
    assert any("skus" in line for line in lines)
    assert "Traceback" not in done.stderr
