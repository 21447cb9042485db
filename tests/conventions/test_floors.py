"""Every package chooses its floor, and its name leads to this checkout."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conventions.repository import ROOMS, ROOT, files, relative

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


NOT_PACKAGED = {"tests", "benchmarks", "docs", "tools"}


def _packages() -> set[str]:
    tops = {relative(path).split("/")[0] for path in files(".py") if "/" in relative(path)}
    return tops - NOT_PACKAGED


def test_every_top_level_package_stands_on_a_floor() -> None:
    """A new folder must choose its floor: import-linter cannot be exhaustive at the top level."""
    contract = PROJECT["tool"]["importlinter"]["contracts"][0]
    floors = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    assert floors == _packages() == set(ROOMS)
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == floors


def test_every_top_level_package_is_installed_and_type_checked() -> None:
    result = {pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert result == _packages()
    assert set(PROJECT["tool"]["mypy"]["packages"]) == _packages()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_resolves_inside_this_checkout(room: str) -> None:
    """Top-level names are common words; another package of that name must not win."""
    result = importlib.import_module(room).__file__
    assert result is not None
    assert Path(result).resolve().is_relative_to(ROOT)


def test_no_file_in_flows_bears_a_rooms_name() -> None:
    """Prefect may put ``flows/`` first on the import path; a room's name there would hide the room."""
    assert not {path.stem for path in (ROOT / "flows").glob("*.py")} & set(ROOMS)


def test_no_folder_is_named_like_a_standard_module() -> None:
    folders = {part for path in files(".py") for part in relative(path).split("/")[:-1]}
    assert not folders & set(sys.stdlib_module_names)
