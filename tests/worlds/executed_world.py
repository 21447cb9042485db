"""Inputs beside ``proposal_world``: three hubs, a region next to each, and daily sales before and after the plan's date.

B has the tea that it ships and little more, and C has nothing, so that what arrives there sells. Not here: what a receiver answers (``tests.dispatch.answers``).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

SKUS = ("rum", "tea")
_NEAR = {"A": "X", "B": "Y", "C": "Z"}
DAILY_UNITS = 1


def write_inputs(folder: Path) -> None:
    """Write the tables as CSV."""
    folder.mkdir()
    dates = pd.date_range("2016-04-25", "2016-06-12").strftime("%Y-%m-%d")
    sales = pd.MultiIndex.from_product([dates, _NEAR.values(), SKUS], names=["date", "region", "sku"]).to_frame(
        index=False
    )
    deliveries = [
        (f"{hub}>{region}", hub, region, "delivery", 1 if _NEAR[hub] == region else 4, 1.0 if _NEAR[hub] == region else 3.0)
        for hub in _NEAR for region in _NEAR.values()
    ]  # fmt: skip
    moves = [
        ("A-B", "A", "B", "transfer", 2, 0.5),
        ("B-C", "B", "C", "transfer", 2, 0.5),
        ("S-C", "S", "C", "supply", 2, 0.25),
    ]
    columns = ["lane", "origin", "destination", "kind", "lead_time_days", "eur_per_unit"]
    stock = [{"date": "2016-05-23", "hub": hub, "sku": sku, "units_on_hand": 60 if hub == "A" else 14 if (hub, sku) == ("B", "tea") else 0} for hub in _NEAR for sku in SKUS]  # fmt: skip
    tables = {
        "sales": sales.assign(units_sold=DAILY_UNITS),
        "skus": pd.DataFrame({"sku": SKUS, "unit_cost_eur": 4.0, "unit_price_eur": 14.0, "lost_sale_eur": 10.0, "volume_l": 1.0, "mass_kg": 1.0}),
        "regions": pd.DataFrame({"region": list(_NEAR.values())}),
        "hubs": pd.DataFrame({"hub": list(_NEAR)}),
        "lanes": pd.DataFrame([*deliveries, *moves], columns=columns),
        "stock": pd.DataFrame(stock),
        "supply": pd.DataFrame({"supplier": "S", "sku": SKUS, "unit_cost_eur": 4.0}),
    }  # fmt: skip
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
