"""``forestock init --from``: exports of two systems are recognized and read without an edit."""

from __future__ import annotations

import os
from datetime import date, timedelta
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
    write_orders(tmp_path / "exports", days=70)
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
    assert "Without a network of hubs and lanes, demand can be forecast" in " ".join(valid.output.split())
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


ODD = {
    "empty.csv": b"",
    "binary.csv": bytes(range(256)) * 40,
    "header.csv": b"Date,Item,Qty\n",
    "pivot.csv": b"Item;Region;2024-01-01;2024-01-02;2024-01-03\nA;N;1;2;3\nB;N;2;3;4\n",
    "note.txt": b"hi",
    "old.xls": b"\xd0\xcf\x11\xe0",
}


def test_files_that_are_no_tables_are_named_with_the_reason(tmp_path: Path) -> None:
    write_orders(tmp_path / "exports", days=70)
    for name, content in ODD.items():
        (tmp_path / "exports" / name).write_bytes(content)
    os.mkfifo(tmp_path / "exports" / "pipe.csv")
    (tmp_path / "exports" / "link.csv").symlink_to("nowhere")
    result = _project(tmp_path).proposal
    assert {name for name, _ in result.unused} == {*ODD, "pipe.csv", "link.csv"}
    reasons = dict(result.unused)
    assert "dates in its header" in reasons["pivot.csv"]
    assert "no rows" in reasons["header.csv"]
    assert "save it as .xlsx or CSV" in reasons["old.xls"]
    assert "its encoding is not certain" in reasons["binary.csv"]
    assert "sales" in result.tables


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Date;Item;Region;Qty;Qty\n13/01/2024;A;N;1;2\n14/01/2024;B;N;1;2\n", "has 2 columns named 'Qty'"),
        ("Date;Item;Region;Qty\n" + "".join(f"{day}/01/2024;A;N;{day}-\n" for day in range(10, 31)), "Write scale: {units_sold: -1}"),
        ("Date;Item;Region;Qty\n" + "".join(f"{day}/01/2024;A;N;1\n" for day in range(1, 31, 5)), "days between 2024-01-01 and 2024-01-26 have no row"),
    ],
)  # fmt: skip
def test_open_points_of_a_file_become_questions(tmp_path: Path, text: str, question: str) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "sales.csv").write_text(text, "utf-8")
    questions = _project(tmp_path).proposal.questions
    assert any(question in one for one in questions), questions


def test_order_lines_of_a_web_shop(tmp_path: Path) -> None:
    """Prices of order lines are no price list, times with an offset are local, and what was refunded had been demand."""
    header = "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Shipping Country"
    rows = [
        f"#{day},a@b.example,{'refunded' if day % 9 == 0 else 'paid'},2024-01-{day:02d} 23:58:11 +0100,2,Tee,20.00,TEE-S,FR"
        for day in range(1, 31)
    ]
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "orders_export.csv").write_text("\n".join([header, *rows]), "utf-8")
    assert _project(tmp_path).proposal.questions == []
    valid = validate_inputs(load_settings(tmp_path / "shop" / "forestock.yaml"), None, "forecast")
    assert [str(fault) for fault in valid.faults] == []
    assert valid.tables["sales"]["units_sold"].sum() == 60
    assert str(valid.tables["sales"]["date"].max().date()) == "2024-01-30"


def test_a_copy_of_a_file_does_not_count_twice(tmp_path: Path) -> None:
    write_orders(tmp_path / "exports", days=60)
    file = next((tmp_path / "exports").glob("orders_*.csv"))
    (tmp_path / "exports" / "orders_copy.csv").write_bytes(file.read_bytes())
    result = _project(tmp_path).proposal
    assert len(result.unused) == 1
    assert "most rows of" in result.questions[0]
    units = [int(line.split(";")[4]) for line in file.read_text("cp1252").splitlines()[1:]]
    valid = validate_inputs(load_settings(tmp_path / "shop" / "forestock.yaml"), None, "forecast")
    assert valid.tables["sales"]["units_sold"].sum() == sum(one for one in units if one > 0)


