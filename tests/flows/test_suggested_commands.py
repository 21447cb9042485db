"""Commands the product suggests can be pasted: they parse and read the same settings from any folder."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path

import pytest
import typer.main

from forestock.cli.main import app
from foundation.commands import command
from foundation.settings import Settings
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


def test_suggestions_name_a_bundled_configuration_and_omit_a_missing_file() -> None:
    assert command(load_settings("demo"), "run") == "forestock run --config demo.yaml"
    assert command(Settings(), "run") == "forestock run --config CONFIG"
