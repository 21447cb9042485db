"""Feature families are found without a list, those of Forestock and those of installed packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from features import build_panel, forecast_matrix, read_hashes, training_set
from features.family import FeatureFamily, families_in_use, registered_families
from foundation.errors import ConfigurationError
from models import explain, forecast, train
from pipeline.configuration import load_settings
from tests.conventions.repository import ROOT
from tests.worlds.how_to import code_blocks, install, page_test
from tests.worlds.small_world import AS_OF, settings, tables

HOW_TO = "add-a-feature-family"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package of the how-to page and return the folder it lies in."""
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path, code_blocks(HOW_TO, "python")[0], project, monkeypatch)
    return tmp_path


def test_the_how_to_page_adds_a_family_that_trains_forecasts_and_explains(installed: Path) -> None:
    used = settings(lightgbm={"trees": 40})
    panel = build_panel(tables(), used, AS_OF)
    model = train(training_set(panel, used), used, AS_OF)
    matrix = forecast_matrix(panel, used)
    assert model.facts["families"][-1] == matrix.families[-1] == "payday"
    assert model.facts["features"][-1] == "days_to_month_end"
    assert model.facts["drivers"][-1] == "season"
    rows = forecast(model, matrix, used, AS_OF)["forecast"]
    assert len(rows) == matrix.n_rows
    assert explain(model, matrix, matrix.series_code[:3]).notna().to_numpy().all()


def test_the_test_on_the_how_to_page_passes(installed: Path) -> None:
    assert page_test(HOW_TO)() is None  # its own assertions passed


def test_without_the_package_the_family_is_unknown_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"families: there is no 'lag'.*did you mean 'lags'"):
        load_settings("demo", ["forecast.families=[lag]"])
    with pytest.raises(ConfigurationError, match="there is no 'payday'"):
        families_in_use(settings(families=("lags", "payday")))


def test_installing_or_changing_a_package_changes_the_identity_of_a_training(installed: Path) -> None:
    used = settings(families=("lags",))
    without = read_hashes(tables(), used, AS_OF)
    assert read_hashes(tables(), settings(), AS_OF).training != without.training
    assert read_hashes(tables(), settings(families=("lags", "payday")), AS_OF).forecast != without.forecast


def test_columns_keep_their_places_when_a_package_is_installed(installed: Path) -> None:
    names = list(registered_families())
    assert names[:3] == ["lags", "rolling", "weekday"]
    assert names.index("payday") > names.index("returns")


@pytest.mark.parametrize(
    ("code", "message"),
    [("PAYDAY = 1", "is no FeatureFamily"), ("import nowhere_at_all", "cannot be loaded (ModuleNotFoundError"), (
        "from features.family import FeatureFamily\nPAYDAY = FeatureFamily('lags', dict, driver='level')", "two entries have the name 'lags'"
    )],
)  # fmt: skip
def test_a_package_with_a_fault_is_refused_with_a_remedy(
    code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path, code, project, monkeypatch)
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        families_in_use(settings())


@pytest.mark.parametrize(
    ("name", "family", "driver"),
    [
        ("lag_1", "lags", "level"), ("sku_season", "pooled", "season"), ("sku_mean_28", "pooled", "level"),
        ("promoted_share", "price", "promotion"), ("price_to_last", "price", "price"), ("event_ahead", "calendar", "event"),
        ("month", "calendar", "season"), ("snap", "regional", "region"), ("total_weekday", "regional", "season"),
        ("wind_season", "regional", "weather"), ("rain_mm", "regional", "weather"), ("region", "static", "region"),
        ("price_event", "price", "price"), ("mean_28", "rolling", "level"),
    ],
)  # fmt: skip
def test_every_feature_has_a_driver(name: str, family: str, driver: str) -> None:
    assert registered_families()[family].driver_of(name) == driver


def test_a_driver_that_explanations_do_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="the driver 'moon' is none of level, season"):
        FeatureFamily("tides", lambda view: {}, driver="moon")


def test_every_family_is_documented() -> None:
    text = (ROOT / "docs" / "forecasting.md").read_text("utf-8")
    assert [name for name in registered_families() if f"| `{name}` |" not in text] == []
