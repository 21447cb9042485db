"""Shared fixtures: a warehouse that must stay unchanged when input is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from foundation.errors import InputError
from foundation.settings import Settings
from foundation.store import snapshot
from tests.conftest import Tables

AS_OF = date(2016, 5, 23)
Refused = Callable[..., list[str]]


@pytest.fixture
def refused(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> Refused:
    """Return a function that gives the lines with which the (changed) demo tables are refused.

    It asserts that they are, that the command would end in 2, and that nothing was written.
    """

    def lines(*overrides: str, as_of: date | None = AS_OF, needs: str = "rebalance") -> list[str]:
        folder = tmp_path / "inputs"
        if not folder.exists():
            write_tables(demo_tables, folder)
        with pytest.raises(InputError) as refusal:
            snapshot.accept(settings_for(folder, *overrides), as_of, needs)
        assert refusal.value.exit_code == 2
        assert not (tmp_path / "warehouse").exists()
        return list(refusal.value.lines)

    return lines
