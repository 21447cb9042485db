"""The recipe of docs/how-to/read-from-a-database.md for PostgreSQL, run as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from foundation.configuration import load_settings
from foundation.store.snapshot import validate_inputs
from tests.services.conftest import Postgres
from tests.worlds.erp_database import N_SOLD, STATEMENTS
from tests.worlds.how_to import code_blocks

pytestmark = pytest.mark.services


def test_the_views_for_postgresql_are_input_tables(postgres: Postgres, tmp_path: Path) -> None:
    postgres.call("createdb", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "forestock", "erp")
    engine = sa.create_engine(postgres.url("erp", "psycopg"))
    (views,) = code_blocks("read-from-a-database", "sql")
    with engine.begin() as connection:
        for statement in (*STATEMENTS, *filter(str.strip, views.split(";"))):
            connection.execute(sa.text(statement))
    engine.dispose()
    recipe = next(block for block in code_blocks("read-from-a-database", "yaml") if "postgresql+psycopg" in block)
    path = yaml.safe_load(recipe)["inputs"]["path"]
    place = path.replace("postgresql+psycopg://reader@db.example.com/erp", postgres.url("erp", "psycopg"))
    (tmp_path / "c.yaml").write_text(f"name: shop\ninputs: {{path: '{place}'}}\n")
    result = validate_inputs(load_settings(tmp_path / "c.yaml"), None, "forecast")
    assert [str(fault) for fault in result.faults] == []
    assert result.tables["sales"]["units_sold"].sum() == N_SOLD
    assert result.tables["stock"]["units_on_hand"].tolist() == [5, 6]
