"""A whole backtest on a cut of the bundled data: runs in MLflow, the report, a challenger and the alias."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from foundation.errors import ConfigurationError, InputError, StageError
from foundation.settings import Settings
from foundation.store import snapshot
from models.backtest import Decision
from models.tracking.client import tracking_uri
from models.tracking.runs import Record, Tracker
from pipeline import backtest as rolling
from pipeline.backtest import Challenge, read_weights
from pipeline.configuration import load_settings
from pipeline.forecast_origin import Origins, inputs_known_on, origin_dates, read_actuals
from tests.flows.conftest import QUICK

TWO = Origins(2)


@pytest.fixture(scope="module")
def settings(
    _demo_cut: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory, empty_store: Path
) -> Settings:
    """Return quick settings on 12 series, with a warehouse the tests of this file share."""
    folder = tmp_path_factory.mktemp("backtest")
    (folder / "inputs").mkdir()
    (folder / "warehouse").mkdir()
    shutil.copy(empty_store, folder / "warehouse")
    for name, frame in _demo_cut.items():
        frame.to_parquet(folder / "inputs" / f"{name}.parquet")
    places = [f"inputs.path={folder / 'inputs'}", f"warehouse={folder / 'warehouse'}", "tracking_uri=null"]
    return load_settings("demo", [*places, *QUICK])


@pytest.fixture(scope="module")
def backtest(settings: Settings) -> rolling.Backtest:
    return rolling.run_origins(settings, TWO, None, "champion")


@pytest.fixture(scope="module")
def recorded(backtest: rolling.Backtest) -> rolling.RecordedBacktest:
    return rolling.record_backtest(backtest, {"requested_by": "a test"})


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # put back afterwards: MLflow keeps the address there
    mlflow.set_tracking_uri(tracking_uri(settings))
    yield MlflowClient()
    mlflow.set_tracking_uri(None)


def _runs(client: MlflowClient, topic: str = "demo-backtest") -> list:
    experiment = client.get_experiment_by_name(topic)
    return client.search_runs([experiment.experiment_id]) if experiment else []


def test_the_last_origin_leaves_a_whole_horizon_of_demand(settings: Settings) -> None:
    actuals = read_actuals(settings, Origins(2, 21, date(2016, 5, 20)))
    assert origin_dates(settings, Origins(2, 21, date(2016, 5, 20)), actuals) == [date(2016, 4, 16), date(2016, 5, 7)]


def test_too_many_origins_are_refused_with_the_possible_number(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="at most 2 fit"):
        origin_dates(settings, Origins(9), read_actuals(settings, Origins(9)))


def test_an_origin_reads_no_data_dated_on_or_after_it(settings: Settings) -> None:
    context = inputs_known_on(settings, date(2016, 4, 13))
    for known in (context.inputs, context.training):
        last = snapshot.read(known.folder)["sales"]["date"].max().date()
        assert last == known.as_of - timedelta(days=1)


def test_a_backtest_is_one_parent_with_a_child_per_origin(
    recorded: rolling.RecordedBacktest, client: MlflowClient
) -> None:
    """There is no run per series, and none stays open."""
    runs = {run.info.run_id: run for run in _runs(client)}
    parent = runs[recorded.run_id]
    children = [run for run in runs.values() if run.data.tags.get("mlflow.parentRunId") == recorded.run_id]
    assert sorted(run.data.tags["as_of"] for run in children) == ["2016-04-11", "2016-05-09"]
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert parent.data.metrics["wrmsse"] == pytest.approx(sum(run.data.metrics["wrmsse"] for run in children) / 2)
    assert parent.data.tags["requested_by"] == "a test"
    assert parent.data.tags["mlflow.note.content"].startswith(f"**{recorded.backtest.summary.headline}**")
    assert parent.inputs.dataset_inputs[0].dataset.digest == recorded.backtest.actuals.fingerprint


def test_tables_pictures_and_report_are_with_the_run(recorded: rolling.RecordedBacktest, client: MlflowClient) -> None:
    kept = {file.path for top in ("", "tables", "pictures") for file in client.list_artifacts(recorded.run_id, top)}
    assert {"report.html", "tables/segments.json", "tables/levels.json"} <= kept
    assert {"tables/parts.json", "tables/calibration.json"} <= kept
    parts = client.get_run(recorded.run_id).data.metrics
    assert {"parts/wrmsse_lightgbm", "parts/wape_recent_mean", "parts/share_intermittent"} <= set(parts)
    assert len([path for path in kept if path.endswith(".png")]) == 8
    text = Path(recorded.page).read_text("utf-8")
    assert "Parts of the combination" in text
    assert "Calibration by segment" in text
    assert recorded.backtest.summary.headline in text.replace("&#39;", "'")
    assert "http://" not in text
    assert "https://" not in text


def test_a_second_backtest_uses_the_models_of_the_first(backtest: rolling.Backtest, settings: Settings) -> None:
    again = rolling.run_origins(settings, TWO, None, "champion")
    assert [one.model.version for one in again.scored] == [one.model.version for one in backtest.scored]
    pd.testing.assert_frame_equal(again.summary.overall, backtest.summary.overall)


def test_scores_use_the_units_sold(backtest: rolling.Backtest, demo_tables: dict[str, pd.DataFrame]) -> None:
    sales = demo_tables["sales"]
    for one in backtest.scored:
        day = pd.Timestamp(one.origin)
        within = sales[(sales["date"] >= day) & (sales["date"] < day + pd.Timedelta(days=14))]
        assert one.judged.overall["actual_units"].iloc[0] == pytest.approx(within["units_sold"].sum())


def test_a_challenger_is_judged_on_the_same_origins_and_tagged(
    backtest: rolling.Backtest, recorded: rolling.RecordedBacktest, settings: Settings, client: MlflowClient
) -> None:
    trees = settings.forecast.lightgbm.model_copy(update={"num_leaves": 7, "learning_rate": 0.2})
    other_settings = settings.model_copy(update={"forecast": settings.forecast.model_copy(update={"lightgbm": trees})})
    other = rolling.run_origins(other_settings, TWO, None, "challenger")
    with pytest.raises(rolling.RefusedPromotionError) as refused:
        rolling.compare(recorded, other, Challenge(("forecast.lightgbm.num_leaves=7",), is_promoting=True), {})
    result = refused.value.result
    assert refused.value.exit_code == 4
    assert result.decision is not None
    assert result.decision.n_origins == 2
    assert result.challenger is not None
    tags = client.get_run(result.challenger.run_id).data.tags
    assert tags["compared_with"] == recorded.run_id
    assert tags["gate"] == "refused"
    assert client.get_run(recorded.run_id).data.tags["gate_reason"] == result.decision.reason


def test_the_alias_is_set_only_on_request_with_a_reason(
    recorded: rolling.RecordedBacktest, client: MlflowClient
) -> None:
    decision = Decision(True, -0.1, 0.01, 0.06, 4, 4, "Promoted: because of this test.")
    version = rolling.promote(recorded, decision)
    champion = client.get_model_version_by_alias("demo", "champion")
    assert str(champion.version) == version
    assert champion.tags["champion_reason"] == decision.reason
    assert champion.tags["promoted_by_run"] == recorded.run_id
    assert client.get_run(recorded.run_id).data.tags["promoted_version"] == f"demo v{version}"


def test_a_record_that_cannot_be_finished_is_marked_as_failed(settings: Settings, client: MlflowClient) -> None:
    """A run that stays RUNNING looks as if it were still in progress."""
    broken = Record("broken", date(2016, 5, 2), "note", texts={"a.txt": object()})  # type: ignore[dict-item] # on purpose
    tracker = Tracker(settings, "broken", "note")
    with pytest.raises(StageError, match="tracking"):
        tracker.record(Record("parent", date(2016, 5, 2), "note", children=[broken]))
    assert [run.info.status for run in _runs(client, "demo-broken")] == ["FAILED", "FAILED"]


def test_the_report_is_written_without_mlflow(
    backtest: rolling.Backtest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = settings.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    written = rolling.record_backtest(rolling.Backtest(**{**vars(backtest), "settings": away, "label": "away"}), {})
    assert written.run_id == ""
    assert Path(written.page).exists()


def test_given_weights_are_read_and_mistakes_are_named(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("level,series,scale_all,weight_evaluation\n1,Total,2.5,1.0\n")
    assert read_weights(str(tmp_path / "w.csv")).table["scale_all"].tolist() == [2.5]
    for name, message in (("gone.csv", "no such file"), ("w.xlsx", r"neither \.csv nor \.parquet")):
        with pytest.raises(InputError, match=message):
            read_weights(str(tmp_path / name))
