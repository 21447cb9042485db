"""Settings of LightGBM have a section of their own; their former keys are still read, with a warning."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.settings import Forecast, Settings
from pipeline.identity import forecast_identity, training_identity

VALUES = {"trees": 60, "num_leaves": 31, "learning_rate": 0.03, "min_data_in_leaf": 200, "tweedie_variance_power": 1.2}


@pytest.mark.parametrize("name", VALUES)
def test_a_former_key_is_read_with_a_warning_that_names_the_new_one(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(f"forecast:\n  {name}: {VALUES[name]}\n")
    for load in (
        lambda: load_settings(file).forecast,
        lambda: load_settings("demo", [f"forecast.{name}={VALUES[name]}"]).forecast,
        lambda: Forecast.model_validate({name: VALUES[name]}),
    ):
        caplog.clear()
        assert getattr(load().lightgbm, name) == VALUES[name]
        assert [record.message for record in caplog.records] == [
            f"forecast.{name} is deprecated; write forecast.lightgbm.{name}"
        ]


def test_both_spellings_have_the_same_identities() -> None:
    former = load_settings("demo", [f"forecast.{name}={value}" for name, value in VALUES.items()])
    current = load_settings("demo", [f"forecast.lightgbm.{name}={value}" for name, value in VALUES.items()])
    day = date(2024, 1, 1)
    assert former == current
    assert training_identity(former, day, "reads") == training_identity(current, day, "reads")
    assert forecast_identity(former, day, "reads", "model") == forecast_identity(current, day, "reads", "model")


def test_an_override_wins_over_the_file_whichever_spelling_each_uses(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    for in_file, override in (("trees: 9", "lightgbm.trees"), ("lightgbm: {trees: 9}", "trees")):
        file.write_text(f"forecast:\n  {in_file}\n")
        assert load_settings(file, [f"forecast.{override}=5"]).forecast.lightgbm.trees == 5


def test_a_key_under_both_names_in_one_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("forecast:\n  trees: 9\n  lightgbm: {trees: 5}\n")
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(file)
    (line,) = refusal.value.lines
    assert line.startswith("forecast: trees is the former name of lightgbm.trees; remove one of the two")


def test_a_wrong_value_under_a_former_key_names_the_override(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load_settings("demo", ["forecast.trees=0"])
    (line,) = refusal.value.lines
    assert line.startswith("forecast.lightgbm.trees: ")
    assert line.endswith("(in --set)")


def test_settings_read_from_their_own_dump_give_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert Settings.model_validate(Settings().model_dump()) == Settings()
    assert caplog.records == []
