"""Deliberately wrong variants of the product: the list, a copy of the tree to apply them to, and one run of their tests.

Here: reading ``mutants.toml`` and running pytest on a mutated copy. Not here: what is asserted (``test_mutants``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "warehouse", "*.pyc", "benchmarks", "docs", "build")
FAILED, PASSED = 1, 0
# Python compares the time of a source with that of its bytecode: a mutated file is never as old as the file it replaces.
_LATER_SECONDS = 100_000


@dataclass(frozen=True)
class Mutant:
    """One wrong variant: ``old`` in ``file`` becomes ``new``, and one of ``tests`` (pytest ids) must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def text(self) -> str:
        """Return the mutated file's text."""
        return (ROOT / self.file).read_text("utf-8").replace(self.old, self.new)


def read_mutants() -> list[Mutant]:
    """Return the list of ``mutants.toml``."""
    listed = tomllib.loads((Path(__file__).parent / "mutants.toml").read_text("utf-8"))["mutant"]
    return [Mutant(one["name"], one["file"], one["old"], one["new"], tuple(one["tests"])) for one in listed]


def copied_tree(target: Path) -> Path:
    """Copy the product, its tests and configurations to ``target`` and return it."""
    shutil.copytree(ROOT, target, ignore=_LEFT_OUT)
    return target


def run_tests(tree: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run ``tests`` in ``tree`` until the first fails; the exit status is pytest's (0 passed, 1 failed)."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        *tests,
    ]
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(command, cwd=tree, env=own, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603  the command is this interpreter's pytest


def run_mutated(tree: Path, mutant: Mutant, turn: int) -> subprocess.CompletedProcess[str]:
    """Apply ``mutant`` to ``tree``, run its tests, and put the file back."""
    place, original = tree / mutant.file, ROOT / mutant.file
    place.write_text(mutant.text(), "utf-8")
    later = original.stat().st_mtime + _LATER_SECONDS + turn
    os.utime(place, (later, later))
    try:
        return run_tests(tree, mutant.tests)
    finally:
        shutil.copy2(original, place)
