"""A run from inputs to tables, by its stages: reproducible, without later data, with consistent sums."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation.errors import InputError, StageError
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.store.warehouse import Warehouse, check_output
from foundation.tables.columns import PLAN_TERMS
from pipeline import run
from pipeline.forecast_origin import inputs_known_on, trained_model
from pipeline.results import PlanResult, RunContext, reported
from tests.conftest import Tables
from tests.flows.conftest import PLANNED, QUICK, with_cheap_trucks

AS_OF = PLANNED
WRITTEN = (*run.FORECAST_TABLES, *run.PLAN_TABLES)
Play = Callable[..., Warehouse]


def _play(settings: Settings, as_of: date = AS_OF) -> tuple[RunContext, PlanResult]:
    context = run.validate_stage(settings, as_of, "rebalance")
    forecasted = run.forecast_stage(context, run.train_stage(context))
    return context, run.rebalance_stage(context, forecasted)


@pytest.fixture
def play(write_tables: Callable[..., Path], tmp_path: Path, settings_for: Callable[..., Settings]) -> Play:
    """Return a function that runs all stages on tables, in a warehouse of the given name."""

    def played(tables: Tables, name: str, *overrides: str) -> Warehouse:
        folder = write_tables(tables, tmp_path / f"inputs-{name}")
        settings = settings_for(folder, *QUICK, f"warehouse={tmp_path / name}", *overrides)
        _play(settings)
        return Warehouse(settings)

    return played


def _rows(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    return {name: warehouse.read(name, AS_OF) for name in WRITTEN}


def _assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame], without: tuple[str, ...] = ()) -> None:
    for name, frame in one.items():
        kept = [column for column in frame if column not in without]
        pd.testing.assert_frame_equal(frame[kept], other[name][kept], check_exact=True, obj=name)


def _with_observations(tables: Tables) -> Tables:
    """Add the observed tables the sample lacks: a return and a parcel before the planning date, and one of each after it."""
    days = pd.to_datetime(["2016-05-02", "2016-05-18"])
    sku, region, hub = tables["sales"]["sku"].iloc[0], tables["sales"]["region"].iloc[0], tables["hubs"]["hub"].iloc[0]
    tables["returns"] = pd.DataFrame({"date": days, "region": region, "sku": sku, "units_returned": [1.0, 2.0]})
    tables["deliveries"] = pd.DataFrame({"delivery_id": ["a", "b"], "date": days, "hub": hub, "region": region})
    return tables


def _with_another_future(tables: Tables) -> Tables:
    """Change everything that only becomes known on or after the planning date."""
    changed = {name: frame.copy() for name, frame in tables.items()}
    for name, column in (("sales", "units_sold"), ("returns", "units_returned")):
        is_later = changed[name]["date"] >= pd.Timestamp(AS_OF)
        changed[name].loc[is_later, column] = changed[name].loc[is_later, column] * 7 + 3
    regional = changed["regional"]
    observed = [name for name in regional if name not in ("date", "region", "snap")]
    regional.loc[regional["date"] >= pd.Timestamp(AS_OF), observed] += 1000.0
    is_later = changed["stock"]["date"] > pd.Timestamp(AS_OF)
    changed["stock"].loc[is_later, "units_on_hand"] += 500
    changed["inbound"] = changed["inbound"][changed["inbound"]["as_of"] <= pd.Timestamp(AS_OF)]
    changed["deliveries"] = changed["deliveries"].iloc[:1]
    return changed


def test_a_run_is_reproducible_and_reads_no_later_data(demo_tables: Tables, play: Play) -> None:
    """Rows are equal to the last bit: in a repeated run, and in a backfill, which must read only its past.

    The second run has other numbers of threads and processes, the third another future.
    """
    tables = _with_observations(demo_tables)
    parts = _rows(play(tables, "first"))
    assert all(len(parts[name]) for name in run.FORECAST_TABLES)
    assert len(parts["plan"]) == 1
    _assert_same(parts, _rows(play(tables, "again", "forecast.threads=2", "positioning.processes=2")))
    _assert_same(parts, _rows(play(_with_another_future(tables), "otherwise")))


def test_written_tables_keep_the_contract_and_add_up(planned_settings: Callable[..., Settings]) -> None:
    warehouse = Warehouse(planned_settings())
    rows = _rows(warehouse)
    for name, frame in rows.items():
        check_output(frame, warehouse.definition(name), AS_OF)
    _assert_money_adds_up(rows["plan"].iloc[0])
    _assert_units_are_conserved(rows)


def _assert_money_adds_up(plan: pd.Series) -> None:
    for ending, total in (("_before", "total_eur_before"), ("_after", "total_eur")):
        signed = [
            -plan[f"{term}{ending}"] if term == "end_value_eur" else plan[f"{term}{ending}"] for term in PLAN_TERMS
        ]
        assert sum(signed) == pytest.approx(plan[total], abs=0.01)
    assert plan["lower_bound_eur"] <= plan["total_eur"] + 0.01


def _assert_units_are_conserved(rows: dict[str, pd.DataFrame]) -> None:
    position, now = rows["position"], rows["transfer"]
    expected = position["units_on_hand"] - position["units_out"] + position["units_inbound"] + position["units_in"]
    pd.testing.assert_series_equal(position["target_units"], expected, check_names=False)
    moved = now[now["kind"] == "transfer"].groupby("sku")["units"].sum()
    bought = now[now["kind"] == "supply"].groupby("sku")["units"].sum()
    by_sku = position.groupby("sku")[["units_out", "units_in"]].sum()
    assert (by_sku["units_out"] - moved.reindex(by_sku.index, fill_value=0) == 0).all()
    assert (by_sku["units_in"] - (moved.add(bought, fill_value=0)).reindex(by_sku.index, fill_value=0) == 0).all()
    assert (position["units_out"] <= position["units_on_hand"]).all()
    service = rows["service"]
    parts = service[["local_units", "spilled_units", "lost_units"]].sum(axis=1)
    np.testing.assert_allclose(parts, service["demand_units"], rtol=1e-6, atol=1e-6)


def test_runs_of_one_week_share_the_model_of_their_monday(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """The model of a run depends on its date alone: whichever date runs first, Thursday uses Monday's model."""
    settings = settings_for(write_tables(demo_tables, tmp_path / "inputs"), *QUICK)
    thursday = run.validate_stage(settings, date(2016, 5, 19), "forecast")
    monday = run.validate_stage(settings, date(2016, 5, 16), "forecast")
    assert thursday.training == monday.inputs
    first, second = run.train_stage(thursday), run.train_stage(monday)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.model_version == second.model_version


