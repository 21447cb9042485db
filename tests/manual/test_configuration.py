"""A configuration is one YAML file; each mistake is one line that names the key."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest

from foundation.configuration import known_keys, load_settings
from foundation.errors import ConfigurationError
from foundation.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text("name: shop\nhorizon: 28\nforecast:\n  seed: 3\n")
    return path


def _refused(config: Path | str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(config, overrides)
    assert refusal.value.exit_code == 2
    return list(refusal.value.lines)


@pytest.mark.parametrize("name", ["demo", "demo.yaml", "configs/demo.yaml"])
def test_a_bundled_configuration_is_found_by_name_from_any_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path if "/" not in name else ROOT)
    settings = load_settings(name)
    assert settings.name == "demo"
    assert Path(settings.inputs.path) == ROOT / "samples" / "demo"


def test_a_local_file_takes_precedence_over_a_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo.yaml").write_text("name: mine\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings("demo.yaml").name == "mine"
    assert load_settings("demo").name == "demo"


def test_a_configuration_that_is_not_there() -> None:
    (line,) = _refused("dmeo")
    assert line.startswith("configuration 'dmeo' is not a file; bundled ones are demo, ")


def test_overrides_are_dotted_keys_and_yaml_values(config: Path) -> None:
    settings = load_settings(
        config, ["forecast.quantiles=[0.1, 0.5, 0.9]", "positioning.ready_at=10:30", "horizon=30", "horizon=35"]
    )
    assert settings.forecast.quantiles == (0.1, 0.5, 0.9)
    assert settings.forecast.seed == 3
    assert settings.positioning.ready_at == "10:30"
    assert settings.horizon == 35


def test_days_times_and_countries_need_no_quotes(config: Path) -> None:
    """YAML 1.1 would read 600 minutes, a date and ``false``."""
    config.write_text(
        "series:\n  closed_days: [2015-12-25, 12-26, Sun]\n  country_holidays: [NO, US]\npositioning:\n  ready_at: 10:00\n"
    )
    settings = load_settings(config)
    assert settings.series.closed_days == ("2015-12-25", "12-26", "Sun")
    assert settings.series.country_holidays == ("NO", "US")
    assert settings.positioning.ready_at == "10:00"


PATHS = {
    "inputs.path": "tables",
    "warehouse": "kept/here",
    "tracking_uri": "sqlite:///db/mlflow.db",
    "decisions.outbox.target": "sqlite:///out.db?timeout=1",
}


def _value(settings: Settings, key: str) -> str:
    return str(reduce(getattr, key.split("."), settings))


@pytest.mark.parametrize("key", PATHS)
def test_a_relative_path_starts_at_the_configuration_and_one_of_the_command_line_at_the_working_directory(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A run finds the same warehouse and ledger of decisions from any working directory."""
    *sections, last = key.split(".")
    text = f"{last}: '{PATHS[key]}'"
    for section in reversed(sections):
        text = f"{section}: {{{text}}}"
    config.write_text(text + "\n")
    place = PATHS[key].removeprefix("sqlite:///")
    result = set()
    for folder in ("one", "two"):
        (tmp_path / folder / place).mkdir(parents=True)  # bait: what lies at the same path below here is not meant
        monkeypatch.chdir(tmp_path / folder)
        result.add(_value(load_settings(config), key))
        assert _value(load_settings(config, [f"{key}={PATHS[key]}"]), key).endswith(f"{tmp_path}/{folder}/{place}")
    assert result == {PATHS[key].replace(place, f"{tmp_path}/{place}")}


def test_the_bundled_configurations_keep_their_warehouses_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = Path(__file__).resolve().parents[2]
    for name in ("demo", "fast", "fresh", "m5", "vn2"):
        assert load_settings(name).warehouse == str(root / "warehouse" / name)


