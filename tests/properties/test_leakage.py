"""Nothing after an origin reaches a feature of that origin, table by table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features import build_panel, forecast_matrix, training_set
from foundation.settings import Settings
from tests.worlds.small_world import AS_OF, REGIONS, SKUS, settings, tables

Tables = dict[str, pd.DataFrame]
_SMALL: Settings = settings()
_TODAY = pd.Timestamp(AS_OF)


def _later_sales(given_tables: Tables) -> Tables:
    later = given_tables["sales"].tail(24).assign(units_sold=999.0)
    later["date"] = later["date"] + pd.Timedelta(days=3)
    return {"sales": pd.concat([given_tables["sales"], later[later["date"] >= _TODAY]])}


def _later_weather(given_tables: Tables) -> Tables:
    regional = given_tables["regional"].copy()
    regional.loc[regional["date"] >= _TODAY, "temperature"] = 999.0
    return {"regional": regional}


def _later_returns(given_tables: Tables) -> Tables:
    rows = [{"date": _TODAY, "region": REGIONS[0], "sku": SKUS[0], "units_returned": 99}]
    return {"returns": pd.concat([given_tables["returns"], pd.DataFrame(rows)])}


def _with_returns() -> Tables:
    rows = [{"date": _TODAY - pd.Timedelta(days=9), "region": REGIONS[0], "sku": SKUS[0], "units_returned": 2}]
    return tables() | {"returns": pd.DataFrame(rows)}


@pytest.mark.parametrize("perturb", [_later_sales, _later_weather, _later_returns])
def test_rows_after_as_of_change_no_feature(perturb: Callable[[Tables], Tables]) -> None:
    known = _with_returns()
    before = forecast_matrix(build_panel(known, _SMALL, AS_OF), _SMALL)
    after = forecast_matrix(build_panel(known | perturb(known), _SMALL, AS_OF), _SMALL)
    assert before.names == after.names
    assert before.values.tobytes() == after.values.tobytes()


@hypothesis_settings(max_examples=8, deadline=None)
@given(days_back=st.integers(1, 7), units=st.floats(0, 500), seed=st.integers(0, 9))
def test_sales_after_a_past_origin_change_no_feature_of_it(days_back: int, units: float, seed: int) -> None:
    """Calibration origins lie 14 and 7 days back: sales of the last 7 days may not reach them."""
    known = tables(days=60, seed=seed)
    sales = known["sales"].copy()
    sales.loc[sales["date"] >= _TODAY - pd.Timedelta(days=days_back), "units_sold"] = units
    before, after = (
        [matrix.values for matrix in training_set(build_panel(given_tables, _SMALL, AS_OF), _SMALL).calibration]
        for given_tables in (known, known | {"sales": sales})
    )
    assert len(before) == 2
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one, other, equal_nan=True)


def test_the_announced_plan_is_used() -> None:
    """Prices and flags known in advance are allowed to matter; a test of leakage that nothing could fail proves little."""
    known = tables()
    prices = known["prices"].copy()
    prices.loc[prices["date"] >= _TODAY, "unit_price_eur"] = 9.0
    before = forecast_matrix(build_panel(known, _SMALL, AS_OF), _SMALL)
    after = forecast_matrix(build_panel(known | {"prices": prices}, _SMALL, AS_OF), _SMALL)
    changed = {name for index, name in enumerate(before.names)
               if not np.array_equal(before.values[:, index], after.values[:, index], equal_nan=True)}  # fmt: skip
    assert changed
    assert all(name.startswith("price") for name in changed)
