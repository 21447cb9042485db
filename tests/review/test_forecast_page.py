"""The page of a forecast: totals that add up, the series that are best and worst, and charts with the right points."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from foundation.settings import Settings
from review.forecast_page import ForecastContents, fan_chart, forecast_page, judged, totals

AS_OF = date(2024, 6, 3)
SETTINGS = Settings.model_validate({
    "name": "shop", "horizon": 14, "series": {"hierarchy": ["department"]},
    "forecast": {"window_days": [7, 14], "quantiles": [0.025, 0.25, 0.5, 0.75, 0.975]},
})  # fmt: skip
SKUS = ("a", "b", "c<i>", "d")


def contents(days: int = 60) -> ForecastContents:
    """Return 2 regions × 4 SKUs; SKU k sells k + 1 units a day and has an interval of half-width (k + 1) / 4 of its mean."""
    ahead, past = pd.date_range(AS_OF, periods=14), pd.date_range(end="2024-06-02", periods=days)
    names = ("region", "sku")

    def rows(periods: pd.DatetimeIndex) -> pd.DataFrame:
        frame = pd.MultiIndex.from_product([periods, ("R1", "R2"), SKUS], names=["date", *names]).to_frame(index=False)
        return frame.assign(level=frame["sku"].map({sku: index + 1.0 for index, sku in enumerate(SKUS)}))

    forecast = rows(ahead).rename(columns={"level": "mean_units"}).assign(tier="lightgbm")
    window = rows(pd.DatetimeIndex([AS_OF])).drop(columns="date")
    window = pd.concat([window.assign(window_days=days, mean_units=window["level"] * days) for days in (7, 14)])
    for frame, half in ((forecast, 0.5), (window, window["level"] / 4)):
        for name, side in (("q025", -1.0), ("q250", -0.5), ("q500", 0.0), ("q750", 0.5), ("q975", 1.0)):
            frame[name] = frame["mean_units"] * (1 + side * half)
    skus = pd.DataFrame({"sku": SKUS, "department": ["x", "x", "y", "y"]})
    sales = rows(past).rename(columns={"level": "units_sold"}).astype(dict.fromkeys(names, "category"))
    return ForecastContents(SETTINGS, AS_OF, forecast, window, sales, skus, forecast.iloc[:0], ("A note.",))


def test_totals_of_every_level_add_up_and_need_a_year_for_last_year() -> None:
    given = totals(contents())
    by_level = {level: [row for row in given if row.level == level] for level in ("total", "region", "department")}
    assert [len(rows) for rows in by_level.values()] == [1, 2, 2]
    for rows in by_level.values():
        assert sum(row.expected for row in rows) == pytest.approx(2 * 10 * 14)
        assert sum(row.recent for row in rows) == pytest.approx(2 * 10 * 14)
    assert by_level["department"][0].name == "y"
    assert by_level["total"][0].last_year is None
    assert by_level["total"][0].change == pytest.approx(0)
    assert totals(contents(days=400))[0].last_year == pytest.approx(2 * 10 * 14)


def test_without_an_earlier_forecast_the_interval_judges() -> None:
    given = judged(contents())
    assert given.measure == "width of the 95% interval of the sum over 14 days"
    assert [chart.title[0] for chart in given.best] == ["a", "a", "b", "b"]
    assert [chart.title[0] for chart in given.worst] == ["d", "d", "c", "c"]
    assert given.best[0].note == "±25% of the mean"


def test_an_earlier_forecast_judges_by_its_error() -> None:
    data = contents()
    earlier = data.sales[data.sales["date"] >= "2024-05-27"].rename(columns={"units_sold": "mean_units"})
    is_wrong = ((earlier["sku"] == "a") & (earlier["region"] == "R2")).to_numpy()
    earlier.loc[is_wrong, "mean_units"] *= 1.5
    given = judged(replace(data, earlier=earlier))
    assert given.measure == "error of an earlier forecast (WAPE)"
    assert (given.worst[0].title, given.worst[0].note) == ("a in R2", "WAPE 50%")
    assert given.best[0].note == "WAPE 0%"


def test_a_chart_draws_zero_at_the_floor_and_the_largest_value_at_the_top() -> None:
    bands = [(np.array([0.0, 0.0]), np.array([4.0, 20.0]))]
    chart = fan_chart("s", "", np.array([np.nan, 5.0]), np.array([2.0, 2.0]), bands)
    assert len(chart.past.split()) == 1
    top = [float(point.split(",")[1]) for point in chart.areas[0].split()]
    assert max(top) == chart.floor
    assert min(top) == 6.0
    assert float(chart.past.split(",")[0]) < chart.now < float(chart.mean.split(",")[0])
    assert chart.largest == "20"
    assert fan_chart("s", "", np.array([12_345.0]), np.array([1.0]), []).largest == "12k"


def test_the_page_shows_every_part_and_escapes_names() -> None:
    page = forecast_page(contents())
    assert "c&lt;i&gt; in R1" in page
    assert "<i>" not in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for part in (
        "Next 14 days 280 units",
        "total all series 280 – 280",
        "Best series",
        "Worst series",
        "A note.",
        "lightgbm 8",
    ):
        assert part in text
    assert page.count("<svg") == 1 + 8
