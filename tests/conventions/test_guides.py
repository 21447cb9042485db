"""Every code block of README, the tutorials and the how-to pages is executed by a test, or listed with a reason and a check."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conventions.repository import ROOT
from tests.guides import test_checked_blocks
from tests.guides.blocks import (
    CHECKED,
    EXECUTED,
    EXECUTED_ELSEWHERE,
    SHOWN,
    Block,
    blocks_of,
    executed_here,
    guide_pages,
)

BLOCKS = [block for page in guide_pages() for block in blocks_of(page)]


def test_every_block_is_executed_checked_or_shown() -> None:
    """A block without a language, or in one that no test executes, is listed in tests/guides/blocks.py."""
    kinds = {str(one): (one.language in SHOWN, one in executed_here(one.page), bool(one.check), bool(one.executed_by)) for one in BLOCKS}  # fmt: skip
    assert {name: kind for name, kind in kinds.items() if sum(kind) != 1} == {}


def test_a_new_block_that_no_test_executes_is_found() -> None:
    assert not any(
        (block.check, block.executed_by, block.language in (*EXECUTED, *SHOWN))[index]
        for block in (Block("docs/new.md", "", "forestock run\n", 1), Block("docs/new.md", "json", "{}\n", 9))
        for index in range(3)
    )


def test_every_block_with_a_check_exists() -> None:
    assert [name for name in CHECKED if not any(block.is_named(name) for block in BLOCKS)] == []
    assert {check for _, check in CHECKED.values()} == set(test_checked_blocks.CHECKS)


@pytest.mark.parametrize(("pattern", "languages", "test"), EXECUTED_ELSEWHERE)
def test_the_other_test_reads_the_page(pattern: str, languages: tuple[str, ...], test: str) -> None:
    blocks = [block for block in BLOCKS if block.executed_by == test]
    assert {block.language for block in blocks} >= set(languages)
    name = Path(pattern).stem.replace("*", "PAGES")
    assert name in (ROOT / test).read_text("utf-8")


def test_the_guides_are_found() -> None:
    assert {"README.md", "docs/tutorial/your-own-exports.md", "docs/runbook.md", "docs/how-to/add-a-kpi.md"} <= set(
        guide_pages()
    )
