"""Under ``inputs.on_fault: quarantine`` faulty rows are set aside, up to a share of their table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from foundation.settings import Settings
from foundation.store import Warehouse, snapshot
from tests.conftest import Tables
from tests.manual.conftest import AS_OF, Refused


@pytest.fixture
def two_bad_sales(demo_tables: Tables) -> Tables:
    """Return the demo tables with a negative sale and one of an unknown sku (of about 1,700)."""
    sales = demo_tables["sales"].sort_values(["region", "sku", "date"], ignore_index=True)
    sales.loc[0, "units_sold"] = -1
    sales.loc[1, "sku"] = "NEW_1"
    demo_tables["sales"] = sales
    return demo_tables


def test_faulty_rows_are_set_aside_and_the_run_continues(
    two_bad_sales: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = settings_for(write_tables(two_bad_sales, tmp_path / "inputs"), "inputs.on_fault=quarantine")
    accepted = snapshot.accept(settings, AS_OF, "rebalance")
    assert accepted.n_rows["sales"] == len(two_bad_sales["sales"]) - 2
    assert accepted.quarantined.to_dict("records") == [
        {
            "as_of": pd.Timestamp(AS_OF),
            "table": "sales",
            "row_key": "date=2016-01-04, region=CA_1, sku=FOODS_1_046",
            "column": "units_sold",
            "fault": "negative",
        },
        {
            "as_of": pd.Timestamp(AS_OF),
            "table": "sales",
            "row_key": "date=2016-01-05, region=CA_1, sku=NEW_1",
            "column": "sku",
            "fault": "with a sku unknown to skus",
        },
    ]
    assert [str(fault).split(",")[0] for fault in accepted.faults] == [
        "sales.units_sold: 1 row negative",
        "sales.sku: 1 row with a sku unknown to skus",
    ]
    assert "NEW_1" not in set(snapshot.read(accepted)["sales"]["sku"])


def test_rows_set_aside_fit_the_warehouse(
    two_bad_sales: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """Even rows with one key, of which only the first is kept."""
    doubled = pd.concat([two_bad_sales["sales"], two_bad_sales["sales"].iloc[[9, 9]]], ignore_index=True)
    two_bad_sales["sales"] = doubled
    settings = settings_for(write_tables(two_bad_sales, tmp_path / "inputs"), "inputs.on_fault=quarantine")
    accepted = snapshot.accept(settings, AS_OF, "rebalance")
    Warehouse(settings).write("quarantine", accepted.quarantined, AS_OF)
    keys = Warehouse(settings).read("quarantine", AS_OF)["row_key"].tolist()
    assert len(keys) == 4
    assert "date=2016-01-13, region=CA_1, sku=FOODS_1_046 (2)" in keys


def test_more_than_the_limit_stops_the_run(two_bad_sales: Tables, refused: Refused) -> None:
    lines = refused("inputs.on_fault=quarantine", "inputs.quarantine_rate=0.001")
    assert lines[0] == (
        "sales: 2 of 1680 rows would be set aside, more than inputs.quarantine_rate 0.10%; correct them or raise the limit"
    )
    assert len(lines) == 3


def test_the_limit_itself_is_allowed(
    two_bad_sales: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    rate = 2 / len(two_bad_sales["sales"])
    settings = settings_for(
        write_tables(two_bad_sales, tmp_path / "inputs"), "inputs.on_fault=quarantine", f"inputs.quarantine_rate={rate}"
    )
    assert len(snapshot.accept(settings, AS_OF, "rebalance").quarantined) == 2


def test_rows_that_refer_to_a_quarantined_row_are_quarantined_too(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """No table may refer to an SKU that is no longer in `skus`."""
    demo_tables["skus"].loc[0, "pack_units"] = 0
    settings = settings_for(
        write_tables(demo_tables, tmp_path / "inputs"), "inputs.on_fault=quarantine", "inputs.quarantine_rate=0.3"
    )
    tables = snapshot.read(snapshot.accept(settings, AS_OF, "rebalance"))
    gone = demo_tables["skus"].loc[0, "sku"]
    assert [name for name, frame in tables.items() if "sku" in frame and gone in set(frame["sku"])] == []


def test_the_kept_row_of_a_duplicate_does_not_depend_on_the_order(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    """A database gives rows in any order."""
    sales = demo_tables["sales"]
    doubled = pd.concat([sales, sales.iloc[[5]].assign(units_sold=99)], ignore_index=True)
    prints = set()
    for place, frame in enumerate((doubled, doubled.iloc[::-1])):
        folder = write_tables(demo_tables | {"sales": frame}, tmp_path / f"inputs{place}")
        accepted = snapshot.accept(settings_for(folder, "inputs.on_fault=quarantine"), AS_OF, "rebalance")
        prints.add(accepted.fingerprint)
    assert len(prints) == 1


@pytest.mark.parametrize("table", ["sales", "stock", "prices", "inbound"])
def test_a_table_of_which_no_row_would_be_left_is_refused_at_any_rate(
    table: str, demo_tables: Tables, write_tables: Callable[..., Path], refused: Refused, tmp_path: Path
) -> None:
    """Every id of the SKUs was written another way: without a word, the plan would be that of an empty table."""
    demo_tables[table] = demo_tables[table].assign(sku="other " + demo_tables[table]["sku"].astype(str))
    write_tables(demo_tables, tmp_path / "inputs")
    lines = refused("inputs.on_fault=quarantine", "inputs.quarantine_rate=1.0")
    assert re.fullmatch(
        rf"{table}: [\d,]+ of [\d,]+ rows? would be set aside; correct them, because nothing .* left", lines[0]
    )
