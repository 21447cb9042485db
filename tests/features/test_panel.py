"""The panel: series, gaps and prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features import build_panel
from features.panel_builder import without_partial_weeks
from foundation.errors import InputError
from tests.worlds.small_world import AS_OF, settings, tables


def _units(panel, region: str, sku: str) -> np.ndarray:
    index = panel.series.query("region == @region and sku == @sku").index[0]
    return panel.demand[index]


def test_gap_between_rows_is_a_zero_and_does_not_shift_later_periods() -> None:
    """Otherwise a missing date would silently shift every lag after it."""
    given = tables()
    sales = given["sales"].assign(in_stock_rate=1.0)
    is_gap = (sales["date"] == "2024-05-20") & (sales["region"] == "east") & (sales["sku"] == "cream")
    whole = build_panel(given | {"sales": sales}, settings(), AS_OF)
    gappy = build_panel(given | {"sales": sales[~is_gap]}, settings(), AS_OF)
    before, after = _units(whole, "east", "cream"), _units(gappy, "east", "cream")
    column = whole.n_history - 14
    assert after[column] == 0
    assert np.array_equal(np.delete(before, column), np.delete(after, column))


def test_gap_is_unknown_when_missing_sales_are_unknown() -> None:
    given = tables()
    sales = given["sales"].assign(in_stock_rate=1.0)
    chosen = settings()
    chosen = chosen.model_copy(update={"series": chosen.series.model_copy(update={"missing_sales": "unknown"})})
    panel = build_panel(given | {"sales": sales[sales["date"] != "2024-05-20"]}, chosen, AS_OF)
    assert np.isnan(panel.demand[:, panel.n_history - 14]).all()


def test_demand_is_unknown_before_the_first_row() -> None:
    given = tables()
    sales = given["sales"]
    late = (sales["sku"] == "dates") & (sales["date"] < "2024-05-01")
    panel = build_panel(given | {"sales": sales[~late]}, settings(), AS_OF)
    begun = (np.datetime64("2024-05-01") - panel.periods[0].astype("datetime64[D]")).astype(int)
    assert np.isnan(_units(panel, "east", "dates")[:begun]).all()


def test_sales_of_a_period_partly_out_of_stock_are_not_demand() -> None:
    given = tables()
    panel = build_panel(given, settings(), AS_OF)
    assert np.isnan(panel.demand[panel.in_stock_rate < 1]).all()
    assert np.isfinite(panel.units_sold).all()


def test_price_holds_until_the_next_one_and_is_known_ahead() -> None:
    panel = build_panel(tables(), settings(), AS_OF)
    assert panel.price[0, 0] == 2.0
    assert panel.price[0, panel.n_history - 1] == 1.5
    assert panel.price[0, panel.n_history + 4] == 1.5
    assert panel.price[0, panel.n_history + 5] == 2.5


def test_priced_pair_without_sales_is_a_new_series() -> None:
    given = tables()
    sales = given["sales"]
    unsold = sales[~((sales["region"] == "west") & (sales["sku"] == "apple"))]
    panel = build_panel(given | {"sales": unsold}, settings(), AS_OF)
    assert np.isnan(_units(panel, "west", "apple")).all()


def test_a_delisted_sku_is_not_a_series() -> None:
    given = tables()
    skus = given["skus"].assign(delist_date=pd.to_datetime(["2024-06-03", None, None, None]).as_unit("us"))
    panel = build_panel(given | {"skus": skus}, settings(), AS_OF)
    assert "apple" not in set(panel.series["sku"])


def test_missing_sales_before_as_of_are_reported() -> None:
    given = tables()
    with pytest.raises(InputError, match=r"0 of 0 usable rows lie before as_of .*load earlier sales"):
        build_panel(given | {"sales": given["sales"].iloc[:0]}, settings(), AS_OF)


def test_a_closed_period_is_unknown_and_not_zero() -> None:
    chosen = settings()
    chosen = chosen.model_copy(update={"series": chosen.series.model_copy(update={"closed_days": ("05-20",)})})
    panel = build_panel(tables(), chosen, AS_OF)
    assert np.isnan(panel.demand[:, panel.is_closed[: panel.n_history]]).all()
    assert panel.is_closed[: panel.n_history].any()


def test_prices_belong_to_their_series() -> None:
    given = tables()
    prices = given["prices"].reset_index(drop=True)
    given["prices"] = prices.assign(unit_price_eur=prices.index + 1.0)
    panel = build_panel(given, settings(), AS_OF)
    held = given["prices"][given["prices"]["date"] < pd.Timestamp(AS_OF)].sort_values("date").astype({"region": "str", "sku": "str"})  # fmt: skip
    right = held.groupby(["region", "sku"])["unit_price_eur"].last()
    assert len(right) > 1
    for index, row in enumerate(panel.series.astype({"region": "str", "sku": "str"}).itertuples()):
        assert panel.price[index, panel.n_history - 1] == right[row.region, row.sku]


def test_the_first_week_is_unknown_where_many_series_began_in_the_middle_of_it() -> None:
    """40 series begin with five days of seven; one of 50 weeks and one that begins later keep every week."""
    demand = np.random.default_rng(2).poisson(50.0, (42, 50)).astype(np.float32)
    demand[2:, :46] = np.nan
    demand[1, :48] = np.nan
    whole = demand.copy()
    demand[2:, 46] = np.round(demand[2:, 46] * 5 / 7)
    result = without_partial_weeks(demand)
    assert np.isnan(result[2:, 46]).all()
    assert np.isfinite(result[2:, 47:]).all()
    assert np.array_equal(result[:2], demand[:2], equal_nan=True)
    assert without_partial_weeks(whole) is whole
