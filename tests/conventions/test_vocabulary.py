"""Code, docs and pages use the words of the glossary."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conventions.vocabulary import WORDS, banned_parts, excess, name_findings, word_findings


@pytest.mark.parametrize("kind", ["names", "words"])
def test_words_follow_the_glossary(kind: str) -> None:
    """``python -m tests.conventions.vocabulary PATH`` lists what a path holds; the glossary has the word to use."""
    assert excess(kind) == []


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("asked_hub", {"asked"}),
        ("CrewMember", {"crew"}),
        ("at", {"at"}),
        ("ready_at", set()),
        ("WhatIf", set()),
        ("what_if_page", set()),
        ("what", {"what"}),
        ("FileNotFoundError", set()),
        ("found_units", {"found"}),
        ("test_every_series_has_its_own_price", set()),
        ("test_nobody_asks_the_clock", {"nobody"}),
    ],
)
def test_a_name_is_split_at_underscores_and_capitals(name: str, parts: set[str]) -> None:
    assert banned_parts(name) == parts


@pytest.mark.parametrize(
    "text", ["the programme", "computed anew", "a night of the backfill", "optimised", "the colour"]
)
def test_a_banned_word_is_seen(text: str) -> None:
    assert WORDS.search(text)


@pytest.mark.parametrize("text", ["the nightly run", "an optimizer", "recommended", "a promise", "therefore", "color"])
def test_a_plain_word_is_not(text: str) -> None:
    assert not WORDS.search(text)


def test_code_comments_docstrings_and_strings_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conventions.vocabulary.relative", lambda path: path.name)
    page = tmp_path / "page.md"
    page.write_text("The crew plans.\n\n`crew` and\n\n```\ncrew\n```\n[crew](crew.md)\n", "utf-8")
    assert [finding.line for finding in word_findings(page)] == [1, 8]
    module = tmp_path / "module.py"
    module.write_text('"""The crew."""\n\nsaid = frame.at[0, f"a crew of {crew}"]  # the crew\n', "utf-8")
    assert ast.parse(module.read_text("utf-8"))
    assert [finding.word for finding in name_findings(module)] == ["crew", "said"]
    assert [finding.line for finding in word_findings(module)][:1] == [1]
