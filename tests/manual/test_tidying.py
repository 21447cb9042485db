"""Tidying keeps a warehouse's size in bounds and changes no row of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from foundation.errors import StageError
from foundation.settings import Settings
from foundation.store import files
from foundation.store.tidying import tidy, tidy_table
from foundation.store.warehouse import Warehouse
from pipeline.decisions import Selection, decide_proposals
from tests.worlds.proposal_world import AS_OF, act, proposal, warehouse_with

_WRITER = """
import sys
from foundation.store.warehouse import Warehouse
warehouse = Warehouse(sys.argv[1])
plan = warehouse.read("plan", sys.argv[2])
for turn in range(15):
    warehouse.write("plan", plan.drop(columns="as_of", errors="ignore").assign(total_eur=float(turn)), sys.argv[2])
"""


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*.parquet") if "_delta_log" not in path.parts)


def _rows(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    names = ("plan", "transfer", "decision", "position")
    return {name: warehouse.read(name) for name in names}


def test_many_runs_keep_the_size_of_one_and_every_row_stays(tmp_path: Path) -> None:
    settings = warehouse_with(tmp_path, proposal("p1"), proposal("p2"))
    warehouse = Warehouse(settings)
    place = Path(warehouse.path)
    tidy_table(f"{place}/transfer", 0)
    first, before = _size(place / "transfer"), _rows(warehouse)
    for _ in range(12):
        warehouse.write("transfer", before["transfer"].drop(columns="as_of"), AS_OF)
    assert _size(place / "transfer") > 8 * first
    assert tidy_table(f"{place}/transfer", 0) == 12
    assert _size(place / "transfer") <= 1.1 * first
    for name, frame in _rows(warehouse).items():
        pd.testing.assert_frame_equal(frame, before[name], obj=name)


def test_history_within_the_retention_and_the_ledger_stay(tmp_path: Path) -> None:
    settings = warehouse_with(tmp_path, proposal("p1"))
    for verb in ("approve", "release"):  # two small files, which must not be joined either
        decide_proposals(
            settings, AS_OF, verb, Selection(is_all=verb == "approve", ids=("p1",) * (verb == "release")), act()
        )
    place = Path(Warehouse(settings).path)
    ledger = {path: path.read_bytes() for path in (place / "decision").rglob("*") if path.is_file()}
    assert len(ledger) > 2
    data = set(place.rglob("*.parquet"))
    files.write_text(f"{place}/_logs/train-2016-05-23.log", "Traceback")
    assert tidy(settings).n_table_files == 0
    assert data <= set(place.rglob("*.parquet"))
    assert {path: path.read_bytes() for path in (place / "decision").rglob("*") if path.is_file()} == ledger
    assert files.exists(f"{place}/_logs/train-2016-05-23.log")


def test_a_table_can_be_tidied_while_another_process_writes_it(tmp_path: Path) -> None:
    settings = warehouse_with(tmp_path, proposal("p1"))
    warehouse = Warehouse(settings)
    command = [sys.executable, "-c", _WRITER, warehouse.path, str(AS_OF)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as writer:  # noqa: S603 - our own command
        while writer.poll() is None:
            tidy_table(f"{warehouse.path}/plan", 1)
        assert writer.returncode == 0, writer.stderr.read() if writer.stderr else ""
    assert warehouse.read("plan", AS_OF)["total_eur"].tolist() == [14.0]


def test_tidying_does_not_create_a_missing_warehouse(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no warehouse"):
        tidy(Settings(warehouse=str(tmp_path / "none")))
    assert not (tmp_path / "none").exists()
