"""Single typing errors are reported and do not raise the forecast of other series."""

from __future__ import annotations

import numpy as np
import pytest

import models
from features import build_panel, forecast_matrix, training_set
from foundation.outliers import gross_outliers, outlier_warning, sales_outliers
from tests.worlds.small_world import AS_OF, settings, tables

_SMALL = settings()


@pytest.mark.parametrize("scale", [0.1, 1.0, 1000.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_typing_error_is_found_whatever_the_units_and_the_order(seed: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    series = np.repeat(np.arange(30), 100)
    units = draw.negative_binomial(1, 0.1, 3000) * scale
    index = int(draw.integers(3000))
    units[index] = 50_000 * max(units[index], scale)
    order = draw.permutation(3000)
    result, usual = gross_outliers(series[order], units[order])
    assert order[result].tolist() == [index]
    assert 0 < usual[0] < 200 * scale


@pytest.mark.parametrize("seed", range(5))
def test_lumpy_sales_promotions_and_shifts_are_not_outliers(seed: int) -> None:
    draw = np.random.default_rng(seed)
    series = np.repeat(np.arange(50), 200)
    units = draw.poisson(draw.lognormal(0, 1.5, 50)[series] * np.where(draw.random(10_000) < 0.02, 20, 1)).astype(float)
    units[series == 3] *= np.where(np.arange(200) > 185, 100, 1)
    assert not gross_outliers(series, units)[0].any()


def test_the_warning_names_key_value_and_the_usual_maximum() -> None:
    sales = tables()["sales"]
    assert outlier_warning(sales, *sales_outliers(sales)) is None
    index = sales.index[(sales["sku"] == "bread") & (sales["region"] == "north")][50]
    usual = sales.loc[(sales["sku"] == "bread") & (sales["region"] == "north"), "units_sold"].max()
    sales.loc[index, "units_sold"] = 250_000.0
    parts = str(outlier_warning(sales, *sales_outliers(sales)))
    assert f"{sales.loc[index, 'date']:%Y-%m-%d} north bread: 250,000, usually at most " in parts
    assert float(parts.split("usually at most ")[1].split(")")[0]) <= usual


@pytest.mark.parametrize("back", [1, 10, 60])
def test_a_typing_error_raises_no_other_forecast(back: int) -> None:
    given, typo = tables(), tables()
    day = given["sales"]["date"].max() - np.timedelta64(back, "D")
    index = typo["sales"].index[(typo["sales"]["date"] == day) & (typo["sales"]["sku"] == "bread")][0]
    typo["sales"].loc[index, ["units_sold", "in_stock_rate"]] = [50_000.0 * 3, 1.0]
    means = []
    for one in (given, typo):
        panel = build_panel(one, _SMALL, AS_OF)
        model = models.train(training_set(panel, _SMALL), _SMALL, AS_OF)
        result = models.forecast(model, forecast_matrix(panel, _SMALL), _SMALL, AS_OF)["forecast"]
        means.append(result.groupby(["region", "sku"])["mean_units"].mean())
    assert (means[1] < 1.5 * means[0] + 0.1).all()
    assert (means[1] > means[0] / 1.5 - 0.1).all()
