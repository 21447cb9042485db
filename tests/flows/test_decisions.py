"""A run reads only decisions made before it from earlier runs; undecided proposals have no effect."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foundation.store.warehouse import Warehouse
from pipeline.completed import decided_before
from tests.worlds.neutral_rows import neutral_row

AS_OF = date(2016, 5, 23)
HUBS = pd.DataFrame({"hub": ["a", "b"], "timezone": ["America/Chicago", "America/New_York"]})


def _proposal(proposal_id: str, as_of: str, units: int) -> dict[str, object]:
    parts = {"proposal_id": proposal_id, "origin": "a", "destination": "b", "units": units, "packs": units}
    return neutral_row("transfer", date.fromisoformat(as_of), **parts, kind="transfer", status="proposed")


def _decision(proposal_id: str, time: str, status: str, units: int | None = None) -> dict[str, object]:
    return {
        "proposal_id": proposal_id, "at": pd.Timestamp(time, tz="UTC"), "status": status, "units": units, "by": "me",
        "reason": None,
    }  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Return a warehouse with proposals of two runs."""
    built = Warehouse(tmp_path / "warehouse")
    built.write(
        "transfer", pd.DataFrame([_proposal("x", "2016-05-16", 5), _proposal("y", "2016-05-16", 6)]), date(2016, 5, 16)
    )
    built.write("transfer", pd.DataFrame([_proposal("x", "2016-05-23", 9)]), AS_OF)
    return built


def test_earlier_runs_without_decisions_have_no_effect(warehouse: Warehouse) -> None:
    """Otherwise a run's rows would depend on which runs came before it."""
    assert len(decided_before(warehouse, HUBS, AS_OF)) == 0


def test_a_warehouse_without_tables_has_no_earlier_proposals(tmp_path: Path) -> None:
    assert len(decided_before(Warehouse(tmp_path / "new"), HUBS, AS_OF)) == 0


def test_the_latest_decision_before_the_run_counts_with_its_units(warehouse: Warehouse) -> None:
    # 06:00 in Chicago is 11:00 UTC: a decision at 11:30 belongs to the next run
    first = _decision("x", "2016-05-16 07:00", "approved")
    second = _decision("x", "2016-05-17 09:00", "released", 4)
    later = _decision("x", "2016-05-23 11:30", "executed", 3)
    warehouse.append("decision", pd.DataFrame([second, first, later]))
    result = decided_before(warehouse, HUBS, AS_OF)
    assert result["proposal_id"].tolist() == ["x"]
    assert result["status"].tolist() == ["released"]
    assert result["units"].tolist() == [4]
    assert result["as_of"].tolist() == [pd.Timestamp("2016-05-16")]
    assert result["decided_on"].tolist() == [pd.Timestamp("2016-05-17")]


def test_units_without_a_change_stay_as_proposed(warehouse: Warehouse) -> None:
    warehouse.append("decision", pd.DataFrame([_decision("y", "2016-05-18", "rejected")]))
    assert decided_before(warehouse, HUBS, AS_OF)["units"].tolist() == [6]
