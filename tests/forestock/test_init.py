"""``forestock init``: the folder of a project, and commands inside it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from forestock.cli.main import app
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.settings import Settings
from foundation.store.snapshot import validate_inputs
from foundation.tables import INPUTS
from pipeline.new_project.configuration_text import Choices, configuration_text, scalar
from pipeline.new_project.project import new_project, pipeline_name, template, units_page

RUNNER = CliRunner()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a new project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    assert RUNNER.invoke(app, ["init", "shop"]).exit_code == 0
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def test_a_new_project_has_the_defaults_of_the_settings(project: Path) -> None:
    settings = load_settings(project / "forestock.yaml")
    assert settings.name == "shop"
    assert settings.inputs.path == str(project / "data")
    assert settings.warehouse == str(project / "warehouse")
    assert settings.series == Settings().series
    assert settings.forecast == Settings().forecast
    assert settings.network.delivery == Settings().network.delivery
    assert settings.network.transfer == Settings().network.transfer
    assert settings.network.supply == Settings().network.supply


def test_inside_a_project_commands_need_no_configuration(project: Path) -> None:
    result = RUNNER.invoke(app, ["validate"])
    assert result.exit_code == 2
    assert "sales: missing" in result.stderr


def test_outside_a_project_the_message_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["validate"])
    assert result.exit_code == 2
    assert "forestock init" in " ".join(result.stderr.split())


def test_a_project_is_never_replaced(project: Path) -> None:
    with pytest.raises(ConfigurationError, match="exists; choose another name"):
        new_project(str(project))


def test_files_that_exist_are_kept(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours")
    assert "README.md" not in new_project(str(tmp_path)).written
    assert (tmp_path / "README.md").read_text() == "ours"


def test_the_templates_are_tables_without_faults(project: Path) -> None:
    """Their three rows belong together; only the history is too short for a training."""
    for file in (project / "data" / "templates").glob("*.csv"):
        shutil.copy(file, project / "data")
    days = pd.date_range("2025-12-22", "2026-01-11")
    rows = [
        f"{day:%Y-%m-%d},{region},{sku},3,1"
        for day in days
        for region in ("north", "south")
        for sku in ("A-100", "B-200")
    ]
    (project / "data" / "sales.csv").write_text("\n".join(["date,region,sku,units_sold,in_stock_rate", *rows]))
    result = validate_inputs(load_settings(project / "forestock.yaml"), date(2026, 1, 12), "rebalance")
    assert [str(fault) for fault in result.faults] == []
    assert {name for name in INPUTS if name not in result.tables} == set()


@pytest.mark.parametrize("name", list(INPUTS))
def test_every_table_has_a_template_with_its_required_columns(name: str) -> None:
    header, *rows = template(INPUTS[name]).splitlines()
    assert set(INPUTS[name].required) <= set(header.split(","))
    assert len(rows) == 3
    assert f"## {name}\n" in units_page()


def test_a_weekly_project_has_whole_windows(tmp_path: Path) -> None:
    choices = Choices("weeks", "W-MON", "USD", ("category",), ("Sun",), hubs=("a: b", "NO"), regions=("x#1", "- y"))
    (tmp_path / "forestock.yaml").write_text(
        configuration_text(choices).replace("# hubs", "hubs").replace("    # ", "    ").replace("# regions", "regions")
    )
    settings = load_settings(tmp_path / "forestock.yaml")
    assert (settings.frequency, settings.currency, settings.series.closed_days) == ("W-MON", "USD", ("Sun",))
    assert list(settings.network.hubs) == ["a: b", "NO"]
    assert list(settings.network.regions) == ["x#1", "- y"]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), ("a, b", '"a, b"'), ("12", "'12'"), ("", "''"), ("true", "'true'")]
)
def test_texts_in_a_configuration_are_quoted_where_they_need_it(value: str, text: str) -> None:
    assert scalar(value) == text


@pytest.mark.parametrize(("folder", "name"), [("Shop 1", "shop-1"), ("2026", "shop"), ("a/Über_x", "uber_x")])
def test_a_pipeline_is_named_after_its_folder(folder: str, name: str) -> None:
    assert pipeline_name(folder) == name