def test_a_warehouse_left_at_the_working_directory_is_pointed_out_once(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = tmp_path / "here"
    (here / "kept" / "decision").mkdir(parents=True)
    monkeypatch.chdir(here)
    config.write_text("warehouse: kept\n")
    for _ in range(2):
        load_settings(config)
    assert [str(here / "kept") in record.message for record in caplog.records] == [True]
    assert "--set warehouse=kept" in caplog.text
    assert load_settings(config, ["warehouse=kept"]).warehouse == str(here / "kept")


@pytest.mark.parametrize(
    "url",
    ["s3://bucket/tables", "sqlite:////srv/shop.db", "sqlite://", "postgresql://me@host/shop"],
)
def test_urls_stay_as_they_are(config: Path, url: str) -> None:
    assert load_settings(config, [f"inputs.path={url}", f"warehouse={url}"]).inputs.path == url


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("horizn", "(did you mean 'horizon'?)"),
        ("forecast.quantile", "(did you mean 'forecast.quantiles'?)"),
        ("quantiles", "(did you mean 'forecast.quantiles'?)"),
        ("positioning.max_stock_age", "(did you mean 'positioning.max_stock_age_days'?)"),
        ("review.zzz", "known here: title, top_proposals"),
    ],
)
def test_an_unknown_key_names_the_nearest(config: Path, key: str, nearest: str) -> None:
    (line,) = _refused(config, f"{key}=1")
    assert line.startswith(f"{key}: unknown key")
    assert nearest in line


def test_all_mistakes_are_reported_together(config: Path) -> None:
    lines = _refused(config, "forecast.quantiles=[0.9, 0.1]", "inputs.on_fault=ignore", "horizon=soon", "color=red")
    assert [line.split(":")[0] for line in lines] == ["horizon", "inputs.on_fault", "forecast.quantiles", "color"]
    assert all(line.endswith("(in --set)") for line in lines)
    assert "not 'ignore'" in lines[1]


def test_a_mistake_names_where_it_was_written(config: Path) -> None:
    config.write_text("name: shop\nhorizon: -1\n")
    lines = _refused(config, "forecast.lightgbm.trees=0")
    assert [line.rpartition(" (in ")[2] for line in lines] == ["shop.yaml)", "--set)"]
    config.write_text("name: shop\n")
    for text, place in (
        ("forecasts.trees=3", "--set)"),
        ("frequency=X", "shop.yaml or --set)"),
        ("forecast.window_days=[5, 90]", "shop.yaml or --set)"),
    ):
        (line,) = _refused(config, text)
        assert line.rpartition(" (in ")[2] == place


def test_a_syntax_error_in_the_yaml_names_its_line(config: Path) -> None:
    config.write_text("name: shop\nforecast: [1,\nhorizon: 3\n")
    (line,) = _refused(config)
    assert line.startswith("shop.yaml, line ")
    assert line.endswith("check indentation, quotes and brackets there")


def test_a_duplicate_key_names_its_line(config: Path) -> None:
    config.write_text("horizon: 3\nname: a\nhorizon: 4\n")
    assert _refused(config) == [
        "shop.yaml, line 3, column 1: key 'horizon' stands twice; check indentation, quotes and brackets there"
    ]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n"])
def test_a_file_that_holds_no_keys(config: Path, text: str) -> None:
    config.write_text(text)
    assert _refused(config) == ["shop.yaml: is not a list of keys and values; write for example `horizon: 28`"]


def test_a_file_that_is_not_text(config: Path) -> None:
    config.write_bytes(b"\xff\xfe\x00")
    (line,) = _refused(config)
    assert "cannot be read as UTF-8 text" in line


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("horizon", "--set 'horizon': write key=value, for example forecast.seed=3"),
        ("horizon=[", "--set 'horizon=[': the value is not YAML; quote it"),
        ("series.closed_days=[Sonntag]", "series.closed_days: 'Sonntag' is not a date (2015-12-25), a month-day (12-25) or a weekday (Sun)"),
        ("frequency=M", "frequency 'M' is not one of D, W-MON … W-SUN (the weekday weeks start on)"),
        ("horizon=10", "forecast.window_days: 14 is not whole periods within the horizon of 10 days"),
    ],
)  # fmt: skip
def test_mistakes_in_an_override(config: Path, override: str, line: str) -> None:
    assert _refused(config, override)[0].startswith(line)


def test_an_empty_file_is_all_defaults(config: Path) -> None:
    config.write_text("# nothing\n")
    assert load_settings(config).forecast == Settings().forecast


def test_known_keys_are_dotted_paths() -> None:
    keys = list(known_keys())
    assert {"name", "inputs", "inputs.path", "forecast.window_days", "review.title"} <= set(keys)
    assert len(keys) == len(set(keys))
