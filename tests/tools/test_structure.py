"""The measures of structure on a small code base, and the bars that this one has to meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.structure import Structure, read_structure

MOST_LINES_OF_FLOWS = 1_600
PROJECT = '[tool.importlinter]\nroot_packages = ["low", "high"]\n'
FILES = {
    "low/__init__.py": "from low.shared import value\n",
    "low/shared.py": "value = 1\n",
    "low/single.py": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from high import user\n",
    "high/__init__.py": "",
    "high/user.py": "import json\n\nfrom low import shared\n\n\ndef late():\n    from . import other\n    import low.single\n",
    "high/other.py": "import low\n",
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Structure:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "prefect.yaml").write_text("deployments:\n  - entrypoint: high.user.late\n")
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return read_structure(tmp_path)


def test_imports_of_every_form_are_counted(small: Structure) -> None:
    assert small.imports["high.user"] == {"low.shared", "high.other", "low.single"}
    assert small.imports["low"] == {"low.shared"}
    assert small.imports["high.other"] == {"low"}


def test_a_file_with_a_single_importer_is_named(small: Structure) -> None:
    assert small.importers["high.user"] == {"low.single", "prefect.yaml"}
    assert small.with_one_importer == ["high.other", "low.single"]
    assert small.behind_their_package == []


def test_a_cycle_through_a_type_only_import_is_found(small: Structure) -> None:
    assert small.cycles == [["high.user", "low.single"]]


def test_the_packages_import_one_another_without_cycles() -> None:
    assert read_structure().cycles == []


def test_flows_stay_small() -> None:
    """Flows arrange use cases; a use case that grows inside one belongs in ``pipeline``."""
    lines = read_structure().lines
    assert sum(count for name, count in lines.items() if name.split(".")[0] == "flows") < MOST_LINES_OF_FLOWS
