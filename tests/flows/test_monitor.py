"""Monitoring of earlier runs: scored on actual demand, followed up, and kept beside the plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from monitoring.accuracy import FORESTOCK
from pipeline import run
from pipeline.monitor import TABLES, accuracy_sentence, record_of, run_monitoring, write_monitoring
from tests.conftest import Tables
from tests.flows.conftest import QUICK

DATES, TODAY = (date(2016, 5, 9), date(2016, 5, 16)), date(2016, 5, 23)


@pytest.fixture
def settings(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> Settings:
    """Return settings of a warehouse with two plans, whose inputs have parcels and stockouts."""
    sales = demo_tables["sales"]
    is_out = (sales["sku"] == sales["sku"].iloc[0]) & (sales["date"] >= "2016-05-16")
    demo_tables["sales"] = sales.assign(in_stock_rate=(~is_out).astype(float))
    moment = pd.to_datetime(["2016-05-18T10:00", "2016-05-19T18:00"], utc=True)
    demo_tables["deliveries"] = pd.DataFrame({
        "delivery_id": ["a", "b"], "date": pd.to_datetime(["2016-05-16", "2016-05-16"]),
        "hub": demo_tables["hubs"]["hub"].iloc[0], "region": "CA_1",
        "promised_at": moment[:1].append(moment[:1]), "delivered_at": moment,
    })  # fmt: skip
    built = settings_for(write_tables(demo_tables, tmp_path / "inputs"), *QUICK, "monitoring.min_scored_units=1")
    for as_of in DATES:
        context = run.validate_stage(built, as_of, "rebalance")
        run.rebalance_stage(context, run.forecast_stage(context, run.train_stage(context)))
    return built


def test_earlier_runs_are_scored_followed_up_and_kept_beside_the_plan(settings: Settings) -> None:
    warehouse = Warehouse(settings)
    context = run.validate_stage(settings, TODAY, "rebalance")
    forecasted = run.forecast_stage(context, run.train_stage(context))
    run.rebalance_stage(context, forecasted, is_forced=True)
    planned = warehouse.read("exception", TODAY)
    seen = run_monitoring(settings, TODAY, date(2016, 6, 20))
    write_monitoring(settings, seen)
    _assert_scored_by_hand(warehouse)
    assert set(warehouse.read("plan_follow_up", TODAY)["date"].dt.date) <= set(DATES)
    assert warehouse.read("lane_lateness", TODAY)["late_rate"].tolist() == [0.5]
    assert warehouse.read("service_follow_up", TODAY)["realised_fill_rate"].between(0, 1, inclusive="left").all()
    both = warehouse.read("exception", TODAY)
    assert "data_stale" in set(both["kind"])
    assert set(planned["kind"]) <= set(both["kind"])
    run.rebalance_stage(context, forecasted, is_forced=True)
    pd.testing.assert_frame_equal(warehouse.read("exception", TODAY), both)
    write_monitoring(settings, run_monitoring(settings, TODAY, TODAY))
    assert "data_stale" not in set(warehouse.read("exception", TODAY)["kind"])
    parts = record_of(settings, seen)
    assert {"wape", "wape_baseline", "bias", "coverage_950"} <= set(parts.metrics)
    assert accuracy_sentence(seen) in parts.note


def _assert_scored_by_hand(warehouse: Warehouse) -> None:
    """Compare the cells with a join of forecast and sales; baselines must be scored on the same periods."""
    rows = warehouse.read("accuracy", TODAY)
    sales = pd.read_parquet(Path(warehouse.settings.inputs.path) / "sales.parquet")
    known = sales[sales["in_stock_rate"] == 1].rename(columns={"units_sold": "actual"})
    both = pd.concat(warehouse.read("forecast", day) for day in DATES).merge(known, on=["date", "region", "sku"])
    selected = rows[rows["method"] == FORESTOCK]
    assert selected["actual_units"].sum() == pytest.approx(both["actual"].sum())
    assert selected["forecast_units"].sum() == pytest.approx(both["mean_units"].sum())
    assert rows.groupby("method")["n_periods"].sum().nunique() == 1


def test_monitoring_of_an_empty_warehouse_checks_only_the_inputs(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """Monitoring needs neither hubs nor parcels."""
    for name in ("hubs", "lanes", "stock", "inbound", "supply", "promises"):
        del demo_tables[name]
    settings = settings_for(write_tables(demo_tables, tmp_path / "inputs"))
    seen = run_monitoring(settings, TODAY, None)
    write_monitoring(settings, seen)
    assert set(TABLES) == set(seen.frames)
    assert seen.frames["accuracy"].empty
    assert len(Warehouse(settings).read("drift", TODAY))
    assert accuracy_sentence(seen) == "No earlier forecast is in the window."
