"""Faults of time: gaps, dates off the grid, snapshots too old."""

from __future__ import annotations

from datetime import date

import pandas as pd

from tests.conftest import Tables
from tests.manual.conftest import Refused

QUARANTINE = ("inputs.on_fault=quarantine", "inputs.quarantine_rate=1")


def _without_days(tables: Tables, *days: str) -> None:
    tables["sales"] = tables["sales"][~tables["sales"]["date"].isin(pd.to_datetime(list(days)))]


def test_a_day_without_any_row(demo_tables: Tables, refused: Refused) -> None:
    _without_days(demo_tables, "2016-03-01", "2016-03-02")
    assert refused(*QUARANTINE) == [
        "sales.date: 2 periods before as_of 2016-05-23 without a row of any series, first: 2016-03-01, 2016-03-02; "
        "load the missing sales, name them as closed, series.closed_days: [12-25, 2016-03-01, 2016-03-02], or set series.missing_sales: unknown"
    ]


def test_sales_that_end_before_as_of(demo_tables: Tables, refused: Refused) -> None:
    (line,) = refused(as_of=date(2016, 5, 26))
    assert "3 periods before as_of 2016-05-26 without a row of any series, first: 2016-05-23, 2016-05-24" in line


def test_a_closed_day_is_no_gap(demo_tables: Tables, refused: Refused) -> None:
    """Only the day without an explanation is reported."""
    _without_days(demo_tables, "2016-03-01", "2016-04-03", "2016-05-01")
    (line,) = refused("series.closed_days=[2016-03-01, 05-01]")
    assert "1 period before as_of 2016-05-23 without a row of any series, first: 2016-04-03;" in line


def test_no_sales_before_as_of(demo_tables: Tables, refused: Refused) -> None:
    assert refused(as_of=date(2016, 1, 4), needs="forecast") == [
        "sales.date: nothing before as_of 2016-01-04; choose a later as_of or give earlier sales"
    ]


def test_a_stock_snapshot_too_old(demo_tables: Tables, refused: Refused) -> None:
    stock = demo_tables["stock"]
    demo_tables["stock"] = stock[stock["date"] == "2016-03-28"]
    demo_tables["inbound"] = demo_tables["inbound"][demo_tables["inbound"]["as_of"] == "2016-03-28"]
    assert refused(*QUARANTINE) == [
        "stock.date: the latest snapshot, 2016-03-28, is 56 days older than as_of 2016-05-23; at most 35 are allowed; "
        "load a newer snapshot or raise positioning.max_stock_age_days"
    ]


def test_no_stock_snapshot_yet(demo_tables: Tables, refused: Refused) -> None:
    assert refused(*QUARANTINE, as_of=date(2016, 3, 27)) == [
        "stock.date: no snapshot on or before as_of 2016-03-27; there are 9 snapshots: 2016-03-28 to 2016-05-23; add a snapshot or choose a later as_of"
    ]


def _weekly(tables: Tables) -> None:
    sales = tables["sales"]
    week = sales["date"] - pd.to_timedelta(sales["date"].dt.day_of_week, unit="D")
    tables["sales"] = sales.assign(date=week).groupby(["date", "region", "sku"], as_index=False)["units_sold"].sum()
    del tables["regional"]


WEEKLY = ("frequency=W-MON", "horizon=4", "series.known_in_advance=[]")


def test_a_week_dated_by_another_day(demo_tables: Tables, refused: Refused) -> None:
    _weekly(demo_tables)
    demo_tables["sales"].loc[0, "date"] += pd.Timedelta(days=2)
    assert refused(*WEEKLY) == [
        "sales.date: 1 row off the grid of W-MON, first: date=2016-01-06, region=CA_1, sku=FOODS_1_046; "
        "date rows by the first day of their week or set frequency"
    ]


def test_an_as_of_inside_a_week(demo_tables: Tables, refused: Refused) -> None:
    _weekly(demo_tables)
    assert refused(*WEEKLY, as_of=date(2016, 5, 18)) == [
        "as_of: 2016-05-18 is a Wednesday, but periods of W-MON start on Mondays; use 2016-05-16 or 2016-05-23"
    ]
