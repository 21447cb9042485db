"""Tests that can fail: every deliberately wrong variant of the product is caught by at least one fast test.

A variant whose anchor no longer stands exactly once in its file fails here, so that the list cannot go stale.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.mutants.runner import FAILED, PASSED, ROOT, Mutant, copied_tree, read_mutants, run_mutated, run_tests, table

MUTANTS = read_mutants()
_NAMES = [mutant.name for mutant in MUTANTS]


def test_there_are_at_least_thirty_variants_of_different_names() -> None:
    assert len(set(_NAMES)) == len(_NAMES) >= 30


@pytest.mark.parametrize("mutant", MUTANTS, ids=_NAMES)
def test_the_anchor_of_a_variant_stands_exactly_once(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text("utf-8")
    assert ast.dump(ast.parse(mutant.mutated(text))) != ast.dump(ast.parse(text))


@pytest.mark.parametrize("mutant", MUTANTS, ids=_NAMES)
def test_the_tests_of_a_variant_are_there(mutant: Mutant) -> None:
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert not name or re.search(rf"^def {re.escape(name)}\(", (ROOT / file).read_text("utf-8"), re.M), test


def test_the_table_lists_every_variant() -> None:
    """``python -m tests.mutants.runner > tests/mutants/README.md`` renews it."""
    assert (Path(__file__).parent / "README.md").read_text("utf-8") == table() + "\n"


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tree in which every named test passes."""
    built = copied_tree(tmp_path_factory.mktemp("mutants") / "tree")
    result = run_tests(built, tuple(sorted({test for mutant in MUTANTS for test in mutant.tests})))
    assert result.returncode == PASSED, result.stdout[-3000:]
    return built


@pytest.mark.slow
@pytest.mark.parametrize(("turn", "mutant"), [*enumerate(MUTANTS)], ids=_NAMES)
def test_a_wrong_variant_is_caught(turn: int, mutant: Mutant, tree: Path) -> None:
    result = run_mutated(tree, mutant, turn)
    assert result.returncode == FAILED, f"{mutant.name} is not caught by {mutant.tests}:\n{result.stdout[-2000:]}"
