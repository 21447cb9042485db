"""Valid but probably unintended input gives a warning and does not stop the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation.settings import Settings
from foundation.store import snapshot
from foundation.validation.completeness import sales_warnings
from foundation.validation.input_table import ValidInputs
from foundation.validation.stock import thin_hubs
from tests.conftest import Tables
from tests.manual.conftest import AS_OF


@pytest.fixture
def warnings(
    demo_tables: Tables, write_tables: Callable[..., Path], settings_for: Callable[..., Settings], tmp_path: Path
) -> Callable[[str], tuple[str, ...]]:
    """Return a function that gives the warnings of the (changed) demo tables."""

    def given(needs: str) -> tuple[str, ...]:
        folder = write_tables(demo_tables, tmp_path / "inputs")
        return snapshot.accept(settings_for(folder), AS_OF, needs, write=False).warnings

    return given


def test_the_bundled_data_give_none(warnings: Callable[[str], tuple[str, ...]]) -> None:
    assert warnings("rebalance") == ()


def test_a_lost_sale_cheaper_than_any_delivery(demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]) -> None:
    demo_tables["skus"].loc[1, "lost_sale_eur"] = 0.5
    sales = demo_tables["sales"]
    recent = (sales["date"] >= pd.Timestamp("2016-04-25")) & (sales["sku"] == "FOODS_2_096")
    sold = sales.loc[recent, "units_sold"].sum()
    assert warnings("rebalance") == (
        f"skus.lost_sale_eur: 1 row below the cheapest delivery ({sold:,.0f} units sold in the last 28 days), first: sku=FOODS_2_096; "
        "a plan would rather refuse the customer",
    )
    assert warnings("forecast") == ()


def test_where_it_is_not_given_a_lost_sale_is_price_less_cost(
    demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]
) -> None:
    skus = demo_tables["skus"]
    del skus["lost_sale_eur"]
    skus["unit_price_eur"] = skus["unit_cost_eur"] + [100.0, 0.01, 100.0, 0.01]
    (warning,) = warnings("rebalance")
    assert warning.startswith("skus.lost_sale_eur: 2 rows below the cheapest delivery")
    assert {"sku=FOODS_2_096", "sku=HOUSEHOLD_1_521"} <= set(warning.replace(";", " ").split())


def test_a_price_that_only_the_table_of_prices_has_is_the_price(
    demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]
) -> None:
    skus = demo_tables["skus"].drop(columns=["lost_sale_eur", "unit_price_eur"], errors="ignore")
    price = skus.set_index("sku")["unit_cost_eur"] + [100.0, 0.01, 100.0, 0.01]
    prices = demo_tables["prices"]
    demo_tables["skus"] = skus
    demo_tables["prices"] = prices.assign(unit_price_eur=prices["sku"].astype(str).map(price).astype("float64"))
    (warning,) = warnings("rebalance")
    assert warning.startswith("skus.lost_sale_eur: 2 rows below the cheapest delivery")
    assert {"sku=FOODS_2_096", "sku=HOUSEHOLD_1_521"} <= set(warning.replace(";", " ").split())


def test_a_region_without_incoming_lanes(demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]) -> None:
    lanes = demo_tables["lanes"]
    demo_tables["lanes"] = lanes[(lanes["kind"] != "delivery") | (lanes["destination"] != "TX_1")]
    sales = demo_tables["sales"]
    recent = (sales["date"] >= pd.Timestamp("2016-04-25")) & (sales["region"] == "TX_1")
    assert warnings("rebalance") == (
        "regions.region: 1 region without a delivery lane, first: TX_1; all their demand "
        f"({sales.loc[recent, 'units_sold'].sum():,.0f} units sold in the last 28 days) will count as lost; "
        "add a lane of kind delivery to each, or remove them",
    )


def test_a_hub_without_outgoing_lanes(demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]) -> None:
    """A new hub without lanes would otherwise silently be absent from every plan."""
    hubs = demo_tables["hubs"]
    demo_tables["hubs"] = pd.concat([hubs, hubs.iloc[:1].assign(hub="DEN")], ignore_index=True)
    assert warnings("rebalance") == (
        "hubs.hub: 1 hub without a lane that begins there, first: DEN; nothing can be sent from them; "
        "add lanes that begin there, or remove them",
    )


DAYS = pd.date_range("2016-04-01", "2016-05-22")


def sales_of(n_skus: int) -> pd.DataFrame:
    """Return sales of two regions and ``n_skus`` skus on all ``DAYS``."""
    grid = pd.MultiIndex.from_product([DAYS, ["CA_1", "TX_1"], range(n_skus)], names=["date", "region", "sku"])
    return grid.to_frame(index=False)


def warnings_of(sales: pd.DataFrame, frequency: str = "D", closed_days: tuple[str, ...] = ()) -> str:
    """Return the only warning about ``sales``; empty without one."""
    settings = Settings.model_validate(
        {"frequency": frequency, "series": {"closed_days": closed_days}, "forecast": {"window_days": (7, 14)}}
    )
    result = list(sales_warnings(ValidInputs({"sales": sales.assign(units_sold=1.0)}, settings, AS_OF)))
    assert len(result) <= 1
    return str(result[0]) if result else ""


def test_sales_of_half_a_day_are_reported() -> None:
    """Rows missing from a feed would be taken for a drop in demand."""
    sales = sales_of(100)
    is_cut = (sales["date"] == DAYS[-1]) & (sales["region"] == "TX_1") & (sales["sku"] >= 49)
    assert warnings_of(sales) == ""
    assert warnings_of(sales[~is_cut]) == (
        "sales.date: 2016-05-22 has 49 rows of region TX_1, usually there are 100; what is missing counts as nothing sold; "
        "load the period again; where it was closed, give rows with units_sold 0 and in_stock_rate 0"
    )


def test_unknown_missing_sales_are_no_cut() -> None:
    sales = sales_of(30)
    settings = Settings.model_validate({"series": {"missing_sales": "unknown"}})
    cut = sales[(sales["date"] < DAYS[-1]) | (sales["region"] == "CA_1")].assign(units_sold=1.0)
    assert list(sales_warnings(ValidInputs({"sales": cut}, settings, AS_OF))) == []


def test_a_region_without_a_row_on_the_last_day_is_reported_and_a_closed_day_is_not() -> None:
    sales = sales_of(30)
    sales = sales[(sales["date"] < DAYS[-1]) | (sales["region"] == "CA_1")]
    assert "has 0 rows of region TX_1, usually there are 30" in warnings_of(sales)
    assert warnings_of(sales, closed_days=("2016-05-22",)) == ""
    assert warnings_of(sales, closed_days=("SUN",)) == ""


@pytest.mark.parametrize(("left", "is_reported"), [(24, False), (23, True), (1, True)])
def test_where_rows_never_vary_a_fifth_less_is_reported(left: int, is_reported: bool) -> None:
    sales = sales_of(30)
    is_cut = (sales["date"] == DAYS[-1]) & (sales["sku"] >= left)
    assert bool(warnings_of(sales[~is_cut])) == is_reported


@pytest.mark.parametrize(("left", "is_reported"), [(10, False), (3, True)])
def test_where_rows_vary_chance_may_take_half(left: int, is_reported: bool) -> None:
    """Order lines: of 200 SKUs about 20 sell on a day, in each of two regions."""
    sales = sales_of(200)
    sales = sales[np.random.default_rng(1).random(len(sales)) < 0.1]
    is_last = sales["date"] == DAYS[-1]
    kept = sales[is_last].groupby("region").head(left)
    assert bool(warnings_of(pd.concat([sales[~is_last], kept]))) == is_reported


def test_closed_days_are_not_compared_with() -> None:
    sales = sales_of(100)
    closed = ("2016-05-15", "2016-05-08", "2016-05-01")
    sales = sales[~sales["date"].isin(pd.to_datetime(closed))]
    is_cut = (sales["date"] == DAYS[-1]) & (sales["sku"] >= 49)
    assert "usually there are 200" in warnings_of(sales[~is_cut], closed_days=closed)


def snapshots(*rows: tuple[str, int, int]) -> tuple[pd.Series, pd.Series]:
    """Return days and hubs of stock rows; each of ``rows`` is a day and how many rows hubs X and Y have."""
    hubs = [hub for _, x, y in rows for hub in ["X"] * x + ["Y"] * y]
    days = [pd.Timestamp(day) for day, x, y in rows for _ in range(x + y)]
    return pd.Series(days), pd.Series(hubs)


def test_a_hub_is_compared_with_several_snapshots() -> None:
    """The run after a broken snapshot must report it as well as the run on its date."""
    whole = [("2016-05-18", 20, 20), ("2016-05-19", 20, 20), ("2016-05-20", 20, 20)]
    assert "0 rows of hub Y" in str(thin_hubs(*snapshots(*whole, ("2016-05-21", 20, 0), ("2016-05-22", 20, 0))))
    assert "9 rows of hub Y, usually there are 20" in str(thin_hubs(*snapshots(*whole, ("2016-05-21", 20, 9))))
    assert thin_hubs(*snapshots(*whole, ("2016-05-21", 20, 16))) is None
    assert "0 rows of hub Y" in str(thin_hubs(*snapshots(("2016-05-18", 20, 7), ("2016-05-19", 20, 0))))


def test_a_faulty_stock_table_gives_a_message_and_no_traceback(
    demo_tables: Tables, refused: Callable[..., list[str]], tmp_path: Path, write_tables: Callable[..., Path]
) -> None:
    folder = write_tables(demo_tables, tmp_path / "inputs")
    stock = demo_tables["stock"]
    (folder / "stock.parquet").unlink()
    text = (
        stock.assign(date=stock["date"].dt.strftime("%Y-%m-%d")).to_csv(index=False).replace("units_reserved", "hub", 1)
    )
    (folder / "stock.csv").write_text(text, "utf-8")
    assert any("stock.hub: stands twice" in line for line in refused())


def test_a_weekly_table_is_compared_with_the_weeks_before() -> None:
    sales = sales_of(100)
    sales = sales[sales["date"].dt.day_of_week == 0]
    is_cut = (sales["date"] == pd.Timestamp("2016-05-16")) & (sales["sku"] >= 20)
    assert "2016-05-16 has 40 rows, usually there are 200" in warnings_of(sales[~is_cut], "W-MON")


def test_a_hub_that_fell_out_of_a_snapshot_is_reported(
    demo_tables: Tables, warnings: Callable[[str], tuple[str, ...]]
) -> None:
    """Missing rows count as empty shelves: the plan would fill them."""
    skus = [f"S{number:02}" for number in range(12)]
    first = demo_tables["skus"].iloc[:1]
    demo_tables["skus"] = pd.concat([demo_tables["skus"], *(first.assign(sku=sku) for sku in skus)], ignore_index=True)
    counted = [
        demo_tables["stock"].iloc[:1].assign(date=pd.Timestamp(day), hub=hub, sku=sku)
        for day in ("2016-05-16", AS_OF)
        for hub in demo_tables["hubs"]["hub"]
        for sku in skus
    ]
    whole = pd.concat(counted, ignore_index=True)
    demo_tables["stock"] = whole
    assert all(warning.startswith("stock.sku: 4 of 4 SKUs sold") for warning in warnings("rebalance"))
    lost = whole["hub"].iloc[0]
    demo_tables["stock"] = whole[(whole["hub"] != lost) | (whole["date"] < pd.Timestamp(AS_OF))]
    assert any(
        warning.startswith(f"stock.date: 2016-05-23 has 0 rows of hub {lost}, usually there are 12;")
        for warning in warnings("rebalance")
    )
