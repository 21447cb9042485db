"""The recipes of docs/how-to/read-from-a-database.md for DuckDB, run as they are written; PostgreSQL is in tests/services."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import yaml

from foundation.configuration import load_settings
from foundation.store.databases import open_database
from foundation.store.snapshot import validate_inputs
from foundation.validation.input_table import UnreadableError
from tests.worlds.erp_database import N_SOLD, STATEMENTS
from tests.worlds.how_to import code_blocks


def test_the_queries_for_duckdb_read_its_tables(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        for statement in STATEMENTS:
            connection.execute(statement)
    recipe = next(block for block in code_blocks("read-from-a-database", "yaml") if "duckdb" in block)
    (tmp_path / "c.yaml").write_text(f"name: shop\n{recipe}")
    settings = load_settings(tmp_path / "c.yaml")
    result = validate_inputs(settings, None, "forecast")
    assert [str(fault) for fault in result.faults] == []
    assert result.tables["sales"]["units_sold"].sum() == N_SOLD
    assert result.tables["skus"]["sku"].tolist() == ["007", "B-1"]
    assert result.tables["stock"]["units_on_hand"].tolist() == [5, 6]


def test_tables_of_a_duckdb_file_are_read_under_their_names(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "x.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE regions AS SELECT 'R1' AS region")
        connection.execute("CREATE VIEW skus AS SELECT '007' AS sku")
    source = open_database(f"adbc+duckdb:///{path}")
    assert (source.has("regions"), source.has("skus"), source.has("sales")) == (True, True, False)
    assert source.read("skus", ()).to_pylist() == [{"sku": "007"}]


def test_a_missing_duckdb_file_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="there is no such file"):
        open_database(f"adbc+duckdb:///{tmp_path / 'none.duckdb'}")
    assert list(tmp_path.iterdir()) == []


def test_every_yaml_block_is_a_configuration() -> None:
    for block in code_blocks("read-from-a-database", "yaml"):
        assert set(yaml.safe_load(block)) == {"inputs"}
