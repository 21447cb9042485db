"""``forestock network``: the tables it writes pass validation, give a plan, and never replace a table of the user unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from forestock.cli.main import app
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError, InputError
from foundation.settings import Settings
from foundation.store.snapshot import validate_inputs
from foundation.store.warehouse import Warehouse
from pipeline import run
from pipeline.network import build_network
from tests.worlds.foreign_world import AS_OF, foreign_world, write_world
from tests.worlds.how_to import code_blocks

PLACES = """
network:
  hubs:
    H1: DE
    H2: "48.14, 11.58"
  regions: {R1: "52.52, 13.40", R2: PL, R3: AT}
"""


def _world(
    folder: Path, places: str = PLACES, without: tuple[str, ...] = ("hubs", "regions", "lanes", "supply")
) -> Settings:
    """Write the foreign world without a network, and a configuration that says where its places are."""
    tables = foreign_world(level=6.0)
    stock = tables["stock"]
    tables["stock"] = stock.assign(units_on_hand=[0 if hub == "H1" else 400 for hub in stock["hub"]])
    write_world({name: frame for name, frame in tables.items() if name not in without}, folder)
    with (folder / "c.yaml").open("a") as file:
        file.write(places)
    return load_settings(folder / "c.yaml")


def _command(folder: Path, *more: str) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["network", "--config", str(folder / "c.yaml"), *more])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.slow
def test_a_network_passes_validation_and_its_plan_moves_goods_to_the_empty_hub(
    tmp_path: Path, empty_store: Path
) -> None:
    settings = _world(tmp_path)
    (tmp_path / "wh").mkdir()
    shutil.copy(empty_store, tmp_path / "wh")
    assert _command(tmp_path)[0] == 0
    validation = validate_inputs(settings, None, "rebalance")
    assert (validation.stops, validation.faults) == (False, ())
    assert not [line for line in validation.warnings if line.startswith(("lanes", "hubs", "regions"))]
    small = [
        "forecast.model=recent_mean", "positioning.processes=1", "positioning.out_of_sample_scenarios=50",
        "positioning.scenarios=10", "positioning.max_gap_rate=1", "horizon=28",
    ]  # fmt: skip
    stages = run.validate_stage(load_settings(tmp_path / "c.yaml", small), AS_OF, "rebalance")
    try:
        run.rebalance_stage(stages, run.forecast_stage(stages, run.train_stage(stages)))
    finally:
        run.release(stages)
    proposals = Warehouse(settings).read("transfer")
    moved = proposals[proposals["kind"] == "transfer"]
    assert set(zip(moved["origin"], moved["destination"], strict=True)) == {("H2", "H1")}
    assert (proposals["benefit_eur"] > 0).all()


def test_tables_of_the_user_are_not_replaced_without_force(tmp_path: Path) -> None:
    settings = _world(tmp_path, without=("regions", "supply"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    code, _, error = _command(tmp_path)
    assert code == 2
    assert "lanes: the table exists and is not changed; to replace it, add --force" in error
    assert {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before
    (tmp_path / "in" / "lanes.csv").unlink()
    code, output, _ = _command(tmp_path)
    assert code == 0
    assert "hubs    used as it is, not changed" in output
    assert (tmp_path / "in" / "hubs.csv").read_bytes() == before["hubs.csv"]
    build_network(settings, force=True)
    completed = pd.read_csv(tmp_path / "in" / "hubs.csv")
    assert completed["timezone"].tolist() == ["Europe/Berlin"] * 2
    assert completed.loc[completed["hub"] == "H2", "latitude"].tolist() == [48.14]


def test_unknown_places_give_lines_to_paste_that_then_work(tmp_path: Path) -> None:
    _world(tmp_path, "")
    code, output, error = _command(tmp_path)
    assert code == 2
    assert "the places of 2 hubs and 3 regions are not known" in error
    assert not (tmp_path / "in" / "lanes.csv").exists()
    with (tmp_path / "c.yaml").open("a") as file:
        file.write(output)
    code, _, error = _command(tmp_path)
    assert code == 2
    assert 'is empty; write for example "52.52, 13.40", "DE 10115", or "DE"' in error
    (tmp_path / "c.yaml").write_text((tmp_path / "c.yaml").read_text().replace('""', "DE"))
    assert _command(tmp_path)[0] == 0


def test_lines_to_paste_fit_a_configuration_that_has_the_section(tmp_path: Path) -> None:
    """A second section of the same name would be refused."""
    _world(tmp_path, "network:\n  detour_factor: 1.2\n")
    code, output, error = _command(tmp_path)
    assert code == 2
    assert f"add the lines above below network: in {tmp_path / 'c.yaml'}" in error
    with (tmp_path / "c.yaml").open("a") as file:
        file.write(output.replace('""', "DE"))
    assert _command(tmp_path)[0] == 0


def test_the_follow_up_commands_and_every_assumption_are_printed(tmp_path: Path) -> None:
    _world(tmp_path)
    _, output, _ = _command(tmp_path)
    assert f"forestock validate --config {tmp_path / 'c.yaml'}\n" in output
    assert f"forestock run --config {tmp_path / 'c.yaml'}\n" in output
    for where in ("network.detour_factor", "network.delivery", "network.suppliers", "network.hubs", "hubs.timezone"):
        assert f"change: {where}" in output


def test_only_suppliers_that_offer_something_have_lanes(tmp_path: Path) -> None:
    """A supply lane from a place that ``supply`` does not know is a fault."""
    settings = _world(tmp_path, f"{PLACES}  suppliers: {{S: 4, OTHER: 9}}\n", without=("hubs", "regions", "lanes"))
    built = build_network(settings).network
    supply = built.lanes[built.lanes["kind"] == "supply"]
    assert supply["lead_time_days"].tolist() == [4, 4]
    assert any(text.startswith("OTHER of network.suppliers offers no SKU") for text, _ in built.assumptions)
    assert validate_inputs(settings, None, "rebalance").faults == ()


def test_postal_codes_of_geonames_and_of_a_csv_file_give_the_same_places(tmp_path: Path) -> None:
    row = "DE\t01067\tDresden\tSachsen\tSN\t\t0\tDresden\t14612\t51.06\t13.74\t4\n"
    (tmp_path / "DE.txt").write_text(row)
    (tmp_path / "codes.csv").write_text("country;postal_code;latitude;longitude\nDE;01067;51.06;13.74\n")
    lengths = []
    for index, name in enumerate(("DE.txt", "codes.csv")):
        places = PLACES.replace("R2: PL", "R2: DE 01067") + f"  postal_places: ../{name}\n"
        (tmp_path / str(index)).mkdir()
        result = build_network(_world(tmp_path / str(index), places))
        lengths.append(result.network.lanes.set_index("lane").at["H2-R2", "distance_km"])
        assert result.network.regions.set_index("region").at["R2", "latitude"] == 51.06
    assert lengths[0] == lengths[1]


def test_a_source_that_is_no_folder_of_csv_files_needs_a_folder(tmp_path: Path) -> None:
    settings = _world(tmp_path)
    parquet = load_settings(tmp_path / "c.yaml", ["inputs.format=parquet"])
    with pytest.raises(ConfigurationError, match="--out DIR"):
        build_network(parquet)
    build_network(settings, str(tmp_path / "elsewhere"))
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["hubs.csv", "lanes.csv", "regions.csv"]
    (tmp_path / "in" / "sales.csv").unlink()
    with pytest.raises(InputError, match="sales or regions"):
        build_network(load_settings(tmp_path / "c.yaml", ["network.regions={}"]))


def test_the_configuration_of_the_guide_builds_a_valid_network(tmp_path: Path) -> None:
    """docs/how-to/build-a-network.md, followed to the letter."""
    _world(tmp_path, "".join(code_blocks("build-a-network", "yaml")), without=("hubs", "regions", "lanes", "supply"))
    codes = ("DE,80331,48.14,11.57", "DE,10115,52.53,13.38", "AT,1010,48.21,16.37", "AT,1030,48.20,16.39")
    (tmp_path / "postal_codes.csv").write_text("country,postal_code,latitude,longitude\n" + "\n".join(codes))
    (tmp_path / "c.yaml").rename(tmp_path / "forestock.yaml")
    for command in code_blocks("build-a-network", "sh")[0].splitlines():
        words = command.replace("forestock.yaml", str(tmp_path / "forestock.yaml")).split()
        result = CliRunner(env={"COLUMNS": "80"}).invoke(app, words[1:])
        assert result.exit_code == 0, result.output
    lanes = pd.read_csv(tmp_path / "in" / "lanes.csv").set_index("lane")
    assert lanes.at["LOCAL-H1", "lead_time_days"] == 12
    assert lanes.at["ACME-H2", "lead_time_sd_days"] == 6
    assert lanes.at["H2-R3", "distance_km"] == pytest.approx(1.3 * 356, rel=0.02)
    assert lanes.at["H1-H2", "eur_per_load"] == 60


def test_mapped_tables_are_used_and_never_written(tmp_path: Path) -> None:
    """A file beside a mapping would not be read."""
    tables = foreign_world()
    write_world({name: frame for name, frame in tables.items() if name not in ("hubs", "regions", "lanes")}, tmp_path)
    (tmp_path / "places.csv").write_text("Site,Land\nH1,DE\nH2,AT\n")
    (tmp_path / "areas.csv").write_text("Area\nR1\nR2\nR3\n")
    document = f"""
inputs:
  path: {tmp_path / "in"}
  tables:
    hubs: {{file: places.csv, columns: {{Site: hub, Land: country}}}}
    regions: {{file: areas.csv, columns: {{Area: [region]}}}}
network: {{regions: {{R1: DE, R2: PL, R3: AT}}}}
"""
    (tmp_path / "c.yaml").write_text(f"name: foreign\nwarehouse: wh\n{document}")
    settings = load_settings(tmp_path / "c.yaml")
    for force in (False, True):
        result = build_network(settings, force=force)
        assert set(result.written) == {"lanes"}
        assert result.kept == ("hubs", "regions")
    assert validate_inputs(settings, None, "rebalance").faults == ()
    mapped = load_settings(tmp_path / "c.yaml", values={"inputs.tables.lanes": {"file": "places.csv"}})
    with pytest.raises(InputError, match=r"inputs\.tables\.lanes"):
        build_network(mapped, force=True)
