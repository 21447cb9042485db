"""A run may use nothing that was not known at ``as_of``: later rows change nothing, not even the fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foundation.errors import InputError
from foundation.settings import Settings
from foundation.store import snapshot
from foundation.store.snapshot import Accepted
from tests.conftest import Tables

AS_OF = date(2016, 4, 20)
Accept = Callable[[Tables], Accepted]


@pytest.fixture
def accept(write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path) -> Accept:
    """Return a function that accepts tables at ``AS_OF``."""
    count = iter(range(99))

    def accepted(tables: Tables) -> Accepted:
        folder = write_tables(tables, tmp_path / f"inputs{next(count)}")
        return snapshot.accept(settings_for(folder), AS_OF, "rebalance")

    return accepted


@pytest.fixture
def rich_tables(demo_tables: Tables) -> Tables:
    """Return the demo tables with returns and deliveries on both sides of ``AS_OF``."""
    days = pd.to_datetime(["2016-04-18", "2016-04-19", "2016-04-20", "2016-04-21"])
    demo_tables["returns"] = pd.DataFrame(
        {"date": days, "region": "CA_1", "sku": "FOODS_1_046", "units_returned": [1, 2, 3, 4]}
    )
    demo_tables["deliveries"] = pd.DataFrame(
        {"delivery_id": list("abcd"), "date": days, "hub": "ONT", "region": "CA_1", "units": [1, 2, 3, 4]}
    )
    return demo_tables


@pytest.mark.parametrize("table", ["sales", "returns", "deliveries"])
def test_later_rows_have_no_effect(rich_tables: Tables, accept: Accept, table: str) -> None:
    before = accept(rich_tables)
    frame = rich_tables[table]
    is_later = frame["date"] >= pd.Timestamp(AS_OF)
    amount = {"sales": "units_sold", "returns": "units_returned", "deliveries": "units"}[table]
    changed = frame.assign(**{amount: frame[amount].where(~is_later, 77)})
    assert is_later.any()
    assert accept(rich_tables | {table: changed}).fingerprint == before.fingerprint
    assert accept(rich_tables | {table: frame[~is_later]}).fingerprint == before.fingerprint
    assert (snapshot.read(before)[table]["date"] < pd.Timestamp(AS_OF)).all()


@pytest.mark.parametrize("table", ["sales", "returns", "deliveries"])
def test_rows_of_the_day_before_count(rich_tables: Tables, accept: Accept, table: str) -> None:
    """The other side of the boundary: without it, the test above would also pass if all rows were dropped."""
    before = accept(rich_tables)
    frame = rich_tables[table]
    amount = {"sales": "units_sold", "returns": "units_returned", "deliveries": "units"}[table]
    is_last = frame["date"] == pd.Timestamp(AS_OF) - pd.Timedelta(days=1)
    assert is_last.any()
    changed = frame.assign(**{amount: frame[amount].where(~is_last, 77)})
    assert accept(rich_tables | {table: changed}).fingerprint != before.fingerprint


def test_later_faults_do_not_stop_an_earlier_run(rich_tables: Tables, accept: Accept) -> None:
    before = accept(rich_tables)
    sales = rich_tables["sales"]
    is_later = sales["date"] >= pd.Timestamp(AS_OF)
    broken = sales.assign(units_sold=sales["units_sold"].where(~is_later, -1))
    assert accept(rich_tables | {"sales": broken}).fingerprint == before.fingerprint


def test_of_regional_numbers_only_the_announced_ones_are_known_later(rich_tables: Tables, accept: Accept) -> None:
    before = accept(rich_tables)
    regional = rich_tables["regional"]
    is_later = regional["date"] >= pd.Timestamp(AS_OF)
    observed = regional.assign(units_foods_1=regional["units_foods_1"].where(~is_later, 5))
    announced = regional.assign(snap=regional["snap"].where(~is_later, 1 - regional["snap"]))
    assert accept(rich_tables | {"regional": observed}).fingerprint == before.fingerprint
    assert accept(rich_tables | {"regional": announced}).fingerprint != before.fingerprint
    known = snapshot.read(before)["regional"]
    later = known[known["date"] >= pd.Timestamp(AS_OF)]
    assert len(later) == is_later.sum()
    assert later["snap"].notna().all()
    assert later["units_foods_1"].isna().all()


def test_later_faults_of_observed_numbers_do_not_count_but_announced_ones_do(
    rich_tables: Tables, accept: Accept
) -> None:
    before = accept(rich_tables)
    regional = rich_tables["regional"].astype({"snap": "str", "units_foods_1": "str"})
    later = regional.index[regional["date"] >= pd.Timestamp(AS_OF)][0]
    regional.loc[later, "units_foods_1"] = "rain"
    assert accept(rich_tables | {"regional": regional}).fingerprint == before.fingerprint
    regional.loc[later, "snap"] = "perhaps"
    with pytest.raises(InputError, match=r"regional\.snap: 1 row with text in a number, first: date=2016-04-20"):
        accept(rich_tables | {"regional": regional})


@pytest.mark.parametrize(("table", "column"), [("stock", "date"), ("inbound", "as_of")])
def test_only_the_snapshot_that_counts_is_read(rich_tables: Tables, accept: Accept, table: str, column: str) -> None:
    before = accept(rich_tables)
    frame = rich_tables[table]
    known = snapshot.read(before)[table]
    assert set(known[column]) == {pd.Timestamp("2016-04-18")}
    assert len(known) == (frame[column] == "2016-04-18").sum()
    units = {"stock": "units_on_hand", "inbound": "units"}[table]
    others = frame.assign(**{units: frame[units].where(frame[column] == "2016-04-18", 999)})
    assert accept(rich_tables | {table: others}).fingerprint == before.fingerprint


def test_a_snapshot_of_the_morning_itself_counts(rich_tables: Tables, accept: Accept) -> None:
    """Stock is counted in the morning of its date, before every cut-off."""
    stock = rich_tables["stock"]
    moved = stock.assign(date=stock["date"].replace(pd.Timestamp("2016-04-25"), pd.Timestamp(AS_OF)))
    known = snapshot.read(accept(rich_tables | {"stock": moved}))["stock"]
    assert set(known["date"]) == {pd.Timestamp(AS_OF)}


def test_lines_due_later_are_known_when_their_snapshot_is(rich_tables: Tables, accept: Accept) -> None:
    known = snapshot.read(accept(rich_tables))["inbound"]
    assert (known["arrival_date"] > pd.Timestamp(AS_OF)).any()


def test_inbound_without_snapshots_is_known_as_it_stands(rich_tables: Tables, accept: Accept) -> None:
    lines = rich_tables["inbound"].drop(columns="as_of").drop_duplicates("inbound_id")
    known = snapshot.read(accept(rich_tables | {"inbound": lines}))["inbound"]
    assert len(known) == len(lines)


def test_inbound_of_another_day_than_stock_is_reported(rich_tables: Tables, accept: Accept) -> None:
    lines = rich_tables["inbound"]
    moved = lines.assign(as_of=lines["as_of"] - pd.Timedelta(days=1))
    assert accept(rich_tables | {"inbound": moved}).warnings == (
        "inbound.as_of: none of 2016-04-18, the stock snapshot that counts; lines of 2016-04-17 are used; "
        "load those of 2016-04-18",
    )


@pytest.mark.parametrize("table", ["prices", "calendar"])
def test_the_announced_plan_is_known(rich_tables: Tables, accept: Accept, table: str) -> None:
    frame = rich_tables[table]
    later = pd.concat([frame, frame.tail(1).assign(date=pd.Timestamp("2016-07-30"))], ignore_index=True)
    known = snapshot.read(accept(rich_tables | {table: later}))[table]
    assert known["date"].max() == pd.Timestamp("2016-07-30")


def test_as_of_is_the_period_after_the_last_sales_row_by_default(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = write_tables(demo_tables, tmp_path / "inputs")
    assert snapshot.accept(settings_for(folder), None, "rebalance", write=False).as_of == date(2016, 5, 23)
