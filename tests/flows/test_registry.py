"""The record in MLflow: one version per training, a champion with a reason, nothing that runs stored code."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from foundation.errors import StageError
from foundation.settings import Settings
from models import DemandModel
from models.kinds.lightgbm_tweedie import LightGBMTweedie
from models.tracking.client import tracking_command, tracking_uri
from models.tracking.registry import Origin, Published, Registry, feature_importance

MONDAY = date(2016, 5, 23)
FEATURES = ["lag", "price"]
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(200, 2)).astype("float32")
HEAD = pd.DataFrame({"sku": ["a", "b"], "units_sold": [1.0, 2.0]})


def _model(as_of: date = MONDAY, wape: float = 0.5, bias: float = 0.01) -> DemandModel:
    data = lgb.Dataset(VALUES, VALUES[:, 0].copy(), feature_name=FEATURES)
    booster = lgb.train({"verbosity": -1, "num_threads": 1, "seed": 1}, data, num_boost_round=3)
    facts = {
        "kind": "lightgbm", "features": FEATURES, "families": ["lags", "price"], "categories": {}, "calibration": {}, "given_up": [],
        "training": {"rows": 200, "series": 3, "first_date": "2016-01-01", "last_date": "2016-05-20",
                     "calibration_start": "2016-04-25", "settings": {"seed": 1}},
        "metrics": {"model_wape": wape, "model_bias": bias, "seasonal_naive_wape": 0.7, "seasonal_naive_bias": 0.0,
                    "recent_mean_wape": 0.6, "recent_mean_bias": 0.02},
    }  # fmt: skip
    return DemandModel("demo", as_of, (LightGBMTweedie(booster.model_to_string()),), facts)


def _origin(training_key: str = "k") -> Origin:
    return Origin(training_key, "f" * 24, "inputs/f", HEAD, {"code_version": "c"})


def _publish(settings: Settings, training_key: str, wape: float = 0.5) -> Published:
    return Registry(settings).publish(_model(wape=wape), _origin(training_key))


@pytest.fixture
def settings(tmp_path: Path, empty_store: Path) -> Settings:
    """Return settings whose warehouse holds an empty MLflow store."""
    (tmp_path / "wh").mkdir()
    shutil.copy(empty_store, tmp_path / "wh" / "mlflow.db")
    return Settings(name="demo", warehouse=str(tmp_path / "wh"))


@pytest.fixture
def reader(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """Return a client of the store, with MLflow's own tracking address pointing there for the test."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # put back afterwards: MLflow keeps the address there
    mlflow.set_tracking_uri(tracking_uri(settings))
    yield MlflowClient()
    mlflow.set_tracking_uri(None)


def test_a_training_is_recorded_once(settings: Settings, reader: MlflowClient) -> None:
    """Every run that uses a model publishes it; only the first may create a run and a version."""
    first, second = _publish(settings, "k"), _publish(settings, "k")
    experiment = reader.get_experiment_by_name("demo")
    assert first == second
    assert experiment is not None
    assert len(reader.search_runs([experiment.experiment_id])) == 1
    assert len(reader.search_model_versions("name = 'demo'")) == 1


