"""Remedies that fit the data: gaps, closed days, sales written only when something was sold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation.periods import Frequency, closed_periods
from foundation.validation.time import closed_line
from tests.worlds.foreign_world import foreign_world, validated


def _only_sales(level: float = 0.04) -> dict[str, pd.DataFrame]:
    """Return the tables of a small shop that writes a row only where something was sold; on some days nothing was sold anywhere."""
    world = foreign_world(days=400, level=level)
    world["sales"] = world["sales"][world["sales"]["units_sold"] > 0]
    return world


def test_unknown_is_no_remedy_where_rows_are_only_written_for_sales(tmp_path: Path) -> None:
    lines = [str(fault) for fault in validated(_only_sales(), tmp_path).faults]
    (line,) = [line for line in lines if "without a row of any series" in line]
    assert "missing_sales" not in line
    assert "give a row with 0 for a day on which nothing was sold (one row is enough)" in line


def test_closed_days_are_no_remedy_where_many_single_days_without_sales_have_no_row(tmp_path: Path) -> None:
    """Named as closed, those days would be unknown, and the forecast would be that of days with sales."""
    (fault,) = [fault for fault in validated(_only_sales(), tmp_path).faults if "without a row" in fault.problem]
    assert "closed" not in fault.remedy
    assert fault.paste == ""


@pytest.mark.parametrize("level", [0.5, 4.0, 40.0])
def test_unknown_is_a_remedy_where_every_period_has_its_row(level: float, tmp_path: Path) -> None:
    world = foreign_world(days=200, level=level)
    sales = world["sales"]
    world["sales"] = sales[~sales["date"].isin(pd.to_datetime(["2024-03-05", "2024-03-06"]))]
    (line,) = [str(fault) for fault in validated(world, tmp_path).faults]
    assert line.endswith("or set series.missing_sales: unknown")


def test_one_row_of_zero_is_enough(tmp_path: Path) -> None:
    world = _only_sales()
    days = pd.date_range("2024-01-01", "2024-06-02")
    zeros = pd.DataFrame({"date": days, "region": "R1", "sku": "A", "units_sold": 0})
    sales = world["sales"][world["sales"]["date"] >= "2024-01-01"]
    world["sales"] = pd.concat([sales, zeros]).drop_duplicates(["date", "region", "sku"])
    assert validated(world, tmp_path).faults == ()


def test_the_closed_days_line_can_be_pasted_and_repairs_the_input(tmp_path: Path) -> None:
    world = foreign_world(days=400)
    sales = world["sales"]
    lost = pd.to_datetime(["2023-12-25", "2024-01-01", "2024-03-29", "2024-04-01", "2024-05-01"])
    world["sales"] = sales[(sales["date"].dt.day_of_week != 5) & ~sales["date"].isin(lost)]
    result = validated(world, tmp_path)
    assert result.as_of is not None
    (line,) = [str(fault) for fault in result.faults]
    pasted = line.split("series.closed_days: ", 1)[1].split("]", 1)[0] + "]"
    assert pasted == "[Sat, 2023-12-25, 2024-01-01, 2024-03-29, 2024-04-01, 2024-05-01]"
    assert validated(world, tmp_path, f"series.closed_days={pasted}").faults == ()


@pytest.mark.parametrize("code", ["D", "W-MON", "W-SUN"])
@pytest.mark.parametrize("seed", range(4))
def test_the_line_names_exactly_the_empty_periods(code: str, seed: int) -> None:
    grid = Frequency(code)
    first = pd.Timestamp("2022-01-03") if code != "W-SUN" else pd.Timestamp("2022-01-02")
    periods = grid.range(first.date(), 150)
    draw = np.random.default_rng(seed)
    is_empty = draw.random(len(periods)) < 0.1
    if grid.days == 1:
        is_empty |= periods.day_of_week == seed
    line = closed_line(periods[is_empty], periods[~is_empty], grid)
    assert (closed_periods(periods, tuple(line), grid) == is_empty).all()


def test_unknown_with_rows_only_for_sales_is_a_warning_with_its_factor(tmp_path: Path) -> None:
    unknown = "series.missing_sales=unknown"
    (line,) = validated(_only_sales(0.2), tmp_path, unknown).warnings
    assert line.startswith("sales.units_sold: 0 of ")
    assert "times what is sold" in line
    factor = float(line.split("about ", 1)[1].split(" times", 1)[0])
    assert 4.5 < factor < 6.5
    assert validated(foreign_world(days=200), tmp_path, unknown).warnings == ()
    assert validated(foreign_world(days=200, level=40.0), tmp_path, unknown).warnings == ()


def _renamed(days_ago: int, share: float = 1.0) -> dict[str, pd.DataFrame]:
    """Return a world where D becomes D2 some days before the end, at ``share`` of its level."""
    world = foreign_world(days=200)
    sales, skus = world["sales"], world["skus"]
    is_new = (sales["sku"] == "D") & (sales["date"] > pd.Timestamp("2024-06-02") - pd.Timedelta(days=days_ago))
    world["sales"] = sales.assign(
        sku=sales["sku"].where(~is_new, "D2"), units_sold=(sales["units_sold"] * np.where(is_new, share, 1.0)).round()
    )
    new = skus[skus["sku"] == "D"].assign(sku="D2")
    world["skus"] = pd.concat([skus, new], ignore_index=True)
    return world | {"stock": pd.concat([world["stock"], world["stock"].iloc[:1].assign(sku="D2")], ignore_index=True)}


@pytest.mark.parametrize("days_ago", [9, 21, 60])
def test_a_likely_rename_is_named(days_ago: int, tmp_path: Path) -> None:
    warnings = validated(_renamed(days_ago), tmp_path).warnings
    begin = f"{pd.Timestamp('2024-06-03') - pd.Timedelta(days=days_ago):%Y-%m-%d}"
    assert any(line.startswith(f"skus.sku: D2 began on {begin} when D ended") for line in warnings)


def test_another_level_another_group_and_a_named_one_are_no_rename(tmp_path: Path) -> None:
    def warnings(world: dict[str, pd.DataFrame]) -> list[str]:
        return [
            line
            for line in validated(world, tmp_path, "series.hierarchy=[department, category]").warnings
            if "began on" in line
        ]

    assert warnings(_renamed(21)) != []
    assert warnings(_renamed(21, share=3.0)) == []
    assert warnings(foreign_world(days=200)) == []
    other = _renamed(21)
    other["skus"].loc[other["skus"]["sku"] == "D2", "department"] = "elsewhere"
    assert warnings(other) == []
    named = _renamed(21)
    named["skus"]["replaces"] = np.where(named["skus"]["sku"] == "D2", "D", None)
    assert warnings(named) == []


def _overdue(days: int) -> pd.DataFrame:
    due = pd.Timestamp("2024-06-03") - pd.Timedelta(days=days)
    return pd.DataFrame(
        {"inbound_id": ["po1"], "hub": "H1", "sku": "A", "units": 70, "arrival_date": f"{due:%Y-%m-%d}"}
    )


@pytest.mark.parametrize(("days", "is_reported"), [(1, False), (60, False), (61, True), (516, True)])
def test_goods_overdue_for_too_long_are_reported_with_their_units(days: int, is_reported: bool, tmp_path: Path) -> None:
    warnings = validated(foreign_world() | {"inbound": _overdue(days)}, tmp_path).warnings
    assert [line.startswith("inbound.arrival_date: 1 row more than 60 days overdue") for line in warnings] == [
        True
    ] * is_reported
    assert all("70 units no longer count as on their way, first: inbound_id=po1" in line for line in warnings)


@pytest.mark.parametrize(("weekdays", "is_weekly"), [((2,), True), ((2, 4), False)])
def test_rows_on_one_weekday_alone_are_taken_for_weekly_totals_first(
    weekdays: tuple[int, ...], is_weekly: bool, tmp_path: Path
) -> None:
    world = foreign_world(days=200)
    world["sales"] = world["sales"][world["sales"]["date"].dt.day_of_week.isin(weekdays)]
    (line,) = [str(fault) for fault in validated(world, tmp_path).faults if fault.table == "sales"]
    assert ("; if the rows are totals of weeks that start on it, set frequency: W-WED; otherwise" in line) == is_weekly
