"""Model kinds are found without a list, those of Forestock and those of installed packages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from features import build_panel, forecast_matrix, training_set
from foundation.errors import ConfigurationError
from foundation.store.code_version import code_version
from models import DemandModel, explain, forecast, train
from models.explain import TERMS
from models.forecaster import FitData, kinds_in_use, registered_kinds
from models.predict import means
from pipeline.configuration import load_settings
from pipeline.identity import forecast_identity, training_identity
from tests.conventions.repository import ROOT
from tests.worlds.how_to import code_blocks, install, page_test
from tests.worlds.small_world import AS_OF, settings, tables

HOW_TO = "add-a-model"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package of the how-to page and return the folder it lies in."""
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path, code_blocks(HOW_TO, "python")[0], project, monkeypatch)
    return tmp_path


def test_the_how_to_page_adds_a_model_that_trains_forecasts_and_explains(installed: Path) -> None:
    used = settings(model="poisson")
    panel = build_panel(tables(), used, AS_OF)
    model = train(training_set(panel, used), used, AS_OF)
    matrix = forecast_matrix(panel, used)
    assert DemandModel.from_files(model.to_files()) == model
    assert model.facts["kind"] == "poisson"
    assert model.metrics["model_wape"] < model.metrics["seasonal_naive_wape"]
    frames = forecast(model, matrix, used, AS_OF)
    assert (frames["forecast"]["q975"] > frames["forecast"]["mean_units"]).all()
    explained = explain(model, matrix, np.arange(40))
    units = explained[[f"{term}_units" for term in TERMS]].sum(axis=1)
    assert units.to_numpy() == pytest.approx(explained["mean_units"].to_numpy(), rel=1e-5)
    assert explained["mean_units"].to_numpy() == pytest.approx(means(model, matrix, 1)[:40], rel=1e-5)
    assert explained["level_units"].abs().mean() > 0


def test_the_test_on_the_how_to_page_passes(installed: Path) -> None:
    assert page_test(HOW_TO)() is None  # its own assertions passed


def test_changing_the_code_of_an_installed_kind_retrains_and_forecasts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project,), code = code_blocks(HOW_TO, "toml"), code_blocks(HOW_TO, "python")[0]
    used, day = settings(model="poisson"), date(2024, 6, 3)
    identities = []
    for number, alpha in enumerate(("0.01", "0.02")):
        install(tmp_path / str(number), code.replace("alpha=0.01", f"alpha={alpha}"), project, monkeypatch)
        code_version.cache_clear()  # another process would not have read the first version
        identities.append((training_identity(used, day, "r"), forecast_identity(used, day, "r", "m")))
    assert identities[0][0] != identities[1][0]
    assert identities[0][1] != identities[1][1]


@pytest.mark.parametrize("kind", sorted(registered_kinds()))
def test_every_kind_is_used_alone_and_survives_its_files(kind: str) -> None:
    used = settings(model=kind)
    panel = build_panel(tables(), used, AS_OF)
    model, matrix = train(training_set(panel, used), used, AS_OF), forecast_matrix(panel, used)
    frames = forecast(model, matrix, used, AS_OF)
    assert set(frames["forecast"]["tier"]) == {kind}
    assert "combination" not in model.facts
    again = DemandModel.from_files(model.to_files())
    assert again.version == model.version
    assert np.array_equal(means(again, matrix, 1), means(model, matrix, 2))


def test_the_calibration_model_has_not_seen_the_calibration_origins() -> None:
    used = settings()
    training = training_set(build_panel(tables(), used, AS_OF), used)
    labels: list[str] = []

    def noted(name: str, compute) -> str:
        labels.append(name)
        return compute()

    data = FitData(training, used, noted)
    (kind,) = kinds_in_use(used)
    earlier = kind.fit(data, training.calibration_start)
    assert labels == ["series-calibration"]
    changed = training.fit()
    late = changed.date >= training.calibration_start
    changed.target[late] = 1000.0
    other = FitData(training, used)
    other.matrix = changed
    assert kind.fit(other, training.calibration_start).files() == earlier.files()
    assert kind.fit(other, None).files() != kind.fit(data, None).files()


def test_a_kind_that_is_not_there_is_one_line_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"forecast\.model: there is no 'lightbgm'.*did you mean 'lightgbm'"):
        load_settings("demo", ["forecast.model=lightbgm"])


def test_every_kind_is_documented() -> None:
    text = (ROOT / "docs" / "forecasting.md").read_text("utf-8")
    assert [name for name in registered_kinds() if f"| `{name}` |" not in text] == []
