"""A renamed SKU keeps its history, and the old SKU is not forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import models
from features import build_panel, forecast_matrix, training_set
from foundation.validation.renames import replacement_faults
from tests.worlds.small_world import AS_OF, settings, tables

_SMALL = settings()


def _renamed(days: int, overlap: int = 0) -> dict[str, pd.DataFrame]:
    """Return the small world in which `cream` is called `creme` in the last ``days``, both in ``overlap`` days at half."""
    given = tables()
    sales = given["sales"].assign(in_stock_rate=1.0)
    is_cream = sales["sku"] == "cream"
    since = pd.Timestamp(AS_OF) - pd.Timedelta(days=days)
    both = is_cream & (sales["date"] >= since) & (sales["date"] < since + pd.Timedelta(days=overlap))
    halves = sales[both].assign(units_sold=sales[both]["units_sold"] / 2)
    sales = sales.assign(sku=np.where(is_cream & (sales["date"] >= since), "creme", sales["sku"]))
    sales.loc[both, "units_sold"] /= 2
    given["sales"] = pd.concat([sales, halves]).sort_values(["date", "region", "sku"], ignore_index=True)
    new = {"sku": "creme", "department": "dairy", "category": "food"}
    given["skus"] = pd.concat([given["skus"], pd.DataFrame([new])], ignore_index=True)
    given["skus"]["replaces"] = np.where(given["skus"]["sku"] == "creme", "cream", None)
    return given


@pytest.mark.parametrize(("days", "overlap"), [(1, 0), (21, 0), (21, 7), (60, 3)])
def test_a_replacement_has_the_whole_history_and_the_old_sku_is_not_forecast(days: int, overlap: int) -> None:
    plain = tables()
    plain["sales"] = plain["sales"].assign(in_stock_rate=1.0)
    before, after = build_panel(plain, _SMALL, AS_OF), build_panel(_renamed(days, overlap), _SMALL, AS_OF)
    assert after.n_series == before.n_series
    assert set(after.series["sku"]) == {"apple", "bread", "creme", "dates"}
    np.testing.assert_allclose(after.demand, before.demand)
    np.testing.assert_allclose(after.price, before.price)


def test_a_replacement_not_yet_sold_leaves_the_old_sku_in_use() -> None:
    given = tables()
    new = {"sku": "creme", "department": "dairy", "category": "food", "replaces": "cream"}
    given["skus"] = pd.concat([given["skus"], pd.DataFrame([new])], ignore_index=True)
    assert set(build_panel(given, _SMALL, AS_OF).series["sku"]) == {"apple", "bread", "cream", "dates"}


def test_a_renamed_sku_is_forecast_at_its_level() -> None:
    panel = build_panel(_renamed(21), _SMALL, AS_OF)
    model = models.train(training_set(panel, _SMALL), _SMALL, AS_OF)
    result = models.forecast(model, forecast_matrix(panel, _SMALL), _SMALL, AS_OF)["forecast"]
    sold = tables()["sales"].query("sku == 'cream'")["units_sold"].mean()
    assert result[result["sku"] == "creme"]["mean_units"].mean() == pytest.approx(sold, rel=0.25)


def test_cycles_and_duplicates_of_renames_are_faults() -> None:
    circle = pd.DataFrame({"sku": ["a", "b", "c"], "replaces": ["b", "a", None]})
    assert "circle" in str(replacement_faults(circle)[0])
    double = pd.DataFrame({"sku": ["a", "b", "c"], "replaces": ["c", "c", None]})
    assert "two SKUs" in str(replacement_faults(double)[0])
    assert replacement_faults(pd.DataFrame({"sku": ["a", "b"], "replaces": [None, "a"]})) == []
