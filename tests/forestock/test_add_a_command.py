"""The page docs/how-to/add-a-command.md, followed to the letter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from forestock.cli.main import add_commands
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from tests.worlds.how_to import code_blocks, install, page_test
from tests.worlds.neutral_rows import neutral_row

PAGE = "add-a-command"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project,) = code_blocks(PAGE, "toml")
    install(tmp_path / "site", code_blocks(PAGE, "python")[0], project, monkeypatch)


def test_the_how_to_page_adds_a_command(
    installed: None, tmp_path: Path, settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    add_commands(app)
    settings = settings_for(tmp_path)
    warehouse = Warehouse(settings)
    for day, after in ((date(2016, 5, 16), 70.0), (date(2016, 5, 23), 40.0)):
        row = neutral_row("plan", day, total_eur_before=100.0, total_eur=after)
        warehouse.write("plan", pd.DataFrame([row]), day)
    shown = CliRunner().invoke(app, ["savings", "--config", "demo", "--set", f"warehouse={settings.warehouse}"])
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.output.splitlines()] == ["2016-05-23", "2016-05-16"]
    assert "60" in shown.output.splitlines()[0]


def test_the_test_on_the_how_to_page_passes(installed: None) -> None:
    assert page_test(PAGE)() is None  # its own assertions passed
