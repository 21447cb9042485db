"""Where artifacts of MLflow are kept: in the warehouse, whatever its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.tracking.client import Experiment


@pytest.mark.parametrize("sign", ["#", " ", "ä", "+"])
def test_artifacts_stay_in_a_warehouse_of_any_name(sign: str, tmp_path: Path, empty_store: Path) -> None:
    warehouse = tmp_path / f"a{sign}b"
    warehouse.mkdir()
    shutil.copy(empty_store, warehouse)
    place = Experiment("shop", f"sqlite:///{warehouse}/mlflow.db", str(warehouse))
    run = place.client.create_run(place.id).info.run_id
    place.client.log_text(run, "kept", "note.txt")
    assert [path.name for path in (warehouse / "mlartifacts").rglob("note.txt")] == ["note.txt"]
    assert [path.name for path in tmp_path.iterdir()] == [warehouse.name]
