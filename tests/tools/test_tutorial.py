"""The commands of the tutorials run as they are written, and their transcripts are what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.configuration import load_settings
from pipeline.new_project.project import new_project
from tools.tutorial import PAGES, blocks, missing_lines, outputs

NAMES = sorted(path.stem for path in PAGES.glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_commands_of_a_tutorial_print_its_transcripts(name: str, tmp_path: Path) -> None:
    page = (PAGES / f"{name}.md").read_text("utf-8")
    for block, printed in outputs(page, tmp_path):
        assert missing_lines(block.text, printed) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_places_of_a_tutorial_are_settings(name: str, tmp_path: Path) -> None:
    (text,) = (block.text for block in blocks((PAGES / f"{name}.md").read_text("utf-8")) if block.language == "yaml")
    new_project(str(tmp_path / "shop"))
    (tmp_path / "shop" / "forestock.yaml").write_text(f"name: shop\n{text}", "utf-8")
    assert len(load_settings(tmp_path / "shop" / "forestock.yaml").network.hubs) == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_has_a_transcript_of_every_result(name: str) -> None:
    page = blocks((PAGES / f"{name}.md").read_text("utf-8"))
    commands = "".join(block.text for block in page if block.language == "sh")
    assert all(f"forestock {verb}" in commands for verb in ("init", "forecast", "network", "run"))
    assert all(block.text.strip() for block in page)


def test_a_line_that_is_not_printed_is_reported() -> None:
    assert missing_lines("a\n…\nc\n", "a\nb\nc") == []
    assert missing_lines("a\nd\n", "a\nb\nc") == ["d"]
    assert missing_lines("saves €1,234", "saves €99") == []
    assert missing_lines("c\na\n", "a\nb\nc") == ["a"]
