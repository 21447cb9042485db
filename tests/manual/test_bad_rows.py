"""Faults of single rows: each is one line with table, column, number of rows, first keys and remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.conftest import Tables
from tests.manual.conftest import Refused

SALE = "date=2016-01-04, region=CA_1, sku=FOODS_1_046"
NEXT_SALE = "date=2016-01-05, region=CA_1, sku=FOODS_1_046"


def _sales_sorted(tables: Tables) -> pd.DataFrame:
    tables["sales"] = tables["sales"].sort_values(["region", "sku", "date"], ignore_index=True)
    return tables["sales"]


def test_a_null_quantity(demo_tables: Tables, refused: Refused) -> None:
    sales = _sales_sorted(demo_tables).astype({"units_sold": "float64"})
    sales.loc[[0, 1], "units_sold"] = np.nan
    demo_tables["sales"] = sales
    assert refused() == [
        f"sales.units_sold: 2 rows null, first: {SALE} / {NEXT_SALE}; fill in the value or remove the rows"
    ]


def test_a_negative_quantity(demo_tables: Tables, refused: Refused) -> None:
    sales = _sales_sorted(demo_tables)
    sales.loc[0, "units_sold"] = -3
    assert refused() == [f"sales.units_sold: 1 row negative, first: {SALE} (-3); set them to 0 or remove them"]


def test_an_infinite_quantity(demo_tables: Tables, refused: Refused) -> None:
    sales = _sales_sorted(demo_tables).astype({"units_sold": "float32"})
    sales.loc[0, "units_sold"] = np.inf
    demo_tables["sales"] = sales
    assert refused() == [f"sales.units_sold: 1 row not finite, first: {SALE} (inf); give a finite number"]


def test_text_in_a_number(demo_tables: Tables, refused: Refused) -> None:
    """Text where a number should be is a fault of its row, with the text as it stands in the file."""
    sales = _sales_sorted(demo_tables).astype({"units_sold": "str"})
    sales.loc[1, "units_sold"] = "1,5"
    demo_tables["sales"] = sales
    assert refused() == [
        f"sales.units_sold: 1 row with text in a number, first: {NEXT_SALE} (1,5); write plain numbers: a decimal point, no thousands separators"
    ]


def test_a_null_key(demo_tables: Tables, refused: Refused) -> None:
    sales = _sales_sorted(demo_tables)
    sales.loc[0, "sku"] = None
    assert refused() == [
        "sales.sku: 1 row null, first: date=2016-01-04, region=CA_1, sku=(empty); fill in the value or remove the rows"
    ]


def test_a_key_that_stands_twice(demo_tables: Tables, refused: Refused) -> None:
    sales = _sales_sorted(demo_tables)
    demo_tables["sales"] = pd.concat([sales, sales.iloc[[1, 0]]], ignore_index=True)
    assert refused() == [
        "sales.date, region, sku: 2 rows with a key that stands twice (duplicate), "
        f"first: {NEXT_SALE} / {SALE}; add up order lines of one day, or remove the rows loaded twice"
    ]


def test_an_unknown_region(demo_tables: Tables, refused: Refused) -> None:
    sales = _sales_sorted(demo_tables)
    sales.loc[sales["region"] == "TX_1", "region"] = "TX_9"
    (line,) = refused()
    assert line.startswith(
        "sales.region: 560 rows with a region unknown to regions, first: date=2016-01-04, region=TX_9"
    )
    assert line.endswith("; add the region to regions or remove the rows")


def test_an_unknown_sku(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["stock"].loc[0, "sku"] = "NEW_1"
    lines = refused(as_of=demo_tables["stock"].loc[0, "date"].date())
    assert any(line.startswith("stock.sku: 1 row with a sku unknown to skus, first: date=2016-03-28") for line in lines)


def test_an_unknown_hub(demo_tables: Tables, refused: Refused) -> None:
    inbound = demo_tables["inbound"]
    inbound["as_of"] = pd.Timestamp("2016-05-23")
    inbound.loc[0, "hub"] = "ZZZ"
    (line,) = refused()
    assert line.startswith("inbound.hub: 1 row with a hub unknown to hubs, first: as_of=2016-05-23, inbound_id=PO")
    assert line.endswith("(ZZZ); add the hub to hubs or remove the rows")


def test_a_part_of_a_unit_in_stock(demo_tables: Tables, refused: Refused) -> None:
    """Quantities sold may be fractional; stock is whole."""
    stock = demo_tables["stock"].astype({"units_on_hand": "float64"})
    stock.loc[stock["date"] == "2016-05-23", "units_on_hand"] += 0.5
    stock["units_reserved"] = 0
    demo_tables["stock"] = stock
    n_rows = (stock["date"] == "2016-05-23").sum()
    (line,) = refused()
    assert line.startswith(f"stock.units_on_hand: {n_rows} rows not whole, first: date=2016-05-23, hub=")
    assert line.endswith(".5); give whole numbers")


def test_coordinates_off_the_globe(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["regions"].loc[0, "latitude"] = 91.0
    demo_tables["hubs"].loc[0, "longitude"] = -181.0
    assert refused() == [
        "regions.latitude: 1 row off the globe, first: region=CA_1 (91); give degrees from -90 to 90",
        "hubs.longitude: 1 row off the globe, first: hub=ONT (-181); give degrees from -180 to 180",
    ]


def test_a_rate_above_one(demo_tables: Tables, refused: Refused) -> None:
    sales = _sales_sorted(demo_tables)
    sales["in_stock_rate"] = 1.0
    sales.loc[0, "in_stock_rate"] = 1.5
    assert refused() == [f"sales.in_stock_rate: 1 row above 1, first: {SALE} (1.5); give a value from 0 to 1"]


def test_a_pack_of_zero(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["skus"].loc[0, "pack_units"] = 0
    assert refused() == [
        "skus.pack_units: 1 row below 1, first: sku=FOODS_1_046 (0); give 1 or more, or leave it empty"
    ]


def test_a_date_that_does_not_exist(demo_tables: Tables, refused: Refused) -> None:
    calendar = demo_tables["calendar"].astype({"date": "str"})
    calendar.loc[0, "date"] = "2011-02-30"
    demo_tables["calendar"] = calendar
    (line,) = refused()
    assert line.startswith("calendar.date: 1 row not a date, first: date=(empty), event=")
    assert line.endswith("(2011-02-30); write dates as 2016-05-23")


def test_a_time_of_day_on_a_date(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["prices"].loc[0, "date"] += pd.Timedelta(hours=13)
    (line,) = refused()
    assert line.startswith("prices.date: 1 row with a time of day, first: date=(empty), region=CA_1")
    assert line.endswith("; give the date alone, for example 2016-05-23")


def test_a_time_zone_in_a_date_written_as_text(demo_tables: Tables, refused: Refused) -> None:
    prices = demo_tables["prices"].astype({"date": "str"})
    prices.loc[0, "date"] = "2011-01-29T00:00:00Z"
    demo_tables["prices"] = prices
    (line,) = refused()
    assert "prices.date: 1 row with a time zone on a date" in line
    assert line.endswith("(2011-01-29T00:00:00Z); give the local date without a zone")


def test_a_year_out_of_reach(demo_tables: Tables, refused: Refused) -> None:
    skus = demo_tables["skus"].astype({"sku": "str"})
    skus["launch_date"] = ["0216-05-01", None, None, None]
    demo_tables["skus"] = skus
    (line,) = refused()
    assert line.startswith(
        "skus.launch_date: 1 row outside the years 1900 to 2199, first: sku=FOODS_1_046 (0216-05-01);"
    )


def test_a_flag_that_is_neither_true_nor_false(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["prices"]["is_promoted"] = "no"
    demo_tables["prices"].loc[0, "is_promoted"] = "perhaps"
    (line,) = refused()
    assert line.startswith("prices.is_promoted: 1 row neither true nor false, first: ")
    assert line.endswith("(perhaps); write true or false, 1 or 0")


def test_an_id_of_ten_megabytes(demo_tables: Tables, refused: Refused) -> None:
    """However long the ID, the message stays one readable line."""
    sales = _sales_sorted(demo_tables)
    sales.loc[0, "sku"] = "x\n" * 5_000_000
    lines = refused()
    assert [line.split(": ")[1].split(",")[0] for line in lines] == [
        "1 row longer than 256 characters",
        "1 row with a sku unknown to skus",
    ]
    assert all(len(line) < 300 and "\n" not in line for line in lines)
    assert "(900 or more characters)" in lines[0]


def test_every_fault_is_found_in_one_go(demo_tables: Tables, refused: Refused) -> None:
    """One run must report all faults."""
    _sales_sorted(demo_tables).loc[0, "units_sold"] = -1
    demo_tables["skus"].loc[0, "pack_units"] = 0
    demo_tables["hubs"].loc[0, "latitude"] = 95.0
    del demo_tables["lanes"]
    assert [line.split(":")[0] for line in refused()] == [
        "lanes",
        "sales.units_sold",
        "skus.pack_units",
        "hubs.latitude",
    ]