def test_a_run_records_the_promotion_and_its_data(settings: Settings, reader: MlflowClient) -> None:
    run = reader.get_run(_publish(settings, "k").run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["model/wape"] == 0.5
    assert run.data.metrics["baseline/recent_mean/wape"] == 0.6
    assert run.data.params["forecast.seed"] == "1"
    assert run.data.tags["mlflow.note.content"].startswith("**Better than recent mean: WAPE 0.500 against 0.600")
    assert run.data.tags["as_of"] == "2016-05-23"
    assert run.inputs.dataset_inputs[0].dataset.digest == "f" * 24
    assert {file.path for file in reader.list_artifacts(run.info.run_id)} >= {"importance.json", "importance.png"}


def test_every_version_has_a_model_card_and_the_model_a_description(settings: Settings, reader: MlflowClient) -> None:
    """A user of the registry does not see the run of a model."""
    card = reader.get_model_version("demo", _publish(settings, "k").version).description
    assert card.startswith("**Better than recent mean")
    assert all(part in card for part in ("**Intended use.**", "**Data window.**", "**Limits.**"))
    about = reader.get_registered_model("demo").description
    assert "**Intended use.**" in about
    assert "**Limits.**" in about


def test_the_champion_loads_without_stored_code(settings: Settings, reader: MlflowClient, tmp_path: Path) -> None:
    model = _model()
    assert _publish(settings, "k").is_champion
    loaded = mlflow.pyfunc.load_model("models:/demo@champion")
    assert {"lag", "price", "run_context"} <= set(loaded.metadata.get_input_schema().input_names())
    version = reader.get_model_version_by_alias("demo", "champion")
    folder = Path(mlflow.artifacts.download_artifacts(version.source, dst_path=str(tmp_path / "got")))
    kept = {file.name: file for file in folder.rglob("*") if file.is_file()}
    assert not [name for name in kept if name.endswith((".pkl", ".pickle", ".joblib", ".py"))]
    again = DemandModel.from_files({name: kept[name].read_bytes() for name in model.to_files()})
    assert again.version == model.version


@pytest.mark.parametrize(("wape", "bias"), [(0.6, 0.0), (0.5, 0.05), (0.5, -0.05)])
def test_a_model_that_does_not_win_is_not_promoted(
    settings: Settings, reader: MlflowClient, wape: float, bias: float
) -> None:
    """No gain over the best baseline, or a total further off than the baseline's by more than 0.02."""
    published = Registry(settings).publish(_model(wape=wape, bias=bias), _origin())
    assert not published.is_champion
    assert published.reason.startswith("Not better than recent mean")
    assert reader.get_registered_model("demo").aliases == {}


def test_an_older_training_does_not_replace_a_newer_champion(settings: Settings, reader: MlflowClient) -> None:
    """A backfill trains old dates after new ones; the champion must stay the newest."""
    registry = Registry(settings)
    newer = registry.publish(_model(MONDAY), _origin("new"))
    older = registry.publish(_model(date(2016, 5, 16), wape=0.4), _origin("old"))
    assert (newer.is_champion, older.is_champion) == (True, False)
    assert "2016-05-23" in older.reason
    assert str(reader.get_model_version_by_alias("demo", "champion").version) == newer.version


@pytest.mark.slow
def test_a_former_champion_names_its_successor(settings: Settings, reader: MlflowClient) -> None:
    """A run that returns to an earlier model names it; its former promotion does not explain why it is not champion now."""
    registry = Registry(settings)
    earlier = _model(date(2016, 5, 16))
    assert registry.publish(earlier, _origin("old")).is_champion
    registry.publish(_model(), _origin("new"))
    again = registry.publish(earlier, _origin("old"))
    assert not again.is_champion
    assert again.reason == "The champion was trained on 2016-05-23, after 2016-05-16."


@pytest.mark.slow
def test_two_processes_can_record_at_once_in_a_new_store(tmp_path: Path) -> None:
    """MLflow crashes when two processes make its database together; a lock file makes them take turns."""
    settings = Settings(name="demo", warehouse=str(tmp_path / "new"))
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        matches = [pool.submit(_publish, settings, key).result for key in ("a", "b")]
        versions = {result().version for result in matches}
    assert versions == {"1", "2"}


def test_an_unreachable_tracking_server_is_one_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run catches it and continues: its rows do not depend on MLflow."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = settings.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    with pytest.raises(StageError, match="registry"):
        _publish(away, "k")


def test_a_run_that_could_not_be_finished_is_marked_as_failed(settings: Settings, reader: MlflowClient) -> None:
    """A run left RUNNING looks like a training in progress."""
    (Path(settings.warehouse) / "mlartifacts").write_text("a file where a folder should be")
    with pytest.raises(StageError, match="registry"):
        _publish(settings, "k")
    experiment = reader.get_experiment_by_name("demo")
    assert experiment is not None
    assert [run.info.status for run in reader.search_runs([experiment.experiment_id])] == ["FAILED"]


def test_importance_adds_up_to_one() -> None:
    importance = feature_importance(_model())
    assert importance is not None
    assert set(importance["feature"]) == set(FEATURES)
    assert importance["gain"].sum() == pytest.approx(1.0)
    assert importance["gain"].is_monotonic_decreasing


def test_a_remote_warehouse_without_a_tracking_address_has_no_record() -> None:
    remote = Settings(name="demo", warehouse="s3://bucket/warehouse")
    assert tracking_command(remote) == ""
    with pytest.raises(StageError, match="tracking_uri"):
        Registry(remote)
