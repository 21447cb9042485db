"""The page docs/how-to/add-an-output-column.md, followed to the letter in a copy of the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conventions.repository import ROOT
from tests.mutants.runner import PASSED, run_tests
from tests.worlds.how_to import code_blocks

PAGE = "add-an-output-column"
TEST = "tests/monitoring/test_follow_up.py"
MOST_FILES = 5
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "warehouse", "samples", "build", "*.egg-info")


def change(tree: Path, block: str) -> str:
    """Apply a ``diff`` block of the page to ``tree`` and return the file it names; its lines must stand there exactly once."""
    named, *lines = block.splitlines()
    name = named.removeprefix(" # ")
    before = "\n".join(line[1:] for line in lines if line[0] != "+")
    after = "\n".join(line[1:] for line in lines if line[0] != "-")
    text = (tree / name).read_text("utf-8")
    assert text.count(before) == 1, f"{name}: the page shows lines that are not there once"
    (tree / name).write_text(text.replace(before, after), "utf-8")
    return name


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the packages, their tests and the reference pages."""
    return Path(shutil.copytree(ROOT, tmp_path / "tree", ignore=_LEFT_OUT))


def test_the_how_to_page_adds_a_column_in_five_files(tree: Path) -> None:
    changed = {change(tree, block) for block in code_blocks(PAGE, "diff")}
    (test,) = code_blocks(PAGE, "python")
    with (tree / TEST).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{test}")
    command = (sys.executable, "-m", "tools.reference", "tables")
    page = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)  # noqa: S603  a fixed command
    assert "| **`max_days`** | number, days |" in page.stdout
    (tree / "docs" / "tables.md").write_text(page.stdout, "utf-8")
    result = run_tests(tree, (TEST, "tests/conventions/test_reference.py", "tests/monitoring/test_findings.py"))
    assert result.returncode == PASSED, result.stdout
    assert len(changed | {TEST, "docs/tables.md"}) <= MOST_FILES