def test_an_earlier_model_is_reused_without_training(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """The reused model is the one of the earlier date, not a new one under that date."""
    folder = write_tables(demo_tables, tmp_path / "inputs")
    settings = settings_for(folder, *QUICK)
    before = run.train_stage(run.validate_stage(settings, date(2016, 5, 16), "forecast"))
    back = settings_for(folder, *QUICK, "forecast.train_until=2016-05-22")
    now = run.train_stage(run.validate_stage(back, date(2016, 5, 23), "forecast"))
    assert not now.is_new
    assert now.model_version == before.model_version
    assert (
        trained_model(inputs_known_on(back, date(2016, 5, 23))).version == before.model_version
    )  # as used by explain and backtest


def test_an_existing_forecast_is_not_recomputed(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """A run that failed in a later stage resumes there; other inputs give another forecast."""
    folder = write_tables(demo_tables, tmp_path / "inputs")
    settings = settings_for(folder, *QUICK)
    context = run.validate_stage(settings, AS_OF, "forecast")
    trained = run.train_stage(context)
    built = [run.forecast_stage(context, trained, is_forced).is_new for is_forced in (False, False, True)]
    assert built == [True, False, True]
    demo_tables["prices"]["unit_price_eur"] *= 1.1
    write_tables(demo_tables, folder)
    changed = run.validate_stage(settings, AS_OF, "forecast")
    assert run.forecast_stage(changed, run.train_stage(changed)).is_new


def test_without_a_network_demand_is_forecast_and_a_plan_names_the_missing_tables(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    for name in ("hubs", "lanes", "stock", "inbound", "supply", "promises"):
        del demo_tables[name]
    settings = settings_for(write_tables(demo_tables, tmp_path / "inputs"), *QUICK)
    context = run.validate_stage(settings, AS_OF, "forecast")
    assert run.forecast_stage(context, run.train_stage(context)).n_series == 12
    with pytest.raises(InputError) as refusal:
        run.validate_stage(settings, AS_OF, "rebalance")
    parts = "\n".join(refusal.value.lines)
    assert all(name in parts for name in ("hubs", "lanes", "stock"))


def test_a_plan_refused_by_the_gate_is_kept_without_proposals(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """The forecast and the plan's figures are kept; proposals of a refused plan are not."""
    cheap = demo_tables | {"lanes": with_cheap_trucks(demo_tables["lanes"], 40.0)}
    folder = write_tables(cheap, tmp_path / "inputs")
    settings = settings_for(folder, *QUICK, "positioning.max_gap_rate=0.0")
    _, planned = _play(settings)
    warehouse = Warehouse(settings)
    assert planned.refusals
    assert "max_gap_rate" in planned.refusals[0]
    assert planned.n_proposals == 0
    assert len(warehouse.read("forecast", AS_OF))
    assert len(warehouse.read("plan", AS_OF)) == 1
    assert len(warehouse.read("transfer", AS_OF)) == 0
    assert len(warehouse.read("departure", AS_OF)) == 0


def test_only_the_plan_that_could_not_be_written_resumes_from_its_checkpoint(
    demo_tables: Tables,
    write_tables: Callable[..., Path],
    settings_for: Callable[..., Settings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A checkpoint of other settings would give another plan under this one's identity."""
    folder = write_tables(demo_tables, tmp_path / "inputs")
    settings, other = (settings_for(folder, *QUICK, *more) for more in ((), ("positioning.seed=2",)))
    caplog.set_level(logging.INFO, "pipeline.artifacts")
    with monkeypatch.context() as full:
        full.setattr(run, "with_monitored", _disk_full)
        for one in (settings, other):
            with pytest.raises(StageError, match="No space left"):
                _play(one)
            assert "going on from" not in caplog.text
    checkpoints = Path(settings.warehouse) / "_checkpoints"
    assert len(list(checkpoints.glob("*.loads"))) == 2
    _play(settings)
    assert "going on from" in caplog.text
    assert len(list(checkpoints.glob("*.loads"))) == 1


def _disk_full(*_: object) -> None:
    raise StageError("write", "No space left on device")


@pytest.mark.parametrize("manifest", ['{"tables": ["sales", "stock"]}', "[]", '{"bytes": [1]}', ""])
def test_a_snapshot_with_an_old_manifest_is_validated_again(
    manifest: str, planned_settings: Callable[..., Settings]
) -> None:
    """After an upgrade, the page, attributions and what-ifs of earlier plans must still work."""
    settings = planned_settings()
    folder = Path(run.planned_run(settings, AS_OF).context.inputs.folder)
    (folder / "manifest.json").write_text(manifest)
    result = run.planned_run(settings, AS_OF).context.inputs
    assert result.folder == str(folder)
    assert set(snapshot.read(result.folder)) >= {"sales", "stock"}


def test_an_unexpected_failure_names_its_stage_and_logs_its_traceback(tmp_path: Path) -> None:
    settings = Settings(warehouse=str(tmp_path))
    with (
        pytest.raises(StageError, match="stage train failed: ValueError: odd") as failure,
        reported("train", settings, AS_OF),
    ):
        raise ValueError("odd")
    log = tmp_path / "_logs" / f"train-{AS_OF}.log"
    assert str(log) in str(failure.value)
    assert "Traceback" in log.read_text()