def test_masters_of_places_and_open_orders(tmp_path: Path) -> None:
    """Stores are the regions although they have a country; an order number and a line together identify an order line."""
    exports = tmp_path / "exports"
    exports.mkdir()
    days = [f"2024-04-{day:02d}" for day in range(1, 31)]
    rows = [
        f"{day},{sku},{country},{store},2"
        for day in days
        for sku in ("S1", "S2")
        for country, store in (("DE", 101), ("DE", 102), ("AT", 103))
    ]
    files = {
        "orders": "\n".join(["Order Date,SKU,Country,Store ID,Qty", *rows]),
        "stores": "Store ID,Name,Country,Zip,Latitude,Longitude\n101,A,DE,10115,52.5,13.4\n102,B,DE,80331,48.1,11.6\n103,C,AT,1010,48.2,16.4\n",
        "warehouses": "Warehouse,City,Country,Lat,Lon\nW1,Berlin,DE,52.5,13.4\nW2,Wien,AT,48.2,16.4\n",
        "inventory": "Warehouse,Bin,SKU,Qty On Hand\nW1,a,S1,5\nW1,b,S1,7\nW2,a,S2,-2\n",
        "item_master": "SKU,Category,Sub-Category,Unit Cost\nS1,A,A1,2.5\nS2,B,B1,3.5\n",
        "open_purchase_orders": "PO Number,Line,Vendor,SKU,Warehouse,Ordered Qty,Open Qty,Expected Date\nPO1,1,V1,S1,W1,50,20,2024-06-05\nPO1,2,V1,S2,W1,50,50,2024-06-05\n",
    }
    for name, text in files.items():
        (exports / f"{name}.csv").write_text(text, "utf-8")
    assert _project(tmp_path).proposal.questions == []
    settings = load_settings(tmp_path / "shop" / "forestock.yaml")
    valid = validate_inputs(settings, None, "forecast")
    assert [str(fault) for fault in valid.faults] == []
    assert settings.series.hierarchy == ("subcategory", "category")
    assert set(valid.tables["sales"]["region"]) == {"101", "102", "103"} == set(valid.tables["regions"]["region"])
    assert valid.tables["hubs"]["latitude"].tolist() == [52.5, 48.2]
    assert valid.tables["stock"][["hub", "units_on_hand"]].values.tolist() == [["W1", 12]]
    assert valid.tables["inbound"]["inbound_id"].tolist() == ["PO1-1", "PO1-2"]
    assert valid.tables["inbound"]["units"].tolist() == [20, 50]


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


@pytest.mark.parametrize(
    ("stamp", "line"),
    [
        ("03/06/2024", "because the other reading is far from the sales"),
        ("03/06/2024 05:30", "because the other reading is far from the sales"),
        ("02/06/2024 22:10", "has times after noon"),
        ("06/06/2025", "can be several days"),
    ],
)
def test_the_date_of_a_stock_list_is_read_beside_the_sales(tmp_path: Path, stamp: str, line: str) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    days = [date(2024, 5, 4) + timedelta(days=place) for place in range(30)]
    rows = [f"{day:%d/%m/%Y};{item};N;1" for day in days for item in ("A", "B")]
    (exports / "sales.csv").write_text("\n".join(["Date;Item;Region;Qty", *rows]))
    (exports / "stock.csv").write_text(
        f"Warehouse;Item;On hand;Date\nW;A;5;{stamp}\nW;B;6;{stamp}\n".replace("06/06", "05/06")
    )
    proposal = _project(tmp_path).proposal
    assert any(line in one for one in (*proposal.notes, *proposal.questions)), (proposal.notes, proposal.questions)
    if "other reading" in line:
        assert proposal.questions == []
        valid = validate_inputs(load_settings(tmp_path / "shop" / "forestock.yaml"), None, "forecast")
        assert {str(day.date()) for day in valid.tables["stock"]["date"]} == {"2024-06-03"}
