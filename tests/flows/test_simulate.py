"""A replay from inputs to tables: every policy beside the bound, only data known at the time, reproducible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foundation.errors import ConfigurationError, InputError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from models.tracking.runs import Tracker
from pipeline.replay import Simulation, Span, periods_of, record_simulation, run_simulation, write_simulation
from positioning.simulation.ledger import OPERATING_TERMS
from tests.conftest import Tables
from tests.flows.conftest import QUICK, Command

SPAN = Span(date(2016, 5, 9), date(2016, 5, 15), n_decisions=2, every_days=3)
Replay = Callable[..., Simulation]


@pytest.fixture
def replay(write_tables: Callable[..., Path], tmp_path: Path, settings_for: Callable[..., Settings]) -> Replay:
    """Return a function that replays SPAN on tables, in a warehouse of the given name."""

    def replayed(tables: Tables, name: str) -> Simulation:
        folder = write_tables(tables, tmp_path / f"inputs-{name}")
        return run_simulation(settings_for(folder, *QUICK, f"warehouse={tmp_path / name}"), SPAN)

    return replayed


def test_a_replay_compares_every_policy_with_the_bound(demo_tables: Tables, replay: Replay) -> None:
    """The written tables add up to its figures, term by term."""
    done = replay(demo_tables, "warehouse")
    write_simulation(done)
    figures = done.figures.set_index("policy")
    assert list(figures.index) == ["nothing", "base_stock", "seasonal_naive", "forestock"]
    assert (figures["value_eur"] >= done.bound_eur[0] - 0.01).all()
    assert (figures["value_eur_with_goods"] >= done.bound_eur[1] - 0.01).all()
    assert figures.loc["nothing", "closed"] == 0
    costs = Warehouse(done.settings).read("simulation", SPAN.start)
    operating = costs[costs["term"].isin(OPERATING_TERMS)].groupby("policy")["eur"].sum()
    assert operating.to_dict() == pytest.approx(figures["value_eur"].to_dict())
    kept = Warehouse(done.settings).read("simulation_kpi", SPAN.start).set_index(["policy", "kpi"])["kpi_value"]
    assert kept["bound", "value_eur"] == pytest.approx(done.bound_eur[0])
    assert kept["forestock", "unit_fill_rate"] == pytest.approx(figures.loc["forestock", "unit_fill_rate"])


@pytest.mark.slow
def test_decisions_of_a_replay_read_no_later_data(demo_tables: Tables, replay: Replay) -> None:
    """The first decision is made before the span: with another future it must ship the same."""
    other = {name: frame.copy() for name, frame in demo_tables.items()}
    is_later = other["sales"]["date"] >= pd.Timestamp(SPAN.start)
    other["sales"].loc[is_later, "units_sold"] = other["sales"].loc[is_later, "units_sold"] * 5 + 2
    shipped = [
        done.costs[
            (done.costs["date"] == pd.Timestamp(SPAN.start)) & done.costs["term"].isin(["transfer_eur", "purchase_eur"])
        ]
        for done in (replay(demo_tables, "first"), replay(other, "other"))
    ]
    assert shipped[0]["eur"].abs().sum() > 0
    pd.testing.assert_frame_equal(shipped[0], shipped[1], check_exact=True)


@pytest.mark.slow
def test_a_replay_is_recorded_in_mlflow_with_a_run_per_policy(demo_tables: Tables, replay: Replay) -> None:
    done = replay(demo_tables, "warehouse")
    client = Tracker(done.settings, "simulation", "")._place.client
    run = client.get_run(record_simulation(done))
    assert run.data.params["n_decisions"] == "2"
    assert run.data.params["positioning.scenarios"] == str(done.settings.positioning.scenarios)
    artifacts = {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert {"report.html", "pictures", "policies.json", "days.json"} <= artifacts
    children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert {child.info.run_name for child in children} == {"nothing", "base_stock", "seasonal_naive", "forestock"}
    assert {"cost/bound_eur", "cost/bound_eur_with_goods"} == set(run.data.metrics)
    for child in children:
        assert {"service/unit_fill_rate", "cost/eur_per_unit_served", "operations/days_of_supply"} <= set(
            child.data.metrics
        )


@pytest.mark.parametrize(
    ("span", "message"),
    [
        (Span(date(2016, 5, 9), date(2016, 5, 8)), "--end 2016-05-08 is before"),
        (Span(date(2016, 5, 10), date(2016, 5, 16)), "--start 2016-05-10 is not the first day"),
        (Span(date(2016, 5, 9), date(2016, 5, 15), every_days=3), "--every 3 is not whole periods"),
    ],
)
def test_a_span_off_the_grid_is_refused(span: Span, message: str) -> None:
    weekly = Settings(frequency="W-MON", horizon=4, forecast={"window_days": [7]})
    with pytest.raises(ConfigurationError, match=message):
        periods_of(weekly, span)


def test_a_span_beyond_the_last_sales_is_refused(demo_tables: Tables, replay: Replay) -> None:
    cut = demo_tables["sales"]
    demo_tables["sales"] = cut[cut["date"] < pd.Timestamp("2016-05-12")]
    with pytest.raises(InputError):
        replay(demo_tables, "warehouse")


def test_the_command_reports_a_fault_of_the_span(cli: Command) -> None:
    ended = cli("simulate", "--config", "demo", "--start", "2016-05-09", "--end", "2016-05-01")
    assert ended.returncode == 2
    assert ended.stderr.strip() == "error: --end 2016-05-01 is before --start 2016-05-09"
