"""The generated pages say what the definitions say; ``make reference`` writes them again."""

from __future__ import annotations

from foundation.tables import INPUTS, OUTPUTS
from foundation.tables.columns import COLUMNS
from tests.conventions.repository import ROOT
from tools.reference import settings_page, tables_page


def test_the_page_of_tables_is_up_to_date() -> None:
    assert (ROOT / "docs" / "tables.md").read_text("utf-8") == tables_page()


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == settings_page()


def test_every_column_stands_in_some_table() -> None:
    """A column nobody uses is a promise nobody keeps."""
    used = {name for table in (*INPUTS.values(), *OUTPUTS.values()) for name in table.names}
    assert sorted(set(COLUMNS) - used) == []
