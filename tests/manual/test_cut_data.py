"""Missing, truncated or old data are reported for networks of any shape and stop a run so configured; clean data give no warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation.errors import InputError
from foundation.store import snapshot
from tests.worlds.foreign_world import AS_OF, LAST_DAY, foreign_world, validated, write_world

LAST = pd.Timestamp(LAST_DAY)


def _incomplete(tables: dict[str, pd.DataFrame], folder: Path, *overrides: str) -> list[str]:
    return [str(fault) for fault in validated(tables, folder, *overrides).incomplete]


def _order_lines(world: dict[str, pd.DataFrame], rate: float, seed: int) -> dict[str, pd.DataFrame]:
    """Keep a random share of the rows, as in sales that have rows only for units sold."""
    kept = np.random.default_rng(seed).random(len(world["sales"])) < rate
    return world | {"sales": world["sales"][kept]}


@pytest.mark.parametrize(
    ("regions", "skus", "days"), [(400, 3, 40), (3, 5, 60), (1, 2, 60), (30, 1, 60), (6, 40, 60)], ids=str
)
def test_one_row_on_the_last_day_is_reported_for_networks_of_any_shape(
    regions: int, skus: int, days: int, tmp_path: Path
) -> None:
    world = foreign_world(
        days, tuple(f"R{index:03}" for index in range(regions)), tuple(f"S{index}" for index in range(skus))
    )
    assert _incomplete(world, tmp_path) == []
    sales = world["sales"]
    is_last = sales["date"] == LAST
    world["sales"] = sales[~is_last | (sales.index == sales.index[is_last][0])]
    (line,) = _incomplete(world, tmp_path)
    assert line.startswith(f"sales.date: {LAST_DAY} has 1 row, usually there are {regions * skus:,};")


@pytest.mark.parametrize("silent_days", [3, 5, 23, 40])
def test_a_region_that_stopped_reporting_is_named_with_its_last_day(silent_days: int, tmp_path: Path) -> None:
    world = foreign_world(days=120)
    sales = world["sales"]
    last = LAST - pd.Timedelta(days=silent_days)
    world["sales"] = sales[(sales["region"] != "R2") | (sales["date"] <= last)]
    (line,) = _incomplete(world, tmp_path)
    assert line.startswith(f"sales.region: region R2 has no row for {silent_days} days, since {last:%Y-%m-%d};")


def _without(world: dict[str, pd.DataFrame], back: tuple[int, int], **keys: str) -> dict[str, pd.DataFrame]:
    """Drop the rows of ``keys`` from ``back[0]`` to ``back[1]`` days before the last day, both included."""
    sales = world["sales"]
    gone = sales["date"].between(LAST - pd.Timedelta(days=back[0]), LAST - pd.Timedelta(days=back[1]))
    for column, value in keys.items():
        gone &= sales[column] == value
    return world | {"sales": sales[~gone]}


def test_an_old_outage_does_not_excuse_the_next(tmp_path: Path) -> None:
    world = _without(foreign_world(days=120), (46, 33), region="R2")
    lines = _incomplete(_without(world, (13, 0), region="R2"), tmp_path)
    assert any(line.startswith("sales.region: region R2 has no row for 14 days, since") for line in lines)


@pytest.mark.parametrize(
    ("keys", "named", "remedy"),
    [
        ({"region": "R2"}, "region: region R2", "where it was closed, give rows with units_sold 0 and in_stock_rate 0"),
        ({"sku": "B"}, "sku: sku B", "where it was not on sale, give rows with in_stock_rate 0"),
        (
            {"sku": "B", "region": "R2"},
            "sku: series B in R2",
            "where it was not on sale, give rows with in_stock_rate 0",
        ),
    ],
    ids=str,
)
def test_a_gap_that_has_ended_is_reported_with_its_days_for_a_limited_time(
    keys: dict[str, str], named: str, remedy: str, tmp_path: Path
) -> None:
    world = foreign_world(days=240)
    (line,) = _incomplete(_without(world, (41, 28), **keys), tmp_path)
    assert line.startswith(f"sales.{named} has no row for 14 days, 2024-04-22 to 2024-05-05; what is missing")
    assert remedy in line
    assert _incomplete(_without(world, (141, 128), **keys), tmp_path) == []
    closed = _without(world, (41, 28), **keys)
    rows = world["sales"].loc[world["sales"].index.difference(closed["sales"].index)]
    closed["sales"] = pd.concat(
        [closed["sales"].assign(in_stock_rate=1.0), rows.assign(units_sold=0, in_stock_rate=0.0)]
    )
    assert _incomplete(closed, tmp_path) == []


@pytest.mark.parametrize(("keys", "named"), [({}, "sku B"), ({"region": "R2"}, "series B in R2")], ids=str)
def test_a_sku_or_series_that_ended_is_named_until_it_is_delisted(
    keys: dict[str, str], named: str, tmp_path: Path
) -> None:
    world = _without(foreign_world(days=120), (13, 0), sku="B", **keys)
    (line,) = _incomplete(world, tmp_path)
    assert line.startswith(f"sales.sku: {named} has no row for 14 days, since 2024-05-19;")
    assert "skus.delist_date" in line
    replaced = world | {"skus": world["skus"].assign(replaces=np.where(world["skus"]["sku"] == "C", "B", ""))}
    assert not any("has no row for" in line for line in _incomplete(replaced, tmp_path))
    delisted = np.where(world["skus"]["sku"] == "B", "2024-05-20", "")
    world["skus"] = world["skus"].assign(delist_date=delisted)
    assert _incomplete(world, tmp_path) == []


def test_a_group_of_skus_that_vanished_is_named(tmp_path: Path) -> None:
    world = foreign_world(days=120)
    sales = world["sales"]
    gone = sales["sku"].isin(["B", "D"]) & (sales["date"] > LAST - pd.Timedelta(days=9))
    world["sales"] = sales[~gone]
    (line,) = _incomplete(world, tmp_path, "series.hierarchy=[department]")
    assert "department d1 has no row for 9 days" in line


def test_weekly_sales_are_checked_by_week(tmp_path: Path) -> None:
    world = foreign_world(days=400)
    sales = world["sales"]
    world["sales"] = sales[sales["date"].dt.day_of_week == 0]
    weekly = ("frequency=W-MON", "horizon=4", "forecast.window_days=[7,14]")
    assert _incomplete(world, tmp_path, *weekly) == []
    silent = (world["sales"]["region"] == "R1") & (world["sales"]["date"] > "2024-05-01")
    cut = world | {"sales": world["sales"][~silent]}
    (line,) = _incomplete(cut, tmp_path, *weekly)
    assert "region R1 has no row for 4 weeks" in line


def test_regions_that_never_sold_are_named(tmp_path: Path) -> None:
    world = foreign_world(regions=("R1", "R2", "R3", "R4", "R5", "R6"))
    world["sales"] = world["sales"][~world["sales"]["region"].isin(["R2", "R5"])]
    (line,) = _incomplete(world, tmp_path)
    assert line.startswith("regions.region: 2 of 6 regions never had a row in sales, R2, R5;")


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 20), marks=pytest.mark.slow)])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.7])
def test_sparse_order_lines_raise_no_false_alarm(rate: float, seeds: range, tmp_path: Path) -> None:
    """No alarm in 32 worlds (slow: 128 more), although chance alone leaves days of a region empty."""
    for seed in seeds:
        for n_regions in (2, 8):
            world = foreign_world(days=200, regions=tuple(f"R{index}" for index in range(n_regions)))
            world = _order_lines(world, rate, seed)
            ends = pd.DataFrame({"date": [LAST], "region": "R0", "sku": "A", "units_sold": 1})
            world["sales"] = pd.concat([world["sales"], ends]).drop_duplicates(["date", "region", "sku"])
            result = [line for line in _incomplete(world, tmp_path, "series.missing_sales=zero") if "sales" in line]
            assert result == [], (rate, seed, n_regions)


def test_a_weekday_without_trade_raises_no_alarm(tmp_path: Path) -> None:
    """Every Sunday one region is closed: its last day is not compared with a Saturday."""
    world = foreign_world(days=120)
    sales = world["sales"]
    world["sales"] = sales[(sales["region"] != "R1") | (sales["date"].dt.day_of_week != 6)]
    assert _incomplete(world, tmp_path) == []


def test_old_snapshots_are_reported_with_the_sales_since_then(tmp_path: Path) -> None:
    world = foreign_world()
    world["stock"] = world["stock"].assign(date="2024-05-04")
    (line,) = _incomplete(world, tmp_path)
    since = world["sales"].loc[world["sales"]["date"] >= "2024-05-04", "units_sold"].sum()
    assert line.startswith(
        f"stock.date: the latest snapshot, 2024-05-04, is 30 days older than as_of {AS_OF}; "
        f"{since:,} units sold since are not in it;"
    )


def _snapshots(world: dict[str, pd.DataFrame], n: int, step_days: int) -> pd.DataFrame:
    days = [pd.Timestamp(AS_OF) - pd.Timedelta(days=step_days * index) for index in range(n)]
    return pd.concat([world["stock"].assign(date=f"{day:%Y-%m-%d}") for day in days], ignore_index=True)


@pytest.mark.parametrize(("n_skus", "n_earlier"), [(5, 1), (5, 4), (200, 1), (200, 4)])
def test_half_a_snapshot_is_reported(n_skus: int, n_earlier: int, tmp_path: Path) -> None:
    world = foreign_world(days=30, skus=tuple(f"S{index:03}" for index in range(n_skus)))
    whole = _snapshots(world, n_earlier + 1, 7)
    world["stock"] = whole
    assert _incomplete(world, tmp_path) == []
    is_lost = (whole["date"] == AS_OF.isoformat()) & (whole["sku"] >= f"S{n_skus // 2:03}")
    world["stock"] = whole[~is_lost]
    lines = _incomplete(world, tmp_path)
    assert any(line.startswith("stock.date: 2024-06-03 has") for line in lines)


def test_an_incomplete_first_snapshot_is_reported_by_skus_that_sell_without_a_stock_row(tmp_path: Path) -> None:
    world = foreign_world()
    world["stock"] = world["stock"][world["stock"]["sku"].isin(["A", "B"])]
    (line,) = _incomplete(world, tmp_path)
    assert line.startswith("stock.sku: 3 of 5 SKUs sold in the last 28 days have no row in the snapshot")


def test_a_hub_that_delivers_and_was_not_counted_is_named(tmp_path: Path) -> None:
    world = foreign_world()
    world["stock"] = world["stock"][world["stock"]["hub"] == "H1"]
    (line,) = _incomplete(world, tmp_path)
    assert line.startswith("stock.hub: 1 of 2 delivering hubs without a row in the snapshot (H2) count as empty")


def test_missing_data_stop_a_run_so_configured_before_it_writes(tmp_path: Path) -> None:
    world = foreign_world(days=120)
    sales = world["sales"]
    world["sales"] = sales[(sales["region"] != "R2") | (sales["date"] <= "2024-05-10")]
    settings = write_world(world, tmp_path, "inputs.on_warning=stop")
    with pytest.raises(InputError) as stopped:
        snapshot.accept_for_run(settings, None, "rebalance")
    assert stopped.value.exit_code == 2
    assert "--set inputs.on_warning=warn" in stopped.value.lines[0]
    assert not (tmp_path / "wh").exists()
    assert snapshot.accept_for_run(write_world(world, tmp_path), None, "rebalance").warnings
    assert snapshot.accept(settings, None, "rebalance", write=False).warnings


def test_warnings_about_money_do_not_stop(tmp_path: Path) -> None:
    world = foreign_world()
    world["skus"]["unit_cost_eur"] = np.nan
    settings = write_world(world, tmp_path, "inputs.on_warning=stop")
    assert snapshot.accept_for_run(settings, None, "rebalance").warnings


@pytest.mark.parametrize("day", ["2042-06-02", "2034-01-01", "2199-12-31"])
def test_a_row_of_the_far_future_is_named_and_left_out(day: str, tmp_path: Path) -> None:
    world = foreign_world()
    typo = pd.DataFrame({"date": [pd.Timestamp(day)], "region": "R1", "sku": "A", "units_sold": 7})
    result = validated(world | {"sales": pd.concat([world["sales"], typo])}, tmp_path)
    assert result.as_of == AS_OF
    assert not result.stops
    assert any(f"date={day}, region=R1, sku=A" in line and "left out" in line for line in result.warnings)
    assert result.tables["sales"]["date"].max() == LAST


@pytest.mark.parametrize("day", ["1970-01-01", "1924-06-01", "2014-05-03"])
def test_a_row_of_the_distant_past_is_named_and_left_out(day: str, tmp_path: Path) -> None:
    world = foreign_world()
    typo = pd.DataFrame({"date": [pd.Timestamp(day)], "region": "R1", "sku": "A", "units_sold": 7})
    result = validated(world | {"sales": pd.concat([typo, world["sales"]])}, tmp_path)
    assert not result.stops
    assert any(f"date={day}, region=R1, sku=A" in line for line in result.warnings)
    assert result.tables["sales"]["date"].min() == world["sales"]["date"].min()


def test_sales_after_a_long_closure_are_no_typing_error(tmp_path: Path) -> None:
    world = foreign_world(days=300)
    sales = world["sales"]
    closed = sales["date"].between("2024-03-01", "2024-06-01")
    result = validated(world | {"sales": sales[~closed]}, tmp_path)
    assert result.as_of == AS_OF
    assert not any("far from all others" in line for line in result.warnings)
