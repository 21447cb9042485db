"""Runs on a Dask cluster that cannot be used."""

from __future__ import annotations

from datetime import date

import pytest

from foundation.cluster_section import ClusterSection
from foundation.errors import StageError
from foundation.settings import Settings
from pipeline import run


def test_a_run_ends_before_any_work_where_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foundation.cluster._CONNECT_SECONDS", 0.3)
    monkeypatch.setattr("foundation.store.snapshot.open_source", lambda _: pytest.fail("the inputs were read"))
    settings = Settings(cluster=ClusterSection(address="tcp://127.0.0.1:1"))
    with pytest.raises(StageError, match=r"^stage validate failed: no scheduler answers at tcp://127\.0\.0\.1:1 "):
        run.validate_stage(settings, date(2016, 5, 16), "rebalance")
