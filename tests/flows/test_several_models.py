"""Several models in one combination: a kind of an installed package beside LightGBM, from training to MLflow."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from features import build_panel, forecast_matrix, training_set
from foundation.errors import ConfigurationError
from foundation.settings import Settings
from models import DemandModel, explain, forecast, train
from models.explain import TERMS
from models.forecaster import kinds_in_use
from models.predict import means
from models.tracking.client import tracking_uri
from models.tracking.registry import Origin, Registry
from pipeline.configuration import load_settings
from pipeline.identity import training_identity
from tests.worlds.how_to import code_blocks, install
from tests.worlds.small_world import AS_OF, settings, tables

BOTH = ("lightgbm", "poisson")


@pytest.fixture
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings that combine LightGBM with the kind of the how-to page, installed as a package."""
    (project,) = code_blocks("add-a-model", "toml")
    install(tmp_path / "package", code_blocks("add-a-model", "python")[0], project, monkeypatch)
    place = {"warehouse": str(tmp_path / "wh")}
    return settings(models=BOTH).model_copy(update=place)


def _trained(used: Settings) -> DemandModel:
    return train(training_set(build_panel(tables(), used, AS_OF), used), used, AS_OF)


def test_an_installed_kind_is_fitted_weighted_named_and_stored(used: Settings) -> None:
    model = _trained(used)
    matrix = forecast_matrix(build_panel(tables(), used, AS_OF), used)
    assert model.kinds == BOTH
    assert model.facts["combination"]["parts"][:2] == list(BOTH)
    assert model.facts["combination"]["weights"]["all"][1] > 0
    tiers = set(forecast(model, matrix, used, AS_OF)["forecast"]["tier"])
    assert any("poisson" in tier for tier in tiers)
    explained = explain(model, matrix, np.arange(matrix.n_rows))
    by_poisson = explained["poisson_share"] > 0
    assert by_poisson.any()
    assert explained.loc[by_poisson, "promotion_units"].abs().sum() > 0
    units = explained[[f"{term}_units" for term in TERMS]].sum(axis=1)
    assert units.to_numpy() == pytest.approx(means(model, matrix, 1), rel=1e-4)
    assert {"lightgbm/booster.txt", "poisson/poisson.json"} <= set(model.to_files())
    again = DemandModel.from_files(model.to_files())
    assert again.version == model.version
    assert np.array_equal(means(again, matrix, 1), means(model, matrix, 1))


def test_each_model_is_the_one_that_is_fitted_alone(used: Settings) -> None:
    """The models share the features and nothing else: neither sees what the other made of them."""
    both = _trained(used).to_files()
    for kind in BOTH:
        alone = used.model_copy(update={"forecast": used.forecast.model_copy(update={"model": kind})})
        files = _trained(alone).to_files()
        assert {name: both[f"{kind}/{name}"] for name in files if name != "model.json"} == {
            name: content for name, content in files.items() if name != "model.json"
        }


def test_mlflow_has_the_score_of_every_part_and_the_files_of_every_model(
    used: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _trained(used)
    source = Origin("k", "f" * 24, "inputs/f", tables()["sales"].head(5), {})
    published = Registry(used).publish(model, source)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    mlflow.set_tracking_uri(tracking_uri(used))
    reader = MlflowClient()
    metrics = reader.get_run(published.run_id).data.metrics
    for part in model.facts["combination"]["parts"]:
        assert {f"part/{part}/{name}" for name in ("wape", "bias", "share")} <= set(metrics)
    shares = [value for name, value in metrics.items() if name.endswith("/share")]
    assert sum(shares) == pytest.approx(1.0)
    assert metrics["model/wape"] < metrics["part/seasonal_naive/wape"]
    place = reader.get_model_version(used.name, published.version).source
    folder = Path(mlflow.artifacts.download_artifacts(place, dst_path=str(tmp_path / "loaded")))
    stored = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert {name: stored[f"data/content/{name}"] for name in model.to_files()} == model.to_files()
    mlflow.set_tracking_uri(None)


def test_the_models_of_the_combination_are_part_of_the_identity(used: Settings) -> None:
    only = used.model_copy(update={"forecast": used.forecast.model_copy(update={"models": ("lightgbm",)})})
    assert training_identity(used, AS_OF, "r") != training_identity(only, AS_OF, "r")
    assert [kind.name for kind in kinds_in_use(used)] == list(BOTH)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("[lightgbm, poison]", r"forecast\.models: there is no 'poison'.*did you mean 'poisson'"),
        ("[lightgbm, seasonal_naive]", r"forecast\.models: seasonal_naive is part of every combination already; remove it"),
        ("[]", r"forecast\.models: must name at least one value"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_combined_is_one_line(used: Settings, given: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings("demo", [f"forecast.models={given}"])
