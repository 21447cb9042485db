"""Faults of whole tables and columns: they stop the run whatever ``inputs.on_fault`` says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from foundation.settings import Settings
from foundation.store import snapshot
from foundation.validation.columns import is_personal
from tests.conftest import Tables
from tests.manual.conftest import AS_OF, Refused

QUARANTINE = ("inputs.on_fault=quarantine", "inputs.quarantine_rate=1")


@pytest.mark.parametrize("table", ["sales", "skus", "regions"])
def test_a_missing_table(demo_tables: Tables, refused: Refused, table: str) -> None:
    del demo_tables[table]
    assert f"{table}: missing; forecast needs it; add it to inputs.path" in refused(*QUARANTINE, needs="forecast")


@pytest.mark.parametrize("table", ["hubs", "lanes", "stock"])
def test_a_table_only_rebalancing_needs(
    demo_tables: Tables, refused: Refused, table: str, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """Hubs, lanes and stock are not needed for a forecast."""
    for name in ("hubs", "lanes", "stock", "inbound"):
        if name == table or name == "inbound" or table == "hubs":
            del demo_tables[name]
    built = "build it with forestock network, or " if table != "stock" else ""
    assert f"{table}: missing; rebalance needs it; {built}add it to inputs.path" in refused(*QUARANTINE)
    assert snapshot.accept(settings_for(tmp_path / "inputs"), AS_OF, "forecast").as_of == AS_OF


def test_a_missing_column(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["sales"] = demo_tables["sales"].rename(columns={"units_sold": "Units_Sold"})
    assert refused(*QUARANTINE) == ["sales.units_sold: required column missing (did you mean 'Units_Sold'?); add it"]


def test_a_column_that_stands_twice(demo_tables: Tables, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    for name, frame in demo_tables.items():
        frame.to_csv(tmp_path / "inputs" / f"{name}.csv", index=False)
    (tmp_path / "inputs" / "promises.csv").write_text("region,promise_days,promise_days\nCA_1,1,2\n")
    assert refused(*QUARANTINE) == ["promises.promise_days: stands twice; give one column of this name"]


def test_a_wrong_type(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["sales"]["date"] = demo_tables["sales"]["date"].dt.strftime("%Y%m%d").astype("int64")
    lines = refused(*QUARANTINE)
    assert lines == ["sales.date: wrong type: holds int64, not dates; give dates"]


def test_a_column_of_text_instead_of_numbers(demo_tables: Tables, refused: Refused) -> None:
    """A column without a single number is a fault of the column, not of its rows."""
    demo_tables["skus"]["unit_cost_eur"] = ["cheap", "dear", "dear", "cheap"]
    assert refused(*QUARANTINE) == [
        "skus.unit_cost_eur: wrong type: holds text such as 'cheap' in all 4 rows with a value, not numbers; give numbers"
    ]


def test_dates_of_a_time_zone(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["prices"]["date"] = demo_tables["prices"]["date"].dt.tz_localize("America/Chicago")
    assert refused(*QUARANTINE) == [
        "prices.date: wrong type: holds times in zone America/Chicago, not dates; give dates"
    ]


def test_lists_in_a_column(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["skus"]["tags"] = [["a"], ["b"], [], ["a", "b"]]
    (line,) = refused(*QUARANTINE)
    assert line.startswith("skus.tags: holds list<")
    assert line.endswith("which cannot be kept; drop it: inputs.drop_columns=[tags]")


def test_an_empty_file(
    demo_tables: Tables, refused: Refused, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_tables(demo_tables, tmp_path / "inputs")
    (folder / "sales.parquet").write_bytes(b"")
    assert "sales: is an empty file; write the file again" in refused(*QUARANTINE)


def test_a_file_without_rows(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["stock"] = demo_tables["stock"].head(0)
    assert refused(*QUARANTINE) == ["stock: empty: it has no rows; rebalance needs them; load the table"]


def test_a_half_written_file(
    demo_tables: Tables, refused: Refused, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    file = write_tables(demo_tables, tmp_path / "inputs") / "sales.parquet"
    file.write_bytes(file.read_bytes()[:-200])
    (line,) = [line for line in refused(*QUARANTINE) if line.startswith("sales")]
    assert line.startswith("sales: cannot be read as parquet (")
    assert line.endswith("; write the file again")


def test_a_table_in_two_files(
    demo_tables: Tables, refused: Refused, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_tables(demo_tables, tmp_path / "inputs")
    demo_tables["hubs"].to_csv(folder / "hubs.csv", index=False)
    (line, *_) = refused(*QUARANTINE)
    assert line == "hubs: stands in the folder twice: hubs.csv and hubs.parquet; remove one or set inputs.format"


def test_a_file_that_leads_out_of_the_folder(
    demo_tables: Tables, refused: Refused, write_tables: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_tables(demo_tables, tmp_path / "inputs")
    (folder / "hubs.parquet").rename(tmp_path / "elsewhere.parquet")
    (folder / "hubs.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    assert "hubs: leads out of the input folder; put the file itself into the folder" in refused(*QUARANTINE)


def test_a_folder_that_is_not_there(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    path = tmp_path / "nowhere"
    assert refused(f"inputs.path={path}") == [
        f"inputs.path: {path} is not a folder; set inputs.path to the folder of the tables"
    ]


def test_a_database_that_is_not_there(refused: Refused, tmp_path: Path) -> None:
    """SQLite would otherwise make an empty one."""
    (tmp_path / "inputs").mkdir()
    (line,) = refused(f"inputs.path=sqlite:///{tmp_path}/no.db")
    assert line.endswith("is no database: there is no such file; correct the path in inputs.path")
    assert not (tmp_path / "no.db").exists()


def test_a_password_stays_out_of_messages(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (line,) = refused("inputs.path=nodialect+x://me:hush@host/db", "inputs.format=sql")
    assert "hush" not in line
    assert "me:***@host" in line


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "series.hierarchy=[departement]",
            "skus.departement: named in series.hierarchy, but there is no such column (did you mean 'department'?); "
            "add the column or correct series.hierarchy",
        ),
        (
            "series.known_in_advance=[snaps]",
            "regional.snaps: named in series.known_in_advance, but there is no such column (did you mean 'snap'?); "
            "add the column or correct series.known_in_advance",
        ),
        (
            "series.features=[shelf_life]",
            "skus.shelf_life: named in series.features, but there is no such column (did you mean 'shelf_life_days'?); "
            "add the column or correct series.features",
        ),
    ],
)
def test_a_column_the_configuration_names(refused: Refused, override: str, line: str) -> None:
    assert refused(override, *QUARANTINE) == [line]


def test_a_column_about_a_person(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["sales"]["customer_email"] = "someone@example.org"
    assert refused(*QUARANTINE) == [
        "sales.customer_email: is about a person, which has no place here; "
        "remove it, or leave it out with inputs.drop_columns=[sales.customer_email]"
    ]


def test_a_column_about_a_person_may_be_left_out(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    demo_tables["sales"]["customer_email"] = "someone@example.org"
    folder = write_tables(demo_tables, tmp_path / "inputs")
    accepted = snapshot.accept(settings_for(folder, "inputs.drop_columns=[sales.customer_email]"), AS_OF, "forecast")
    assert "customer_email" not in snapshot.read(accepted)["sales"]


@pytest.mark.parametrize(
    "name", ["email", "customerName", "Phone", "delivery_address", "first_name", "name", "customer_id"]
)
def test_column_names_about_persons_are_recognized(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize("name", ["event_name", "sku", "channel", "units_sold", "renamed", "carrier", "named_day"])
def test_other_column_names_are_not_taken_for_personal_data(name: str) -> None:
    assert not is_personal(name)
