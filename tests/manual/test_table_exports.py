"""``forestock export --table``: any output table as CSV, workbook, or Parquet, with ids as text and no formula that runs."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from forestock.cli.main import app
from foundation.errors import InputError
from foundation.settings import Settings
from foundation.store import table_exports
from foundation.store.table_exports import export_table
from foundation.store.warehouse import Warehouse

DAYS = ("2024-06-03", "2024-06-10")
FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a warehouse with exceptions of two dates and two decisions."""
    settings = Settings(warehouse=str(tmp_path / "warehouse"))
    warehouse = Warehouse(settings)
    for day in DAYS:
        exceptions = pd.DataFrame({
            "kind": ["stockout_remains", "no_inbound"], "hub": ["00123", None], "region": [None, "-1+2"], "sku": ["007", "'x"],
            "units": pd.array([3, None], dtype="Int64"), "eur": [1.5, None], "action": [FORMULA, "bell\x07"],
            "decide_by": pd.to_datetime(["2024-06-03T16:00Z", None]),
        })  # fmt: skip
        warehouse.write("exception", exceptions, day)
    ledger = pd.DataFrame({
        "proposal_id": ["0012", "ab"], "at": pd.to_datetime(["2024-06-03T07:00Z"] * 2), "status": "approved", "by": "@ann",
        "ship_date": pd.to_datetime(["2024-06-04", None]),
    })  # fmt: skip
    warehouse.append("decision", ledger)
    return settings


def test_the_newest_date_is_exported_and_csv_text_cannot_run(settings: Settings) -> None:
    exported = export_table(settings, "exception", "csv")
    assert (exported.n_rows, str(exported.as_of)) == (2, DAYS[1])
    assert exported.path.endswith("warehouse/exports/exception-2024-06-10.csv")
    rows = pd.read_csv(exported.path, dtype=str, keep_default_na=False).set_index("kind")
    assert rows.loc["stockout_remains", ["hub", "sku", "units", "decide_by"]].tolist() == [
        "00123",
        "007",
        "3",
        "2024-06-03T16:00:00Z",
    ]
    assert rows.at["stockout_remains", "action"] == f"'{FORMULA}"
    assert rows.loc["no_inbound", ["region", "sku", "units", "as_of"]].tolist() == ["'-1+2", "''x", "", "2024-06-10"]


def test_a_workbook_holds_ids_as_text_dates_as_dates_and_no_formula(settings: Settings) -> None:
    exported = export_table(settings, "decision", "xlsx")
    sheet = load_workbook(io.BytesIO(exported.content))["decision"]
    header = [cell.value for cell in sheet[1]]
    first = dict(zip(header, sheet[2], strict=True))
    assert (first["proposal_id"].value, first["proposal_id"].data_type) == ("0012", "s")
    assert first["by"].value == "'@ann"
    assert str(first["at"].value) == "2024-06-03 07:00:00"
    assert first["ship_date"].is_date
    assert sheet.freeze_panes == "A2"
    formulas = load_workbook(io.BytesIO(export_table(settings, "exception", "xlsx").content))["exception"]
    assert {cell.data_type for row in formulas.iter_rows() for cell in row} <= {"s", "n", "d"}


def test_parquet_keeps_types_ids_and_text_unchanged(settings: Settings) -> None:
    exported = export_table(settings, "exception", "parquet", pd.Timestamp(DAYS[0]).date())
    frame = pd.read_parquet(io.BytesIO(exported.content))
    pd.testing.assert_frame_equal(
        frame[["hub", "sku", "units", "eur", "action"]],
        Warehouse(settings).read("exception", DAYS[0])[["hub", "sku", "units", "eur", "action"]],
        check_dtype=False,
    )
    assert frame["as_of"].astype(str).unique().tolist() == [DAYS[0]]


@pytest.mark.parametrize(
    ("table", "as_of", "message"),
    [
        ("exceptions", None, "did you mean 'exception'"),
        ("plan", None, "plan has no rows of any date"),
        ("exception", "2024-06-04", "no rows of 2024-06-04; the newest is 2024-06-10"),
        ("decision", "2024-06-03", "leave out --as-of"),
    ],
)
def test_a_table_or_date_without_rows_is_named(settings: Settings, table: str, as_of: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        export_table(settings, table, "csv", pd.Timestamp(as_of).date() if as_of else None)


def test_more_rows_than_a_sheet_holds_are_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_exports, "MOST_EXCEL_ROWS", 1)
    with pytest.raises(InputError, match="a sheet holds 1; use --format parquet"):
        export_table(settings, "exception", "xlsx")


def test_the_command_prints_the_place_and_refuses_contradictions(settings: Settings, tmp_path: Path) -> None:
    def export(*words: str) -> tuple[int, str]:
        command = ["export", "--config", "demo", "--set", f"warehouse={settings.warehouse}", *words]
        result = CliRunner(env={"COLUMNS": "80"}).invoke(app, command)
        return result.exit_code, result.output

    place = tmp_path / "a folder" / "exceptions.xlsx"
    code, output = export("--table", "exception", "--format", "xlsx", "--out", str(place))
    assert code == 0
    assert output.startswith(f"2 rows of exception of 2024-06-10: {place}\nNext steps\n")
    assert place.read_bytes()[:2] == b"PK"
    code, output = export("--table", "exception", "--output", "-")
    assert output.splitlines()[0].startswith("as_of,kind,hub,region,sku")
    assert export("--table", "exception", "--format", "xlsx", "--output", "-")[0] == 2
    assert export("--table", "exception", "--form", "json")[0] == 2
    assert export("--format", "xlsx")[0] == 2
    assert export("--table", "exception", "--output", str(tmp_path))[0] == 2
