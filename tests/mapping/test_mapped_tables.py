"""Tables that are read through mappings: every key of a mapping, and messages that name the column and file of the source."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import yaml
from deltalake import write_deltalake
from sqlalchemy import create_engine

from foundation.configuration import load_settings
from foundation.errors import ConfigurationError
from foundation.store.snapshot import source_mark, validate_inputs
from foundation.validation.validate import ValidationResult

DAYS = pd.date_range("2024-01-08", periods=14)
Validated = Callable[..., ValidationResult]


def _sales_text(days: pd.DatetimeIndex = DAYS) -> str:
    lines = ["Date;Item;Area;Qty;Customer"]
    lines += [
        f"{day:%d/%m/%Y};{item};{area};{2 + place},0;x@y.example"
        for place, day in enumerate(days)
        for item in ("007", "B-1")
        for area in ("Nord", "Süd")
    ]
    return "\n".join(lines)


SALES = {
    "file": "sales.csv", "delimiter": ";", "date_format": "dd/mm/yyyy", "decimal": ",",
    "columns": {"Date": "date", "Item": "sku", "Area": "region", "Qty": "units_sold"},
}  # fmt: skip
SKUS = {"file": "sales.csv", "delimiter": ";", "columns": {"Item": "sku"}, "aggregate": "distinct"}
REGIONS = {"file": "sales.csv", "delimiter": ";", "columns": {"Area": "region"}, "aggregate": "distinct"}


@pytest.fixture
def validated(tmp_path: Path) -> Validated:
    """Return a function that validates mapped tables for a forecast; ``sales`` changes or adds keys of that mapping."""

    def validation(
        needs: str = "forecast", frequency: str = "D", sales: dict[str, Any] | None = None, **tables: Any
    ) -> ValidationResult:
        if not (tmp_path / "sales.csv").exists():
            (tmp_path / "sales.csv").write_text(_sales_text(), "utf-8")
        mapped = {"sales": SALES | (sales or {}), "skus": SKUS, "regions": REGIONS} | tables
        document = {"name": "shop", "frequency": frequency, "inputs": {"path": "data", "tables": mapped}}
        if frequency != "D":
            document |= {"horizon": 4, "forecast": {"window_days": [7]}}
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
        return validate_inputs(load_settings(tmp_path / "shop.yaml"), None, "forecast")

    return validation


def _lines(result: ValidationResult) -> list[str]:
    return [str(fault) for fault in result.faults]


def test_a_foreign_file_is_read_through_its_mapping(validated: Validated) -> None:
    result = validated()
    assert _lines(result) == []
    sales = result.tables["sales"]
    assert sorted(sales.columns) == ["date", "region", "sku", "units_sold"]  # not the customer
    assert set(result.tables["skus"]["sku"]) == {"007", "B-1"}
    assert set(result.tables["regions"]["region"]) == {"Nord", "Süd"}
    assert sales.loc[sales["date"] == "2024-01-10", "units_sold"].unique().tolist() == [4.0]


def test_order_lines_are_added_up_and_negative_ones_become_returns(validated: Validated, tmp_path: Path) -> None:
    more = "\n10/01/2024 14:05;007;Nord;5,0;x\n11/01/2024;007;Nord;-3,0;x"
    (tmp_path / "sales.csv").write_text(_sales_text() + more, "utf-8")
    result = validated(sales={"aggregate": "sum", "negative": "returns"})
    assert _lines(result) == []
    sales = result.tables["sales"].set_index(["date", "region", "sku"])["units_sold"]
    assert sales["2024-01-10", "Nord", "007"] == 9.0
    assert sales["2024-01-11", "Nord", "007"] == 5.0
    assert result.tables["returns"]["units_returned"].tolist() == [3.0]
    notes = {note.key: note.rows for note in result.assumptions}
    assert notes["mapping_sales_returned"] == 1
    assert notes["mapping_sales_added_up"] == 1
    netted = validated(sales={"aggregate": "sum", "negative": "net"}).tables["sales"]
    assert netted.set_index(["date", "region", "sku"])["units_sold"]["2024-01-11", "Nord", "007"] == 2.0


def test_daily_lines_of_a_weekly_configuration_are_dated_by_their_week(validated: Validated, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(_sales_text(pd.date_range("2024-01-08", periods=28)), "utf-8")
    result = validated(frequency="W-MON", sales={"aggregate": "sum"})
    assert _lines(result) == []
    sales = result.tables["sales"]
    assert sorted(set(sales["date"].dt.day)) == [8, 15, 22, 29]
    assert sales["units_sold"].sum() == 4 * sum(range(2, 30))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"date_format": None}, "sales.date (column Date of sales.csv): wrong type: holds text such as '08/01/2024' in all 56 rows with a value, not dates; write date_format: dd/mm/yyyy under inputs.tables.sales"),
        ({"decimal": None}, "sales.units_sold (column Qty of sales.csv): wrong type: holds text such as '2,0' in all 56 rows with a value, not numbers; write decimal: \",\" under inputs.tables.sales"),
        ({"delimiter": ","}, 'sales (sales.csv): has one column (Date;Item;Area;Qty;Customer); write delimiter: ";" (under inputs.tables.sales)'),
        ({"file": "none.csv"}, "sales (none.csv): is not there; correct file"),
        ({"columns": {"Date": "date", "Item": "sku", "Area": "region", "Quantity": "units_sold"}}, "sales (sales.csv): has no column 'Quantity', which columns names"),
        ({"columns": {"Date": "date", "Item": "sku", "Area": "region"}}, "sales.units_sold (no column of sales.csv): required column missing; write THEIRS: units_sold below columns"),
        ({"where": {"Area": "North"}}, "sales (sales.csv): has no row whose Area is North; correct where: the values are Nord, Süd"),
        ({"columns": {"Date": "date", "Item": "sku", "Area": "region", "Qty": "in_stock_rate"}, "defaults": {"units_sold": "many"}}, "sales.units_sold (from its defaults)"),
    ],
)  # fmt: skip
def test_a_fault_names_the_column_of_the_source_and_the_line_to_write(
    validated: Validated, change: dict[str, Any], line: str
) -> None:
    assert any(text.startswith(line) for text in _lines(validated(sales=change))), _lines(validated(sales=change))


def test_an_ambiguous_date_is_refused_with_both_lines(validated: Validated, tmp_path: Path) -> None:
    lines = _sales_text().splitlines()
    (tmp_path / "sales.csv").write_text(
        "\n".join(line for line in lines if line[:2] in ("Da", "08", "09", "10")), "utf-8"
    )
    line = next(line for line in _lines(validated(sales={"date_format": None})) if line.startswith("sales.date"))
    assert "write date_format: dd/mm/yyyy or date_format: mm/dd/yyyy under inputs.tables.sales" in line


def test_a_wrong_format_is_not_reported_as_missing_days(validated: Validated, tmp_path: Path) -> None:
    """Half of the days are no dates in the wrong format; the days without rows then say nothing."""
    (tmp_path / "sales.csv").write_text(
        _sales_text(pd.date_range("2024-01-08", periods=60)) + "\n13/02/2024;007;Nord;-1,0;x"
    )
    lines = _lines(validated(sales={"date_format": "mm/dd/yyyy", "negative": "returns", "aggregate": "sum"}))
    assert not any("without a row" in line for line in lines)
    hints = [line for line in lines if "not a date" in line]
    assert {line.split(".")[0] for line in hints} == {"sales", "returns"}
    assert all(
        "write date_format: dd/mm/yyyy under inputs.tables.sales" in line for line in hints if line.startswith("sales")
    )


def test_a_bad_value_is_named_with_its_row_and_stays_out_of_sums(validated: Validated, tmp_path: Path) -> None:
    more = "\n10/01/2024;007;Nord;many;x\n32/01/2024;007;Nord;1,0;x"
    (tmp_path / "sales.csv").write_text(_sales_text() + more, "utf-8")
    lines = _lines(validated(sales={"aggregate": "sum"}))
    assert any(
        "sales.units_sold (column Qty of sales.csv): 1 row with text in a number" in line and "(many)" in line
        for line in lines
    )
    assert any(
        "sales.date (column Date of sales.csv): 1 row not a date" in line and "'32/01/2024' is no date" in line
        for line in lines
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(validated: Validated, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "sales.csv").write_bytes(_sales_text().encode(encoding))
    stated = {"encoding": "cp1252"} if encoding == "cp1252" else {}
    result = validated(sales=stated, skus=SKUS | stated, regions=REGIONS | stated)
    assert set(result.tables["regions"]["region"]) == {"Nord", "Süd"}


def test_a_file_in_another_encoding_is_refused_with_the_line_to_write(validated: Validated, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_bytes(_sales_text().encode("cp1252"))
    assert "write encoding: cp1252 if that reads right" in _lines(validated())[0]


def test_compressed_files_of_a_pattern_are_read_together(validated: Validated, tmp_path: Path) -> None:
    header, *rows = _sales_text().splitlines()
    for name, part in (("sales_1.csv.gz", rows[:20]), ("sales_2.csv.gz", rows[20:])):
        (tmp_path / name).write_bytes(gzip.compress("\n".join([header, *part]).encode()))
    result = validated(sales={"file": "sales_*.csv.gz"})
    assert len(result.tables["sales"]) == 56
    (tmp_path / "sales_3.csv.gz").write_bytes(gzip.compress(b"Date;Item\n01/01/2024;007"))
    assert "has no column 'Area' in sales_3.csv.gz" in _lines(validated(sales={"file": "sales_*.csv.gz"}))[0]


def test_a_sheet_of_a_workbook_below_its_title(validated: Validated, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Read me"
    sheet = book.create_sheet("Items")
    sheet.append(["Item list of 2024"])
    sheet.append([])
    sheet.append(["Item", "Net\nweight (g)", "Since"])
    sheet.append([7, 1250, pd.Timestamp("2023-05-01")])
    sheet["A4"].number_format = "000"
    sheet.append(["B-1", 300, None])
    book.save(tmp_path / "items.xlsx")
    mapping = {"file": "items.xlsx", "header_row": 3, "scale": {"mass_kg": 0.001},
               "columns": {"Item": "sku", "Net weight (g)": "mass_kg", "Since": "launch_date"}}  # fmt: skip
    assert "has 2 sheets: Read me, Items; write sheet: Read me or another" in _lines(validated(skus=mapping))[0]
    skus = validated(skus=mapping | {"sheet": "Items"}).tables["skus"]
    assert skus["sku"].tolist() == ["007", "B-1"]
    assert skus["mass_kg"].tolist() == [1.25, 0.3]
    assert str(skus["launch_date"][0].date()) == "2023-05-01"


def test_a_query_and_a_parquet_file(validated: Validated, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'erp.db'}")
    pd.DataFrame({"code": ["007", "B-1", "old"], "active": [1, 1, 0]}).to_sql("item", engine, index=False)
    pd.DataFrame({"Area": ["Nord", "Süd"]}).to_parquet(tmp_path / "areas.parquet")
    result = validated(
        skus={"query": "SELECT code AS sku\nFROM item\nWHERE active", "database": "sqlite:///erp.db"},
        regions={"file": "areas.parquet", "columns": {"Area": "region"}},
    )
    assert _lines(result) == []
    assert result.tables["skus"]["sku"].tolist() == ["007", "B-1"]
    missing = validated(skus={"table": "items", "database": "sqlite:///erp.db"})
    assert _lines(missing)[0].startswith("skus (table items): is not in the database; correct table")


def test_a_delta_folder_and_a_joined_id(validated: Validated, tmp_path: Path) -> None:
    lines = pd.DataFrame(
        {"PO": ["P1", "P1", "P2"], "Pos": [10, 20, 10], "Item": ["007", "B-1", "007"], "Open": [5, 6, 7]}
    )
    write_deltalake(str(tmp_path / "orders"), lines.assign(Due=pd.Timestamp("2024-02-01"), Site="W1"))
    result = validated(
        inbound={
            "file": "orders", "shift_days": 1,
            "columns": {"PO": "inbound_id", "Pos": "inbound_id", "Item": "sku", "Open": "units", "Due": "arrival_date", "Site": "hub"},
        }
    )  # fmt: skip
    assert _lines(result) == []
    inbound = result.tables["inbound"]
    assert inbound["inbound_id"].tolist() == ["P1-10", "P1-20", "P2-10"]
    assert {str(day.date()) for day in inbound["arrival_date"]} == {"2024-02-02"}


def test_ids_that_lost_their_zeros_are_padded(validated: Validated, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("Item\n7\nB-1\n")
    skus = {"file": "items.csv", "columns": {"Item": "sku"}, "pad": {"sku": 3}}
    assert set(validated(skus=skus).tables["skus"]["sku"]) == {"007", "B-1"}


@pytest.mark.parametrize(
    ("quantity", "is_refused"), [("1.234", True), ("1.25", False), ("0.250", False), ("12", False)]
)
def test_a_number_that_can_be_two_needs_a_line_in_the_mapping(
    validated: Validated, tmp_path: Path, quantity: str, is_refused: bool
) -> None:
    text = "\n".join(
        [
            *_sales_text().splitlines()[:1],
            *(";".join([*line.split(";")[:3], quantity, "x"]) for line in _sales_text().splitlines()[1:]),
        ]
    )
    (tmp_path / "sales.csv").write_text(text, "utf-8")
    lines = _lines(validated(sales={"decimal": None}))
    assert bool(lines) == is_refused
    assert all('write decimal: "." or decimal: "," and thousands: "."' in line for line in lines)


def test_stock_without_a_date_is_dated_after_the_last_sales(validated: Validated, tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("Site,Item,Bin,Free\nW1,007,a,3\nW1,007,b,4\nW1,B-1,a,-\n")
    stock = {"file": "stock.csv", "columns": {"Site": "hub", "Item": "sku", "Free": "units_on_hand"}, "empty": ["-"],
             "where_not": {"Free": "-"}, "aggregate": "sum", "defaults": {"date": "after_last_sale"}}  # fmt: skip
    hubs = {"file": "stock.csv", "columns": {"Site": "hub"}, "aggregate": "distinct"}
    result = validated(stock=stock, hubs=hubs)
    assert _lines(result) == []
    assert result.tables["stock"][["hub", "sku", "units_on_hand"]].values.tolist() == [["W1", "007", 7]]
    assert str(result.tables["stock"]["date"][0].date()) == "2024-01-22" == str(result.as_of)


def test_the_mark_of_the_source_changes_with_a_mapped_file(validated: Validated, tmp_path: Path) -> None:
    validated()
    before = source_mark(load_settings(tmp_path / "shop.yaml"))
    (tmp_path / "sales.csv").write_text(_sales_text() + "\n", "utf-8")
    assert before is not None
    assert source_mark(load_settings(tmp_path / "shop.yaml")) != before


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"colums": {}}, "inputs.tables.sales.colums: unknown key (did you mean 'columns'?)"),
        ({"query": "SELECT 1"}, "inputs.tables.sales: needs exactly one of file, query and table; file and query are given"),
        ({"date_format": "d/m"}, "inputs.tables.sales.date_format: 'd/m' is no date format"),
        ({"encoding": "ansi-x"}, "inputs.tables.sales.encoding: 'ansi-x' is no encoding"),
        ({"thousands": ","}, "inputs.tables.sales: decimal and thousands are the same character"),
        ({"delimiter": ";;"}, "inputs.tables.sales.delimiter: must be one character such as ; or the word tab"),
        ({"defaults": {"date": "2024-01-01"}}, "inputs.tables.sales: defaults: date is read from a column"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_mapping_is_one_line(validated: Validated, change: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        validated(sales=change)
    assert refusal.value.lines[0].startswith(line)


def test_a_mapping_of_an_unknown_table_is_refused(validated: Validated) -> None:
    with pytest.raises(ConfigurationError, match=r"inputs.tables.sale: no such table \(did you mean 'sales'\?\)"):
        validated(sale=SALES)


def test_cells_that_only_the_first_row_of_a_group_has_are_filled_within_the_group(
    validated: Validated, tmp_path: Path
) -> None:
    rows = ["Order,Day,Area,Gone,Item,Qty"]
    for place, day in enumerate(DAYS):
        rows += [f"{place},{day:%Y-%m-%d},Nord,,007,1", f"{place},{day:%Y-%m-%d},,,B-1,2"]
    rows += ["98,2024-01-08,Nord,yes,007,50", "98,2024-01-08,,,B-1,50", "99,2024-01-08,,,007,70", "99,2024-01-08,,,,70"]
    (tmp_path / "orders.csv").write_text("\n".join(rows))
    sales = {
        "file": "orders.csv", "delimiter": ",", "date_format": None, "decimal": None, "aggregate": "sum",
        "columns": {"Day": "date", "Item": "sku", "Area": "region", "Qty": "units_sold"},
        "fill_down": {"Order": ["Area", "Gone"]}, "where": {"Gone": [""]}, "where_not": {"Area": [""]},
    }  # fmt: skip
    result = validated(sales=sales, regions=sales | {"columns": {"Area": "region"}, "aggregate": "distinct"})
    assert [str(fault) for fault in result.faults] == []
    sold = result.tables["sales"].groupby("sku", observed=True)["units_sold"].sum()
    assert sold.to_dict() == {"007": 14.0, "B-1": 28.0}
    assert result.tables["regions"]["region"].tolist() == ["Nord"]


def test_a_column_to_fill_that_is_not_there_is_named(validated: Validated) -> None:
    (fault,) = [str(one) for one in validated(sales={"fill_down": {"Item": ["Aera"]}}).faults if one.table == "sales"]
    assert "has no column 'Aera', which fill_down names (did you mean 'Area'?)" in fault
