"""Faults of places, lanes and stock: rows that contradict themselves or the network."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.conftest import Tables
from tests.manual.conftest import Refused


def test_more_reserved_than_on_hand(demo_tables: Tables, refused: Refused) -> None:
    stock = demo_tables["stock"]
    row = stock.index[stock["date"] == "2016-05-23"][0]
    stock.loc[row, "units_reserved"] = stock.loc[row, "units_on_hand"] + 1
    (line,) = refused()
    key = f"date=2016-05-23, hub={stock.loc[row, 'hub']}, sku={stock.loc[row, 'sku']}"
    assert line.startswith(f"stock.units_reserved: 1 row with more reserved than on hand, first: {key} (")
    assert line.endswith("; correct the reservation or the stock")


@pytest.mark.parametrize(
    ("kind", "column", "words"),
    [
        ("delivery", "origin", "from a place unknown to hubs"),
        ("delivery", "destination", "to a place unknown to regions"),
        ("transfer", "origin", "from a place unknown to hubs"),
        ("transfer", "destination", "to a place unknown to hubs"),
        ("supply", "origin", "from a place unknown to supply"),
        ("supply", "destination", "to a place unknown to hubs"),
    ],
)
def test_a_lane_to_nowhere(demo_tables: Tables, refused: Refused, kind: str, column: str, words: str) -> None:
    lanes = demo_tables["lanes"]
    row = lanes.index[lanes["kind"] == kind][0]
    lanes.loc[row, column] = "NOWHERE"
    (line,) = refused()
    lane = lanes.loc[row, "lane"]
    assert line.startswith(
        f"lanes.{column}: 1 row of kind {kind} {words}, first: lane={lane} (NOWHERE); add the place to"
    )


def test_a_delivery_lane_to_a_hub(demo_tables: Tables, refused: Refused) -> None:
    """A hub is a place, but not one a delivery may lead to."""
    lanes = demo_tables["lanes"]
    row = lanes.index[lanes["kind"] == "delivery"][0]
    lanes.loc[row, "destination"] = demo_tables["hubs"].loc[0, "hub"]
    (line,) = refused()
    assert "lanes.destination: 1 row of kind delivery to a place unknown to regions" in line


def test_a_lane_of_an_unknown_kind(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["lanes"].loc[0, "kind"] = "teleport"
    (line,) = refused()
    assert (
        line == "lanes.kind: 1 row of an unknown kind, first: lane=ONT>CA_1 (teleport); use transfer, supply, delivery"
    )


def test_a_transfer_from_a_hub_to_itself(demo_tables: Tables, refused: Refused) -> None:
    lanes = demo_tables["lanes"]
    row = lanes.index[lanes["kind"] == "transfer"][0]
    lanes.loc[row, "destination"] = lanes.loc[row, "origin"]
    (line,) = refused()
    assert line.startswith("lanes.destination: 1 row of kind transfer to its own origin, first: lane=")
    assert line.endswith("; remove the lane")


def test_one_lane_under_two_names(demo_tables: Tables, refused: Refused) -> None:
    lanes = demo_tables["lanes"]
    demo_tables["lanes"] = pd.concat([lanes, lanes.iloc[[0]].assign(lane="again")], ignore_index=True)
    assert refused() == [
        "lanes.lane: 1 row of a lane that stands twice under other names, first: lane=again; "
        "keep one, or tell them apart by mode, departs or cutoff"
    ]


def test_unknown_weekdays(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["lanes"].loc[0, "departs"] = "Mon|Don"
    assert refused() == [
        "lanes.departs: 1 row not weekdays, first: lane=ONT>CA_1 (Mon|Don); write for example Mon|Thu; empty: every day"
    ]


def test_a_cutoff_that_is_no_time(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["lanes"].loc[0, "cutoff"] = "25:00"
    assert refused() == ["lanes.cutoff: 1 row not a time of day, first: lane=ONT>CA_1 (25:00); write for example 17:30"]


def test_an_unknown_time_zone(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["hubs"].loc[0, "timezone"] = "Amerika/Los_Angeles"
    assert refused() == [
        "hubs.timezone: 1 row with an unknown time zone, first: hub=ONT (Amerika/Los_Angeles); "
        "use an IANA name, for example Europe/Berlin"
    ]


def test_limits_of_a_hub_that_cross(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["hub_skus"] = pd.DataFrame({"hub": ["ONT"], "sku": ["FOODS_1_046"], "min_units": [5], "max_units": [4]})
    assert refused() == [
        "hub_skus.max_units: 1 row with max_units below min_units, first: hub=ONT, sku=FOODS_1_046 (4); "
        "correct min_units or max_units"
    ]


def test_a_sku_delisted_before_its_launch(demo_tables: Tables, refused: Refused) -> None:
    demo_tables["skus"]["launch_date"] = pd.Timestamp("2016-02-01")
    demo_tables["skus"]["delist_date"] = [pd.Timestamp("2016-01-01"), pd.NaT, pd.NaT, pd.NaT]
    assert refused() == [
        "skus.delist_date: 1 row delisted before its launch, first: sku=FOODS_1_046 (2016-01-01); "
        "correct launch_date or delist_date"
    ]
