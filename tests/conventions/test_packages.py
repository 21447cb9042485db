"""Every package belongs to a layer, and its name resolves to this checkout."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conventions.repository import PACKAGES, ROOT, files, relative

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


NOT_PACKAGED = {"tests", "benchmarks", "docs", "tools"}


def _top_level_packages() -> set[str]:
    tops = {relative(path).split("/")[0] for path in files(".py") if "/" in relative(path)}
    return tops - NOT_PACKAGED


def test_every_top_level_package_is_in_a_layer() -> None:
    """import-linter does not check that a new top-level package belongs to a layer."""
    contract = PROJECT["tool"]["importlinter"]["contracts"][0]
    layers = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    assert layers == _top_level_packages() == set(PACKAGES)
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == layers


def test_every_top_level_package_is_installed_and_type_checked() -> None:
    result = {pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert result == _top_level_packages()
    assert set(PROJECT["tool"]["mypy"]["packages"]) == _top_level_packages()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_resolves_inside_this_checkout(package: str) -> None:
    """The package names are common words, so another installed package could have the same name."""
    result = importlib.import_module(package).__file__
    assert result is not None
    assert Path(result).resolve().is_relative_to(ROOT)


def test_no_file_in_flows_is_named_like_a_package() -> None:
    """Prefect can put ``flows/`` first on the import path; a file there would hide a package of the same name."""
    assert not {path.stem for path in (ROOT / "flows").glob("*.py")} & set(PACKAGES)


def test_no_folder_is_named_like_a_standard_module() -> None:
    folders = {part for path in files(".py") for part in relative(path).split("/")[:-1]}
    assert not folders & set(sys.stdlib_module_names)
