"""The model in MLflow: a run's features in, the product's forecast out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from features import build_panel, forecast_matrix, training_set
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from models import DemandModel, forecast, train
from models.tracking.client import models_resolved, tracking_uri
from models.tracking.forecast_model import example_frame, features_frame, matrix_of
from models.tracking.registry import Origin, Published, Registry
from tests.models.test_totals import _with_totals as tables
from tests.worlds.small_world import AS_OF, settings


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings with a warehouse."""
    return settings().model_copy(update={"warehouse": str(tmp_path_factory.mktemp("mlflow") / "wh")})


@pytest.fixture(scope="module")
def trained(used: Settings) -> tuple[DemandModel, FeatureMatrix]:
    """Return a model and the features of a run."""
    panel = build_panel(tables(), used, AS_OF)
    return train(training_set(panel, used), used, AS_OF), forecast_matrix(panel, used)


@pytest.fixture(scope="module")
def published(used: Settings, trained: tuple[DemandModel, FeatureMatrix]) -> Iterator[Published]:
    """Return the registered model."""
    result = Registry(used).publish(trained[0], Origin("k", "f" * 24, "inputs/f", tables()["sales"].head(5), {}))
    MlflowClient(tracking_uri(used)).set_registered_model_alias(used.name, "champion", result.version)
    mlflow.set_tracking_uri(tracking_uri(used))
    yield result
    mlflow.set_tracking_uri(None)


def test_the_champion_returns_the_quantiles_of_the_product(
    used: Settings, trained: tuple[DemandModel, FeatureMatrix], published: Published
) -> None:
    """A frame of float64, in another order of rows, gives the table ``forecast`` of the run, combination and totals included."""
    model, matrix = trained
    frame = features_frame(model, matrix)
    assert {str(frame[name].dtype) for name in model.facts["features"]} == {"float64"}
    shuffled = frame.sample(frac=1.0, random_state=1)
    loaded = mlflow.pyfunc.load_model(f"models:/{used.name}@champion")
    expected = forecast(model, matrix, used, AS_OF)["forecast"]
    given = loaded.predict(shuffled)
    pd.testing.assert_frame_equal(given, expected[list(given)], check_dtype=False)
    assert {"mean_units", "q005", "q500", "q995"} <= set(given)
    narrow = frame.astype(dict.fromkeys(model.facts["features"], "float32"))
    pd.testing.assert_frame_equal(loaded.predict(narrow), given)


def test_an_incomplete_frame_is_refused(trained: tuple[DemandModel, FeatureMatrix]) -> None:
    model, matrix = trained
    frame = features_frame(model, matrix)
    with pytest.raises(ValueError, match="periods of each of the"):
        matrix_of(model, frame.iloc[:-1])
    with pytest.raises(ValueError, match="one row must have run_context"):
        matrix_of(model, frame.iloc[1:])


def test_the_logged_model_has_its_metrics_params_example_and_files_once(
    used: Settings, trained: tuple[DemandModel, FeatureMatrix], published: Published, tmp_path: Path
) -> None:
    model, _ = trained
    client = MlflowClient(tracking_uri(used))
    version = client.get_model_version(used.name, published.version)
    logged = client.get_logged_model(version.tags["logged_model"])
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": used.name, "version": published.version}]
    assert version.run_id == published.run_id == logged.source_run_id
    assert version.source == f"models:/{logged.model_id}"
    assert {metric.key for metric in logged.metrics} >= {"model/wape", "model/bias", "model_alone/wape"}
    assert logged.name == f"demand-{AS_OF}"
    assert logged.params["forecast.lightgbm.trees"] == "12"
    assert logged.tags["model_version"] == model.version
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{logged.model_id}", dst_path=str(tmp_path)))
    stored = [place for place in folder.rglob("*") if place.is_file()]
    assert [place.name for place in stored].count("booster.txt") == 1
    assert not [place for place in stored if place.suffix in (".pkl", ".pickle", ".joblib", ".py")]
    loaded = mlflow.pyfunc.load_model(f"models:/{logged.model_id}")
    assert len(loaded.predict(loaded.input_example)) == used.horizon
    assert set(loaded.metadata.get_input_schema().input_names()) == set(example_frame(model, used.horizon))


def test_the_run_of_a_training_has_its_learning_curves(
    used: Settings, trained: tuple[DemandModel, FeatureMatrix], published: Published
) -> None:
    model, _ = trained
    client = MlflowClient(tracking_uri(used))
    for name in ("calibration/series/training", "calibration/series/validation", "final/series/training"):
        points = client.get_metric_history(published.run_id, f"learning/lightgbm/{name}")
        assert [[point.step, point.value] for point in points] == model.facts["curves"][f"lightgbm/{name}"]
        assert points[-1].step == 12
        assert len(points) == 12


def test_publishing_leaves_the_address_of_the_process_as_it_was() -> None:
    before = mlflow.get_tracking_uri()
    with models_resolved("sqlite:///other.db"):
        assert mlflow.get_tracking_uri() == "sqlite:///other.db"
    assert mlflow.get_tracking_uri() == before


def test_the_version_of_a_model_does_not_depend_on_its_curves(trained: tuple[DemandModel, FeatureMatrix]) -> None:
    model, _ = trained
    other = dataclasses.replace(model, facts={name: value for name, value in model.facts.items() if name != "curves"})
    assert model.facts["curves"]
    assert other.version == model.version
    assert DemandModel.from_files(model.to_files()).facts["curves"] == model.facts["curves"]


def test_a_run_of_a_killed_process_is_ended(used: Settings, published: Published) -> None:
    client = MlflowClient(tracking_uri(used))
    experiment = client.get_experiment_by_name(used.name)
    assert experiment is not None
    alive = dict(client.get_run(published.run_id).data.tags)
    tags = {name: alive[name] for name in ("forestock.host", "forestock.process")}
    dead = client.create_run(experiment.experiment_id, tags=tags | {"forestock.process": "999999999"})
    living = client.create_run(experiment.experiment_id, tags=tags)
    other = client.create_run(
        experiment.experiment_id, tags=tags | {"forestock.host": "elsewhere", "forestock.process": "1"}
    )
    Registry(used)._experiment.end_abandoned()
    states = [client.get_run(run.info.run_id).info.status for run in (dead, living, other)]
    assert states == ["KILLED", "RUNNING", "RUNNING"]
    for run in (living, other):
        client.set_terminated(run.info.run_id)


def test_category_codes_and_totals_survive_the_frame(trained: tuple[DemandModel, FeatureMatrix]) -> None:
    model, matrix = trained
    again = matrix_of(model, features_frame(model, matrix))
    assert again.totals is not None
    assert matrix.totals is not None
    np.testing.assert_array_equal(again.totals.matrix.values, matrix.totals.matrix.values)
    np.testing.assert_array_equal(again.past, matrix.past)
    np.testing.assert_array_equal(again.date, matrix.date)
