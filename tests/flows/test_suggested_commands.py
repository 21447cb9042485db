"""Commands the product suggests can be pasted: they parse and read the same settings from any folder."""

from __future__ import annotations

import shlex
import sys
from datetime import date
from pathlib import Path

import pytest
import typer.main
from rich.console import Console
from typer.testing import CliRunner

from forestock.cli.main import app
from forestock.cli.terminal import STEPS, next_steps, print_steps_after
from foundation.commands import command
from foundation.settings import Settings
from models.tracking.client import tracking_command
from pipeline.configuration import load_settings

CLI = typer.main.get_command(app)


@pytest.mark.parametrize("verb", ["run", "approve", "reject", "release", "export", "review"])
@pytest.mark.parametrize("folder", ["plain", "with a space", "it's"])
def test_a_suggested_command_uses_the_same_warehouse_from_any_folder(
    verb: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder).mkdir()
    file = tmp_path / folder / "shop.yaml"
    file.write_text("name: shop\nwarehouse: kept\n")
    monkeypatch.chdir(tmp_path / folder)
    overrides = ["inputs.path=tables", "forecast.threads=1", "decisions.rules=[{name: small, max_units: 3}]"]
    given = load_settings("shop.yaml", overrides)
    words = shlex.split(command(given, verb, date(2016, 5, 23), verb in ("approve", "reject", "release")))
    monkeypatch.chdir(tmp_path)
    assert words[:2] == ["forestock", verb]
    parsed = CLI.commands[verb].make_context(verb, words[2:]).params  # type: ignore[attr-defined] # a group of commands
    again = load_settings(parsed["config"], parsed["overrides"])
    assert again.warehouse == given.warehouse == str(tmp_path / folder / "kept")
    assert (again.inputs, again.decisions) == (given.inputs, given.decisions)
    assert "threads" not in " ".join(words)


@pytest.mark.parametrize("after", list(STEPS))
def test_next_steps_parse_and_read_the_same_settings(
    after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a folder").mkdir()
    file = tmp_path / "a folder" / "shop.yaml"
    file.write_text("name: shop\nwarehouse: kept\n")
    monkeypatch.chdir(tmp_path)
    settings = load_settings(file)
    for step in next_steps(settings, after, date(2016, 5, 23)).values():
        words = shlex.split(step)
        parsed = CLI.commands[words[1]].make_context(words[1], words[2:]).params  # type: ignore[attr-defined] # a group of commands
        assert load_settings(parsed["config"], parsed.get("overrides")).warehouse == settings.warehouse


def test_every_command_ends_with_next_steps() -> None:
    """The others print their own, or keep running."""
    separate = {"demo", "init", "validate", "network", "doctor", "serve", "mcp", "grant"}
    named = {name.removesuffix("-table") for name in STEPS} - {"refused"}
    assert set(CLI.commands) - separate == named  # type: ignore[attr-defined] # a group of commands


def test_next_steps_are_not_cropped_at_80_columns(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / ("long " * 20 + ".yaml")
    file.write_text("name: shop\n")
    print_steps_after(load_settings(file), "run", date(2016, 5, 23), Console(width=80))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Next steps"
    assert lines[1].endswith(f"forestock approve --config '{file}' --as-of 2016-05-23")


def test_in_the_folder_of_a_project_commands_need_no_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every suggested command repeated the absolute path of ./forestock.yaml, which is the default."""
    project = tmp_path / "it's a project"
    project.mkdir()
    (project / "forestock.yaml").write_text("name: shop\nwarehouse: kept\n")
    monkeypatch.chdir(project)
    settings = load_settings("forestock.yaml")
    print_steps_after(settings, "review", date(2016, 5, 23), Console(width=80))
    assert CliRunner().invoke(app, ["approve"]).stderr.endswith("kept has no plan of any date; run forestock run\n")
    assert "forestock approve --as-of 2016-05-23\n" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    print_steps_after(settings, "review", date(2016, 5, 23), Console(width=80))
    assert (
        f"forestock approve --config {shlex.quote(str(project / 'forestock.yaml'))} --as-of" in capsys.readouterr().out
    )


def test_the_command_for_mlflow_runs_from_any_folder(tmp_path: Path) -> None:
    """``mlflow`` alone is on the path only where the environment is activated."""
    command = tracking_command(Settings(warehouse=str(tmp_path / "a folder")))
    words = shlex.split(command)
    assert words[:5] == [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri"]
    assert words[5:] == [f"sqlite:///{tmp_path / 'a folder'}/mlflow.db"]
    assert tracking_command(Settings(tracking_uri="https://mlflow.example/")) == (
        "https://mlflow.example/#/experiments?workflowType=machine_learning"
    )


def test_suggestions_name_a_bundled_configuration_and_omit_a_missing_file() -> None:
    assert command(load_settings("demo"), "run") == "forestock run --config demo.yaml"
    assert command(Settings(), "run") == "forestock run --config CONFIG"
