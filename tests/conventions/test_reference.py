"""The generated pages match the definitions; ``make reference`` regenerates them."""

from __future__ import annotations

import runpy
import sys

import pytest

from foundation.tables import INPUTS, OUTPUTS
from foundation.tables.columns import COLUMNS
from tests.conventions.repository import ROOT
from tools.reference import PAGES


@pytest.mark.parametrize("name", list(PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / f"{name}.md").read_text("utf-8") == PAGES[name]()


@pytest.mark.parametrize("name", list(PAGES))
def test_make_reference_writes_exactly_one_page_per_file(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module once printed the page of commands before each other page."""
    assert f"-m tools.reference {name} > docs/page.new && mv docs/page.new docs/{name}.md" in (
        ROOT / "Makefile"
    ).read_text("utf-8")
    monkeypatch.setattr(sys, "argv", ["reference", name])
    monkeypatch.delitem(sys.modules, "tools.reference")
    runpy.run_module("tools.reference", run_name="__main__")
    assert capsys.readouterr().out == PAGES[name]()


def test_every_column_belongs_to_a_table() -> None:
    """A column without a table would document data that does not exist."""
    used = {name for table in (*INPUTS.values(), *OUTPUTS.values()) for name in table.names}
    assert sorted(set(COLUMNS) - used) == []
