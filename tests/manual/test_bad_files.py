"""Files whose content does not match their name: refused in one line, whatever they contain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from foundation.errors import StageError
from foundation.settings import Settings
from foundation.store import Warehouse, snapshot
from tests.conftest import Tables
from tests.manual.conftest import AS_OF, Refused


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is an empty file"),
        (b"\n", "cannot be read as csv"),
        (b"region;promise_days\nCA_1;2\n", "is not separated by commas (region;promise_days)"),
        ("region,promise_days\nMünchen,2\n".encode("latin-1"), "is not UTF-8 text (byte 0xfc"),
        (b"region,promise_days\nCA_1,2,3\n", "has a row of 3 values under 2 column names (CA_1,2,3)"),
        (bytes(range(256)) * 20, "cannot be read as csv"),
    ],
    ids=["empty", "blank", "semicolons", "latin-1", "ragged", "binary"],
)
def test_a_csv_file_that_is_none(
    demo_tables: Tables, refused: Refused, write_tables: Callable[..., Path], tmp_path: Path, content: bytes, words: str
) -> None:
    del demo_tables["promises"]
    folder = write_tables(demo_tables, tmp_path / "inputs")
    (folder / "promises.csv").write_bytes(content)
    (line,) = refused()
    assert line.startswith("promises: ")
    assert words in line
    assert line.isprintable()


def test_a_broken_delta_table(
    demo_tables: Tables, refused: Refused, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    del demo_tables["promises"]
    log = write_tables(demo_tables, tmp_path / "inputs") / "promises" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text('{"x":')
    (line,) = refused()
    assert line.startswith("promises: cannot be read as delta (")


@pytest.mark.parametrize("content", ["", "promise_days,region\n"], ids=["absent", "without rows"])
def test_an_optional_table_without_rows_counts_as_not_provided(
    demo_tables: Tables,
    write_tables: Callable[..., Path],
    settings_for: Callable[..., Settings],
    tmp_path: Path,
    content: str,
) -> None:
    """No inbound units, no event, no promise: a valid state and not a fault."""
    del demo_tables["promises"]
    folder = write_tables(demo_tables, tmp_path / "inputs")
    if content:
        (folder / "promises.csv").write_text(content)
    accepted = snapshot.accept(settings_for(folder), AS_OF, "rebalance")
    assert accepted.n_rows.get("promises", 0) == 0


def test_a_warehouse_that_cannot_be_one(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = write_tables(demo_tables, tmp_path / "inputs")
    (tmp_path / "file").write_text("")
    settings = settings_for(folder, f"warehouse={tmp_path / 'file'}")
    with pytest.raises(StageError, match=r"Not a directory; check the warehouse's path and rights"):
        snapshot.accept(settings, AS_OF, "rebalance")


def test_a_table_of_the_warehouse_that_is_damaged(tmp_path: Path) -> None:
    log = tmp_path / "plan" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text('{"x":')
    with pytest.raises(StageError, match="stage open plan failed: "):
        Warehouse(tmp_path).read("plan")
