"""IDs that differ only in capitals and blanks are reported, whatever table has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.fuzz.judge import PLURAL_OF_ONE
from tests.worlds.foreign_world import foreign_world, validated


@pytest.mark.parametrize("spelled", ["B ", " B", "\u00a0B"])
def test_an_id_with_blanks_is_read_as_one_and_named(spelled: str, tmp_path: Path) -> None:
    world = foreign_world()
    sales = world["sales"]
    world["sales"] = sales.assign(
        sku=sales["sku"].where(sales["date"] < "2024-05-20", sales["sku"].replace("B", spelled))
    )
    result = validated(world, tmp_path)
    (line,) = result.warnings
    assert line.startswith("sales.sku: 1 id written with and without blanks, first: '")
    assert line.endswith("; each is read as one id; write each id in one way")
    assert set(result.tables["sales"]["sku"].astype(str)) == set("ABCDE")


def test_rows_that_blanks_make_equal_are_refused_with_both_spellings(tmp_path: Path) -> None:
    world = foreign_world()
    again = world["skus"].iloc[:1].assign(sku="A ")
    (fault,) = validated(world | {"skus": pd.concat([world["skus"], again])}, tmp_path).faults
    assert "1 row with a key that stands twice" in str(fault)
    assert str(fault).endswith("blanks around ids do not count: 'A' and 'A ' are one id")


@pytest.mark.parametrize(("table", "column"), [("skus", "sku"), ("regions", "region"), ("hubs", "hub")])
def test_ids_that_differ_in_capitals_or_inner_blanks_are_named_where_they_are_defined(
    table: str, column: str, tmp_path: Path
) -> None:
    world = foreign_world()
    first = str(world[table][column].iloc[0])
    world[table] = pd.concat(
        [world[table], world[table].iloc[:1].assign(**{column: f"{first[0].lower()} {first[1:]}"})]
    )
    warnings = [line for line in validated(world, tmp_path).warnings if "written in several ways" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{table}.{column}: 1 id written in several ways, first: '{first}' and '")


def test_an_unknown_id_is_refused_with_the_spelling_that_is_known(tmp_path: Path) -> None:
    world = foreign_world()
    world["sales"]["sku"] = world["sales"]["sku"].replace("B", "b")
    faults = [str(fault) for fault in validated(world, tmp_path).faults]
    assert any("with a sku unknown to skus" in line and line.endswith("; skus has 'B'") for line in faults)


@pytest.mark.parametrize(("stock", "inbound"), [(12, 0), (0, 30), (7, 5)])
def test_stock_of_a_replaced_sku_is_named_with_its_successor(stock: int, inbound: int, tmp_path: Path) -> None:
    world = foreign_world()
    world["skus"]["replaces"] = np.where(world["skus"]["sku"] == "C", "B", "")
    is_old = world["stock"]["sku"] == "B"
    world["stock"]["units_on_hand"] = np.where(is_old & (world["stock"]["hub"] == "H1"), stock, np.where(is_old, 0, 20))
    world["inbound"] = pd.DataFrame(
        {"inbound_id": ["i"], "hub": "H2", "sku": "B", "units": inbound, "arrival_date": "2024-06-05"}
    )
    lines = [line for line in validated(world, tmp_path).warnings if "of replaced SKUs" in line]
    expected = [f"stock.sku: 1 row of replaced SKUs in stock; the plan does not count their {stock} units"] * bool(
        stock
    )
    expected += [f"inbound.sku: 1 row of replaced SKUs on order; the plan does not count their {inbound} units"] * bool(
        inbound
    )
    assert [line.split(" for the SKUs")[0] for line in lines] == expected
    assert all("sku=B: " in line and "replaced by C" in line for line in lines)
    world["sales"] = world["sales"][world["sales"]["sku"] != "C"]
    assert not any("of replaced SKUs" in line for line in validated(world, tmp_path).warnings)


@pytest.mark.parametrize("lacks", ["unit_price_eur", "unit_cost_eur", "supply"])
def test_the_stake_of_missing_input_does_not_count_an_outlier(lacks: str, tmp_path: Path) -> None:
    world = foreign_world()
    if lacks == "supply":
        del world["supply"]
    else:
        world["skus"] = world["skus"].drop(columns=lacks)
    plain = validated(world, tmp_path)
    world["sales"].loc[world["sales"].index[-1], "units_sold"] = 900_000
    odd = validated(world, tmp_path)
    assert sum("beyond anything the series ever sold" in line for line in odd.warnings) == 1
    texts = [str(one) for one in (*odd.warnings, *odd.assumptions) if "beyond anything" not in str(one)]
    assert not any(f"{90},{0:02}" in text for text in texts)
    for one, other in zip(plain.assumptions, odd.assumptions, strict=True):
        assert one.key == other.key
        assert (one.eur or 0) == pytest.approx(other.eur or 0, rel=0.02)


@pytest.mark.parametrize("units", [1, 2])
def test_counts_of_one_use_the_singular(units: int, tmp_path: Path) -> None:
    """A world in which most warnings count one region, one SKU, one hub, one unit."""
    world = foreign_world(days=90, regions=("R1", "R2"), skus=("A", "B"))
    is_recent = world["sales"]["date"] >= "2024-05-06"
    world["sales"].loc[is_recent, "units_sold"] = 0
    world["sales"].loc[world["sales"].index[-1], "units_sold"] = units
    world["skus"]["handling_class"] = ["ambient", "cold"]
    world["skus"].loc[1, ["unit_price_eur", "unit_cost_eur"]] = np.nan
    world["lanes"]["handling_classes"] = "ambient"
    world["lanes"] = world["lanes"][(world["lanes"]["destination"] != "R2") & (world["lanes"]["origin"] != "H2")]
    world["stock"] = world["stock"].assign(date="2024-05-20")[world["stock"]["hub"] == "H1"]
    result = validated(world, tmp_path)
    lines = [*result.warnings, *map(str, result.assumptions)]
    assert len(lines) > 4
    assert [line for line in lines if PLURAL_OF_ONE.search(line)] == []
