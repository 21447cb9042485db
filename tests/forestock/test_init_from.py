"""``forestock init --from``: exports of two systems are recognized and read without an edit."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from forestock.cli.main import app
from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.store.snapshot import validate_inputs
from pipeline.new_project.from_files import MappedProject, project_from_files
from tools.raw_exports import N_SKUS, REGIONS, WAREHOUSES, write_orders, write_weeks


def _project(tmp_path: Path) -> MappedProject:
    return project_from_files(str(tmp_path / "shop"), str(tmp_path / "exports"))


def test_order_lines_of_an_erp_system_need_no_edit(tmp_path: Path) -> None:
    write_orders(tmp_path / "exports", days=150)
    result = _project(tmp_path)
    assert result.proposal.questions == []
    settings = load_settings(tmp_path / "shop" / "forestock.yaml")
    valid = validate_inputs(settings, None, "forecast")
    assert [str(fault) for fault in valid.faults] == []
    assert {name: len(valid.tables[name]) for name in ("skus", "regions", "stock")} == {
        "skus": N_SKUS, "regions": len(REGIONS), "stock": N_SKUS * len(WAREHOUSES),
    }  # fmt: skip
    lines = "\n".join(file.read_text("cp1252") for file in (tmp_path / "exports").glob("orders_*.csv")).splitlines()
    units = [int(line.split(";")[4]) for line in lines if line[:1].isdigit()]
    assert valid.tables["sales"]["units_sold"].sum() == sum(one for one in units if one > 0)
    assert valid.tables["returns"]["units_returned"].sum() == -sum(one for one in units if one < 0)
    assert settings.series.closed_days[0] == "Sun"
    assert settings.series.hierarchy == ("category",)
    assert valid.tables["skus"]["mass_kg"].max() < 3
    assert str(valid.as_of) == "2025-06-15"  # the last day is a Sunday, without sales


def test_weekly_sales_with_german_headers_and_workbooks_need_no_edit(tmp_path: Path) -> None:
    write_weeks(tmp_path / "exports", weeks=30)
    result = _project(tmp_path)
    assert result.proposal.questions == []
    settings = load_settings(tmp_path / "shop" / "forestock.yaml")
    assert settings.frequency == "W-MON"
    valid = validate_inputs(settings, None, "forecast")
    assert [str(fault) for fault in valid.faults] == []
    rows = (tmp_path / "exports" / "Absatz.csv").read_text("cp1252").splitlines()[1:]
    assert valid.tables["sales"]["units_sold"].sum() == sum(int(row.split(";")[3].replace(".", "")) for row in rows)
    assert {name: len(valid.tables[name]) for name in ("skus", "stock")} == {"skus": 40, "stock": 120}


def test_the_command_shows_columns_conclusions_and_next_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_orders(tmp_path / "exports", days=70)
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["init", "shop", "--from", "exports"])
    assert shown.exit_code == 0, shown.output
    for text in (
        "sales from orders",
        "units_sold",
        "after_last_sale",
        "order lines",
        "Not found",
        "forestock network",
        "cd shop",
    ):
        assert text in shown.output
    monkeypatch.chdir(tmp_path / "shop")
    valid = CliRunner().invoke(app, ["validate"])
    assert valid.exit_code == 0, valid.output
    assert "Without hubs and lanes, demand can be forecast" in valid.output
    assert "forestock network" in valid.output
    assert "file: ../exports/orders_" in (tmp_path / "shop" / "forestock.yaml").read_text("utf-8")


def test_a_folder_without_tables_makes_no_project(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "notes.txt").write_text("hello")
    with pytest.raises(ConfigurationError, match="no file was recognized"):
        _project(tmp_path)
    assert not (tmp_path / "shop").exists()
    with pytest.raises(ConfigurationError, match="is not a folder"):
        project_from_files(str(tmp_path / "shop"), str(tmp_path / "none"))


def test_a_message_says_where_keys_and_tables_come_from_without_an_author(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who edits only ``forestock.yaml`` knows neither Forestock's columns nor its defaults."""
    write_orders(tmp_path / "exports", days=70)
    file = next((tmp_path / "exports").glob("orders_*.csv"))
    file.write_bytes(file.read_bytes() + b"12/06/2025;SO-1;000010;Nord;many;1,00;C1\r\n" * 400)
    _project(tmp_path)
    (tmp_path / "shop" / "data" / "prices.csv").write_text("date,region,sku,unit_price_eur\n2025-06-01,Mars,000010,1\n")
    monkeypatch.chdir(tmp_path / "shop")
    shown = CliRunner().invoke(app, ["validate", "--set", "inputs.on_fault=quarantine"])
    assert shown.exit_code == 2
    assert "inputs.quarantine_rate is not in the configuration; its default is 0.005" in shown.stderr
    assert f"sales.units_sold (column Qty of {file.name})" in shown.stderr
    assert "prices.region (data/prices.csv)" in shown.stderr
