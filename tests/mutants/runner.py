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

    def mutated(self, text: str) -> str:
        """Return the text of the file with the substitution; raises ``ValueError`` where the anchor is not there exactly once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: the anchor of {self.name} is stale")
        return text.replace(self.old, self.new)


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
    specified = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(command, cwd=tree, env=specified, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603  the command is this interpreter's pytest


def run_mutated(tree: Path, mutant: Mutant, turn: int) -> subprocess.CompletedProcess[str]:
    """Apply ``mutant`` to ``tree``, run its tests, and put the file back."""
    place = tree / mutant.file
    original, time = place.read_bytes(), place.stat().st_mtime
    place.write_text(mutant.mutated(original.decode()), "utf-8")
    os.utime(place, (time + _LATER_SECONDS + turn, time + _LATER_SECONDS + turn))
    try:
        return run_tests(tree, mutant.tests)
    finally:
        place.write_bytes(original)
        os.utime(place, (time, time))


def table() -> str:
    """Return ``README.md``: every variant with its file and the fast tests of which at least one fails."""
    rows = [
        f"| {mutant.name.replace('_', ' ')} | `{mutant.file}` | {', '.join(f'`{_short(test)}`' for test in mutant.tests)} |"
        for mutant in read_mutants()
    ]
    return "\n".join([*_HEAD, *rows])


def _short(test: str) -> str:
    file, _, name = test.partition("::")
    return name or file.removeprefix("tests/")


_HEAD = (
    "# Deliberately wrong variants",
    "",
    "Each variant is one substitution in one file (`mutants.toml`), applied alone to a copy of the tree. It counts as caught when at least one of its",
    "tests, all of them fast, fails (pytest ends in 1). `make test-full` runs them all; `make test` checks that every anchor still stands exactly once. Renew this",
    "page by `python -m tests.mutants.runner > tests/mutants/README.md`.",
    "",
    "| variant | file | caught by |",
    "| --- | --- | --- |",
)

if __name__ == "__main__":
    print(table())
