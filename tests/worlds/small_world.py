"""A small world of sales for the tests of features and models: few series, all kinds of signals."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from foundation.settings import Settings

AS_OF = date(2024, 6, 3)
REGIONS = ("east", "north", "west")
SKUS = ("apple", "bread", "cream", "dates")


def settings(**forecast: object) -> Settings:
    """Return settings of a training that takes a second."""
    small = {"window_days": (7, 14), "history_days": 90, "calibration_origins": 2, "threads": 2}
    trees = {"trees": 12, "num_leaves": 7, "min_data_in_leaf": 10} | dict(forecast.pop("lightgbm", {}))  # type: ignore[call-overload]  # keys of the section
    return Settings.model_validate(
        {
            "name": "small", "horizon": 14, "forecast": small | forecast | {"lightgbm": trees},
            "series": {"hierarchy": ("department", "category"), "known_in_advance": ("snap",)},
        }
    )  # fmt: skip


def tables(days: int = 120, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Return normalized tables of 3 regions × 4 SKUs that end the day before ``AS_OF``."""
    draw = np.random.default_rng(seed)
    known = pd.date_range(end=pd.Timestamp(AS_OF), periods=days + 1, inclusive="left").as_unit("us")
    ahead = pd.date_range(AS_OF, periods=28).as_unit("us")
    keys = pd.MultiIndex.from_product([known, REGIONS, SKUS], names=["date", "region", "sku"])
    sales = keys.to_frame(index=False)
    level = sales["sku"].map(dict(zip(SKUS, (0.4, 2.0, 6.0, 1.0), strict=True))).to_numpy()
    sales["units_sold"] = draw.poisson(level * (1 + 0.5 * (sales["date"].dt.day_of_week >= 5))).astype(float)
    sales["in_stock_rate"] = np.where(draw.random(len(sales)) < 0.03, 0.5, 1.0)
    skus = pd.DataFrame({"sku": SKUS, "department": ("fruit", "bakery", "dairy", "fruit"), "category": "food"})
    regional = pd.MultiIndex.from_product([known.append(ahead), REGIONS], names=["date", "region"]).to_frame(
        index=False
    )
    regional["snap"] = (regional["date"].dt.day <= 5).astype(float)
    regional["temperature"] = draw.normal(15, 5, len(regional))
    regional.loc[regional["date"] >= pd.Timestamp(AS_OF), "temperature"] = np.nan
    calendar = pd.DataFrame({
        "date": pd.to_datetime(["2024-04-01", "2024-05-27", "2024-06-10"]).as_unit("us"),
        "event": ["Easter", "Memorial", "Feast"], "region": [None, None, "east"], "event_type": "National",
    })  # fmt: skip
    prices = pd.DataFrame([
        {"date": day, "region": region, "sku": sku, "unit_price_eur": price, "is_promoted": price < 2}
        for day, price in ((known[0], 2.0), (known[days // 2], 1.5), (ahead[5], 2.5)) for region in REGIONS for sku in SKUS
    ])  # fmt: skip
    return {
        "sales": sales, "skus": skus, "regions": pd.DataFrame({"region": REGIONS}), "regional": regional,
        "calendar": calendar, "prices": prices,
    }  # fmt: skip
